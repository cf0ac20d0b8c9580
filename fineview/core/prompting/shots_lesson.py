"""What a shots curve says, in sentences made of its own points."""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

from fineview.core.prompting.seen import ShotsCurve

CURVES = {"prompt": "prompt", "calibrated": "prompt, calibrated", "head": "trained head"}


def band(curve: ShotsCurve, name: str) -> tuple[tuple[int, float, float, float, int], ...]:
    """Return, for each number of examples, mean, least and greatest accuracy, and how many.

    Args:
        curve: What was measured.
        name: `prompt`, `calibrated` or `head`.

    Returns:
        (examples, mean, least, greatest, points), by the number of examples.
    """
    found: dict[int, list[float]] = {}
    for point in curve.points:
        if point.curve == name:
            found.setdefault(point.shots, []).append(point.accuracy)
    return tuple((k, mean(v), min(v), max(v), len(v)) for k, v in sorted(found.items()))


def lesson(curve: ShotsCurve) -> str:
    """Return what a curve teaches: what examples bring, how much order does, when a head wins."""
    prompt, head = band(curve, "prompt"), band(curve, "head")
    if not prompt:
        return ""
    words = []
    first, last = prompt[0], prompt[-1]
    if len(prompt) > 1:
        words.append(
            f"From {first[0]} to {last[0]} examples the prompt goes from {first[1]:.2f} to "
            f"{last[1]:.2f}; always the commonest label has {curve.majority:.2f}."
        )
    spread = max(prompt, key=lambda one: one[3] - one[2])
    if spread[4] > 1:
        words.append(
            f"With {spread[0]} examples accuracy lies between {spread[2]:.2f} and "
            f"{spread[3]:.2f}, by which examples they are and in which order."
        )
    order = _by_order(curve)
    if order is not None:
        words.append(
            f"The same examples in another order move it by {order:.2f} (standard deviation)."
        )
    calibrated = band(curve, "calibrated")
    if calibrated:
        gain = mean(c[1] for c in calibrated) - mean(p[1] for p in prompt)
        words.append(f"Calibration changes it by {gain:+.2f} on average.")
    if head:
        known = {one[0]: one[1] for one in prompt}
        wins = next((one[0] for one in head if one[1] > known.get(one[0], 2.0)), None)
        if wins is None:
            words.append("Up to here the trained head never passes the prompt.")
        else:
            words.append(
                f"From {wins} examples on the head on {curve.encoder} is better: with "
                f"{head[-1][0]} it has {head[-1][1]:.2f}, the prompt {known[head[-1][0]]:.2f}."
                if all(one[1] > known.get(one[0], 2.0) for one in head if one[0] >= wins)
                else f"At {wins} examples the head on {curve.encoder} passes the prompt for the "
                f"first time; with {head[-1][0]} it has {head[-1][1]:.2f}, the prompt "
                f"{known[head[-1][0]]:.2f}."
            )
    return " ".join(words)


def _by_order(curve: ShotsCurve) -> float | None:
    """Return the standard deviation over orders within draws, pooled; None without two orders."""
    groups: dict[tuple[int, int], list[float]] = {}
    for point in curve.points:
        if point.curve == "prompt":
            groups.setdefault((point.shots, point.seed), []).append(point.accuracy)
    spread: Sequence[float] = [stdev(group) ** 2 for group in groups.values() if len(group) > 1]
    return sqrt(mean(spread)) if spread else None
