"""The arithmetic of curves: smoothing, ranges, words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fineview.ui.widgets.format import count_text, number_text

CurveRole = Literal["train", "validation", "other"]
Floats = NDArray[np.float64]

_NEGLIGIBLE = 1e-7


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of numbers.

    Attributes:
        key: Its name in the program.
        name: Its name on screen.
        role: Says how it is drawn: training solid, validation dashed.
        colour: Fixed colour, None for the role's own.
        x: Where it was measured, ascending.
        y: What was measured; NaN for nothing.
    """

    key: str
    name: str
    role: CurveRole
    colour: str | None
    x: Floats
    y: Floats


def as_floats(values: ArrayLike) -> Floats:
    """Return a copy as float64; infinities become gaps."""
    array = np.array(values, dtype=np.float64).ravel()
    array[~np.isfinite(array)] = np.nan
    return array


def smooth(y: Floats, memory: float) -> Floats:
    """Return the exponential moving average, corrected for its start; gaps stay gaps.

    Args:
        y: (N,) values, NaN for gaps.
        memory: a in 0 … 0.99; each value counts a times the one after it.

    Source:
        The correction is that of Kingma & Ba 2015, arXiv:1412.6980, section 3. The sum is taken
        by doubling, s_2k(t) = s_k(t) + a^k s_k(t - k), because a loop over 100 000 values would
        take longer than a frame.
    """
    if memory <= 0 or y.size < 2:
        return y
    known = np.isfinite(y)
    total = np.where(known, y, 0.0)
    weight = known.astype(np.float64)
    span, factor = 1, memory
    while span < y.size and factor > _NEGLIGIBLE:
        total = total + factor * _shifted(total, span)
        weight = weight + factor * _shifted(weight, span)
        span, factor = span * 2, factor * factor
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = total / weight
    result[~known] = np.nan
    return result


def span_of(values: list[Floats], *, positive: bool = False) -> tuple[float, float] | None:
    """Return the least and the greatest finite value, None where there is none."""
    low, high = np.inf, -np.inf
    for array in values:
        kept = array[np.isfinite(array)]
        kept = kept[kept > 0] if positive else kept
        if kept.size:
            low, high = min(low, float(kept.min())), max(high, float(kept.max()))
    return (low, high) if low <= high else None


def nearest(curve: Curve, x: float) -> tuple[float, float] | None:
    """Return the measured point of a curve that lies nearest to x."""
    known = np.flatnonzero(np.isfinite(curve.y) & np.isfinite(curve.x))
    if not known.size:
        return None
    xs = curve.x[known]
    right = int(np.clip(np.searchsorted(xs, x), 0, xs.size - 1))
    left = max(right - 1, 0)
    best = left if abs(xs[left] - x) <= abs(xs[right] - x) else right
    return float(xs[best]), float(curve.y[known[best]])


def summary(curve: Curve, x_unit: str) -> str:
    """Return a curve in words: "training 2.31 to 0.42 in 400 steps, lowest 0.40 at 380"."""
    known = np.isfinite(curve.y) & np.isfinite(curve.x)
    if not known.any():
        return f"{curve.name}: no values yet"
    x, y = curve.x[known], curve.y[known]
    if y.size == 1:
        return f"{curve.name} {number_text(float(y[0]))} at {x_unit} {_place(x[0])}"
    low, high = int(np.argmin(y)), int(np.argmax(y))
    return (
        f"{curve.name} {number_text(float(y[0]))} to {number_text(float(y[-1]))} from {x_unit} "
        f"{_place(x[0])} to {_place(x[-1])}, lowest {number_text(float(y[low]))} at "
        f"{_place(x[low])}, highest {number_text(float(y[high]))} at {_place(x[high])}"
    )


def spread_apart(places: list[float], distance: float, low: float, high: float) -> list[float]:
    """Move label positions so that neighbours are `distance` apart, within low … high.

    Args:
        places: Wanted positions, in any order.
        distance: Least distance.
        low: Least position.
        high: Greatest position.

    Returns:
        Positions in the order of `places`.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    result = list(places)
    floor = low
    for i in order:
        result[i] = max(places[i], floor)
        floor = result[i] + distance
    ceiling = high
    for i in reversed(order):
        result[i] = min(result[i], ceiling)
        ceiling = result[i] - distance
    return result


def _place(x: float) -> str:
    return count_text(round(x)) if float(x).is_integer() else number_text(float(x))


def _shifted(values: Floats, by: int) -> Floats:
    result = np.zeros_like(values)
    result[by:] = values[:-by]
    return result
