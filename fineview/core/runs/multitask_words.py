"""What several tasks on one encoder teach, in sentences made from their numbers."""

from collections.abc import Sequence

from fineview.core.runs.multitask_study import Figure, TaskFacts, TaskResult
from fineview.core.training.multitask.config import TasksChoice
from fineview.core.training.multitask.events import Agreement


def finding(
    choice: TasksChoice,
    tasks: Sequence[TaskFacts],
    results: Sequence[TaskResult],
    agreement: Agreement | None,
) -> str:
    """Return what is known so far; "" before anything is."""
    parts = []
    known = [(t, r) for t, r in zip(tasks, results, strict=True) if r.difference is not None]
    if not choice.trains_encoder:
        parts += _of_frozen(known)
    else:
        parts += _of_company(known)
        if known:
            parts.append("One seed speaks here, on these test items; another may tell otherwise.")
    if agreement is not None:
        parts.append(_of_gradients(tasks, agreement))
    return " ".join(parts)


def difference_text(figure: Figure | None) -> str:
    """Return a difference as "+0.012 (−0.010 … +0.034)"."""
    if figure is None:
        return "–"
    return f"{signed(figure.value)} ({signed(figure.low)} … {signed(figure.high)})"


def figure_text(figure: Figure | None) -> str:
    """Return a measure as "0.842 (0.81–0.87)"."""
    if figure is None:
        return "–"
    low, high = (f"{value:.2f}".replace("-", "−") for value in (figure.low, figure.high))
    return f"{figure.value:.3f} ({low}–{high})".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """Return a number with its sign."""
    return f"{value:+.{digits}f}".replace("-", "−")


def verdict(result: TaskResult) -> str:
    """Return in a word or two what company did to a task; "" where it is not known."""
    figure = result.difference
    if figure is None:
        return ""
    if result.same:
        return "the same"
    if figure.high < 0:
        return "spoiled"
    return "helped" if figure.low > 0 else "not told apart"


def _of_frozen(known: Sequence[tuple[TaskFacts, TaskResult]]) -> list[str]:
    still = "With the backbone frozen no shared weight moves"
    if not known:
        return []
    if all(result.same for _, result in known):
        return [
            f"{still}: together and alone answer alike to the last bit; no head spoils another."
        ]
    return [f"{still}, and yet together and alone differ: that is a fault of this program."]


def _of_company(known: Sequence[tuple[TaskFacts, TaskResult]]) -> list[str]:
    said = []
    for task, result in known:
        assert result.difference is not None
        words = {"spoiled": "is spoiled by", "helped": "gains from", "the same": "does not notice"}
        told = words.get(verdict(result))
        figure = difference_text(result.difference)
        if told is None:
            said.append(f"{task.title}: together and alone cannot be told apart, {figure}.")
        else:
            said.append(f"{task.title} {told} the company, {figure}.")
    return said


def _of_gradients(tasks: Sequence[TaskFacts], found: Agreement) -> str:
    """Return how often gradients pull apart, which tasks do, and in which layers."""
    share = f"{100 * found.conflict_rate:.0f} %"
    pairs = "of the compared pairs" if len(tasks) > 2 else "of the compared steps"
    said = f"The gradients pull against each other in {share} {pairs}"
    means = found.group_means
    if len(means) > 1:
        low, high = means.index(min(means)), means.index(max(means))
        said += (
            f"; they agree least in {found.groups[low]} (mean cosine {signed(means[low], 2)}), "
            f"most in {found.groups[high]} ({signed(means[high], 2)})"
        )
    return f"{said}."
