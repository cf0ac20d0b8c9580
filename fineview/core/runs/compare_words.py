"""What a comparison has found, in one sentence made from its numbers."""

from collections.abc import Callable, Sequence

from fineview.core.runs.compare_choice import CURVES
from fineview.core.runs.compare_rows import Comparison, Figure, Row
from fineview.core.training.config import HEAD_TITLES

_NAMED = 4


def finding(found: Comparison) -> str:
    """Return the sentence; "" where nothing is known yet."""
    rows = found.measured
    if not rows:
        return _faults(found)
    parts = _of_curve(found) if found.choice.is_curve else _of_table(found)
    parts += [f"{line.title} {line.test.value:.3f}" for line in found.lines]
    text = "; ".join(parts) + "."
    if found.done < found.total:
        text += f" {found.done} of {found.total} runs are done."
    faults = _faults(found)
    return f"{text} {faults}" if faults else text


def measure_name(found: Comparison) -> str:
    """Return what is measured, for people."""
    return "rank correlation" if found.metric == "spearman" else "accuracy"


def figure_text(figure: Figure | None) -> str:
    """Return a figure as "0.842 ± 0.011", or "0.842 (0.81–0.87)" where its arms are unequal."""
    if figure is None:
        return "–"
    if figure.over == "nothing":
        return f"{figure.value:.3f}"
    above, below = figure.high - figure.value, figure.value - figure.low
    if abs(above - below) <= 0.002:
        return f"{figure.value:.3f} ± {(above + below) / 2:.3f}"
    return f"{figure.value:.3f} ({figure.low:.2f}–{figure.high:.2f})"


def interval_words(rows: Sequence[Row]) -> str:
    """Return what the intervals of some rows are over."""
    over = {row.test.over for row in rows if row.test is not None}
    if over == {"seeds"}:
        return "95 % interval over seeds (Student's t)"
    if over == {"items"}:
        return "95 % interval over test items"
    return "95 % interval over seeds (Student's t), or over test items where one seed counts"


def size_text(size: float) -> str:
    """Return bytes in decimal units."""
    for unit, letter in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {letter}"
    return f"{size:.0f} B"


def _of_table(found: Comparison) -> list[str]:
    rows = found.measured
    best = next((row for row in rows if row.mark == "best"), rows[0])
    parts = [f"Best: {best.arm.title}, {measure_name(found)} {_told(best)}"]
    tied = [row for row in rows if row.mark == "tied"]
    if tied:
        parts.append(f"cannot be told from it: {_names(tied)}")
        parts += _cheapest([best, *tied])
    elif len(rows) > 1:
        parts.append("no other is tied with it")
    parts += _fortune(rows)
    parts += _linear_or_forest(rows)
    return parts


def _told(row: Row) -> str:
    assert row.test is not None
    test, count = row.test, len(row.finished)
    if test.over == "seeds":
        return f"{figure_text(test)} (95 %, t over {count} seeds)"
    return f"{test.value:.3f} (95 % {test.low:.2f}–{test.high:.2f} over the test items)"


def _cheapest(rows: Sequence[Row]) -> list[str]:
    """Return which of the rows that cannot be told apart costs least, by weights, bytes, time."""
    costs: list[tuple[str, Callable[[Row], float | None], Callable[[float], str]]] = [
        ("fewest trained weights", lambda r: r.parameters, _count),
        ("fewest bytes a task", lambda r: r.own_bytes, size_text),
        ("fastest", lambda r: r.seconds, lambda v: f"{v:.0f} s" if v >= 10 else f"{v:.2g} s"),
    ]
    parts, titles = [], []
    for name, cost, words in costs:
        known = [(value, row) for row in rows if (value := cost(row)) is not None]
        if known:
            value, row = min(known, key=lambda one: one[0])
            titles.append(row.arm.title)
            parts.append((name, words(value)))
    if len(set(titles)) == 1:
        return [f"cheapest of these: {titles[0]} ({', '.join(f'{n} {w}' for n, w in parts)})"]
    found = zip(parts, titles, strict=True)
    return [", ".join(f"{name}: {title} ({words})" for (name, words), title in found)]


def _fortune(rows: Sequence[Row]) -> list[str]:
    """Return what the pretrained start is worth, where both are there."""
    by_kind = {(r.arm.strategy, r.arm.head, r.arm.encoder): r.test for r in rows}
    for one, other, name in (
        ("full", "random-init", "start"),
        ("head", "random-features", "features"),
    ):
        for (kind, head, encoder), test in by_kind.items():
            random = by_kind.get((other, head, encoder))  # type: ignore[arg-type]
            if kind == one and test is not None and random is not None:
                gain = test.value - random.value
                return [
                    f"pretrained {name} {test.value:.3f} against random {random.value:.3f} "
                    f"({gain:+.3f})".replace("-", "−")
                ]
    return []


def _linear_or_forest(rows: Sequence[Row]) -> list[str]:
    """Return the two heads that the lecture asks about, where both are there."""
    by_head = {row.arm.head: row for row in reversed(rows) if row.arm.strategy == "head"}
    pair = [by_head[head] for head in ("linear", "forest") if head in by_head]
    if len(pair) < 2:
        return []
    return [" against ".join(f"{HEAD_TITLES[row.arm.head]} {_at(row)}" for row in pair)]


def _of_curve(found: Comparison) -> list[str]:
    over = CURVES[found.choice.shape]
    lines: dict[str, list[Row]] = {}
    for row in found.measured:
        lines.setdefault(row.arm.line, []).append(row)
    parts = []
    for rows in list(lines.values())[:_NAMED]:
        rows = sorted(rows, key=lambda row: row.arm.size)
        first, last = rows[0], rows[-1]
        best = max(rows, key=lambda row: row.test.value if row.test else 0.0)
        told = f"{first.arm.name}: {_at(first)} with {_count(first.arm.size)} {over}"
        if last is not first:
            told += f", {_at(last)} with {_count(last.arm.size)}"
        if best not in (first, last):
            told += f", most ({_at(best)}) with {_count(best.arm.size)}"
        if found.choice.shape != "rows" and last.gap is not None:
            told += f"; train − test there {last.gap:+.3f}".replace("-", "−")
        parts.append(told)
    return parts


def _count(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u2009")


def _at(row: Row) -> str:
    return f"{row.test.value:.3f}" if row.test is not None else "–"


def _names(rows: Sequence[Row]) -> str:
    names = [row.arm.title for row in rows]
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} others"]
    return _and(names)


def _and(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _faults(found: Comparison) -> str:
    """Return which rows came to nothing, and why the first did."""
    wrong = [row for row in found.rows if row.status in ("failed", "refused", "diverged")]
    if not wrong:
        return ""
    first = next(run for run in wrong[0].runs if run.status == wrong[0].status)
    told = f"{wrong[0].arm.title} {wrong[0].status}: {first.text}"
    more = len(wrong) - 1
    return told if not more else f"{told} ({more} more row{'s' * (more != 1)} came to nothing.)"
