"""Which encoding a text file has, and how sure one can be."""

import codecs
from dataclasses import dataclass

_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CANDIDATES = (
    "cp1252", "latin-1", "cp1250", "cp1251", "mac_roman", "shift_jis", "gb18030", "euc_kr", "big5",
)  # fmt: skip
_EVIDENCE = 32
"""Bytes beyond ASCII that a guess among old encodings needs."""
_JUDGED = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What a sample shows.

    Attributes:
        name: A Python codec name; "" for a binary file.
        plain: Whether there is nothing but ASCII, so that almost any encoding would do.
        reason: A sentence if the choice deserves a second look.
    """

    name: str
    plain: bool = False
    reason: str = ""


def detect(sample: bytes, whole: bool, file: str) -> Encoding:
    """Find out the encoding of the text that begins with `sample`.

    Args:
        sample: The first bytes.
        whole: Whether that is all; else the last character may be cut.
        file: Name, for the reason.
    """
    if name := marked(sample):
        return Encoding(name=name)
    if b"\0" in sample:
        return _without_mark(sample, file)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample, final=whole)
    except UnicodeDecodeError as error:
        return _old(sample, sample.count(b"\n", 0, error.start) + 1, sample[error.start], file)
    return Encoding(name="utf-8", plain=sample.isascii())


def marked(data: bytes) -> str:
    """Return the encoding that a byte order mark at the beginning tells, or ""."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), "")


def _without_mark(sample: bytes, file: str) -> Encoding:
    part = sample[:4096]
    pairs = max(1, len(part) // 2)
    even, odd = part[::2].count(0), part[1::2].count(0)
    # Latin letters, digits, blanks and commas leave one byte of two empty.
    if odd > 0.3 * pairs and even < 0.05 * pairs:
        name = "utf-16-le"
    elif even > 0.3 * pairs and odd < 0.05 * pairs:
        name = "utf-16-be"
    else:
        return Encoding(name="")
    try:
        codecs.getincrementaldecoder(name)().decode(sample[: len(sample) // 2 * 2])
    except UnicodeDecodeError:
        return Encoding(name="")
    return Encoding(
        name=name,
        reason=f"{file} looks like UTF-16 without a mark: choose another encoding if its text "
        f"looks wrong.",
    )


def _old(sample: bytes, line: int, byte: int, file: str) -> Encoding:
    """Choose among encodings older than UTF-8; the sample is not UTF-8."""
    lenient = sample.decode("utf-8", "replace")
    bad = lenient.count("\ufffd") - sample.count(b"\xef\xbf\xbd")
    good = sum(1 for c in lenient[:200_000] if c > "\x7f" and c != "\ufffd")
    if good >= 10 * max(bad, 1):
        return Encoding(
            name="utf-8",
            reason=f"{file} is UTF-8 but for the byte 0x{byte:02X} in line {line:,}: mend that "
            f"line, or choose the encoding cp1252.",
        )
    found = _judged(sample)
    name = found or ("cp1252" if _decodes(sample, "cp1252") else "latin-1")
    why = "most likely" if found else "the usual one for so few letters beyond ASCII"
    return Encoding(
        name=name,
        reason=f"{file} is not UTF-8 (byte 0x{byte:02X} in line {line:,}); it is read as {name}, "
        f"{why}: choose another encoding if letters look wrong.",
    )


def _judged(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    # Lines with letters beyond ASCII are the evidence; 0x0A is never half of such a letter.
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    evidence = b"\n".join(lines)[:_JUDGED]
    if sum(1 for b in evidence if b > 0x7F) < _EVIDENCE:
        return ""
    allowed = [name for name in _CANDIDATES if _decodes(sample, name)]
    if not allowed:
        return ""
    matches = from_bytes(evidence, cp_isolation=allowed)
    best = matches.best()
    if best is None:
        return ""
    # Where several are as likely, the commonest; among those of the very same text it also knows
    # what may come later.
    equal = {
        _codec(name)
        for match in matches
        if match.chaos <= best.chaos + 0.001 and match.coherence >= best.coherence - 0.01
        for name in (match.encoding, *match.could_be_from_charset)
    }
    return next((name for name in allowed if _codec(name) in equal), "")


def _codec(name: str) -> str:
    return codecs.lookup(name).name


def _decodes(sample: bytes, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return True
