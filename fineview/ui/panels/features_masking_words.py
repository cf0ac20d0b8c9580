"""What the masking page says in sentences."""

import numpy as np

from fineview.core.explore.masking import MaskEffect
from fineview.core.models.info import Token
from fineview.ui.plots.layer_bars import BarColumn
from fineview.ui.widgets.format import number_text, plural

_POOLINGS = {"cls": "[CLS] vector", "mean": "mean of the tokens", "max": "maximum over the tokens"}
_KINDS = tuple(_POOLINGS)


def columns(effect: MaskEffect, kind: int) -> tuple[BarColumn, BarColumn]:
    """Return what is drawn: distances, and lengths around 1.

    Args:
        effect: What was measured.
        kind: Token pooling, an index into cls, mean, max.
    """
    ways = [("token left out", effect.left_out, effect.left_out_ratios)]
    if effect.covered is not None and effect.covered_ratios is not None:
        name = f"replaced by {effect.mask_token}"
        ways.insert(0, (name, effect.covered, effect.covered_ratios))
    zeros = 1 - len(effect.masked) / len(effect.tokens)
    known = bool(np.isfinite(effect.apart[:, kind]).all())
    marks = ("left: two different texts of the task", tuple(effect.apart[:, kind].tolist()))
    return (
        BarColumn(
            title="How far the vector moves: 1 − cosine",
            series=tuple((name, tuple(far[:, kind].tolist())) for name, far, _ in ways),
            marks=marks if known else None,
            decimals=None,
        ),
        BarColumn(
            title="Its length: after ÷ before",
            series=tuple((name, tuple(ratio[:, kind].tolist())) for name, _, ratio in ways),
            marks=("right: a mean with zeros there", (zeros,) * (effect.depth + 1))
            if _KINDS[kind] == "mean"
            else None,
            origin=1.0,
        ),
    )


def reading(effect: MaskEffect, kind: int, layer: int) -> str:
    """Return what is to be seen, in two or three sentences."""
    whole = len(effect.tokens)
    count = len(effect.masked)
    vector = _POOLINGS[_KINDS[kind]]
    far = effect.left_out if effect.covered is None else effect.covered
    did = "Leaving out" if effect.covered is None else "Masking"
    moved, apart = float(far[layer, kind]), float(effect.apart[layer, kind])
    said = [f"{did} {count} of {plural(whole, 'token')} moves the {vector} by {number_text(moved)}"]
    said.append(f" at layer {layer}")
    if apart > 0:
        said.append(
            f"; two texts of the task lie {number_text(apart)} apart "
            f"(mean over {effect.apart_texts} texts)"
        )
    said.append(f". {_lengths(effect, kind)} ")
    if _KINDS[kind] == "cls":
        said.append("At layer 0 [CLS] cannot move: no block has let it look at the other tokens. ")
    return "".join(said).strip()


def _lengths(effect: MaskEffect, kind: int) -> str:
    """Return what becomes of the vectors' lengths, beside what dropout would have to do."""
    whole, count = len(effect.tokens), len(effect.masked)
    ratios = effect.left_out_ratios if effect.covered_ratios is None else effect.covered_ratios
    low, high = _ends(ratios, kind)
    words = f"Over the layers its length becomes {low}–{high} × what it was"
    if effect.covered_ratios is not None:
        less, more = _ends(effect.left_out_ratios, kind)
        words += f" ({less}–{more} × with the token left out)"
    share = count / whole
    words += ", though nothing was rescaled."
    scaled = f"{1 / (1 - share):.2f}"
    if _KINDS[kind] != "mean":
        return f"{words} Dropout of as many would multiply what is left by {scaled}."
    words += (
        f" Zeros there would shrink a mean to about 1 − {count}/{whole} = {1 - share:.3f}, so "
        f"dropout multiplies the rest by {scaled};"
    )
    worst = float(np.abs(effect.left_out_ratios[:, kind] - 1).max())
    if worst < share:
        return f"{words} a removed token leaves it nearer to 1 by itself."
    return f"{words} here a removed token changes it by up to {worst:.3f}, too."


def _ends(ratios: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", kind: int) -> list[str]:
    values = ratios[:, kind]
    return [f"{float(end):.3f}" for end in (values.min(), values.max())]


def seen(tokens: tuple[Token, ...], masked: tuple[int, ...], mask_token: str) -> str:
    """Return the sequence as the encoder reads it now; masked tokens vanish without a mask."""
    parts = []
    for index, token in enumerate(tokens):
        if index not in masked:
            parts.append(token.text)
        elif mask_token:
            parts.append(mask_token)
    return " ".join(parts)
