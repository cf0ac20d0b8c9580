"""Which files belong together, which split each is, and how they are laid out."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fineview.core.data.plan import Format, SourceFile
from fineview.core.data.readers.conll import CONLL_U
from fineview.core.data.readers.delimited import guess_delimiter
from fineview.core.data.readers.folders import class_folders, visible
from fineview.core.data.readers.lines import is_labelled, is_marked
from fineview.core.data.readers.opening import PARQUET, XLSX, head, kind_of
from fineview.core.data.readers.roles import split_of
from fineview.core.data.readers.rows import Source
from fineview.core.data.readers.text import sampled
from fineview.core.data.task import Split
from fineview.core.errors import ImportProblem

_BY_SUFFIX: dict[str, Format] = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited", ".psv": "delimited",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
    ".conllu": "conll", ".conll": "conll", ".conllup": "conll", ".iob": "conll", ".iob2": "conll",
    ".bio": "conll",
    ".xlsx": "xlsx",
    ".txt": "lines",  # or anything else: by content
    ".ft": "lines", ".fasttext": "lines", ".train": "lines", ".valid": "lines", ".test": "lines",
    ".dev": "lines",
}  # fmt: skip
_NOT_DATA = re.compile(
    r"readme|licen[cs]e|dataset_infos?|state|notice|changelog|stats|citation", re.IGNORECASE
)
_MOST_FILES = 1_000


def find_files(paths: Sequence[Path]) -> tuple[SourceFile, ...]:
    """Return the files to read; a folder stands for what it holds.

    Raises:
        ImportProblem: There is nothing that can be read.
    """
    if not paths:
        raise ImportProblem("no file was chosen", "choose at least one")
    found: list[SourceFile] = []
    for path in paths:
        if path.is_dir():
            found += _in_folder(path, several=len(paths) > 1)
        elif not path.exists():
            raise ImportProblem(
                "there is no such file", "choose it again where it is now", file=path.name
            )
        else:
            found.append(SourceFile(path=path, split=split_by_name(path.name)))
    if len(found) > _MOST_FILES:
        raise ImportProblem(
            f"{len(found):,} files are too many for one task",
            f"join them, or choose {_MOST_FILES:,} at most",
        )
    return tuple(found)


def split_by_name(name: str) -> Split | Literal[""]:
    """Return the split that a part of a file's name tells, or ""."""
    for part in re.split(r"[-_.\s]+", name):
        split = split_of(part) if len(part) > 2 else None
        if split is not None:
            return split
    return ""


def _in_folder(folder: Path, several: bool) -> list[SourceFile]:
    if len(class_folders(folder)) > 1 or (several and class_folders(folder)):
        return [SourceFile(path=folder, split=split_by_name(folder.name))]
    inner = [path for path in visible(folder) if path.is_dir()]
    roots = [path for path in inner if len(class_folders(path)) > 1]
    if roots:
        return [SourceFile(path=path, split=split_by_name(path.name)) for path in roots]
    files = [
        path
        for path in visible(folder)
        if path.is_file()
        and path.suffix.lower() in _BY_SUFFIX
        and not _NOT_DATA.match(path.stem)
        and path.stat().st_size
    ]
    if not files and len(inner) == 1:
        return _in_folder(inner[0], several=False)
    if not files:
        raise ImportProblem(
            "the folder holds nothing that can be read",
            "choose one with CSV, TSV, JSONL, Parquet, CoNLL, XLSX or text files, or with a folder "
            "of .txt files for each class",
            file=folder.name,
        )
    named = [path for path in files if split_by_name(path.name)]
    chosen = named or files
    kinds = Counter(path.suffix.lower() for path in chosen)
    if len(kinds) > 1:
        raise ImportProblem(
            f"the folder holds files of several kinds ({', '.join(sorted(kinds))})",
            "choose those that belong to one task",
            file=folder.name,
        )
    return [SourceFile(path=path, split=split_by_name(path.name)) for path in chosen]


def find_format(source: Source, encoding: str | None) -> Format:
    """Return how a file is laid out, by its first bytes, its name, then its text.

    Raises:
        ImportProblem: It is no file of texts.
    """
    if source.path.is_dir():
        return "folder"
    start, _ = head(source, 4096)
    kind = kind_of(start)
    if kind == PARQUET:
        return "parquet"
    if kind == XLSX:
        return "xlsx"
    by_name = _BY_SUFFIX.get(source.path.suffix.lower())
    if by_name in ("parquet", "xlsx") and (kind or not start or b"\0" in start):
        return by_name  # its reader knows what to say
    sample = sampled(source, encoding, by_lines=False)
    text = sample.text.lstrip("\ufeff \t\r\n")
    if by_name == "jsonl" or (text[:1] in ("{", "[") and _is_json(text)):
        return "jsonl"
    if by_name in ("conll", "delimited"):
        return by_name
    return _by_text(sample.text, source.path.suffix)


def _is_json(text: str) -> bool:
    return re.match(r'\{\s*("|\})|\[\s*(\{|\])', text) is not None


def _by_text(text: str, suffix: str) -> Format:
    lines = list(io.StringIO(text[:200_000], newline=""))
    lines = lines[:-1] if len(lines) > 5 and len(text) > 200_000 else lines
    if _is_conll(lines):
        return "conll"
    if is_marked(lines):
        return "lines"
    if is_labelled(lines):
        # "1,some text" would also begin with few words, were it not for its delimiter.
        delimiter, _ = guess_delimiter(text, suffix)
        rows = Counter(line.count(delimiter) for line in lines if line.strip()) if delimiter else {}
        if len(rows) != 1:
            return "lines"
    return "delimited"


def _is_conll(lines: Sequence[str]) -> bool:
    """Return whether blocks of lines have the same number of one-word columns, two or more."""
    last = max((i for i, line in enumerate(lines) if line.strip()), default=0)
    blank = sum(1 for line in lines[:last] if not line.strip())
    words = [
        line.strip("\r\n")
        for line in lines
        if line.strip() and not line.startswith(("-DOCSTART-", "# "))
    ]
    if not words or not blank or len(words) < 2 * blank:
        return False
    for delimiter in ("\t", None):
        rows = [line.split(delimiter) for line in words]
        columns, same = Counter(map(len, rows)).most_common(1)[0]
        # Of texts with blank lines between, few have the same number of words.
        if 2 <= columns <= 2 * len(CONLL_U) and same > 0.97 * len(rows):
            cells = [cell for row in rows for cell in row]
            return sum(" " in cell for cell in cells) < 0.05 * len(cells)
    return False
