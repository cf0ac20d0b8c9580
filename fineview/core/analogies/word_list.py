"""Words and pairs of words as people type them; what the table does not have is told, not fatal."""

import re
from dataclasses import dataclass

from fineview.core.analogies.asking import Dictionary, Unknown

_NEAR = 5
_WORD = re.compile(r"[^\s,;]+")
_PAIR = re.compile(r"[^,;\r\n\u2028\u2029]+")
_MEMBER = re.compile(r"[^\s:→]+")


@dataclass(frozen=True, slots=True)
class ListedWords:
    """What was read of a list.

    Attributes:
        words: Different words as the table spells them, in the order they were typed.
        unknown: What the table does not have; the first with words that may have been meant.
    """

    words: tuple[str, ...]
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedPairs:
    """What was read of a list of pairs.

    Attributes:
        pairs: Different pairs as the table spells them, in the order they were typed.
        unknown: As for words; the pairs with them are left out.
        uneven: Parts that are not two words, as typed.
    """

    pairs: tuple[tuple[str, str], ...]
    unknown: tuple[Unknown, ...] = ()
    uneven: tuple[str, ...] = ()


def listed_words(dictionary: Dictionary, text: str) -> ListedWords:
    """Read words with spaces, commas or lines between; a phrase is written with "_"."""
    known = dictionary.spelled(False)
    found: dict[str, None] = {}
    unknown: list[re.Match[str]] = []
    for part in _WORD.finditer(text):
        spelled = known(part.group())
        if spelled is None:
            unknown.append(part)
        else:
            found[spelled] = None
    places = [(part.group(), part.start()) for part in unknown]
    return ListedWords(tuple(found), _told(dictionary, places))


def listed_pairs(dictionary: Dictionary, text: str) -> ListedPairs:
    """Read pairs: `man woman, king queen`; "man : woman" and "man → woman" are pairs, too."""
    known = dictionary.spelled(False)
    found: dict[tuple[str, str], None] = {}
    unknown: list[tuple[str, int]] = []
    uneven: list[str] = []
    for part in _PAIR.finditer(text):
        members = list(_MEMBER.finditer(part.group()))
        if not members:
            continue
        if len(members) != 2:
            uneven.append(part.group().strip())
            continue
        first, second = (known(member.group()) for member in members)
        unknown += [
            (member.group(), part.start() + member.start())
            for member, spelled in zip(members, (first, second), strict=True)
            if spelled is None
        ]
        if first is not None and second is not None:
            found[first, second] = None
    return ListedPairs(tuple(found), _told(dictionary, unknown), tuple(uneven))


def _told(dictionary: Dictionary, found: list[tuple[str, int]]) -> tuple[Unknown, ...]:
    """Return what is unknown; only the first gets spellings, which take a tenth of a second."""
    words = dictionary.vectors.words
    told: dict[str, Unknown] = {}
    for word, start in found:
        meant = dictionary.completion.meant(word, _NEAR) if not told else []
        near = tuple(words[row] for row in meant)
        told.setdefault(word, Unknown(word, start, start + len(word), near))
    return tuple(told.values())
