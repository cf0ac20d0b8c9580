"""A smaller task out of a large one."""

import numpy as np
import pytest

from fineview.core.data.bundled import load_task
from fineview.core.data.sample import sampled, with_shuffled_labels
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import SPLITS
from fineview.core.errors import ConfigError


def limits(train, held_out=0, seed=0):
    return SplitConfig(train_items=train, held_out_items=held_out, seed=seed)


def test_samples_are_nested_stratified_and_whole():
    task = load_task("word-relations")
    small, large = (sampled(task, limits(n, 50)) for n in (60, 120))
    assert [len(small.splits[s]) for s in SPLITS] == [60, 50, 50]
    pairs = {
        size: {(t.texts[i], t.second[i], int(t.labels[i])) for i in t.splits["train"]}
        for size, t in ((60, small), (120, large))
    }
    whole = {(task.texts[i], task.second[i], int(task.labels[i])) for i in task.splits["train"]}
    assert pairs[60] < pairs[120] < whole
    shares = task.balance("train") / len(task.splits["train"])
    assert np.abs(large.balance("train") - 120 * shares).max() < 1.01
    assert sampled(task, limits(0)) is task
    assert sampled(task, limits(10_000, 10_000)) is task
    other = sampled(task, limits(60, 50, seed=1))
    assert {other.texts[i] for i in other.splits["train"]} != {
        small.texts[i] for i in small.splits["train"]
    }
    assert any("60 of" in note for note in small.notes)


def test_words_are_drawn_by_whole_sentences_and_keep_their_labels():
    task = load_task("capitals")
    small = sampled(task, limits(300, 100))
    known = {words: i for i, words in enumerate(task.words) if task.words.count(words) == 1}
    starts = np.cumsum([0, *(len(words) for words in task.words)])
    item = 0
    of_split = {int(i): split for split in SPLITS for i in task.splits[split]}
    for words in small.words:
        first = starts[known[words]] if words in known else None
        for place in range(len(words) if first is not None else 0):
            assert small.labels[item + place] == task.labels[first + place]
            mine = [s for s in SPLITS if item + place in small.splits[s]]
            assert mine == [s for s in (of_split.get(int(first + place)),) if s is not None]
        item += len(words)
    assert item == len(small)
    longest = max(len(words) for words in task.words)
    assert 300 <= len(small.splits["train"]) < 300 + longest


def test_shuffled_labels_are_the_same_labels_of_training_items_only():
    task = load_task("word-relations")
    shuffled = with_shuffled_labels(task, 3)
    train = task.splits["train"]
    assert sorted(shuffled.labels[train]) == sorted(task.labels[train])
    assert (shuffled.labels[train] != task.labels[train]).mean() > 0.5
    held = np.concatenate([task.splits["validation"], task.splits["test"]])
    assert np.array_equal(shuffled.labels[held], task.labels[held])
    assert np.array_equal(with_shuffled_labels(task, 3).labels, shuffled.labels)


@pytest.mark.parametrize("field", ["train_items", "held_out_items"])
def test_negative_limits_are_refused_by_name(field):
    with pytest.raises(ConfigError, match="-1") as caught:
        SplitConfig(**{field: -1})
    assert caught.value.field == field
