"""Own tasks: kept whole or not at all, read back as they were."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fineview.core.data.library import TaskLibrary
from fineview.core.data.plan import Imported, ImportPlan, SourceFile
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import SPLITS
from fineview.core.errors import DataError

TEXTS = [f"text {i}" for i in range(20)]
LABELS = ["b", "a"] * 10


def imported(folder, columns, *, roles=None, classes=("a", "b"), title="My reviews", **plan):
    table = pa.table(columns)
    parquet.write_table(table, folder / "rows.parquet")
    return Imported(
        plan=ImportPlan(
            files=(SourceFile(path=Path("reviews.csv")),),
            format="delimited",
            roles=roles or {"body": "text", "stars": "label", "n": "id"},
            title=title,
            **plan,
        ),
        folder=folder,
        rows=len(table),
        kept=len(table),
        items=len(table),
        classes=classes,
        counts=(),
        given={},
        dropped=(),
        reasons=(),
        notes=("Two rows were left out.",),
        seconds=0.1,
    )


@pytest.fixture
def library(tmp_path):
    return TaskLibrary(tmp_path / "tasks", reserved={"capitals"})


def kept(library, columns, **options):
    with library.staging() as folder:
        return library.keep(imported(folder, columns, **options))


def names(library):
    return sorted(path.name for path in library.folder.iterdir())


def test_a_kept_task_is_read_back_as_it_was(library):
    info = kept(library, {"text": TEXTS, "label": LABELS})
    assert info.name == "my-reviews"
    assert info.title == "My reviews"
    assert info.meaning == "The class in the column 'stars' of each text."
    assert info.source == "Opened from reviews.csv."
    again = TaskLibrary(library.folder)
    assert again.infos() == (info,)
    task = again.load("my-reviews")
    assert task.texts == tuple(TEXTS)
    assert task.classes == ("a", "b")
    assert task.labels.tolist() == [1, 0] * 10
    assert task.notes == ("Two rows were left out.",)
    assert not task.given_splits
    assert names(library) == ["my-reviews"]


def test_names_are_free_and_safe(library):
    titles = ["My reviews", "My reviews", "Capitals", "../../etc", "¡Ärger 😀!", "😀", "a" * 300]
    found = [kept(library, {"text": TEXTS, "label": LABELS}, title=title).name for title in titles]
    assert found == [
        "my-reviews",
        "my-reviews-2",
        "capitals-2",
        "etc",
        "arger",
        "task",
        "a" * 48,
    ]
    assert len(library.infos()) == 7


def test_pairs_numbers_groups_and_given_splits(library):
    given = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    info = kept(
        library,
        {
            "text": TEXTS,
            "second": TEXTS[::-1],
            "label": [float(i) / 2 for i in range(20)],
            "split": given,
            "group": ["x"] * 10 + ["y"] * 10,
        },
        roles={"a": "text", "b": "second", "score": "label", "doc": "group"},
        classes=(),
        label_kind="number",
    )
    assert info.level == "pair"
    assert info.split_by == "doc"
    task = library.load(info.name)
    assert task.second == tuple(TEXTS[::-1])
    assert task.labels[3] == 1.5
    assert task.label(3) == "1.5"
    assert task.given_splits
    assert [len(task.splits[s]) for s in SPLITS] == [12, 4, 4]


def test_drawing_ignores_the_given_split(library):
    given = ["train"] * 12 + ["validation"] * 4 + ["test"] * 4
    info = kept(library, {"text": TEXTS, "label": LABELS, "split": given})
    task = library.load(info.name, SplitConfig(source="random", validation=10, test=30))
    assert [len(task.splits[s]) for s in SPLITS] == [12, 2, 6]
    assert task.splits["test"].tolist() != [16, 17, 18, 19]


def test_words_of_a_sentence_stay_together(library):
    sentences = [["the", "cat", f"w{i}"] for i in range(15)]
    info = kept(
        library,
        {"words": sentences, "labels": [["D", "N", "N"]] * 15},
        roles={"FORM": "text", "UPOS": "label"},
        classes=("D", "N"),
        words=True,
    )
    task = library.load(info.name)
    assert task.info.level == "word"
    assert len(task) == 45
    assert task.texts[2] == "the cat w2"
    owner = np.repeat(np.arange(15), 3)
    seen = [set(owner[task.splits[s]].tolist()) for s in SPLITS]
    assert not (seen[0] & seen[1])
    assert not (seen[0] & seen[2])
    assert not (seen[1] & seen[2])


def test_what_is_no_task_is_not_kept(library):
    with pytest.raises(DataError, match="too few"):
        kept(library, {"text": TEXTS[:3], "label": LABELS[:3]})
    assert names(library) == []


def test_staging_of_a_dead_program_goes_and_of_a_living_one_stays(library):
    library.folder.mkdir()
    (library.folder / ".incoming-419430412-abc").mkdir()
    mine = library.folder / f".incoming-{os.getpid()}-abc"
    mine.mkdir()
    library.discard(library.new_staging())
    assert names(library) == [mine.name]


def test_a_damaged_task_hides_no_other(library):
    kept(library, {"text": TEXTS, "label": LABELS}, title="one")
    kept(library, {"text": TEXTS, "label": LABELS}, title="two")
    (library.folder / "one" / "task.json").write_text("{")
    assert [info.name for info in library.infos()] == ["two"]
    with pytest.raises(DataError, match="'one' is damaged"):
        library.load("one")
    (library.folder / "two" / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="rows of a task cannot be read"):
        library.load("two")
    with pytest.raises(DataError, match=r"no task '\.\./one'"):
        library.load("../one")


def test_a_removed_task_is_gone(library):
    info = kept(library, {"text": TEXTS, "label": LABELS})
    library.remove(info.name)
    assert names(library) == []
    with pytest.raises(DataError, match="no task 'my-reviews' of your own"):
        library.remove(info.name)
