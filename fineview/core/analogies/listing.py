"""Many questions at once, a line each."""

import re
from dataclasses import dataclass

from fineview.core.analogies.asking import Dictionary
from fineview.core.analogies.choice import ListChoice
from fineview.core.analogies.expression import ExpressionError, form_text, read
from fineview.core.analogies.solver import Answer, solve
from fineview.core.errors import DataError
from fineview.core.progress import SILENT, Report

MOST_LINES = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """A question with its answers.

    Attributes:
        text: As an expression.
        excluded: First answer without the words of the question; None where there is none.
        allowed: First answer of all.
        of_b: Nearest neighbour of b alone, for an analogy.
        of_c: Of c alone.
        problem: One sentence where it has no answer, else "".
    """

    text: str
    excluded: Answer | None = None
    allowed: Answer | None = None
    of_b: Answer | None = None
    of_c: Answer | None = None
    problem: str = ""


def expressions(text: str) -> list[str]:
    """Return the questions of a text: lines, or three comma-separated words a line."""
    found = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        parts = [part.strip().strip('"') for part in re.split(r"[,;\t]", line)]
        if len(parts) in (3, 4) and all(parts[:3]):
            line = form_text(*(f'"{part}"' if " " in part else part for part in parts[:3]))
        found.append(line)
    return found


def answer_list(
    dictionary: Dictionary, choice: ListChoice, report: Report = SILENT
) -> tuple[Line, ...]:
    """Answer every line; what is wrong with one stands in it.

    Raises:
        DataError: There are too many lines.
        JobCancelled: Stop was pressed.
    """
    asked = expressions(choice.text)
    if len(asked) > MOST_LINES:
        raise DataError(
            f"The list has {len(asked):,} questions: at most {MOST_LINES:,} are answered here; for "
            f"more of them there is the benchmark page."
        )
    found = []
    for number, text in enumerate(asked):
        report.check()
        report.progress(number, len(asked), "Answering a list")
        found.append(_line(dictionary, text, choice))
    return tuple(found)


def _line(dictionary: Dictionary, text: str, choice: ListChoice) -> Line:
    try:
        expression = read(text, dictionary.spelled(False))
        solution = solve(dictionary.vectors, expression, count=1, methods=(choice.method,))
    except (ExpressionError, DataError) as error:
        return Line(text, problem=str(error))
    if not solution.answers:
        return Line(text, problem="This method answers only a : b :: c : ?")
    (answers,) = solution.answers
    b, c = (solution.baselines.get(word, ()) for word in (expression.analogy or ("", "", ""))[1:])
    return Line(
        text,
        answers.excluded[0] if answers.excluded else None,
        answers.allowed[0] if answers.allowed else None,
        b[0] if b else None,
        c[0] if c else None,
    )
