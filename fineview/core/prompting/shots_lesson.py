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
            f"From {first[0]} to {_examples(last[0])} the prompt goes from {first[1]:.2f} to "
            f"{last[1]:.2f}; always the commonest label has {curve.majority:.2f}."
        )
    spread = max(prompt, key=lambda one: one[3] - one[2])
    if spread[4] > 1:
        words.append(
            f"With {_examples(spread[0])} accuracy lies between {spread[2]:.2f} and "
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
        last_shots, head_last = head[-1][0], head[-1][1]
        compared = f"with {_examples(last_shots)} it has {head_last:.2f}, the prompt "
        compared += f"{known[last_shots]:.2f}."
        behind = [one[0] for one in head if one[1] <= known.get(one[0], 2.0)]
        ahead = [one[0] for one in head if not behind or one[0] > behind[-1]]
        if len(behind) == len(head):
            words.append(f"Up to here the head on {curve.encoder} never passes it: {compared}")
        elif ahead:
            words.append(
                f"From {_examples(ahead[0])} on the head on {curve.encoder} is better: {compared}"
            )
        else:
            words.append(f"The head on {curve.encoder} stays behind at the end: {compared}")
    return " ".join(words)


def _examples(count: int) -> str:
    return "1 example" if count == 1 else f"{count} examples"


def _by_order(curve: ShotsCurve) -> float | None:
    """Return the standard deviation over orders within draws, pooled; None without two orders."""
    groups: dict[tuple[int, int], list[float]] = {}
    for point in curve.points:
        if point.curve == "prompt":
            groups.setdefault((point.shots, point.seed), []).append(point.accuracy)
    spread: Sequence[float] = [stdev(group) ** 2 for group in groups.values() if len(group) > 1]
    return sqrt(mean(spread)) if spread else None
