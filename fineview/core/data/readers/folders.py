"""A folder for each class, a text file for each text."""

import codecs
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.encodings import detect, marked
from fineview.core.data.readers.opening import (
    SAMPLE,
    known_encoding,
    nul_problem,
    refuse_binary,
    undecodable,
)
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    LIMIT,
    Look,
    Row,
    Sentence,
    Source,
    brief,
    no_words,
)

COLUMNS = ("text", "label", "file")
_LOOKED_AT = 400
"""Files whose beginning a look reads, drawn evenly."""
_CLUTTER = ("thumbs.db", "desktop.ini")
_START = SAMPLE // _LOOKED_AT


class FolderReader:
    """Reads class folders."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Read a few texts of every class."""
        files = class_files(source.path)
        if not files:
            raise source.problem(
                "no folder in it holds .txt files",
                "choose a folder that has a folder of .txt files for each class",
            )
        step = max(1, len(files) // _LOOKED_AT)
        some = files[::step][:_LOOKED_AT]
        starts = [(path, _start(path)) for path in some]
        encoding = settings.encoding
        plain, reasons = True, []
        for path, data in starts:
            source.report.check()
            refuse_binary(_one(source, path), data)
            if encoding is not None:
                known_encoding(source, encoding)
        if encoding is None:
            # A file that is marked, or UTF-8, is read so whatever the others are.
            own = [own_encoding(data, whole=False) for _, data in starts]
            pairs = [*zip(own, starts, strict=True)]
            others = [data for its, (_, data) in pairs if not its and not data.isascii()]
            unmarked = [data for its, (_, data) in pairs if its in ("", "utf-8")]
            # One after another with line ends between: evidence of many small files adds up.
            joined = b"\n".join(others or unmarked or [data for _, data in starts])
            found = detect(joined, True, source.name)
            if not found.name:
                bad = next((path for path, data in starts if b"\0" in data), some[0])
                raise nul_problem(_one(source, bad))
            encoding, plain = found.name, found.plain
            plain &= not any(own)
            reasons = _told_apart(own, len(others), found.name)
            if found.reason and not reasons:
                reasons = [found.reason]
        reasons += _passed_over(source.path)
        rows = [
            (0, (_decoded(data, encoding, "replace"), path.parent.name, _short(path)), "")
            for path, data in starts[:GUESSED_FROM]
        ]
        return Look(
            columns=COLUMNS,
            rows=tuple(rows),
            encoding=encoding,
            plain=plain,
            header=False,
            reasons=tuple(reasons),
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield a row for each file, class by class."""
        done = source.done
        known_encoding(source, plan.encoding)
        for path in class_files(source.path):
            source.report.check()
            one = _one(source, path)
            size = path.stat().st_size
            done += size
            if source.total:
                source.report.progress(min(done, source.total), source.total, source.name)
            cells = ("", path.parent.name, _short(path))
            if size > LIMIT:
                yield 0, cells, f"the file is longer than {LIMIT:,} bytes"
                continue
            data = path.read_bytes()
            try:
                text = _decoded(data, plan.encoding)
            except UnicodeError as error:
                raise undecodable(one, plan.encoding, error) from None
            if "\0" in text:
                raise nul_problem(one)
            yield 0, (text, *cells[1:]), ""

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Refuse: such a folder has no words."""
        raise no_words(source, plan.format)


def own_encoding(data: bytes, whole: bool = True) -> str:
    """Return the encoding that a text shows by itself: by a mark, or as UTF-8; else "".

    Args:
        data: The text, or its beginning.
        whole: Whether that is all; else the last character may be cut.
    """
    if mark := marked(data):
        return mark
    if data.isascii() or b"\0" in data:
        return ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        return ""
    return "utf-8"


def class_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder that hold text files, by name."""
    return [path for path in visible(folder) if path.is_dir() and any(_texts(path))]


def class_files(folder: Path) -> list[Path]:
    """Return all text files of the class folders in a folder, by class and name."""
    return [path for each in class_folders(folder) for path in sorted(_texts(each))]


def visible(folder: Path) -> list[Path]:
    """Return what a folder holds but for hidden things, by name."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))


def _texts(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if not name.startswith(".") and name.lower().endswith(".txt") and entry.is_file():
                yield folder / name


def _decoded(data: bytes, encoding: str, errors: str = "strict") -> str:
    own = own_encoding(data, whole=errors == "strict")
    return data.decode(own or encoding, errors)


def _told_apart(own: Sequence[str], others: int, encoding: str) -> list[str]:
    """Return a sentence if the texts have several encodings."""
    counts = Counter(name for name in own if name)
    counts[encoding] += others
    kinds = [f"{count:,} {name}" for name, count in counts.most_common() if count]
    if len(kinds) < 2:
        return []
    said = f"The texts have several encodings ({', '.join(kinds)}): each is read by its own."
    if others:
        said += f" Choose another one for those in {encoding} if their letters look wrong."
    return [said]


def _passed_over(folder: Path) -> list[str]:
    """Return a sentence on files that are no .txt files, if there are any."""
    found = [
        path
        for each in class_folders(folder)
        for path in visible(each)
        if path.suffix.lower() != ".txt" and path.name.lower() not in _CLUTTER and path.is_file()
    ]
    if not found:
        return []
    files = "1 other file is" if len(found) == 1 else f"{len(found):,} other files are"
    return [f"Only .txt files are read: {files} passed over, such as {brief(found[0].name)!r}."]


def _one(source: Source, path: Path) -> Source:
    return Source(path=path, report=source.report)


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_START)
    # A letter of several bytes must not be cut.
    return data[: data.rfind(b" ") + 1] or data if len(data) == _START else data
