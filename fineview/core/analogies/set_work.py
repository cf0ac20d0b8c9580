"""Answers a whole set of questions for the window, and chooses which of them are listed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.asking import Dictionary
from fineview.core.analogies.benchmark import BenchmarkResult, evaluate
from fineview.core.analogies.choice import SetChoice
from fineview.core.analogies.questions import QuestionSet, load_questions, load_similarities
from fineview.core.analogies.similarity import SimilarityScore, similarity
from fineview.core.analogies.vectors import WordVectors, folded
from fineview.core.progress import SILENT, Report


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredSet:
    """A set with its result.

    Attributes:
        choice: What was asked.
        questions: The set.
        vectors: The table that answered.
        result: What became of every covered question.
        similarities: How the same vocabulary agrees with judged word pairs.
    """

    choice: SetChoice
    questions: QuestionSet
    vectors: WordVectors
    result: BenchmarkResult
    similarities: tuple[SimilarityScore, ...]


def answer_set(
    dictionary: Dictionary, choice: SetChoice, cache: Path, report: Report = SILENT
) -> AnsweredSet:
    """Answer a set; raises what `load_questions` and `evaluate` raise."""
    questions = load_questions(choice.questions, cache)
    result = evaluate(
        dictionary.vectors, questions, method=choice.method, limit=choice.limit, report=report
    )
    judged = [load_similarities(name) for name in ("wordsim353", "simlex999")]
    scores = tuple(similarity(dictionary.vectors, one, limit=choice.limit) for one in judged)
    return AnsweredSet(choice, questions, dictionary.vectors, result, scores)


def listed(answered: AnsweredSet, choice: SetChoice) -> NDArray[np.int64]:
    """Return which covered questions are listed, (n,) places in the result, in the set's order.

    Args:
        answered: The result.
        choice: Which of them.
    """
    result = answered.result
    wanted = np.ones(len(result.rows), dtype=bool)
    if choice.show == "wrong":
        wanted &= ~result.right
    elif choice.show == "right":
        wanted &= result.right
    elif choice.show == "rule":
        wanted &= result.right & ~result.right_allowed
    if choice.section:
        names = [part.name for part in result.sections]
        place = names.index(choice.section) if choice.section in names else -1
        wanted &= result.section == place
    if text := folded(choice.text.strip()):
        words = answered.vectors.words
        rows = np.unique(np.concatenate([result.rows.ravel(), result.answer]))
        named = [row for row in rows.tolist() if folded(words[row]).startswith(text)]
        every = np.column_stack([result.rows, result.answer])
        wanted &= np.isin(every, named).any(axis=1)
    return np.flatnonzero(wanted)


@dataclass(frozen=True, slots=True)
class ComparedScore:
    """Two results on the questions that both cover.

    Attributes:
        name: Of the section, or of the total.
        both: Questions that both cover.
        here: Of these, answered right by the one.
        there: By the other.
        only_here: Right here, and wrong there.
        only_there: The other way round.
    """

    name: str
    both: int
    here: int
    there: int
    only_here: int
    only_there: int


def compare(one: AnsweredSet, other: AnsweredSet) -> tuple[ComparedScore, ...]:
    """Compare two results of one set, by section and in total; the words of the question left out.

    Figures over different questions cannot be compared; these are over the same ones.

    Args:
        one: A result.
        other: Another one, of the same questions.
    """
    mine, theirs = one.result, other.result
    _, at, beside = np.intersect1d(
        mine.number, theirs.number, assume_unique=True, return_indices=True
    )
    here, there, section = mine.right[at], theirs.right[beside], mine.section[at]
    kinds = np.array([part.is_syntactic for part in one.questions.sections])[section]
    chosen = {"semantic": ~kinds, "syntactic": kinds, "total": np.ones(len(at), dtype=bool)}
    parts = [(total.name, chosen[total.name]) for total in mine.totals]
    parts += [(part.name, section == place) for place, part in enumerate(mine.sections)]
    return tuple(
        ComparedScore(
            name,
            both=int(some.sum()),
            here=int(here[some].sum()),
            there=int(there[some].sum()),
            only_here=int((here & ~there)[some].sum()),
            only_there=int((there & ~here)[some].sum()),
        )
        for name, some in parts
    )
