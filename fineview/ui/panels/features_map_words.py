"""What a layer map says, in one sentence made from its numbers."""

from fineview.core.data.task import ITEM_NAME
from fineview.core.explore.choices import MapMetric
from fineview.core.explore.layer_map import LayerMap
from fineview.ui.plots.layer_heat_words import METRICS
from fineview.ui.widgets.format import accuracy_text, plural, seconds_text


def reading(found: LayerMap, metric: MapMetric) -> str:
    """Return the sentence under the map.

    Args:
        found: A map, whole or stopped on the way.
        metric: The measure on show.
    """
    best = found.best(metric)
    if best is None:
        return ""
    score = best.score(metric)
    number = accuracy_text(score.value, (score.low, score.high))
    several = len([one for one in found.passes if not one.control]) > 1
    of = next((f" of {one.title}" for one in found.passes if one.encoder == best.encoder), "")
    rows = f"{plural(found.rows, ITEM_NAME[found.level])}, {plural(found.folds, 'fold')}"
    parts = [f"Best: {best.title}{of if several else ''}, {METRICS[metric]} {number}, {rows}"]
    tied = len(found.tied(metric))
    if tied:
        parts.append(f"{plural(tied, 'other')} cannot be told from it")
    else:
        parts.append("no other cell is tied with it")
    for line in found.lines:
        value = line.score(metric)
        parts.append(f"{line.title} {value.value:.3f}" if value else f"{line.title}: {line.note}")
    passes = [one for one in found.passes if not one.control]
    fresh = sum(one.seconds for one in passes if not one.cached)
    taken = seconds_text(fresh) if fresh else "was in the store"
    control = next((one for one in found.passes if one.control), None)
    apart = ""
    if control is not None:
        apart = f", the random control's {seconds_text(control.seconds)}"
        apart = ", the random control's was in the store" if control.cached else apart
    stopped = "" if found.complete else " Stopped: what was solved stays."
    return (
        f"{'; '.join(parts)}. The probes took {seconds_text(found.seconds)}; the pass {taken}"
        f"{apart}.{stopped}"
    )
