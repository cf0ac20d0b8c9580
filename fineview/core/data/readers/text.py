"""The decoded beginning of a text file."""

import codecs
from dataclasses import dataclass

from fineview.core.data.readers.encodings import detect
from fineview.core.data.readers.opening import (
    SAMPLE,
    head,
    known_encoding,
    nul_problem,
    refuse_binary,
    too_long,
)
from fineview.core.data.readers.rows import LIMIT, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The beginning of a text file, up to the end of a line.

    Attributes:
        text: Decoded; bytes that the encoding does not know are �.
        cut: Whether the file goes on.
        encoding: A Python codec name.
        plain: Whether there is nothing but ASCII.
        reasons: What deserves a second look.
    """

    text: str
    cut: bool
    encoding: str
    plain: bool
    reasons: tuple[str, ...] = ()


def sampled(source: Source, encoding: str | None = None, by_lines: bool = True) -> Sampled:
    """Read the first megabyte; more only where that does not hold a few lines.

    Args:
        source: The file.
        encoding: Fixed by the user; None is found out.
        by_lines: Whether to end with a line.

    Raises:
        ImportProblem: The file is empty or binary, or its lines are beyond any use.
    """
    source.report.check()
    if encoding is not None:
        known_encoding(source, encoding)
    data, whole = head(source)
    if by_lines and not whole and _line_ends(data) < 5:
        data, whole = head(source, LIMIT + SAMPLE)
    if not data:
        raise source.problem("the file is empty", "choose a file that holds texts and labels")
    refuse_binary(source, data)
    found = detect(data[:SAMPLE], whole and len(data) <= SAMPLE, source.name)
    if encoding is None and not found.name:
        raise nul_problem(source)
    if encoding is not None and b"\0" in data and found.name == "":
        raise nul_problem(source)
    name = encoding or found.name
    try:
        text = codecs.getincrementaldecoder(name)("replace").decode(data, final=whole)
    except UnicodeError as error:
        raise source.problem(
            f"the file is not {name} ({error})", "choose another encoding"
        ) from None
    if by_lines and not whole:
        end = max(text.rfind("\n"), text.rfind("\r")) + 1
        if not end:
            raise too_long(source, 1)
        text = text[:end]
    if "\0" in text:
        raise nul_problem(source, text.count("\n", 0, text.index("\0")) + 1)
    if not text.strip():
        raise source.problem(
            "there is nothing but white space in the file",
            "choose a file that holds texts and labels",
        )
    reasons = (found.reason,) if found.reason and encoding is None else ()
    return Sampled(text=text, cut=not whole, encoding=name, plain=found.plain, reasons=reasons)


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")
