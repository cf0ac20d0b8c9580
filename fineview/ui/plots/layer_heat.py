"""The layer map: every layer × token pooling as cells, presets as bars, controls on a scale."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fineview.core.explore.choices import MapMetric
from fineview.core.explore.layer_map import LayerMap, MapCell, MapPass
from fineview.core.features.config import PoolingConfig
from fineview.ui.plots.export import Table, add_export_menu
from fineview.ui.plots.heat import heat
from fineview.ui.plots.layer_heat_words import BEST, METRICS, TIED, cell_words, map_table
from fineview.ui.theme import font_for, ink_on, spacing, theme_colours
from fineview.ui.widgets.labels import describe, plain_tooltip
from fineview.ui.widgets.painting import CENTRE, LEFT, RIGHT, box, pen, text


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cell and where it is drawn."""

    cell: MapCell
    rect: QRectF
    row: int
    column: int


class LayerHeat(QWidget):
    """Cells that can be hovered, walked through with the arrows, and chosen.

    Attributes:
        shown: The map, or None.
        measure: What the cells show.
        in_use: Encoder and pooling that are in use; outlined.

    Signals:
        chosen(object): A cell (MapCell) was clicked, or Enter pressed on it.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.shown: LayerMap | None = None
        self.measure: MapMetric = "accuracy"
        self.in_use: tuple[str, PoolingConfig] | None = None
        self.dimmed = False
        self._cursor = 0
        self._hover = -1
        describe(self, "Layer map", "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.menu = add_export_menu(self, self.table, name="layer-map")

    def minimumSizeHint(self) -> QSize:
        """Need legible rows."""
        return QSize(spacing(100), self.fontMetrics().height() * 17)

    def show_map(self, shown: LayerMap | None) -> None:
        """Show another map, or the same with more cells."""
        self.shown = shown
        self._cursor = min(self._cursor, max(len(self._placed()) - 1, 0))
        self._announce()
        self.update()

    def set_metric(self, metric: MapMetric) -> None:
        """Show another measure of the same cells."""
        self.measure = metric
        self._announce()
        self.update()

    def set_look(self, in_use: tuple[str, PoolingConfig] | None, *, dimmed: bool) -> None:
        """Outline what is in use; dim what no longer belongs to the settings."""
        self.in_use, self.dimmed = in_use, dimmed
        self.update()

    def cell_rect(self, cell: MapCell) -> QRectF:
        """Return where a cell is drawn, for tests and guided tours."""
        found = next((one.rect for one in self._placed() if one.cell == cell), None)
        return QRectF() if found is None else found

    def words(self, cell: MapCell) -> str:
        """Return a cell in words."""
        assert self.shown is not None
        return cell_words(self.shown, cell, self.measure)

    def table(self) -> Table:
        """Return all numbers, the controls included."""
        return map_table(self.shown)

    def event(self, event: QEvent) -> bool:
        """Say in words what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            placed = self._placed()
            index = self._at(event.pos())
            if index < 0:
                QToolTip.hideText()
            else:
                words = f"{self.words(placed[index].cell)}\nClick to use it."
                QToolTip.showText(event.globalPos(), plain_tooltip(words), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Outline the cell under the mouse."""
        index = self._at(event.position().toPoint())
        if index != self._hover:
            self._hover = index
            pointing = Qt.CursorShape.PointingHandCursor
            self.setCursor(pointing if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the mouse."""
        super().leaveEvent(event)
        self._hover = -1
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which cell was clicked."""
        index = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = index
            self._announce()
            self.chosen.emit(self._placed()[index].cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk with the arrows, choose with Enter."""
        steps = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        key, placed = Qt.Key(event.key()), self._placed()
        if key in steps and placed:
            here = placed[self._cursor]
            down, right = steps[key]
            wanted = (here.row + down, here.column + right)
            for index, one in enumerate(placed):
                if (one.row, one.column) == wanted:
                    self._cursor = index
            self._announce()
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and placed:
            self.chosen.emit(placed[self._cursor].cell)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw cells, bars, scale and legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.shown is not None:
            painter.setOpacity(0.45 if self.dimmed else 1.0)
            for place, one in enumerate(self._encoders()):
                self._draw_names(painter, place, one)
            placed = self._placed()
            for index, item in enumerate(placed):
                self._draw_cell(painter, item, index)
            self._draw_scale(painter)
            self._draw_legend(painter)
        painter.end()

    def _announce(self) -> None:
        placed = self._placed()
        self.setAccessibleDescription(self.words(placed[self._cursor].cell) if placed else "")

    def _encoders(self) -> list[MapPass]:
        return [one for one in self.shown.passes if not one.control] if self.shown else []

    def _line(self) -> float:
        return QFontMetricsF(font_for("small")).height()

    def _body(self) -> QRectF:
        foot = self._line() * 6.2
        return QRectF(self.rect()).adjusted(0, 0, -spacing(1), -foot)

    def _areas(self, place: int) -> tuple[QRectF, QRectF]:
        """Return where an encoder's cells and its bars lie: side by side if there is but one."""
        count, body = max(len(self._encoders()), 1), self._body()
        line = self._line()
        wide = body.width() / count
        whole = QRectF(body.left() + place * wide, body.top(), wide - spacing(3), body.height())
        names = self._names_width()
        if count == 1:
            half = whole.width() * 0.46
            cells = QRectF(whole.left() + line * 3, whole.top() + 2 * line, half, 0)
            cells.setRight(whole.left() + half)
            cells.setBottom(whole.bottom())
            bars = QRectF(whole.left() + half + spacing(4) + names, cells.top(), 10, cells.height())
            bars.setRight(whole.right())
            return cells, bars
        depth = self._encoders()[place].depth
        row = (whole.height() - 4 * line) / (depth + 1 + 9)
        cells = QRectF(whole.left() + names, whole.top() + 2 * line, 0, row * (depth + 1))
        cells.setRight(whole.right())
        bars = QRectF(cells.left(), cells.bottom() + 2 * line, cells.width(), row * 9)
        return cells, bars

    def _names_width(self) -> float:
        measure = QFontMetricsF(font_for("small"))
        return measure.horizontalAdvance("Learned weights, all") + spacing(2)

    def _placed(self) -> list[_Placed]:
        result: list[_Placed] = []
        if self.shown is None:
            return result
        for place, one in enumerate(self._encoders()):
            cells, bars = self._areas(place)
            preset_row = 0
            alone = len(self._encoders()) == 1
            for cell in self.shown.cells:
                if cell.encoder != one.encoder:
                    continue
                if cell.preset:
                    high = bars.height() / 9
                    rect = QRectF(bars.left(), bars.top() + preset_row * high, bars.width(), high)
                    row = preset_row if alone else one.depth + 1 + preset_row
                    column = 3 if alone else 3 * place
                    preset_row += 1
                else:
                    row = one.depth - cell.pooling.layers[0]
                    inside = self.shown.tokens.index(cell.pooling.tokens)
                    wide, high = cells.width() / 3, cells.height() / (one.depth + 1)
                    rect = QRectF(
                        cells.left() + inside * wide, cells.top() + row * high, wide, high
                    )
                    column = 3 * place + inside
                result.append(_Placed(cell, rect.adjusted(0, 0, -2, -2), row, column))
        return result

    def _at(self, position: QPoint) -> int:
        for index, one in enumerate(self._placed()):
            if one.rect.contains(QPointF(position)):
                return index
        return -1

    def _range(self) -> tuple[float, float]:
        """Return the ends of the scale: lowest and highest of all that is shown."""
        assert self.shown is not None
        values = [cell.score(self.measure).value for cell in self.shown.trained]
        values += [s.value for line in self.shown.lines if (s := line.score(self.measure))]
        if not values:
            return 0.0, 1.0
        low, high = min(values), max(values)
        return (low, high) if high - low > 0.02 else (max(low - 0.01, 0), high + 0.01)

    def _share(self, value: float) -> float:
        low, high = self._range()
        return (value - low) / (high - low)

    def _draw_names(self, painter: QPainter, place: int, one: MapPass) -> None:
        assert self.shown is not None
        colours, font, line = theme_colours(), font_for("small"), self._line()
        cells, bars = self._areas(place)
        bold = font_for("small")
        bold.setBold(True)
        title = QRectF(cells.left(), cells.top() - 2 * line, cells.width(), line)
        text(painter, title, one.title, colours.text, font=bold, align=LEFT)
        for column, name in enumerate(self.shown.tokens):
            wide = cells.width() / 3
            head = QRectF(cells.left() + column * wide, cells.top() - line, wide, line)
            text(painter, head, name, colours.muted, font=font, align=CENTRE)
        high = cells.height() / (one.depth + 1)
        for row in range(one.depth + 1):
            area = QRectF(0, cells.top() + row * high, cells.left() - spacing(1.5), high)
            area.setLeft(max(cells.left() - self._names_width(), 0))
            text(painter, area, str(one.depth - row), colours.text, font=font, align=RIGHT)
        axis = QRectF(max(cells.left() - self._names_width(), 0), cells.top() - line, 0, line)
        axis.setRight(cells.left() - spacing(1))
        text(painter, axis, "layer", colours.muted, font=font, align=RIGHT)
        head = QRectF(bars.left(), bars.top() - line, bars.width(), line)
        tokens = self.shown.spec.pooling.tokens
        words = f"presets with {tokens}, {METRICS[self.measure]} and 95 % interval"
        text(painter, head, words, colours.muted, font=font, align=LEFT)

    def _draw_cell(self, painter: QPainter, placed: _Placed, index: int) -> None:
        cell, rect = placed.cell, placed.rect
        colours = theme_colours()
        score = cell.score(self.measure)
        ground = heat(self._share(score.value))
        mark = f" {BEST}" if score.best else f" {TIED}" if score.tied else ""
        words = f"{score.value:.3f}{mark}"
        font = font_for("fixed" if rect.height() > self._line() * 1.4 else "fixed-small")
        if cell.preset:
            self._draw_bar(painter, placed, words)
        else:
            painter.fillRect(rect, ground)
            text(painter, rect, words, ink_on(ground), font=font, align=CENTRE)
        in_use = self.in_use == (cell.encoder, cell.pooling)
        if in_use:
            box(painter, rect.adjusted(-1, -1, 1, 1), line=pen(colours.surface, 5), radius=2)
            box(painter, rect.adjusted(-1, -1, 1, 1), line=pen(colours.text, 2.5), radius=2)
        if index == self._hover or (self.hasFocus() and index == self._cursor):
            box(painter, rect, line=pen(colours.surface, 4), radius=1)
            box(painter, rect, line=pen(colours.accent, 2), radius=1)

    def _draw_bar(self, painter: QPainter, placed: _Placed, words: str) -> None:
        assert self.shown is not None
        colours, font = theme_colours(), font_for("small")
        cell, rect = placed.cell, placed.rect
        score = cell.score(self.measure)
        names = QRectF(rect.left() - self._names_width(), rect.top(), 0, rect.height())
        names.setRight(rect.left() - spacing(1.5))
        text(painter, names, cell.title.rsplit(" · ", 1)[0], colours.text, font=font, align=RIGHT)
        fixed = font_for("fixed-small")
        label = QFontMetricsF(fixed).horizontalAdvance("0.000 ●") + spacing(4)
        track = rect.adjusted(0, 0, -label, 0)
        inset = min(rect.height() * 0.18, 4)
        # Bars begin at 0: half as long is half as good.
        end = track.width() * score.value
        bar = QRectF(track.left(), rect.top() + inset, end, rect.height() - 2 * inset)
        painter.fillRect(bar, heat(self._share(score.value)))
        y = bar.center().y()
        left, right = track.width() * score.low, track.width() * score.high
        for colour, width in ((colours.surface, 4.0), (colours.text, 1.6)):
            painter.setPen(pen(colour, width))
            painter.drawLine(QPointF(track.left() + left, y), QPointF(track.left() + right, y))
            for x in (left, right):
                painter.drawLine(QPointF(track.left() + x, y - 4), QPointF(track.left() + x, y + 4))
        area = QRectF(track.right() + spacing(1), rect.top(), label, rect.height())
        text(painter, area, words, colours.text, font=fixed, align=LEFT)

    def _draw_scale(self, painter: QPainter) -> None:
        """Draw the colours with their numbers, and the controls at their places."""
        assert self.shown is not None
        colours, font, line = theme_colours(), font_for("small"), self._line()
        body = self._body()
        margin = QFontMetricsF(font).horizontalAdvance("0.000") + spacing(1)
        bar = QRectF(margin, body.bottom() + line * 3.2, body.width() - 2 * margin, line * 0.7)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for step in range(11):
            gradient.setColorAt(step / 10, heat(step / 10))
        painter.fillRect(bar, gradient)
        low, high = self._range()
        left = QRectF(0, bar.top(), bar.left() - spacing(0.5), bar.height())
        text(painter, left, f"{low:.2f}", colours.muted, font=font, align=RIGHT)
        right = QRectF(bar.right() + spacing(0.5), bar.top(), margin, bar.height())
        text(painter, right, f"{high:.2f}", colours.muted, font=font, align=LEFT)
        ends = [0.0, 0.0, 0.0]
        measure = QFontMetricsF(font)
        found = [(s.value, one.title) for one in self.shown.lines if (s := one.score(self.measure))]
        for value, title in sorted(found):
            words = f"{title} {value:.3f}"
            wide = measure.horizontalAdvance(words) + spacing(2)
            x = bar.left() + bar.width() * self._share(value)
            start = min(max(x - wide / 2, bar.left()), bar.right() - wide)
            row = next((r for r, end in enumerate(ends) if end <= start), 2)
            ends[row] = start + wide
            y = bar.top() - (row + 1) * line - spacing(0.5)
            painter.setPen(pen(colours.text, 1.4))
            painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, y + line))
            area = QRectF(start, y, wide, line)
            text(painter, area, words, colours.text, font=font, align=CENTRE)

    def _draw_legend(self, painter: QPainter) -> None:
        colours, font, line = theme_colours(), font_for("small"), self._line()
        area = QRectF(spacing(6), self.height() - line * 1.3, self.width() - spacing(6), line)
        words = (
            f"colour and number: out-of-fold {METRICS[self.measure]}   {BEST} best   {TIED} cannot "
            "be told from the best (paired bootstrap, 95 %)   ▢ in use"
        )
        text(painter, area, words, colours.muted, font=font, align=LEFT)
