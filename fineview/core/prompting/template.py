"""The exact text of a few-shot prompt: instruction, examples in one format, and the query."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fineview.core.errors import ConfigError
from fineview.core.prompting.choices import LONGEST_TEXT, PromptConfig

LABEL = "label"
"""Name of the last column, and of the slot that the model is to fill."""
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as the model gets it.

    Attributes:
        text: The prompt, up to where the label belongs.
        lead: The space that stands before the label, or "". Tokenizers join it to the word behind
            it, so it belongs to the answer: a prompt that ends in a space asks for something that
            the model has hardly ever seen.
        stop: Strings that end a generated answer: what stands behind a label in the examples, and
            the end of the line where labels have none in them.
    """

    text: str
    lead: str
    stop: tuple[str, ...]


def render(
    prompt: PromptConfig,
    query: Sequence[str] | None = None,
    shots: Sequence[Sequence[str]] | None = None,
    *,
    empty: bool = False,
) -> Rendered:
    """Write a prompt out.

    Args:
        prompt: Instruction, format, separator, examples and query.
        query: (columns − 1) what is asked, in the place of the prompt's own query.
        shots: (k, columns) examples, in the place of the prompt's own.
        empty: Whether the query may be empty, as on content-free input.

    Raises:
        ConfigError: The format has an unknown slot, none for the label, or a brace alone; an
            example lacks its label or a cell; the query is empty; or the text is too long. The
            error names the field of the prompt.
    """
    columns = prompt.columns
    before, after = _format(prompt)
    rows = prompt.shots if shots is None else shots
    for at, row in enumerate(rows, start=1):
        _check_example(row, at, columns)
    cells = tuple(prompt.query if query is None else query)
    _check_query(cells, before, columns, empty)

    parts = [prompt.instruction] if prompt.instruction else []
    parts += [
        _filled(before, row, columns) + row[-1] + _filled(after, row, columns) for row in rows
    ]
    text = prompt.separator.join((*parts, _filled(before, cells, columns)))
    # One space, not all: of several, a tokenizer joins only the last to the word.
    lead = " " if text.endswith(" ") else ""
    text = text.removesuffix(" ")
    if len(text) > LONGEST_TEXT:
        raise ConfigError(
            f"The prompt has {len(text):,} characters, the most is {LONGEST_TEXT:,}: use fewer or "
            f"shorter examples.",
            "shots",
        )
    return Rendered(text, lead, _stops(after, prompt.separator, [row[-1] for row in rows]))


def premise(prompt: PromptConfig) -> str:
    """Return what stands between the last slot and the label, the premise of the domain.

    It is what is left of a prompt that says nothing of the query: for `The capital of {input} is
    {label}` it is `is`. "" where only spaces stand there.

    Raises:
        ConfigError: As in `render`.

    Source:
        Holtzman et al. 2021, arXiv:2104.08315, section 3.
    """
    before, _ = _format(prompt)
    literal = ""
    for text, slot in before:
        literal = "" if slot else literal + text
    return literal.strip()


def slots(prompt: PromptConfig) -> tuple[str, ...]:
    """Return the columns that stand before the label, as they come.

    Raises:
        ConfigError: As in `render`.
    """
    before, _ = _format(prompt)
    return tuple(dict.fromkeys(text for text, slot in before if slot))


_Part = tuple[str, bool]
"""Text as it stands, or the name of a slot, and whether it is one."""


def _format(prompt: PromptConfig) -> tuple[list[_Part], list[_Part]]:
    """Return the parts of the format before the first label, and behind it."""
    columns = prompt.columns
    if not columns or columns[-1] != LABEL or len(set(columns)) < len(columns):
        raise ConfigError(
            f"The columns {', '.join(columns) or 'of the prompt'} must be different names, the "
            f"last of them {LABEL!r}.",
            "columns",
        )
    parts = list(_parts(prompt.example))
    for name, slot in parts:
        if slot and name not in columns:
            raise ConfigError(
                f"The format has a slot {{{name}}}, but the columns are {', '.join(columns)}: use "
                f"one of these, or write {{{{{name}}}}} for braces in the text.",
                "example",
            )
    if (LABEL, True) not in parts:
        raise ConfigError(
            f"The format {prompt.example!r} has no {{label}}: put it where the answer belongs.",
            "example",
        )
    at = parts.index((LABEL, True))
    if len(columns) > 1 and not any(slot for _, slot in parts[:at]):
        raise ConfigError(
            f"No slot stands before {{label}} in {prompt.example!r}, so the model would not see "
            f"the query: put {{{columns[0]}}} before it.",
            "example",
        )
    return parts[:at], parts[at + 1 :]


def _parts(text: str) -> Iterator[_Part]:
    for match in _PIECE.finditer(text):
        piece = match.group()
        if match.group(1) is not None:
            yield match.group(1), True
        elif piece in ("{", "}"):
            raise ConfigError(
                f"The format has a single {piece!r} at character {match.start() + 1}: write "
                f"{piece * 2} for a brace in the text.",
                "example",
            )
        else:
            yield piece[0] if piece in ("{{", "}}") else piece, False


def _check_example(row: Sequence[str], at: int, columns: Sequence[str]) -> None:
    if len(row) != len(columns):
        raise ConfigError(
            f"Example {at} has {len(row)} cells, but the columns are {', '.join(columns)}: fill "
            f"or remove it.",
            "shots",
        )
    if not row[-1].strip():
        raise ConfigError(
            f"Example {at} ({' · '.join(row[:-1])[:60]}) has no label: fill it in, or remove the "
            f"example.",
            "shots",
        )


def _check_query(
    cells: Sequence[str], before: Sequence[_Part], columns: Sequence[str], empty: bool
) -> None:
    if len(cells) != len(columns) - 1:
        raise ConfigError(
            f"The query has {len(cells)} cells, but it needs {', '.join(columns[:-1]) or 'none'}.",
            "query",
        )
    used = [cells[columns.index(name)] for name, slot in before if slot]
    if used and not empty and not any(cell.strip() for cell in used):
        raise ConfigError("The query is empty: write what is asked.", "query")


def _filled(parts: Sequence[_Part], row: Sequence[str], columns: Sequence[str]) -> str:
    return "".join(row[columns.index(text)] if slot else text for text, slot in parts)


def _stops(after: Sequence[_Part], separator: str, labels: Sequence[str]) -> tuple[str, ...]:
    behind = ""
    for text, slot in after:
        if slot:
            break
        behind += text
    else:
        behind += separator
    found = [behind.rstrip(" ")] if behind.strip(" ") else []
    if not any("\n" in label for label in labels):
        found.append("\n")
    return tuple(dict.fromkeys(found))
