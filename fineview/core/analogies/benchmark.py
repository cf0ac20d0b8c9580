"""Whole sets of analogy questions at once, with and without the words of the question.

The table is gone through once, in tiles. Of each tile only every question's best score is kept; the
words of all questions are a tile of their own, so that leaving out the words of a question touches
one tile alone. What decides is then computed anew in float64 in the few tiles that can hold it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.questions import QuestionSet
from fineview.core.analogies.scoring import Questions, Scorer
from fineview.core.analogies.solver_methods import METHODS, Method
from fineview.core.analogies.vectors import WordVectors, folded
from fineview.core.errors import ConfigError, DataError
from fineview.core.progress import SILENT, Report

TILE = 1024
TOP = 5


@dataclass(frozen=True, slots=True)
class Score:
    """How many questions of a section, or of several, were answered.

    Attributes:
        name: Of the section.
        asked: Questions in the file.
        covered: Those whose four words are in the table; only they count below.
        right: Answered right without the words of the question.
        right_in_five: The right word is among the first five.
        right_allowed: Answered right where the words of the question may be answers.
        right_in_five_allowed: Among the first five then.
        answered_input: Where they may, so often one of them came first.
    """

    name: str
    asked: int
    covered: int
    right: int
    right_in_five: int
    right_allowed: int
    right_in_five_allowed: int
    answered_input: int

    def accuracy(self, right: int) -> float:
        """Return a share of the covered questions, 0 where there are none."""
        return right / self.covered if self.covered else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkResult:
    """What became of every question.

    Attributes:
        method: How they were answered.
        vocabulary: V words that could be answers.
        sections: In the file's order.
        totals: `semantic`, `syntactic` where there are both, and `total`.
        number: (N,) which question of the set, counted through all sections; covered ones only.
        section: (N,) its section.
        rows: (N, 4) rows of a, b, c, d in the table.
        answer: (N,) row of the first answer, the words of the question left out.
        answer_allowed: (N,) row of the first answer of all.
        right: (N,) whether `answer` is d, however it is spelled.
        right_allowed: (N,) whether `answer_allowed` is.
        in_five: (N,) whether d is among the first five, inputs left out.
        rank: (N,) of d, from 1, inputs left out; 0 where d is itself an input. Behind the fifth
            words that score alike to the sixth digit may be counted either way.
    """

    method: Method
    vocabulary: int
    sections: tuple[Score, ...]
    totals: tuple[Score, ...]
    number: NDArray[np.int64]
    section: NDArray[np.int64]
    rows: NDArray[np.int64]
    answer: NDArray[np.int64]
    answer_allowed: NDArray[np.int64]
    right: NDArray[np.bool_]
    right_allowed: NDArray[np.bool_]
    in_five: NDArray[np.bool_]
    rank: NDArray[np.int64]


def evaluate(
    vectors: WordVectors,
    questions: QuestionSet,
    *,
    method: Method = "add",
    limit: int = 0,
    exact_case: bool = False,
    report: Report = SILENT,
    tile: int = TILE,
) -> BenchmarkResult:
    """Answer a set of questions.

    Args:
        vectors: The table.
        questions: The set.
        method: How.
        limit: Only the first so many words are offered and covered; 0 for all.
        exact_case: Whether words differ by case.
        report: Asked between tiles; told tiles done.
        tile: Words gone through at once; changes nothing but time.

    Raises:
        ConfigError: The method is unknown.
        DataError: No question is covered.
        JobCancelled: Stop was pressed.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 4.1; counted as gensim's
        `evaluate_word_analogies` does.
    """
    if method not in METHODS:
        raise ConfigError(
            f"There is no method {method!r}: choose one of {', '.join(METHODS)}.", "method"
        )
    size = min(limit, len(vectors)) if limit else len(vectors)
    asked = _Asked(vectors, questions, size, exact_case)
    scorer = Scorer(vectors, asked.questions, method, report)
    special = _in_special_tile(scorer, asked, report)
    best, behind = _best_by_tile(scorer, asked, special.goal, size, tile, report)
    return _judged(
        vectors, questions, method, size, asked, scorer, special, best, behind, tile, report
    )


class _Asked:
    """The covered questions, and the words they are about.

    Attributes:
        questions: As rows.
        number: (N,) place of each in the file.
        special: (W,) rows, ascending, that are spelled as a word of some question.
        group: (W,) which word each of them is.
        groups: (N, 4) which words a, b, c, d are.
    """

    def __init__(
        self, vectors: WordVectors, questions: QuestionSet, size: int, exact_case: bool
    ) -> None:
        spell = str if exact_case else folded
        wanted = {
            spell(word) for part in questions.sections for question in part.questions
            for word in question
        }  # fmt: skip
        group_of: dict[str, int] = {}
        first: list[int] = []
        special, group = [], []
        for row in range(size):
            word = vectors.words[row]
            # Most rows are no word of any question, and spelling costs.
            spelled = word if exact_case or (word.isascii() and word.islower()) else spell(word)
            if spelled in wanted:
                if spelled not in group_of:
                    group_of[spelled] = len(first)
                    first.append(row)
                special.append(row)
                group.append(group_of[spelled])
        self.special = np.array(special, dtype=np.int64)
        self.group = np.array(group, dtype=np.int64)
        found, number, section = [], [], []
        place = 0
        for at, part in enumerate(questions.sections):
            for question in part.questions:
                groups = [group_of.get(spell(word), -1) for word in question]
                if min(groups) >= 0:
                    found.append(groups)
                    number.append(place)
                    section.append(at)
                place += 1
        if not found:
            raise DataError(
                f"None of the {questions.count:,} questions of {questions.title} has all four "
                f"words among the first {size:,} words of {vectors.info.title}: take more words."
            )
        self.groups = np.array(found, dtype=np.int64)
        self.number = np.array(number, dtype=np.int64)
        rows = np.array(first, dtype=np.int64)[self.groups]
        self.questions = Questions(rows, np.array(section, dtype=np.int64))


def _tiles(size: int, special: NDArray[np.int64], tile: int) -> list[NDArray[np.int64]]:
    """Cut all rows but the special ones."""
    others = np.setdiff1d(np.arange(size, dtype=np.int64), special, assume_unique=True)
    return [others[first : first + tile] for first in range(0, len(others), tile)]


def _best_by_tile(
    scorer: Scorer,
    asked: _Asked,
    goal: NDArray[np.float64],
    size: int,
    tile: int,
    report: Report,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return (tiles, N) best scores, and (N,) how many words of them score above the goal (N,)."""
    import torch

    count = len(asked.questions)
    blocks = [slice(at, min(at + TILE, count)) for at in range(0, count, TILE)]
    buffer = torch.empty(min(TILE, count), tile)
    tiles = _tiles(size, asked.special, tile)
    best = np.empty((len(tiles), count), dtype=np.float32)
    goals = torch.from_numpy(goal.astype(np.float32))
    ahead = torch.zeros(count, dtype=torch.int64)
    for at, part in enumerate(tiles):
        report.check()
        report.progress(at, len(tiles), f"{count:,} questions")
        best[at] = scorer.fast(part, blocks, buffer, goals, ahead)
    return best, ahead.numpy()


@dataclass(slots=True, eq=False)
class _Leader:
    """The best word found so far for each question."""

    score: NDArray[np.float64]
    row: NDArray[np.int64]

    def offer(
        self, asked: NDArray[np.int64], score: NDArray[np.float64], row: NDArray[np.int64]
    ) -> None:
        better = (score > self.score[asked]) | (
            (score == self.score[asked]) & (row < self.row[asked])
        )
        chosen = asked[better]
        self.score[chosen], self.row[chosen] = score[better], row[better]


@dataclass(frozen=True, slots=True, eq=False)
class _Special:
    """What the words of the questions themselves decide, for each question.

    Attributes:
        goal: (N,) score of d.
        excluded: The best word, a, b and c left out.
        allowed: The best word.
        ahead: (N,) words that score above d, and are none of a, b, c.
        ahead_inputs: (N,) those of a, b, c that do.
    """

    goal: NDArray[np.float64]
    excluded: _Leader
    allowed: _Leader
    ahead: NDArray[np.int64]
    ahead_inputs: NDArray[np.int64]


def _in_special_tile(scorer: Scorer, asked: _Asked, report: Report) -> _Special:
    count = len(asked.questions)
    empty = np.full(count, -np.inf)
    excluded = _Leader(empty.copy(), np.zeros(count, dtype=np.int64))
    allowed = _Leader(empty.copy(), np.zeros(count, dtype=np.int64))
    goal = empty.copy()
    ahead, ahead_inputs = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for first in range(0, count, TILE):
        report.check()
        some = np.arange(first, min(first + TILE, count))
        scores = scorer.exact(asked.special, some)
        groups = asked.groups[some]
        mine = asked.group[None, :] == groups[:, 3][:, None]
        goal[some] = np.where(mine, scores, -np.inf).max(1)
        inputs = (asked.group[None, None, :] == groups[:, :3, None]).any(1)
        top = scores.argmax(1)
        allowed.offer(some, scores[np.arange(len(some)), top], asked.special[top])
        better = (scores > goal[some][:, None]) & ~mine
        ahead_inputs[some] = (better & inputs).sum(1)
        ahead[some] = (better & ~inputs).sum(1)
        scores[inputs] = -np.inf
        top = scores.argmax(1)
        excluded.offer(some, scores[np.arange(len(some)), top], asked.special[top])
    return _Special(goal, excluded, allowed, ahead, ahead_inputs)


def _judged(
    vectors: WordVectors, questions: QuestionSet, method: Method, size: int, asked: _Asked,
    scorer: Scorer, special: _Special, best: NDArray[np.float32], behind: NDArray[np.int64],
    tile: int, report: Report,
) -> BenchmarkResult:  # fmt: skip
    goal, excluded, allowed = special.goal, special.excluded, special.allowed
    ahead = special.ahead.copy()
    tiles = _tiles(size, asked.special, tile)
    rough = best.astype(np.float64)
    slack = scorer.margin(rough)
    # Tiles that may hold the answer, and those that may hold a word ahead of d, if these are few.
    leaders = rough >= np.maximum(rough.max(0, initial=-np.inf), excluded.score) - slack
    before = rough > goal - slack
    sure = (rough > goal + slack).sum(0)
    before &= (sure < TOP) & (ahead < TOP)
    wanted = leaders | before
    for at, part in enumerate(tiles):
        report.check()
        some = np.flatnonzero(wanted[at])
        if not len(some):
            continue
        scores = scorer.exact(part, some)
        top = scores.argmax(1)
        found = scores[np.arange(len(some)), top]
        for leader in (excluded, allowed):
            leader.offer(some, found, part[top])
        ahead[some] += (scores > goal[some][:, None]).sum(1)
    ahead = np.maximum(ahead, np.where(sure >= TOP, TOP, 0))
    group = np.full(len(vectors), -1, dtype=np.int64)
    group[asked.special] = asked.group
    right = group[excluded.row] == asked.groups[:, 3]
    right_allowed = group[allowed.row] == asked.groups[:, 3]
    # A question may ask for one of its own words; then leaving it out leaves nothing right.
    own = (asked.groups[:, :3] == asked.groups[:, 3:]).any(1)
    flags = {
        "right": right,
        "right_in_five": (ahead < TOP) & ~own,
        "right_allowed": right_allowed,
        "right_in_five_allowed": ahead + special.ahead_inputs < TOP,
        "answered_input": (group[allowed.row][:, None] == asked.groups[:, :3]).any(1),
    }
    # Few words ahead are counted exactly; more of them in float32, which is as good for a rank.
    rank = 1 + np.where(ahead < TOP, ahead, np.maximum(special.ahead + behind, TOP))
    rank[right] = 1
    rank[own] = 0
    sections = tuple(
        _score(part.name, len(part.questions), asked.questions.section == at, flags)
        for at, part in enumerate(questions.sections)
    )
    return BenchmarkResult(
        method=method,
        vocabulary=size,
        sections=sections,
        totals=_totals(questions, sections),
        number=asked.number,
        section=asked.questions.section,
        rows=asked.questions.rows,
        answer=excluded.row,
        answer_allowed=allowed.row,
        right=right,
        right_allowed=right_allowed,
        in_five=flags["right_in_five"],
        rank=rank,
    )


def _score(
    name: str, asked: int, chosen: NDArray[np.bool_], flags: dict[str, NDArray[np.bool_]]
) -> Score:
    counts = {key: int(values[chosen].sum()) for key, values in flags.items()}
    return Score(name, asked, int(chosen.sum()), **counts)


def _totals(questions: QuestionSet, sections: tuple[Score, ...]) -> tuple[Score, ...]:
    kinds = [part.is_syntactic for part in questions.sections]
    named = [("total", list(sections))]
    if len(set(kinds)) == 2:
        named = [
            (
                "semantic",
                [s for s, syntactic in zip(sections, kinds, strict=True) if not syntactic],
            ),
            ("syntactic", [s for s, syntactic in zip(sections, kinds, strict=True) if syntactic]),
            *named,
        ]
    return tuple(_sum(name, parts) for name, parts in named)


def _sum(name: str, parts: list[Score]) -> Score:
    return Score(
        name,
        asked=sum(p.asked for p in parts),
        covered=sum(p.covered for p in parts),
        right=sum(p.right for p in parts),
        right_in_five=sum(p.right_in_five for p in parts),
        right_allowed=sum(p.right_allowed for p in parts),
        right_in_five_allowed=sum(p.right_in_five_allowed for p in parts),
        answered_input=sum(p.answered_input for p in parts),
    )
