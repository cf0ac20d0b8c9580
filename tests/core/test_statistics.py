"""What a task is made of, found and measured; lengths in tokens."""

import random

import numpy as np
import pytest

from fineview.core.data.browse import ItemQuery, find
from fineview.core.data.bundled import load_task
from fineview.core.data.items import TaskItems
from fineview.core.data.spread import spread_of
from fineview.core.data.statistics import measure
from fineview.core.data.task import SPLITS, Task, TaskInfo
from fineview.core.errors import ConfigError, JobCancelled
from fineview.core.features.lengths import token_lengths
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from tests.core.tiny import tiny_encoder_folder


class Stopped(Silent):
    """Raises at the n-th check."""

    def __init__(self, after=0):
        self.left = after

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise JobCancelled


def task_of(texts, labels, splits, *, second=None, words=None, classes=("a", "b", "c"), **other):
    level = "word" if words else "pair" if second else "sentence"
    info = TaskInfo(name="t", title="T", level=level, meaning="m", source="s", licence="l")
    parts = {
        name: np.array(items, dtype=np.int64) for name, items in zip(SPLITS, splits, strict=True)
    }
    return Task(
        info=info,
        texts=tuple(texts),
        second=second,
        words=words,
        labels=np.array(labels),
        splits=parts,
        classes=classes,
        **other,
    )


@pytest.fixture(scope="module")
def capitals():
    return load_task("capitals")


@pytest.fixture
def small():
    """Eight texts with every fault there is, in forms that only look different."""
    texts = (
        "Good film",
        "good  FILM",
        "Caf\u00e9",
        "Cafe\u0301",
        "one",
        "two",
        "good film ",
        "three",
    )
    return task_of(texts, [0, 0, 1, 0, 1, 0, 0, 2], ([0, 2, 4, 5], [1, 7], [3, 6]))


def test_duplicates_conflicts_and_leaks_are_found_in_whatever_form(small):
    found = measure(small)
    assert (found.items, found.texts) == (8, 8)
    assert (found.groups, found.extra, found.conflicts) == (2, 3, 1)
    assert found.duplicate_items.tolist() == [0, 1, 2, 3, 6]
    assert found.conflict_items.tolist() == [2, 3]
    leaks = {(leak.held_out, leak.source): leak for leak in found.leaks}
    assert leaks["validation", "train"].texts == 1
    assert leaks["validation", "train"].share == 0.5
    assert leaks["validation", "train"].examples == ("good  FILM",)
    assert leaks["test", "train"].texts == 2
    assert leaks["test", "validation"].texts == 1
    assert found.leaked_items.tolist() == [1, 3, 6]


def test_counts_majority_and_absent_classes_are_those_of_each_split(small):
    train, validation, test = measure(small).splits
    assert (train.counts, validation.counts, test.counts) == ((2, 2, 0), (1, 0, 1), (2, 0, 0))
    assert train.majority == ("a", 0.5)
    assert test.majority == ("a", 1.0)
    assert (train.absent, validation.absent, test.absent) == (("c",), ("b",), ("b", "c"))


def test_a_pair_is_the_same_only_when_both_texts_are():
    task = task_of(
        ("a", "A", "a", "b c"),
        [0, 1, 0, 1],
        ([0, 1], [2], [3]),
        second=("x", "y", "X", "a"),
        classes=("p", "q"),
    )
    found = measure(task)
    assert (found.groups, found.extra, found.conflicts) == (1, 1, 0)
    assert found.duplicate_items.tolist() == [0, 2]
    assert found.words.maximum == 3


def test_at_word_level_sentences_are_compared_and_items_are_words():
    words = (("the", "cat"), ("The", "cat"), ("a", "dog", "ran"), ("the", "cat"))
    task = task_of(
        [" ".join(w) for w in words],
        [0, 1, 0, 1, 0, 1, 1, 1, 0],
        ([0, 1, 4, 5, 6], [2, 3], [7, 8]),
        words=words,
        classes=("p", "q"),
    )
    found = measure(task)
    assert (found.items, found.texts) == (9, 4)
    # The first two sentences agree word by word; the last one has the same labels turned round.
    assert (found.groups, found.extra, found.conflicts) == (1, 2, 1)
    assert [leak.texts for leak in found.leaks] == [1, 1, 1]
    assert found.leaked_items.tolist() == [2, 3, 7, 8]
    assert found.splits[0].texts == 2
    assert found.words.maximum == 3


def test_words_that_are_not_asked_are_not_counted(capitals):
    task = capitals
    found = measure(task)
    asked = sum(len(task.splits[s]) for s in SPLITS)
    assert found.items == asked < len(task)
    assert sum(map(sum, (part.counts for part in found.splits))) == asked
    sentences = {TaskItems(task).place(int(i))[0] for i in task.splits["test"]}
    assert found.splits[2].texts == len(sentences)


def test_numbers_have_a_spread_and_no_classes():
    values = [1.0, 2.5, 2.5, 4.0, -1.0, 0.5]
    task = task_of("abcdef", values, ([0, 1, 2], [3, 4], [5]), label_kind="number", classes=())
    found = measure(task)
    assert found.labels.minimum == -1.0
    assert found.labels.mean == pytest.approx(np.mean(values))
    assert sum(found.labels.histogram.counts) == 6
    train = found.splits[0]
    assert (train.counts, train.majority, train.absent) == ((), None, ())
    assert train.labels.sd == pytest.approx(np.std(values[:3]))
    assert found.splits[2].labels.minimum == found.splits[2].labels.maximum == 0.5


@pytest.mark.parametrize("name", ["word-relations", "sentence-order"])
def test_a_bundled_task_agrees_with_counting_by_hand(name):
    task = load_task(name)
    found = measure(task)
    assert found.items == found.texts == len(task.texts)
    for part in found.splits:
        assert part.counts == tuple(task.balance(part.split))
    lengths = [
        len(a.split()) + len(b.split()) for a, b in zip(task.texts, task.second, strict=True)
    ]
    assert found.words.median == np.median(lengths)
    assert (found.words.minimum, found.words.maximum) == (min(lengths), max(lengths))
    pairs = [tuple(" ".join(t.casefold().split()) for t in pair)
             for pair in zip(task.texts, task.second, strict=True)]  # fmt: skip
    assert found.extra == len(pairs) - len(set(pairs))


def test_random_tasks_agree_with_a_plain_count():
    draw = random.Random(5)
    for _ in range(20):
        size = draw.randint(6, 60)
        texts = [draw.choice("abcdefgh") * draw.randint(1, 2) for _ in range(size)]
        labels = [draw.randint(0, 2) for _ in range(size)]
        order = draw.sample(range(size), size)
        cut = sorted(draw.sample(range(1, size), 2))
        splits = [sorted(p) for p in (order[: cut[0]], order[cut[0] : cut[1]], order[cut[1] :])]
        found = measure(task_of(texts, labels, splits))
        kinds = {t: {labels[i] for i in range(size) if texts[i] == t} for t in texts}
        many = [t for t in kinds if texts.count(t) > 1]
        assert found.groups == len(many)
        assert found.conflicts == sum(len(kinds[t]) > 1 for t in many)
        seen = {texts[i] for i in splits[0]}
        assert found.leaks[1].texts == sum(texts[i] in seen for i in splits[2])


def test_measuring_stops_when_told_to():
    task = task_of([str(i) for i in range(2_000)], [0, 1] * 1_000,
                   (range(1_000), range(1_000, 1_500), range(1_500, 2_000)))  # fmt: skip
    for after in (0, 5, 9):
        with pytest.raises(JobCancelled):
            measure(task, Stopped(after))


def test_one_huge_text_does_not_flatten_the_histogram():
    lengths = np.array([*range(1, 21)] * 50 + [5_000])
    spread = spread_of(lengths, whole=True)
    assert spread.maximum == 5_000
    assert spread.histogram.edges[-1] <= 25
    assert spread.histogram.beyond == 1
    assert sum(spread.histogram.counts) + spread.histogram.beyond == len(lengths)
    assert spread_of(np.array([7, 7]), whole=True).histogram.counts == (2,)
    assert spread_of(np.array([0.5, 0.5]), whole=False).histogram.counts == (2,)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tiny_encoder_folder(tmp_path_factory.mktemp("lengths") / "tiny")
    return open_encoder(str(folder), folder, "cpu")


def test_token_lengths_are_those_before_cutting(encoder):
    # A character-level vocabulary: a word of n letters has n tokens; two special ones are added.
    texts = ["a" * n for n in range(1, 41)]
    task = task_of(texts, [0, 1] * 20, (range(20), range(20, 30), range(30, 40)))
    found = token_lengths(encoder, task, 12)
    assert (found.measured, found.texts) == (40, 40)
    assert (found.spread.minimum, found.spread.maximum) == (3, 42)
    assert found.spread.median == np.median(range(3, 43))
    assert found.cut == 30
    assert found.cut_texts.tolist() == list(range(10, 40))
    assert found.share == 0.75
    # The shared tokenizer still cuts: nothing was changed for others.
    assert [len(e.ids) for e in encoder.encode(texts[-1:], max_length=12)] == [12]


def test_a_pair_counts_both_texts_and_a_sample_is_seeded(encoder):
    task = task_of(
        ["ab"] * 30, [0, 1, 2] * 10, (range(10), range(10, 20), range(20, 30)),
        second=tuple("c" * (i + 1) for i in range(30)),
    )  # fmt: skip
    found = token_lengths(encoder, task, 500, limit=10)
    assert (found.measured, found.texts) == (10, 30)
    assert found.max_length == encoder.info.max_length < 500
    assert found.spread.minimum >= 6
    again = token_lengths(encoder, task, 500, limit=10)
    assert again.spread == found.spread
    assert token_lengths(encoder, task, 500, limit=10, seed=1).spread != found.spread
    with pytest.raises(JobCancelled):
        token_lengths(encoder, task, 500, limit=100, report=Stopped(0))


@pytest.fixture
def items(small):
    return TaskItems(small)


def test_items_are_found_by_text_split_and_label(items):
    assert find(items, ItemQuery()).tolist() == list(range(8))
    assert find(items, ItemQuery(text="FILM")).tolist() == [0, 1, 6]
    assert find(items, ItemQuery(text="film", split="train")).tolist() == [0]
    assert find(items, ItemQuery(label=1)).tolist() == [2, 4]
    assert find(items, ItemQuery(text=r"^t\w+$", regex=True)).tolist() == [5, 7]
    among = (np.array([0, 2, 6]), np.array([2, 6, 7]))
    assert find(items, ItemQuery(), among).tolist() == [2, 6]
    assert find(items, ItemQuery(text="nowhere"), among).tolist() == []


def test_items_are_ordered_by_any_column(items):
    by_text = find(items, ItemQuery(sort="text"))
    folded = [items.text(int(i)).casefold() for i in by_text]
    assert folded == sorted(folded)
    assert find(items, ItemQuery(sort="label")).tolist() == [0, 1, 3, 5, 6, 2, 4, 7]
    assert find(items, ItemQuery(sort="split")).tolist() == [0, 2, 4, 5, 1, 7, 3, 6]
    assert find(items, ItemQuery(sort="item", descending=True)).tolist() == [7, 6, 5, 4, 3, 2, 1, 0]


def test_texts_that_begin_alike_are_ordered_to_their_end():
    draw = random.Random(1)
    tails = ["".join(draw.choices("aBcÄz ", k=draw.randint(0, 60))) for _ in range(300)]
    texts = ["the same long beginning of every one of these texts " + tail for tail in tails]
    texts += ["", "é", "\0x"]
    items = TaskItems(task_of(texts, [0] * 303, (range(100), range(100, 200), range(200, 303))))
    found = [texts[i].casefold() for i in find(items, ItemQuery(sort="text")) if texts[i] != "\0x"]
    assert found == sorted(found)


def test_at_word_level_a_word_is_searched_and_a_phrase_in_its_sentence(capitals):
    items = TaskItems(capitals)
    hits = find(items, ItemQuery(text="sydney"))
    assert len(hits)
    assert all("sydney" in items.word(int(i)) for i in hits)
    assert f"«{items.word(int(hits[0]))}»" in items.in_sentence(int(hits[0]))
    phrase = find(items, ItemQuery(text="in sydney"))
    assert {items.place(int(i))[0] for i in phrase} <= {
        unit for unit, text in enumerate(items.task.texts) if "in sydney" in text
    }
    assert len(phrase) > 5
    words = [items.word(int(i)) for i in find(items, ItemQuery(sort="text", split="test"))]
    assert words == sorted(words)
    far = items.in_sentence(int(hits[-1]), around=2)
    assert len(far.split()) <= 7


def test_an_item_is_looked_up_as_the_task_itself_would(capitals):
    task = capitals
    items = TaskItems(task)
    for item in (0, 1, 1_000, len(task) - 1):
        assert items.in_sentence(item) == task.example(item)
        assert items.label(item) == task.classes[task.labels[item]]
    assert {items.split(int(i)) for i in task.splits["test"][:50]} == {"test"}


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "(?P<1>x)", "*"])
def test_a_bad_expression_is_one_sentence(items, pattern):
    with pytest.raises(ConfigError) as caught:
        find(items, ItemQuery(text=pattern, regex=True))
    assert caught.value.field == "text"
    assert repr(pattern) in str(caught.value)


def test_an_expression_that_never_ends_is_given_up():
    texts = ["a" * 40 + "!"] * 5
    items = TaskItems(task_of(texts, [0, 1, 0, 1, 2], ([0, 1, 2], [3], [4])))
    with pytest.raises(ConfigError, match="takes too long"):
        find(items, ItemQuery(text=r"(a|a|aa)+$", regex=True))
