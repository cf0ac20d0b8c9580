"""From what was typed to everything the panel shows; runs on a thread of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.choice import AnalogyChoice
from fineview.core.analogies.completion import Completion
from fineview.core.analogies.examples import ExamplePairs, read_pairs
from fineview.core.analogies.expression import Expression, ExpressionError, read
from fineview.core.analogies.geometry import Parallelogram, parallelogram
from fineview.core.analogies.solver import Solution, solve
from fineview.core.analogies.solver_methods import METHODS
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import DataError

_NEAR = 5


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Dictionary:
    """A table of word vectors with what typing needs.

    Attributes:
        vectors: The table.
        completion: Prefixes and misspellings.
    """

    vectors: WordVectors
    completion: Completion

    def spelled(self, exact_case: bool) -> Callable[[str], str | None]:
        """Return a function from a word to the table's own spelling of it, or None."""
        vectors = self.vectors

        def known(word: str) -> str | None:
            row = vectors.find(word, exact_case=exact_case)
            return None if row is None else vectors.words[row]

        return known


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word the table does not have.

    Attributes:
        word: As typed.
        start: Where it stands in the expression.
        end: Behind it.
        near: Words that may have been meant.
    """

    word: str
    start: int
    end: int
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What the panel shows for one question.

    Attributes:
        choice: What was asked.
        info: The table that answered.
        expression: As read; None where it could not be.
        solution: The answers, where there are any.
        picture: The parallelogram, for an analogy with an answer.
        problem: One sentence where something is missing or wrong, else "".
        place: Where in the expression, first character and behind the last.
        unknown: Words the table does not have.
        examples: The further pairs as read.
        lacking: One sentence where the chosen method has no answer, and another's is shown.
    """

    choice: AnalogyChoice
    info: VectorsInfo
    expression: Expression | None = None
    solution: Solution | None = None
    picture: Parallelogram | None = None
    problem: str = ""
    place: tuple[int, int] = (0, 0)
    unknown: tuple[Unknown, ...] = ()
    examples: ExamplePairs = field(default_factory=lambda: ExamplePairs(()))
    lacking: str = ""


def reply(dictionary: Dictionary, choice: AnalogyChoice) -> Reply:
    """Answer; whatever is wrong with the expression is part of the reply."""
    vectors, info = dictionary.vectors, dictionary.vectors.info
    try:
        expression = read(choice.expression, dictionary.spelled(choice.exact_case))
    except ExpressionError as error:
        return Reply(choice, info, problem=str(error), place=(error.start, error.end))
    if expression.unknown:
        unknown = tuple(
            Unknown(
                term.word,
                term.start,
                term.end,
                tuple(vectors.words[row] for row in dictionary.completion.meant(term.word, _NEAR)),
            )
            for term in expression.unknown
        )
        return Reply(choice, info, expression, unknown=unknown)
    if not expression.terms:
        return Reply(choice, info, expression, problem=_nothing(expression))
    try:
        examples = read_pairs(choice.pairs, dictionary.spelled(choice.exact_case))
        solution = solve(
            vectors,
            expression,
            count=choice.count,
            limit=choice.limit,
            methods=tuple(METHODS),
            pairs=examples.pairs,
            allowed=offered(vectors, choice.pattern, choice.skip),
        )
    except DataError as error:
        return Reply(choice, info, expression, problem=str(error))
    return Reply(
        choice,
        info,
        expression,
        solution,
        _picture(vectors, choice, solution),
        examples=examples,
        lacking=_lacking(choice, solution),
    )


def offered(vectors: WordVectors, pattern: str, skip: int) -> NDArray[np.bool_] | None:
    """Return which words may be answers, (V,), or None for all.

    Args:
        vectors: The table.
        pattern: A regular expression (RE2's, whose time is linear in the word) that finds something
            in them, or "" for any word.
        skip: The commonest so many are not offered.

    Raises:
        DataError: The pattern is none, or no word is left.
    """
    if not pattern and not skip:
        return None
    found = np.ones(len(vectors), dtype=bool)
    if pattern:
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            matched = pc.match_substring_regex(pa.array(vectors.words, pa.string()), pattern)
        except pa.ArrowInvalid as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            raise DataError(
                f"{pattern!r} is no regular expression ({reason}): write for instance ing$ for "
                f"words that end so."
            ) from None
        found = matched.to_numpy(zero_copy_only=False)
    found[:skip] = False
    if not found.any():
        raise DataError(
            "No word of the table passes the filters: take another pattern, or leave out fewer of "
            "the commonest words."
        )
    return found


def _lacking(choice: AnalogyChoice, solution: Solution) -> str:
    method = METHODS[choice.method]
    if solution.of(choice.method) is not None:
        return ""
    if solution.expression.analogy is None:
        return f"{method.title} answers only a : b :: c : ? – what stands here is 3CosAdd's."
    return (
        f"{method.title} learns from several pairs: write more examples of the relation, such as "
        f"france paris, japan tokyo. What stands here is 3CosAdd's."
    )


def _nothing(expression: Expression) -> str:
    if not expression.complete:
        return ""
    return "Nothing is left of this sum: its words cancel. Write it with words that differ."


def _picture(
    vectors: WordVectors, choice: AnalogyChoice, solution: Solution
) -> Parallelogram | None:
    analogy, answers = solution.expression.analogy, solution.of(choice.method)
    if analogy is None or answers is None or not answers.excluded:
        return None
    drawn = choice.against if choice.against in vectors.index else answers.excluded[0].word
    try:
        return parallelogram(vectors, (*analogy, drawn), unit=choice.unit)
    except DataError:  # all words have one vector
        return None
