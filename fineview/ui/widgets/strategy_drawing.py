"""How a strategy is drawn: pure painting, without a widget."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath

from fineview.ui.theme import font_for, mix, spacing, theme_colours
from fineview.ui.widgets.format import bytes_text, count_text
from fineview.ui.widgets.painting import CENTRE, LEFT, arrow, arrow_head, box, lock, pen, text
from fineview.ui.widgets.strategy_state import BlockState, PictureState, mix_words

Zones = dict[str, QRectF]

_TOKENS: dict[str, tuple[str, ...]] = {
    "sentence": ("[CLS]", "text", "[SEP]"),
    "pair": ("[CLS]", "a", "[SEP]", "b", "[SEP]"),
    "word": ("[CLS]", "…word…", "[SEP]"),
}
_APART = ("[CLS]", "a", "[SEP]", "[CLS]", "b", "[SEP]")
# Shares of the width: the encoder is the largest thing in the picture, as in the experiment.
_SHARES = {"text": 0.14, "encoder": 0.36, "pool": 0.16, "head": 0.21, "label": 0.13}
_NARROW_SHARES = {"text": 0.12, "encoder": 0.30, "pool": 0.20, "head": 0.22, "label": 0.16}
"""Where room is short the words need it more than the blocks."""
_NARROW = 130
"""Letters across below which it is."""


def draw_picture(
    painter: QPainter, width: float, height: float, state: PictureState, progress: float
) -> Zones:
    """Draw the whole picture.

    Returns:
        Where each zone is.
    """
    zones = place_zones(width, height, state)
    _draw_text(painter, zones["text"], state)
    _draw_removed(painter, zones, state)
    if state.counted:
        blocks: list[QRectF] = []
        _draw_counted(painter, zones, state)
    else:
        blocks = _draw_encoder(painter, zones["encoder"], state)
    _draw_path(painter, zones, blocks, state)
    if not state.counted:
        _draw_pool(painter, zones["pool"], state)
    _draw_head(painter, zones["head"], state, progress)
    _draw_label(painter, zones["label"], state)
    colours = theme_colours()
    middle = zones["head"].center().y()
    gap = spacing(0.5)
    text_end, encoder_start = zones["text"].right() + gap, zones["encoder"].left() - gap
    arrow(painter, QPointF(text_end, middle), QPointF(encoder_start, middle), colours.muted)
    for one, other in (("pool", "head"), ("head", "label")):
        start, end = zones[one].right() + gap, zones[other].left() - gap
        arrow(painter, QPointF(start, middle), QPointF(end, middle), colours.muted)
    _draw_legend(
        painter, QRectF(0, height - _small().height() - 1, width, _small().height()), state
    )
    zones.pop("bus")
    if not state.removed:
        zones.pop("removed")
    return zones


def place_zones(width: float, height: float, state: PictureState) -> Zones:
    """Return where the zones go; `bus` is where the feature path runs."""
    small = _small().height()
    gap = max(spacing(4.5), width * 0.02)
    room = width - gap * (len(_SHARES) - 1) - 2
    top = small + spacing(3)
    bus = spacing(4)
    bottom = height - small - spacing(2) - bus
    zones: Zones = {}
    x = 1.0
    narrow = width < _NARROW * _small().averageCharWidth()
    for name, share in (_NARROW_SHARES if narrow else _SHARES).items():
        zones[name] = QRectF(x, top, room * share, bottom - top)
        x += room * share + gap
    encoder = zones["encoder"]
    wide = _small().horizontalAdvance(f"{state.removed} removed") + spacing(4.5)
    wide = min(wide, encoder.width())
    zones["removed"] = QRectF(encoder.right() - wide, 1, wide, small + spacing(1))
    zones["bus"] = QRectF(encoder.left(), bottom, width - encoder.left(), bus)
    return zones


def _draw_text(painter: QPainter, rect: QRectF, state: PictureState) -> None:
    colours = theme_colours()
    inner = _frame(painter, rect, state.level)
    font = font_for("fixed-small")
    measure = QFontMetricsF(font)
    x, y = inner.left(), inner.top()
    height = measure.height() + 2
    for token in _APART if state.apart else _TOKENS[state.level]:
        special = token.startswith("[")
        wide = min(measure.horizontalAdvance(token) + spacing(1.25), inner.width())
        full = x + wide > inner.right() + 0.5 or token == "[CLS]"  # a text read alone: its own line
        if x > inner.left() and full:
            x, y = inner.left(), y + height + 2
        if y + height > inner.bottom() + 2:
            return
        chip = QRectF(x, y, wide, height)
        box(
            painter,
            chip,
            fill=mix(colours.surface, colours.text, 0.03 if special else 0.10),
            radius=3,
        )
        ink = colours.muted if special else colours.text
        text(painter, chip, token, ink, font=font, align=CENTRE)
        x += wide + 3


def _draw_removed(painter: QPainter, zones: Zones, state: PictureState) -> None:
    """Draw the head of pretraining: off, grey, crossed out, its stump still to be seen."""
    if not state.removed or state.counted:
        return
    colours = theme_colours()
    rect = zones["removed"]
    painter.setPen(pen(colours.strong_line, 1, dashes=(2, 3)))
    x = rect.right() - spacing(4)
    painter.drawLine(QPointF(x, rect.bottom()), QPointF(x, zones["encoder"].top()))
    fill = mix(colours.window, colours.text, 0.04)
    box(painter, rect, fill=fill, line=pen(colours.strong_line), radius=3)
    inner = rect.adjusted(spacing(2), 0, -spacing(2), 0)
    font = font_for("small")
    measure = QFontMetricsF(font)
    said = " removed"
    room = inner.width() - measure.horizontalAdvance(said)
    name = measure.elidedText(state.removed, Qt.TextElideMode.ElideRight, room)
    struck = font_for("small")
    struck.setStrikeOut(True)
    text(painter, inner, name, colours.muted, font=struck)
    after = inner.adjusted(measure.horizontalAdvance(name), 0, 0, 0)
    text(painter, after, said, colours.muted, font=font)


def _draw_encoder(painter: QPainter, rect: QRectF, state: PictureState) -> list[QRectF]:
    colours = theme_colours()
    hue = colours.trained if state.moved_parameters else colours.frozen
    if set(state.blocks) == {"random"}:
        hue = colours.new
    tint = mix(colours.surface, hue, 0.08)
    inner = _frame(painter, rect, "", fill=tint.name(), line=hue)
    small = _small()
    side = small.height()
    header = QRectF(inner.left(), rect.top() + spacing(1), inner.width(), side)
    if not state.moved_parameters:
        lock(painter, QRectF(header.left(), header.top(), side, side), hue)
    name = font_for("small")
    name.setBold(True)
    words = header.adjusted(0 if state.moved_parameters else side + spacing(1), 0, 0, 0)
    room = small.horizontalAdvance(state.encoder_words) + spacing(2)
    if words.width() > room + small.averageCharWidth() * 8:
        text(painter, words, state.encoder_words, hue, font=font_for("small"), align=_right())
        words.adjust(0, 0, -room, 0)
    text(painter, words, state.encoder_title, colours.text, font=name)

    area = QRectF(inner.left(), header.bottom() + spacing(1.5), inner.width(), 0)
    area.setBottom(rect.bottom() - spacing(2))
    count = state.depth + 1
    gap = max(min(area.width() / count * 0.22, spacing(1.5)), 1.0)
    wide = (area.width() - gap * (count - 1)) / count
    digits = font_for("fixed-small")
    legible = QFontMetricsF(digits).horizontalAdvance("0" * len(str(state.depth))) <= wide
    blocks = []
    for layer in range(count):
        block = QRectF(area.left() + layer * (wide + gap), area.top(), wide, area.height())
        chosen = layer in state.layers
        if layer == 0:  # embeddings: a table, not a block
            block.setTop(block.top() + block.height() * 0.35)
        kind = state.blocks[layer] if state.blocks else "frozen"
        _draw_block(painter, block, kind, chosen)
        if legible:
            ink = colours.surface if chosen else colours.muted
            digits.setBold(chosen)
            text(painter, block, str(layer), ink, font=digits, align=CENTRE, elide=_whole())
        blocks.append(block)
    return blocks


def _draw_block(painter: QPainter, block: QRectF, kind: BlockState, chosen: bool) -> None:
    """Draw one layer: cool where it stands still, warm where it moves, dashed where it is new."""
    colours = theme_colours()
    hue = {"trained": colours.trained, "random": colours.new}.get(kind, colours.frozen)
    fill = mix(colours.surface, hue, 1.0 if chosen else 0.22)
    edge = mix(colours.surface, hue, 1.0 if chosen else 0.6)
    radius = min(3, block.width() / 3)
    line = pen(hue, 1.5, dashes=(2, 1.5)) if kind == "random" else pen(edge)
    box(painter, block, fill=fill, line=line, radius=radius)
    warm = colours.trained
    if kind == "biases":
        strip = QRectF(block)
        strip.setTop(block.bottom() - max(block.height() * 0.14, 3))
        box(painter, strip, fill=warm, radius=min(2, radius))
    elif kind == "lora":
        wide = max(block.width() * 0.13, 2.0)
        for place in (0.58, 0.80):
            x = block.left() + block.width() * place
            tall = QRectF(x, block.top() + block.height() * 0.12, wide, block.height() * 0.76)
            box(painter, tall, fill=warm, line=pen(colours.surface, 0.8), radius=1)
    elif kind == "tangent":
        painter.setPen(pen(warm, 2))
        inset = min(block.width(), block.height()) * 0.12
        inner = block.adjusted(inset, inset, -inset, -inset)
        painter.drawLine(inner.bottomLeft(), inner.topRight())


def _draw_counted(painter: QPainter, zones: Zones, state: PictureState) -> None:
    """Draw what stands in the encoder's place where words are counted."""
    colours = theme_colours()
    for name, title, lines in (
        ("encoder", "no encoder", ["TF-IDF: how often each term occurs", "and in how few texts"]),
        ("pool", "SVD", ["principal directions", f"{count_text(state.dimension)} numbers"]),
    ):
        inner = _frame(painter, zones[name], title)
        _lines(painter, inner, lines, colours.text)
    middle = zones["head"].center().y()
    gap = spacing(0.5)
    start, end = zones["encoder"].right() + gap, zones["pool"].left() - gap
    arrow(painter, QPointF(start, middle), QPointF(end, middle), colours.muted)


def _draw_path(
    painter: QPainter, zones: Zones, blocks: Sequence[QRectF], state: PictureState
) -> None:
    """Draw the features: down from each chosen layer, along, and up into the pool."""
    colours = theme_colours()
    bus, pool = zones["bus"], zones["pool"]
    y = bus.top() + bus.height() * 0.62
    turn = pool.left() - spacing(2.5)
    middle = zones["head"].center().y()
    tip = QPointF(pool.left() - spacing(0.5), middle)
    chosen = [blocks[layer] for layer in state.layers if 0 <= layer < len(blocks)]
    if not chosen:
        return
    radius = float(spacing(1))
    path = QPainterPath()
    for block in chosen:
        x = block.center().x()
        path.moveTo(x, block.bottom())
        path.lineTo(x, y - radius)
        path.quadTo(x, y, x + radius, y)
    path.lineTo(turn - radius, y)
    start = chosen[0].center().x() + radius
    path.moveTo(start, y)
    path.lineTo(turn - radius, y)
    path.quadTo(turn, y, turn, y - radius)
    path.lineTo(turn, middle + radius)
    path.quadTo(turn, middle, min(turn + radius, tip.x() - 4), middle)
    path.lineTo(tip.x() - 4, middle)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(colours.frozen, 2))
    painter.drawPath(path)
    arrow_head(painter, tip, colours.frozen, 5)
    painter.setBrush(QColor(colours.frozen))
    painter.setPen(Qt.PenStyle.NoPen)
    for block in chosen:
        painter.drawEllipse(QPointF(block.center().x(), block.bottom()), 3, 3)


def _draw_pool(painter: QPainter, rect: QRectF, state: PictureState) -> None:
    colours = theme_colours()
    learned = state.mix == "weighted"
    line = colours.trained if learned and state.head_state != "new" else colours.strong_line
    inner = _frame(painter, rect, "pool", line=line)
    lines = [*_wrapped(mix_words(state), inner.width()), f"{state.tokens} tokens"]
    if state.dimension:
        lines.append(f"{count_text(state.dimension)} numbers")
    _lines(painter, inner, lines, colours.text)


def _draw_head(painter: QPainter, rect: QRectF, state: PictureState, progress: float) -> None:
    colours = theme_colours()
    base = mix(colours.surface, colours.trained, 0.10 if state.head_state == "training" else 0.0)
    full = mix(colours.surface, colours.trained, 0.26)
    box(painter, rect, fill=full if state.head_state == "trained" else base)
    if state.head_state == "training":
        done = QRectF(rect)
        done.setTop(rect.bottom() - rect.height() * min(max(progress, 0.0), 1.0))
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(rect, 4, 4)
        painter.setClipPath(clip)
        painter.fillRect(done, full)
        painter.restore()
    colour = colours.new if state.head_state == "new" else colours.trained
    line = pen(colour, 2, dashes=(3, 2)) if state.head_state == "new" else pen(colour, 2)
    box(painter, rect, line=line)
    words = {
        "new": "new head",
        "training": f"head · {round(progress * 100)} %",
        "trained": "trained head",
    }[state.head_state]
    inner = _title(painter, rect, words, colour)
    lines = [
        *_wrapped(state.head_text, inner.width()),
        f"{count_text(state.head_parameters)} weights" if state.head_parameters else "no gradient",
    ]
    _lines(painter, inner, lines, colours.text)


def _draw_label(painter: QPainter, rect: QRectF, state: PictureState) -> None:
    colours = theme_colours()
    inner = _frame(painter, rect, "label")
    count = len(state.classes)
    lines = [f"{count_text(count)} classes"] if count else ["a number"]
    fits = int(inner.height() // (_small().height() + 1))
    names = list(state.classes)
    if len(names) + len(lines) > fits:
        names = [*names[: max(fits - len(lines) - 1, 0)], "…"]
    _lines(painter, inner, [*lines, *names], colours.muted, first=colours.text)


def _draw_legend(painter: QPainter, rect: QRectF, state: PictureState) -> None:
    colours = theme_colours()
    begun = state.head_state != "new"
    moved = state.moved_parameters + (state.head_parameters if begun else 0)
    to_come = "to be trained" if state.moved_parameters and not begun else "trained"
    entries = (
        ("frozen", f"{count_text(state.frozen_parameters)} frozen"),
        ("trained", f"{count_text(moved)} {to_come}"),
        ("new", f"{count_text(0 if begun else state.head_parameters)} new"),
        ("", f"{bytes_text(state.head_bytes)} per task" if state.head_bytes else ""),
    )
    font = font_for("small")
    measure = QFontMetricsF(font)
    side = measure.height() * 0.62
    x = rect.left() + 1
    # Of a forest nobody knows how much it will hold.
    for kind, words in entries if state.head_parameters else entries[:1]:
        if kind:
            swatch = QRectF(x, rect.center().y() - side / 2, side * 1.5, side)
            colour = {"frozen": colours.frozen, "trained": colours.trained, "new": colours.new}[
                kind
            ]
            if kind == "new":
                box(painter, swatch, line=pen(colour, 1.5, dashes=(2, 1.5)), radius=2)
            else:
                box(painter, swatch, fill=colour, radius=2)
            x = swatch.right() + spacing(1.5)
        wide = measure.horizontalAdvance(words) + 1
        area = QRectF(x, rect.top(), min(wide, rect.right() - x), rect.height())
        if area.width() < spacing(4):
            return
        text(painter, area, words, colours.muted, font=font)
        x += wide + spacing(5)


def _frame(
    painter: QPainter, rect: QRectF, title: str, *, fill: str = "", line: str = ""
) -> QRectF:
    """Draw a box with a title; return what is left inside."""
    colours = theme_colours()
    box(painter, rect, fill=fill or colours.surface, line=pen(line or colours.strong_line))
    return _title(painter, rect, title, colours.muted)


def _title(painter: QPainter, rect: QRectF, words: str, colour: str) -> QRectF:
    inner = rect.adjusted(spacing(2), spacing(1), -spacing(2), -spacing(1))
    font = font_for("small")
    font.setBold(True)
    height = QFontMetricsF(font).height()
    line = QRectF(inner.left(), inner.top(), inner.width(), height)
    text(painter, line, words, colour, font=font)
    return inner.adjusted(0, height + spacing(1), 0, 0)


def _lines(
    painter: QPainter, rect: QRectF, lines: Sequence[str], colour: str, *, first: str = ""
) -> None:
    """Draw lines from the top, as many as there is room for."""
    font = font_for("small")
    height = QFontMetricsF(font).height() + 1
    for index, words in enumerate(lines):
        line = QRectF(rect.left(), rect.top() + index * height, rect.width(), height)
        if line.bottom() > rect.bottom() + 3:
            return
        ink = first if first and index == 0 else colour
        text(painter, line, words, ink, font=font, align=LEFT)


def _wrapped(words: str, width: float) -> list[str]:
    """Return at most two lines; the second is elided when drawn."""
    measure = _small()
    if measure.horizontalAdvance(words) <= width or " " not in words:
        return [words]
    line = ""
    rest = words.split(" ")
    while rest and measure.horizontalAdvance(f"{line} {rest[0]}".strip()) <= width:
        line = f"{line} {rest.pop(0)}".strip()
    if not line:
        line = rest.pop(0)
    return [line, " ".join(rest)] if rest else [line]


def _small() -> QFontMetricsF:
    return QFontMetricsF(font_for("small"))


def _right() -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _whole() -> Qt.TextElideMode:
    return Qt.TextElideMode.ElideNone
