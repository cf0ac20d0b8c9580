"""What several tasks in training say while they are trained; plain values, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

Pair = tuple[int, int]


def pairs_of(tasks: int) -> tuple[Pair, ...]:
    """Return the P = K·(K − 1)/2 pairs of K tasks, in the order of all cosines here."""
    return tuple(combinations(range(tasks), 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class JointStep:
    """One step, with a batch of every task.

    Attributes:
        phase: Name of the task that is trained alone, "" for all together.
        step: Counts from 1.
        losses: (K,) each task's mean loss on its batch, without weights: nats, or for numbers the
            squared error over the variance of the training labels.
        weights: (K,) what each task's gradient on the shared weights was multiplied by; with PCGrad
            the sum of what the projections leave of it.
        samples_per_s: Texts of all tasks a second.
    """

    phase: str
    step: int
    losses: tuple[float, ...]
    weights: tuple[float, ...]
    samples_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCosines:
    """How the tasks' gradients on the shared weights lie to each other, before any balance.

    Attributes:
        step: The step they were for.
        groups: The G layer groups that move.
        overall: (P,) cosine of each pair over all shared weights, -1 … 1.
        by_group: (G, P) the same within each group.
        norms: (K,) Euclidean norm of each task's gradient over all shared weights.
    """

    step: int
    groups: tuple[str, ...]
    overall: tuple[float, ...]
    by_group: tuple[tuple[float, ...], ...]
    norms: tuple[float, ...]

    @property
    def conflict_rate(self) -> float:
        """Share of pairs that pull against each other, 0 … 1."""
        return sum(value < 0 for value in self.overall) / len(self.overall)

    @property
    def norm_ratio(self) -> float:
        """The largest gradient over the smallest, >= 1."""
        return max(self.norms) / min(self.norms)

    def of(self, group: str) -> tuple[float, ...]:
        """Return the cosines of one group; of all shared weights where it is not among them."""
        return self.by_group[self.groups.index(group)] if group in self.groups else self.overall


def matrix_of(cosines: Sequence[float], tasks: int) -> list[list[float]]:
    """Return the symmetric (K, K) matrix of (P,) cosines, 1 on its diagonal."""
    found = [[1.0] * tasks for _ in range(tasks)]
    for (one, other), value in zip(pairs_of(tasks), cosines, strict=True):
        found[one][other] = found[other][one] = value
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How gradients agreed over a training.

    Attributes:
        groups: The G layer groups.
        overall: (P,) mean cosine of each pair.
        by_group: (G, P) the same within each group.
        conflict_rate: Share of pairs and comparisons with a cosine below 0.
        norm_ratio: Geometric mean of the largest norm over the smallest.
        compared: Comparisons it is the mean of.
    """

    groups: tuple[str, ...]
    overall: tuple[float, ...]
    by_group: tuple[tuple[float, ...], ...]
    conflict_rate: float
    norm_ratio: float
    compared: int

    def of(self, group: str) -> tuple[float, ...]:
        """Return the cosines of one group; of all shared weights where it is not among them."""
        return self.by_group[self.groups.index(group)] if group in self.groups else self.overall

    @property
    def group_means(self) -> tuple[float, ...]:
        """(G,) mean over pairs."""
        return tuple(sum(values) / len(values) for values in self.by_group)


def agreement_of(events: Sequence[GradientCosines]) -> Agreement | None:
    """Return the means over some comparisons of one training; None where there are none."""
    if not events:
        return None
    count, groups = len(events), events[-1].groups
    ratio = 1.0
    for event in events:
        ratio *= event.norm_ratio ** (1 / count)
    return Agreement(
        groups=groups,
        overall=_means([event.overall for event in events]),
        by_group=tuple(
            _means([event.by_group[at] for event in events]) for at in range(len(groups))
        ),
        conflict_rate=sum(event.conflict_rate for event in events) / count,
        norm_ratio=ratio,
        compared=count,
    )


def _means(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
