"""One layout for all files of a task, and every failure as one clear sentence."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fineview.core.data.plan import Format
from fineview.core.data.readers.conll import DOCUMENT, ConllReader
from fineview.core.data.readers.delimited import DelimitedReader
from fineview.core.data.readers.finding import find_format
from fineview.core.data.readers.folders import FolderReader, class_files
from fineview.core.data.readers.jsonl import JsonReader
from fineview.core.data.readers.lines import LinesReader
from fineview.core.data.readers.parquet import ParquetReader
from fineview.core.data.readers.rows import Look, Reader, Source, listed
from fineview.core.data.readers.spreadsheet import SpreadsheetReader
from fineview.core.errors import ImportProblem

READERS: dict[Format, Reader] = {
    "delimited": DelimitedReader(),
    "jsonl": JsonReader(),
    "parquet": ParquetReader(),
    "conll": ConllReader(),
    "lines": LinesReader(),
    "folder": FolderReader(),
    "xlsx": SpreadsheetReader(),
}
ENCODED: tuple[Format, ...] = ("delimited", "jsonl", "conll", "lines", "folder")
"""Layouts that are text in some encoding."""
_WIDE = ("utf-16", "utf-32")
_TOLD = {"utf-8", "utf-8-sig", "utf-16", "utf-32"}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn whatever reading a file may raise into one sentence with a remedy.

    Args:
        path: The file that is read.

    Raises:
        ImportProblem: It cannot be read.
    """
    name = path.name
    try:
        yield
    except FileNotFoundError:
        raise ImportProblem(
            "the file is not there any more", "choose it again where it is now", file=name
        ) from None
    except PermissionError:
        raise ImportProblem(
            "the file may not be read", "change its permissions, or copy it", file=name
        ) from None
    except (IsADirectoryError, NotADirectoryError):
        raise ImportProblem(
            "a folder cannot be read as this layout",
            "choose the layout folder, or a file",
            file=name,
        ) from None
    except OSError as error:
        raise ImportProblem(
            f"the file cannot be read ({error.strerror or error})",
            "check the disk, or copy the file",
            file=name,
        ) from error
    except MemoryError:
        raise ImportProblem(
            "the file needs more memory than there is",
            "close other programs, or split the file",
            file=name,
        ) from None
    except (UnicodeError, csv.Error, ValueError, LookupError, ArithmeticError) as error:
        raise ImportProblem(
            f"the file cannot be understood ({type(error).__name__}: {str(error)[:200]})",
            "choose another layout or encoding",
            file=name,
        ) from error
    except RecursionError:
        raise ImportProblem(
            "the file is nested too deeply", "write one flat row for each text", file=name
        ) from None


def size_of(source: Source) -> int:
    """Return the bytes of a file, or of all texts of class folders."""
    if not source.path.is_dir():
        return source.path.stat().st_size
    total = 0
    for path in class_files(source.path):
        source.report.check()
        total += path.stat().st_size
    return total


def one_format(sources: Sequence[Source], main: int, encoding: str | None) -> Format:
    """Return how all files are laid out.

    Args:
        sources: The files.
        main: Index of the one that tells most.
        encoding: Fixed by the user; None is found out.

    Raises:
        ImportProblem: They are laid out in different ways.
    """
    with told(sources[main].path):
        found = find_format(sources[main], encoding)
    for source in sources:
        source.report.check()
        if source.path.suffix.lower() == sources[main].path.suffix.lower() and (
            source.path.is_dir() == sources[main].path.is_dir()
        ):
            continue  # a small file of the same kind tells less by itself
        with told(source.path):
            other = find_format(source, encoding)
        if other != found:
            raise ImportProblem(
                f"{source.name} is laid out as {other}, but {sources[main].name} as {found}",
                "choose files of one layout, or open them one by one",
                file=source.name,
            )
    return found


def one_encoding(sources: Sequence[Source], looks: Sequence[Look]) -> str:
    """Return an encoding that all files have; ASCII has nearly every one.

    Raises:
        ImportProblem: They have different ones.
    """
    marked = [i for i, look in enumerate(looks) if not look.plain]
    names = {looks[i].encoding for i in marked}
    if not names:
        return looks[0].encoding
    if names <= {"utf-8", "utf-8-sig"}:
        return "utf-8-sig" if len(names) == 2 else names.pop()
    if all(source.path.is_dir() for source in sources):
        # Their texts are told apart one by one: by a mark, or as UTF-8.
        others = names - _TOLD
        if len(others) == 1 and not min(others).startswith(_WIDE):
            return others.pop()
        if not others:
            return "utf-8" if len(names) > 1 or len(marked) < len(looks) else names.pop()
    different = next((i for i in marked if looks[i].encoding != looks[marked[0]].encoding), None)
    if different is None and names.pop().startswith(_WIDE):
        different = next((i for i, look in enumerate(looks) if look.plain), None)
    if different is not None:
        raise ImportProblem(
            f"the file is {looks[different].encoding}, but {sources[marked[0]].name} is "
            f"{looks[marked[0]].encoding}",
            "save both in the same encoding, best UTF-8, or open them one by one",
            file=sources[different].name,
        )
    return looks[marked[0]].encoding


def one_table(
    sources: Sequence[Source], looks: Sequence[Look], main: int, layout: Format
) -> tuple[str, ...]:
    """Return the columns of all files.

    Raises:
        ImportProblem: They have different ones.
    """
    expected = looks[main].columns
    if layout == "jsonl":  # a key may be missing from the beginning of a file
        every = [looks[main], *looks]
        expected = tuple(dict.fromkeys(name for look in every for name in look.columns))
    if layout == "conll" and any(DOCUMENT in look.columns for look in looks):
        bare = tuple(name for name in expected if name != DOCUMENT)
        expected = (*bare, DOCUMENT)
    for source, look in zip(sources, looks, strict=True):
        same = look.words == looks[main].words
        if layout == "parquet":
            same &= set(look.columns) == set(expected)
        elif layout == "conll":
            same &= [n for n in look.columns if n != DOCUMENT] == [
                n for n in expected if n != DOCUMENT
            ]
        elif layout == "jsonl":
            same &= bool(set(look.columns) & set(looks[main].columns))
        elif layout != "lines":
            same &= look.columns == expected
        if not same:
            raise ImportProblem(
                f"its columns are {listed(look.columns)}, but those of {sources[main].name} are "
                f"{listed(looks[main].columns)}",
                "make the columns the same, or open the files one by one",
                file=source.name,
            )
    return expected
