"""Which words lie where the arithmetic ends: every method from one pass over the table.

The cosines of all words with the few words of the expression decide all methods but those that
learn from several pairs: these look at the table once more. The source of each method stands in
`METHODS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.examples import TargetWords, mean_offset
from fineview.core.analogies.expression import Expression
from fineview.core.analogies.solver_methods import METHODS, Method
from fineview.core.analogies.vectors import WordVectors
from fineview.core.errors import ConfigError, DataError

EPSILON = 1e-6
"""What keeps 3CosMul from dividing by 0; gensim's value."""
_NEAR = 256
_RUN = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """A word that is offered.

    Attributes:
        word: The word.
        row: Its row in the table, which is its rank by frequency, from 0.
        score: As the method's unit says; of distances smaller is better.
        is_input: Whether it stands in the expression.
    """

    word: str
    row: int
    score: float
    is_input: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one method answers.

    Attributes:
        method: Which.
        excluded: Without the words of the expression: the usual rule.
        allowed: With them.
    """

    method: Method
    excluded: tuple[Answer, ...]
    allowed: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Everything about one expression.

    Attributes:
        expression: What was asked.
        answers: By method, in the order of `METHODS`; those that do not apply are not there.
        baselines: For `a : b :: c : ?` the neighbours of b alone and of c alone, inputs excluded.
    """

    expression: Expression
    answers: tuple[Answers, ...]
    baselines: Mapping[str, tuple[Answer, ...]]

    def of(self, method: Method) -> Answers | None:
        """Return one method's answers."""
        return next((one for one in self.answers if one.method == method), None)


def solve(
    vectors: WordVectors,
    expression: Expression,
    *,
    count: int = 10,
    limit: int = 0,
    methods: Sequence[Method] = ("add",),
    pairs: Sequence[tuple[str, str]] = (),
    allowed: NDArray[np.bool_] | None = None,
) -> Solution:
    """Answer an expression.

    Args:
        vectors: The table.
        expression: All its words are in the table.
        count: Most answers of each list.
        limit: Only the first so many words are offered; 0 for all. The words of the expression may
            lie behind it.
        methods: Those wanted; what does not apply is left out: those that need an analogy where
            there is none, those that need pairs where there are none but the analogy's own.
        pairs: Further examples of the relation; their words are words of the question for the
            methods that use them.
        allowed: (V,) words that may be offered, or None for all.

    Raises:
        ConfigError: A method is unknown.
        DataError: A word is not in the table, or nothing is left of the sum.
    """
    for method in methods:
        if method not in METHODS:
            known = ", ".join(get_args(Method))
            raise ConfigError(f"There is no method {method!r}: choose one of {known}.", "method")
    rows = rows_of(vectors, expression)
    weights = np.array([term.weight for term in expression.terms], dtype=np.float32)
    size = min(limit, len(vectors)) if limit else len(vectors)
    inputs = vectors.units[rows]
    cosines = _cosines(vectors.units[:size], inputs)
    examples = example_rows(vectors, expression, pairs)
    scoring = _Scoring(vectors, rows, weights, cosines, inputs, size, examples)
    blocked = None if allowed is None else ~allowed[:size]
    found = []
    for method in METHODS:
        info = METHODS[method]
        missing = (info.needs_analogy and not expression.analogy) or (
            info.needs_pairs and len(examples) < 2
        )
        if method in methods and not missing:
            scores = _without(scoring.by(method), blocked)
            own = np.union1d(rows, examples) if info.needs_pairs else rows
            found.append(_answers(vectors, method, scores, own, count))
    baselines = {}
    if (analogy := expression.analogy) is not None:
        words = [term.word for term in expression.terms]
        for word in analogy[1:]:
            scores = _without(cosines[:, words.index(word)], blocked)
            baselines[word] = _answers(vectors, "add", scores, rows, count).excluded
    return Solution(expression, tuple(found), baselines)


def _without(scores: NDArray[np.float32], blocked: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Return scores with those of blocked words at −∞; the same array where none is blocked."""
    return scores if blocked is None else np.where(blocked, np.float32(-np.inf), scores)


def _cosines(units: NDArray[np.float32], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (V, n) products of (V, D) and (n, D), laid out so that each column is contiguous.

    torch goes once through the table for all columns; numpy's product takes half as long again.
    """
    import torch

    across = torch.mm(torch.from_numpy(inputs), torch.from_numpy(units).T)
    found: NDArray[np.float32] = across.numpy().T
    return found


def rows_of(vectors: WordVectors, expression: Expression) -> NDArray[np.int64]:
    """Return the rows of an expression's words, (n,).

    Raises:
        DataError: One is not in the table, or there is none.
    """
    if expression.unknown:
        word = expression.unknown[0].word
        raise DataError(
            f"{word!r} is not among the {len(vectors):,} words of {vectors.info.title}: choose "
            f"another spelling or another word."
        )
    if not expression.terms:
        raise DataError(
            "Nothing is left of this sum: its words cancel. Write it with words that differ."
        )
    return np.array([vectors.index[term.word] for term in expression.terms], dtype=np.int64)


def example_rows(
    vectors: WordVectors, expression: Expression, pairs: Sequence[tuple[str, str]]
) -> NDArray[np.int64]:
    """Return rows (P, 2) of an analogy's own pair and of the others, each pair once.

    A pair that begins with c would tell the answer: it is left out.
    """
    if expression.analogy is None:
        return np.empty((0, 2), dtype=np.int64)
    a, b, c = expression.analogy
    chosen = dict.fromkeys([(a, b), *(pair for pair in pairs if pair[0] != c)])
    rows = [[vectors.index[word] for word in pair] for pair in chosen]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


class _Scoring:
    """Scores of all words, larger is better, from their cosines with the expression's words."""

    def __init__(
        self,
        vectors: WordVectors,
        rows: NDArray[np.int64],
        weights: NDArray[np.float32],
        cosines: NDArray[np.float32],
        inputs: NDArray[np.float32],
        size: int,
        examples: NDArray[np.int64],
    ) -> None:
        self._vectors = vectors
        self._examples = examples
        self._rows = rows
        self._weights = weights
        self._cosines = cosines
        self._inputs = inputs
        self._size = size

    def by(self, method: Method) -> NDArray[np.float32]:
        """Return (size,) scores, a new array."""
        match method:
            case "add":
                return self._add()
            case "mul":
                return self._mul()
            case "direction":
                return self._direction()
            case "average":
                return self._average()
            case "lrcos":
                return self._lrcos()
            case _:
                return self._euclidean()

    def _add(self) -> NDArray[np.float32]:
        length = float(np.linalg.norm(self._weights @ self._inputs))
        if length < 1e-6:
            raise DataError(
                "The vectors of this sum add up to nothing: no word is nearer to it than another."
            )
        return self._sum(self._weights / np.float32(length))

    def _sum(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weighted sum of the columns of cosines, (size,).

        Without numpy's product: its threads go on spinning for a while, and hold up torch's.
        """
        found: NDArray[np.float32] = self._cosines[:, 0] * weights[0]
        for column, weight in enumerate(weights[1:], start=1):
            found += self._cosines[:, column] * weight
        return found

    def _mul(self) -> NDArray[np.float32]:
        # Cosines are moved to 0 … 1 first, so that no two negative ones make a positive.
        shifted = (1 + self._cosines) / 2
        above = np.ones(self._size, dtype=np.float32)
        below = np.ones(self._size, dtype=np.float32)
        for column, weight in enumerate(self._weights.tolist()):
            part = shifted[:, column] if abs(weight) == 1 else shifted[:, column] ** abs(weight)
            if weight > 0:
                above *= part
            else:
                below *= part
        scores: NDArray[np.float32] = above / (below + np.float32(EPSILON))
        return scores

    def _direction(self) -> NDArray[np.float32]:
        # Columns by weight and place: c and b are positive, in this order; a is negative.
        (a,) = np.flatnonzero(self._weights < 0)
        c, b = np.flatnonzero(self._weights > 0)
        offset = self._inputs[b] - self._inputs[a]
        length = max(float(np.linalg.norm(offset)), 1e-12)
        along = self._cosines[:, b] - self._cosines[:, a] - np.float32(self._inputs[c] @ offset)
        far = np.sqrt(np.maximum(2 - 2 * self._cosines[:, c], np.float32(1e-12)))
        scores: NDArray[np.float32] = (along / (far * length)).astype(np.float32, copy=False)
        if self._rows[c] < self._size:
            scores[self._rows[c]] = -1.0  # from c to itself there is no direction
        return scores

    def _average(self) -> NDArray[np.float32]:
        units = self._vectors.units
        c = int(np.flatnonzero(self._weights > 0)[0])
        first, second = (units[self._examples[:, side]].astype(np.float64) for side in (0, 1))
        goal = self._inputs[c] + mean_offset(first, second)
        length = float(np.linalg.norm(goal))
        if length < 1e-6:
            raise DataError(
                "The mean offset of these pairs takes c away: nothing is nearer to it than another."
            )
        scores: NDArray[np.float32] = units[: self._size] @ (goal / length).astype(np.float32)
        return scores

    def _lrcos(self) -> NDArray[np.float32]:
        target = TargetWords(self._vectors, self._examples[:, 0], self._examples[:, 1])
        c = int(np.flatnonzero(self._weights > 0)[0])
        sure = target.probability(self._vectors.units[: self._size])
        scores: NDArray[np.float32] = sure.astype(np.float32) * self._cosines[:, c]
        return scores

    def _euclidean(self) -> NDArray[np.float32]:
        table = self._vectors
        lengths = table.lengths[: self._size]
        mine = self._weights * table.lengths[self._rows]
        goal = mine @ self._inputs
        squared = lengths**2 - 2 * self._sum(mine) * lengths + np.float32(goal @ goal)
        scores: NDArray[np.float32] = -np.sqrt(np.maximum(squared, 0)).astype(np.float32)
        # Of near vectors the squares are nearly the same: their distances are taken anew.
        near = _highest(scores, min(_NEAR, self._size))
        true = table.units[near] * lengths[near][:, None] - goal
        scores[near] = -np.linalg.norm(true, axis=1)
        return scores


def _answers(
    vectors: WordVectors,
    method: Method,
    scores: NDArray[np.float32],
    rows: NDArray[np.int64],
    count: int,
) -> Answers:
    """Take the best words, once with those of the expression and once without."""
    wanted = min(count + len(rows), len(scores))
    some = _highest(scores, wanted)
    # Ties go to the commoner word.
    best = some[np.lexsort((some, -scores[some]))][:wanted].tolist()
    inputs = set(rows.tolist())
    sign = -1.0 if METHODS[method].unit == "distance" else 1.0
    ranked = [
        Answer(vectors.words[row], row, sign * float(scores[row]), row in inputs)
        for row in best
        if np.isfinite(scores[row])
    ]
    return Answers(
        method,
        tuple([one for one in ranked if not one.is_input][:count]),
        tuple(ranked[:count]),
    )


def _highest(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return places that hold the `count` highest scores, and maybe some more.

    The count-th highest maximum of groups is no higher than the count-th highest score: whatever
    reaches it is looked at. That is a hundred times as fast as to partition all scores. A group is
    every so-manieth score, since numpy compares long rows with each other much faster.
    """
    whole = len(scores) // _RUN * _RUN
    if whole < _RUN * count:
        return np.arange(len(scores))
    tops = scores[:whole].reshape(_RUN, -1).max(axis=0)
    least = np.partition(tops, -count)[-count]
    return np.flatnonzero(scores >= least)
