"""The layer map in words and as a table."""

from fineview.core.explore.choices import MapMetric
from fineview.core.explore.layer_map import LayerMap, MapCell
from fineview.ui.plots.export import Cell, Table
from fineview.ui.widgets.format import accuracy_text, count_text

METRICS: dict[MapMetric, str] = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
BEST, TIED = "●", "○"


def cell_words(shown: LayerMap, cell: MapCell, metric: MapMetric) -> str:
    """Return a cell in words."""
    accuracy, f1 = cell.accuracy, cell.macro_f1
    lines = [
        cell.title,
        f"accuracy {accuracy_text(accuracy.value, (accuracy.low, accuracy.high))}",
        f"macro-F1 {accuracy_text(f1.value, (f1.low, f1.high))}",
        f"n = {count_text(shown.rows)}, {shown.folds} folds",
    ]
    if cell.weights:
        shares = ", ".join(
            f"{layer}: {share:.2f}"
            for layer, share in zip(cell.pooling.layers, cell.weights, strict=True)
        )
        lines.append(f"learned weights {shares}")
    score = cell.score(metric)
    if score.best:
        lines.append(f"{BEST} best of the map")
    elif score.tied:
        lines.append(f"{TIED} cannot be told from the best")
    return "\n".join(lines)


def map_table(shown: LayerMap | None) -> Table:
    """Return all numbers of a map, the controls included."""
    header = ["encoder", "what", "layers", "mix", "tokens"]
    for name in METRICS:
        header += [name, f"{name}_low", f"{name}_high", f"{name}_tied"]
    rows: list[list[Cell]] = []
    if shown is None:
        return header, rows
    for cell in shown.cells:
        pooling = cell.pooling
        layers = " ".join(map(str, pooling.layers))
        row: list[Cell] = [cell.encoder, cell.title, layers, pooling.mix, pooling.tokens]
        for metric in METRICS:
            score = cell.score(metric)
            row += [score.value, score.low, score.high, int(score.tied)]
        rows.append(row)
    for line in shown.lines:
        row = ["", line.title, "", "", ""]
        for metric in METRICS:
            value = line.score(metric)
            row += [value.value, value.low, value.high, None] if value else [None] * 4
        rows.append(row)
    return header, rows
