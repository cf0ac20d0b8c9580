"""Whether a generated text says the right thing."""

import unicodedata
from collections.abc import Sequence


def normalised(text: str) -> str:
    """Return a text as it is compared: Unicode NFC, no case, words with one space between.

    Punctuation and symbols part words; the sign and the point of a number stay. A text of nothing
    but symbols stays as it is, without the spaces around it.
    """
    plain = unicodedata.normalize("NFC", text.casefold())
    kept = [
        one if _is_part(plain, at, one) else " " for at, one in enumerate(plain.replace("−", "-"))
    ]
    return " ".join("".join(kept).split()) or plain.strip()


def first_line(text: str, stop: Sequence[str] = ()) -> str:
    """Return the answer proper: the first line that has something in it, up to a stop string."""
    for one in stop:
        if one:
            text = text.split(one, 1)[0]
    return text.strip().split("\n", 1)[0].strip()


def says(said: str, right: str) -> bool:
    """Return whether an answer is the right one, or begins with it and goes on with more words.

    `Lincoln, Nebraska` says `Lincoln`; `Charleston` does not say `Charles`.
    """
    one, other = normalised(said), normalised(right)
    return bool(other) and (one == other or one.startswith(f"{other} "))


def label_said(said: str, words: Sequence[Sequence[str]]) -> int | None:
    """Return which label an answer says, or None.

    Args:
        said: The answer.
        words: (C) the words of each label; where several fit, the longest counts.
    """
    found = [
        (len(normalised(word)), -label)
        for label, group in enumerate(words)
        for word in group
        if says(said, word)
    ]
    return -max(found)[1] if found else None


def _is_part(text: str, at: int, one: str) -> bool:
    """Return whether a character belongs to a word or a number."""
    if unicodedata.category(one)[0] in "LMN":
        return True
    before, behind = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if one == "-":
        return behind.isdigit() and not before.isalnum()
    return one == "." and before.isdigit() and behind.isdigit()
