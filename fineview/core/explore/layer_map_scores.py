"""Scores of the layer map: the same folds and the same bootstrap samples for every cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fineview.core.explore.choices import MapChoice
from fineview.core.explore.layer_map import MapCell, MapLine, Score
from fineview.core.explore.layer_map_rows import MapRows
from fineview.core.features.probes import Folds, make_folds
from fineview.core.training.metrics import confusion, macro_f1

SAMPLES = 1000
_ENDS = (2.5, 97.5)
Boots = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Judge:
    """Folds, labels and bootstrap samples, shared by all cells of a map.

    Attributes:
        labels: (N,) class indices, 0 … C-1, classes that do not occur left out.
        classes: C.
        folds: Which rows are held out.
        weights: (B, N) how often a row stands in each bootstrap sample.
        notes: What had to be lowered.
    """

    labels: NDArray[np.int64]
    classes: int
    folds: Folds
    weights: NDArray[np.float32]
    notes: tuple[str, ...]
    _boots: dict[str, Boots] = field(default_factory=dict)

    @classmethod
    def over(cls, rows: MapRows, choice: MapChoice) -> "Judge":
        """Deal folds and draw samples; words are dealt and drawn by whole sentences.

        Raises:
            DataError: There are too few rows.
        """
        task = rows.task
        names, labels = np.unique(task.labels[rows.items].astype(np.int64), return_inverse=True)
        groups = rows.units if task.words is not None else None
        folds = make_folds(labels.astype(np.int64), choice.folds, choice.seed, groups)
        notes = []
        if folds.count < choice.folds:
            notes.append(
                f"{choice.folds} folds were lowered to {folds.count}: there are no more rows of "
                f"the commonest class, or no more sentences."
            )
        sizes = np.bincount(labels)
        rare = np.flatnonzero(sizes < folds.count)
        if len(rare):
            smallest = rare[sizes[rare].argmin()]
            notes.append(
                f"{len(rare)} of {len(names)} classes have fewer rows than the {folds.count} folds "
                f"({task.classes[names[smallest]]}: {sizes[smallest]}): some folds hold none of "
                f"their rows out, or learn from none."
            )
        weights = bootstrap_weights(len(labels), choice.seed, groups)
        return cls(labels.astype(np.int64), len(names), folds, weights, tuple(notes))

    def scores(self, answers: NDArray[np.int64]) -> tuple[Score, Score, Boots]:
        """Measure answers.

        Args:
            answers: (N,) class indices.

        Returns:
            Accuracy, macro-F1, and both over the bootstrap samples, (2, B).
        """
        right = answers == self.labels
        boots = bootstrap(self.labels, answers, self.classes, self.weights)
        values = (
            float(right.mean()),
            macro_f1(confusion(self.labels, answers, self.classes)),
        )
        ends = np.percentile(boots, _ENDS, axis=1)
        scores = [
            Score(value=value, low=float(ends[0, i]), high=float(ends[1, i]))
            for i, value in enumerate(values)
        ]
        return scores[0], scores[1], boots

    def line(self, name: str, title: str, answers: NDArray[np.int64], note: str) -> MapLine:
        """Return answers as a line to compare with."""
        accuracy, f1, _ = self.scores(answers)
        return MapLine(name=name, title=title, accuracy=accuracy, macro_f1=f1, note=note)

    def keep(self, key: str, boots: Boots, control: bool) -> None:
        """Remember a cell's samples; those of a control are never compared."""
        if not control:
            self._boots[key] = boots

    def repeat(self, known: str, key: str, control: bool) -> None:
        """Give a cell the samples of another with the same features."""
        if not control:
            self._boots[key] = self._boots[known]

    def marked(
        self, cells: Sequence[MapCell], key: Callable[[MapCell], str]
    ) -> tuple[MapCell, ...]:
        """Mark the best cell of each measure and those that cannot be told from it.

        A cell is tied where 0 lies in the 95 % interval of best − cell over the same samples.
        """
        trained = [cell for cell in cells if key(cell) in self._boots]
        if not trained:
            return tuple(cells)
        tops = [
            max(trained, key=lambda cell: cell.accuracy.value),
            max(trained, key=lambda cell: cell.macro_f1.value),
        ]
        result = []
        for cell in cells:
            boots = self._boots.get(key(cell))
            if boots is None:
                result.append(cell)
                continue
            gaps = [self._boots[key(top)][i] - boots[i] for i, top in enumerate(tops)]
            tied = [bool(np.percentile(gap, _ENDS[0]) <= 0) for gap in gaps]
            result.append(
                replace(
                    cell,
                    accuracy=replace(cell.accuracy, best=cell is tops[0], tied=tied[0]),
                    macro_f1=replace(cell.macro_f1, best=cell is tops[1], tied=tied[1]),
                )
            )
        return tuple(result)


def bootstrap_weights(
    rows: int, seed: int, groups: NDArray[np.int64] | None = None, samples: int = SAMPLES
) -> NDArray[np.float32]:
    """Return how often each row stands in each sample, (B, N).

    Args:
        rows: N.
        seed: Draws the samples.
        groups: (N,) rows that are drawn together; None draws each alone.
        samples: B.

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapters 6 and 13 (percentile
        interval); clusters are drawn whole: Davison & Hinkley 1997, section 3.8.
    """
    random = np.random.default_rng(seed)
    if groups is None:
        return random.multinomial(rows, np.full(rows, 1 / rows), samples).astype(np.float32)
    names, inverse = np.unique(groups, return_inverse=True)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), samples)
    return drawn.astype(np.float32)[:, inverse]


def bootstrap(
    labels: NDArray[np.int64],
    answers: NDArray[np.int64],
    classes: int,
    weights: NDArray[np.float32],
) -> Boots:
    """Return accuracy and macro-F1 of each sample, (2, B).

    Args:
        labels: (N,) class indices.
        answers: (N,) class indices.
        classes: C.
        weights: (B, N) from `bootstrap_weights`.
    """
    hot = np.eye(classes, dtype=np.float32)
    truth, given = hot[labels], hot[answers]
    hits = weights @ (truth * given)  # (B, C)
    both = weights @ (truth + given)
    occurs = both > 0
    shares = np.where(occurs, 2 * hits / np.maximum(both, 1), 0).sum(1)
    f1 = shares / np.maximum(occurs.sum(1), 1)
    accuracy = hits.sum(1) / weights.sum(1)
    return np.stack([accuracy, f1]).astype(np.float64)
