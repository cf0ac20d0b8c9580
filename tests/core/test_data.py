"""Bundled tasks and splits."""

import numpy as np
import pytest

from fineview.core.data.bundled import load_task, task_infos
from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import SPLITS, Task, TaskInfo
from fineview.core.errors import ConfigError, DataError

INFO = TaskInfo(name="t", title="T", level="sentence", meaning="m", source="s", licence="l")
ALL = {"train": np.array([0, 1]), "validation": np.array([2]), "test": np.array([3])}


def members(task, split):
    return set(task.splits[split].tolist())


@pytest.mark.parametrize("name", [info.name for info in task_infos()])
def test_a_bundled_task_is_whole_and_its_splits_are_apart(name):
    task = load_task(name)
    parts = [members(task, split) for split in SPLITS]
    assert not (parts[0] & parts[1])
    assert not (parts[0] & parts[2])
    assert not (parts[1] & parts[2])
    total = sum(map(len, parts))
    assert 0.5 < len(parts[0]) / total < 0.7
    assert all(task.balance(split).min() > 0 for split in SPLITS)
    assert task.info.meaning.endswith(".")
    assert task.info.licence
    again = load_task(name)
    assert all(np.array_equal(task.splits[s], again.splits[s]) for s in SPLITS)
    other = load_task(name, SplitConfig(seed=1))
    assert members(other, "test") != parts[2]
    assert other.fingerprint() == task.fingerprint()


def test_word_relations_are_the_unique_pairs_split_by_first_word():
    task = load_task("word-relations")
    pairs = list(zip(task.texts, task.second, strict=True))
    assert len(set(pairs)) == len(pairs) == 550
    assert len(task.classes) == 14
    assert ("Athens", "Greece") in pairs
    words = [{task.texts[i] for i in task.splits[split]} for split in SPLITS]
    assert not (words[0] & words[1])
    assert not (words[0] & words[2])
    assert not (words[1] & words[2])


def test_capitals_hides_the_capitals_and_asks_no_first_word():
    task = load_task("capitals")
    assert all(word == word.lower() for words in task.words for word in words)
    starts = np.cumsum([0, *[len(words) for words in task.words[:-1]]])
    asked = np.concatenate([task.splits[s] for s in SPLITS])
    assert not set(starts.tolist()) & set(asked.tolist())
    assert len(asked) > 10_000
    flat = [word for words in task.words for word in words]
    assert all(flat[i][0].isalpha() for i in asked)
    share = task.labels[asked].mean()
    assert 0.05 < share < 0.4


def test_sentence_order_has_both_orders_and_says_what_to_expect():
    task = load_task("sentence-order")
    assert 0.4 < task.labels.mean() < 0.6
    assert "chance" in task.info.meaning


def test_an_unknown_task_names_those_there_are():
    with pytest.raises(ConfigError, match=r"no task 'x': choose one of word-relations"):
        load_task("x")


@pytest.mark.parametrize("kind", ["class", "number"])
def test_splits_are_stratified(kind):
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 500, p=[0.7, 0.2, 0.1]) if kind == "class" else rng.normal(size=500)
    parts = make_splits(labels, SplitConfig(), kind=kind).items
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(500))
    assert {k: len(v) for k, v in parts.items()} == {"train": 300, "validation": 100, "test": 100}
    means = [labels[parts[s]].mean() for s in SPLITS]
    assert max(means) - min(means) < 0.1


def test_groups_never_cross_splits():
    groups = np.repeat(np.arange(60), 5)
    labels = np.random.default_rng(1).integers(0, 2, 300)
    parts = make_splits(labels, SplitConfig(), groups=groups).items
    seen = [set(groups[parts[s]].tolist()) for s in SPLITS]
    assert not (seen[0] & seen[1])
    assert not (seen[0] & seen[2])
    assert not (seen[1] & seen[2])


def test_classes_with_few_members_still_split():
    parts = make_splits(np.array([0, 0, 0, 1, 1, 2]), SplitConfig()).items
    assert all(len(parts[s]) for s in SPLITS)


def test_too_few_items_are_refused():
    with pytest.raises(DataError, match=r"4 items .* too few"):
        make_splits(np.array([0, 1, 0, 1]), SplitConfig())


def test_numbers_make_a_task_too():
    task = Task(
        info=INFO,
        texts=tuple("abcd"),
        labels=np.array([0.5, 1, 2, 3]),
        splits=ALL,
        label_kind="number",
    )
    assert len(task) == 4
    assert task.example(2) == "c"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"texts": ()}, "has no labelled texts"),
        ({"labels": np.array([0, 1])}, "4 items but 2 labels"),
        ({"classes": ("only",)}, "has 1 class"),
        ({"splits": ALL | {"test": np.array([], dtype=np.int64)}}, "test split .* is empty"),
    ],
)
def test_what_is_no_task_is_refused(changes, text):
    whole = {
        "info": INFO,
        "texts": tuple("abcd"),
        "labels": np.array([0, 1, 0, 1]),
        "splits": ALL,
        "classes": ("x", "y"),
    }
    with pytest.raises(DataError, match=text):
        Task(**(whole | changes))


def test_the_fingerprint_keeps_neighbouring_texts_apart():
    def fingerprint(texts, second):
        info = TaskInfo(name="t", title="T", level="pair", meaning="m", source="s", licence="l")
        return Task(
            info=info,
            texts=texts,
            second=second,
            labels=np.array([0, 1, 0, 1]),
            splits=ALL,
            classes=("x", "y"),
        ).fingerprint()

    assert fingerprint(("ab", "", "", ""), ("c", "", "", "")) != fingerprint(
        ("a", "", "", ""), ("bc", "", "", "")
    )
