"""What the word page says in sentences."""

import numpy as np

from fineview.core.explore.words import NotFound, WordSpace
from fineview.core.features.config import WORD_POOLINGS
from fineview.ui.plots.layer_bars import BarColumn
from fineview.ui.widgets.format import count_text, plural


def counted(space: WordSpace, max_length: int) -> str:
    """Return how often the word occurs, and what of that is shown."""
    said = f"“{space.word}” occurs {_times(space.found)} in {plural(space.holding, 'text')}"
    if space.read < space.texts:
        said += f" of {count_text(space.read)} that were drawn from {count_text(space.texts)}"
    else:
        said += f" of {count_text(space.texts)}"
    said += "."
    drawn = len(space) + space.cut
    if drawn < space.found:
        said += f" {count_text(drawn)} of them were drawn at random."
    if space.cut:
        said += (
            f" {count_text(space.cut)} lie behind token {count_text(max_length)}, where the "
            f"encoder does not read: {count_text(len(space))} are left."
        )
    return said


def reading(space: WordSpace, tokens: str, layer: int) -> str:
    """Return how much the word's vector depends on its context."""
    kinds: tuple[str, ...] = WORD_POOLINGS
    kind = kinds.index(tokens)
    same, random = space.similarity[:, kind], space.baseline[:, kind]
    if not np.isfinite(same[layer]):
        return "It is shown once, so there is nothing to compare it with."
    said = f"Layer {layer}: two occurrences have a cosine of {same[layer]:.3f} on average"
    if not np.isfinite(random[layer]):
        return f"{said}; there are no other words to compare with."
    above = same - random
    said += f", two other words of these texts {random[layer]:.3f}."
    low, high = int(np.argmin(above)), int(np.argmax(above))
    return (
        f"{said} Above that baseline the word is most like itself at layer {high} "
        f"({above[high]:.3f}) and least at layer {low} ({above[low]:.3f}), where its context "
        f"counts most."
    )


def not_found(found: NotFound) -> str:
    """Return that a word does not occur."""
    where = f"in the {plural(found.read, 'text')}"
    if found.read < found.texts:
        where += f" that were drawn from {count_text(found.texts)}"
    near = " Spelled alike:" if found.near else " Try another word, or type own sentences."
    return f"“{found.word}” does not occur {where}.{near}"


def columns(space: WordSpace, tokens: str) -> tuple[BarColumn, ...]:
    """Return the word's self-similarity at every layer, beside that of random words."""
    kinds: tuple[str, ...] = WORD_POOLINGS
    kind = kinds.index(tokens)
    same, random = space.similarity[:, kind], space.baseline[:, kind]
    known = bool(np.isfinite(random).all())
    first = BarColumn(
        title="Mean cosine",
        series=(("two occurrences", tuple(same.tolist())),),
        marks=("two random words (baseline)", tuple(random.tolist())) if known else None,
    )
    if not known:
        return (first,)
    above = (("two occurrences", tuple((same - random).tolist())),)
    return first, BarColumn(title="above baseline", series=above)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count_text(count)} times"
