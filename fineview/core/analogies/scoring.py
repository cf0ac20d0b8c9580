"""Scores of many questions against a part of the table, the same arithmetic for every method.

`Scorer.fast` fills a buffer in float32; `Scorer.exact` computes few questions anew in float64, so
that what is decided hangs neither on the size of blocks nor on the number of threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.examples import TargetWords
from fineview.core.analogies.solver import EPSILON
from fineview.core.analogies.solver_methods import Method
from fineview.core.analogies.vectors import WordVectors
from fineview.core.progress import SILENT, Report

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Covered questions as rows of the table.

    Attributes:
        rows: (N, 4) int64: a, b, c, d.
        section: (N,) int64.
    """

    rows: NDArray[np.int64]
    section: NDArray[np.int64]

    def __len__(self) -> int:
        """Return N."""
        return len(self.rows)


class Scorer:
    """Scores questions by one method; larger is better."""

    def __init__(
        self,
        vectors: WordVectors,
        questions: Questions,
        method: Method,
        report: Report = SILENT,
    ) -> None:
        """Prepare the goals; LRCos learns here, a regression for each pair that is asked."""
        import torch

        self._method = method
        self._vectors = vectors
        rows = questions.rows
        scale = vectors.lengths if method == "euclidean" else None
        # Each word of the questions once, and each pair (a, b) once.
        self._words, places = np.unique(rows[:, :3], return_inverse=True)
        self._place = places.reshape(-1, 3)
        self._units = vectors.units[self._words].astype(np.float64)
        known = self._units if scale is None else self._units * scale[self._words][:, None]
        a, b, c = (known[self._place[:, column]] for column in range(3))
        match method:
            case "average":
                goals = c + _other_offsets(rows, questions.section, a, b)
            case "direction":
                goals = b - a
            case "lrcos":
                goals = c
            case _:
                goals = c - a + b
        norms = np.linalg.norm(goals, axis=1, keepdims=True)
        self._goals = goals if method == "euclidean" else goals / np.maximum(norms, 1e-12)
        self._along = (c * self._goals).sum(1) if method == "direction" else None
        self._targets = _TargetsByPair(vectors, questions, report) if method == "lrcos" else None
        pairs, self._pair = np.unique(self._place[:, :2], axis=0, return_inverse=True)
        self._pair = self._pair.reshape(-1)
        self._pairs = pairs
        self._fast_goals = torch.from_numpy(self._goals.astype(np.float32))
        self._fast_units = torch.from_numpy(self._units.astype(np.float32))

    def margin(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much `fast` may be off, for scores (…)."""
        # A hundred times the rounding of float32, of which sums of products have a few.
        found: NDArray[np.float64] = 2e-5 * np.maximum(1.0, np.abs(values))
        return found

    def fast(
        self,
        part: NDArray[np.int64],
        blocks: Sequence[slice],
        buffer: "torch.Tensor",
        goal: "torch.Tensor",
        ahead: "torch.Tensor",
    ) -> NDArray[np.float32]:
        """Return each question's best score among some words, (N,).

        Args:
            part: (P,) rows of the table.
            blocks: Cut the N questions; each has at most as many as the buffer has rows.
            buffer: (B, P') float32 with P' >= P; what it holds is overwritten.
            goal: (N,) float32, the right word's score.
            ahead: (N,) int64; the number of words that score higher is added.
        """
        import torch

        tile = torch.from_numpy(np.ascontiguousarray(self._vectors.units[part]))
        lengths = torch.from_numpy(self._vectors.lengths[part])
        if self._method == "euclidean":
            tile = tile * lengths[:, None]
            squares = lengths.square()
        across = tile.T
        shifted = ratios = far = None
        if self._method == "mul":
            shifted = torch.addmm(torch.tensor(0.5), self._fast_units, across, alpha=0.5)
            first, second = (torch.from_numpy(self._pairs[:, column]) for column in (0, 1))
            ratios = shifted[second] / (shifted[first] + EPSILON)
        if self._method == "direction":
            cosines = self._fast_units @ across
            far = (2 - 2 * cosines).clamp_(min=1e-12).rsqrt_()
        if self._targets is not None:
            return self._targets.best(tile.T, goal, ahead)
        best = torch.empty(len(self._goals))
        for block in blocks:
            count = block.stop - block.start
            scores = buffer[:count, : len(part)]
            if not scores.is_contiguous():
                scores = buffer.view(-1)[: count * len(part)].view(count, len(part))
            if shifted is not None and ratios is not None:
                pair = torch.from_numpy(self._pair[block])
                torch.index_select(ratios, 0, pair, out=scores)
                third = torch.from_numpy(self._place[block, 2])
                scores.mul_(torch.index_select(shifted, 0, third))
            else:
                torch.mm(self._fast_goals[block], across, out=scores)
                if self._method == "euclidean":
                    scores.mul_(2).sub_(squares)
                elif far is not None and self._along is not None:
                    along = torch.from_numpy(self._along[block].astype(np.float32))
                    scores.sub_(along[:, None])
                    scores.mul_(far[torch.from_numpy(self._place[block, 2])])
            best[block] = scores.amax(1)
            _count_ahead(scores, best, goal, ahead, block)
        found: NDArray[np.float32] = best.numpy()
        return found

    def exact(self, part: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return scores of some questions (n,) among some words (P,): (n, P)."""
        tile = self._vectors.units[part].astype(np.float64)
        if self._method == "mul":
            shifted = (1 + self._units[self._place[asked].reshape(-1)] @ tile.T) / 2
            a, b, c = (shifted[column::3] for column in range(3))
            product: NDArray[np.float64] = b * c / (a + EPSILON)
            return product
        if self._targets is not None:
            return self._targets.exact(tile, asked)
        if self._method == "euclidean":
            tile *= self._vectors.lengths[part][:, None]
            nearness: NDArray[np.float64] = 2 * self._goals[asked] @ tile.T - (tile**2).sum(1)
            return nearness
        found: NDArray[np.float64] = self._goals[asked] @ tile.T
        if self._along is not None:
            cosines = self._units[self._place[asked, 2]] @ tile.T
            found = (found - self._along[asked][:, None]) / np.sqrt(
                np.maximum(2 - 2 * cosines, 1e-12)
            )
            # From c to itself there is no direction.
            found[part[None, :] == self._words[self._place[asked, 2]][:, None]] = -1.0
        return found


def _count_ahead(
    scores: "torch.Tensor",
    best: "torch.Tensor",
    goal: "torch.Tensor",
    ahead: "torch.Tensor",
    block: slice,
) -> None:
    """Add how many of a block's scores (n, P) are above the goal, where any is."""
    some = (best[block] > goal[block]).nonzero()[:, 0]
    if len(some):
        wanted = goal[block][some, None]
        ahead[block][some] += (scores[some] > wanted).sum(1)


class _TargetsByPair:
    """LRCos for questions: what is asked is c alone, so that questions with one c are one."""

    def __init__(self, vectors: WordVectors, questions: Questions, report: Report) -> None:
        import torch

        keys = np.column_stack([questions.section, questions.rows[:, 2]])
        unique, self._key = np.unique(keys, axis=0, return_inverse=True)
        self._key = self._key.reshape(-1)
        pairs_of = {
            int(one): np.unique(questions.rows[questions.section == one, :2], axis=0)
            for one in np.unique(questions.section)
        }
        self._units = vectors.units[unique[:, 1]].astype(np.float64)
        self._weights = np.empty_like(self._units)
        self._bias = np.empty(len(unique))
        for place, (section, c) in enumerate(unique.tolist()):
            report.check()
            report.progress(place, len(unique), "Learning relations")
            pairs = pairs_of[section]
            # The pair whose answer is asked must not tell it.
            others = pairs[pairs[:, 0] != c]
            known = others if len(others) else pairs
            target = TargetWords(vectors, known[:, 0], known[:, 1])
            self._weights[place], self._bias[place] = target.weights, target.bias
        self._fast = [
            torch.from_numpy(part.astype(np.float32))
            for part in (self._units, self._weights, self._bias[:, None])
        ]

    def best(
        self, across: "torch.Tensor", goal: "torch.Tensor", ahead: "torch.Tensor"
    ) -> NDArray[np.float32]:
        """Return each question's best score among words (D, P), (N,); see `Scorer.fast`."""
        import torch

        units, weights, bias = self._fast
        scores = (weights @ across).add_(bias).sigmoid_().mul_(units @ across)  # (K, P)
        key = torch.from_numpy(self._key)
        best = scores.amax(1)[key]
        some = (best > goal).nonzero()[:, 0]
        for rows in torch.split(some, 1024):
            ahead[rows] += (scores[key[rows]] > goal[rows, None]).sum(1)
        found: NDArray[np.float32] = best.numpy()
        return found

    def exact(self, tile: NDArray[np.float64], asked: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return scores of some questions (n,) among words (P, D): (n, P)."""
        keys, back = np.unique(self._key[asked], return_inverse=True)
        logits = self._weights[keys] @ tile.T + self._bias[keys][:, None]
        scores: NDArray[np.float64] = self._units[keys] @ tile.T / (1 + np.exp(-logits))
        return scores[back.reshape(-1)]


def _other_offsets(
    rows: NDArray[np.int64],
    section: NDArray[np.int64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return for each question the mean of b − a over its section's pairs, but for its own c."""
    found = np.empty_like(a)
    for one in np.unique(section):
        mine = np.flatnonzero(section == one)
        pairs, first = np.unique(rows[mine, :2], axis=0, return_index=True)
        offsets = b[mine[first]] - a[mine[first]]
        # Pairs whose answer is asked must not tell it.
        words, of = np.unique(pairs[:, 0], return_inverse=True)
        own, counts = np.zeros((len(words), a.shape[1])), np.bincount(of.reshape(-1))
        np.add.at(own, of.reshape(-1), offsets)
        places = np.searchsorted(words, rows[mine, 2]).clip(max=len(words) - 1)
        told = (words[places] == rows[mine, 2])[:, None]
        others = np.maximum(len(pairs) - told * counts[places][:, None], 1)
        found[mine] = (offsets.sum(0) - told * own[places]) / others
    return found
