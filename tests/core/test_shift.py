"""The second test set: how texts are spoilt, and that a run judges them as its head would."""

from dataclasses import replace

import numpy as np
import pytest

from fineview.core.data.reading import read
from fineview.core.data.shift import ShiftConfig, check_shift, shifted
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import SPLITS, Task, TaskInfo
from fineview.core.errors import ConfigError, JobCancelled
from fineview.core.features.config import PoolingConfig
from fineview.core.progress import Silent
from fineview.core.runs.judge import Judge
from fineview.core.runs.spec import RunSpec, spec_from_dict
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import RunStarted, TrainStep
from fineview.core.training.strategy import default_strategy, default_training
from tests.core.readers_support import LABELS, TEXTS, look, write
from tests.core.tiny import tiny_encoder_folder

SENTENCES = tuple(f"{text} number {n}" for n, text in enumerate(TEXTS * 4))
KEYBOARD = {"e": "wrd", "T": "YRG", "l": "ko", "m": "nj"}


def task_of(texts=SENTENCES, *, words=None, second=None, labels=None, classes=("bad", "good")):
    items = sum(map(len, words)) if words else len(texts)
    labels = np.arange(items) % len(classes) if labels is None else np.array(labels)
    parts = np.array_split(np.arange(items, dtype=np.int64), 3)
    return Task(
        info=TaskInfo(
            name="made",
            title="Made",
            level="word" if words else "pair" if second else "sentence",
            meaning="",
            source="",
            licence="",
        ),
        texts=tuple(" ".join(one) for one in words) if words else tuple(texts),
        words=words,
        second=second,
        labels=labels,
        classes=classes,
        splits=dict(zip(SPLITS, parts, strict=True)),
    )


def letters_apart(one, other):
    """Return the least number of swaps, drops, additions and substitutions between two words."""
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    table[:, 0], table[0] = range(len(one) + 1), range(len(other) + 1)
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            ways = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b)]
            if i > 1 and j > 1 and (a, b) == (other[j - 2], one[i - 2]):
                ways.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(ways)
    return table[-1, -1]


# How texts are spoilt


def test_typos_stay_inside_words_of_four_letters_and_more():
    text = "It's 12345 words-with, QUITE_long  Überraschungen\nand привет foo end."
    task = task_of((text,) * 300)
    found = shifted(task, ShiftConfig(kind="typos", rate=0.3))
    seen = set()
    for spoilt in found.task.texts:
        before, after = text.split(), spoilt.split()
        assert len(before) == len(after)
        assert "\n" in spoilt
        for was, now in zip(before, after, strict=True):
            assert was[0] == now[0]
            assert was[-1] == now[-1]
            if was in ("It's", "12345", "and", "foo", "end."):
                assert was == now
        seen.update(after)
    assert len(seen) > 200
    assert 0.98 < found.changed / len(found.items) <= 1
    assert found.task.labels.tolist() == task.labels[task.splits["test"]].tolist()


def test_every_kind_of_typo_occurs_and_neighbours_lie_on_the_keyboard():
    word = "aeTlmz"
    found = shifted(task_of((word,) * 6000), ShiftConfig(kind="typos", rate=0.03))
    once = [text for text in found.task.texts if letters_apart(word, text) == 1]
    swapped = [text for text in once if sorted(text) == sorted(word)]
    dropped = [text for text in once if len(text) == len(word) - 1]
    added = [text for text in once if len(text) == len(word) + 1]
    keyed = [t for t in once if len(t) == len(word) and t not in swapped]
    assert min(map(len, (swapped, dropped, added, keyed))) > 20
    near = 0
    for text in keyed:
        (at,) = [i for i, (a, b) in enumerate(zip(word, text, strict=True)) if a != b]
        near += text[at] in KEYBOARD[word[at]]
    assert near > 0.9 * len(keyed)  # an added letter beside a dropped one looks like one too


@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_the_rate_is_the_share_that_is_touched(rate):
    words = " ".join(["word"] * 40)
    task = task_of((words,) * 300)
    dropped = shifted(task, ShiftConfig(kind="dropped-words", rate=rate)).task.texts
    left = sum(len(text.split()) for text in dropped)
    assert left / (40 * 100) == pytest.approx(1 - rate, abs=0.02)
    case = shifted(task, ShiftConfig(kind="case", rate=rate)).task.texts
    capitals = sum(word == "WORD" for text in case for word in text.split())
    assert capitals / (40 * 100) == pytest.approx(rate, abs=0.02)
    typed = shifted(task_of(("words",) * 6000), ShiftConfig(kind="typos", rate=rate))
    assert typed.changed / 2000 == pytest.approx(1 - (1 - rate) ** 3, abs=0.04)


@pytest.mark.parametrize("kind", ["typos", "dropped-words", "case"])
def test_an_item_is_spoilt_by_seed_and_number_alone(kind):
    task, config = task_of(), ShiftConfig(kind=kind, rate=0.3, seed=4)
    whole = shifted(task, config)
    assert whole.task.texts == shifted(task, config).task.texts
    few = replace(task, splits={**task.splits, "test": task.splits["test"][[1, 5]]})
    part = shifted(few, config)
    assert part.task.texts == (whole.task.texts[1], whole.task.texts[5])
    assert part.items.tolist() == [task.splits["test"][1], task.splits["test"][5]]
    assert whole.task.texts != shifted(task, replace(config, seed=5)).task.texts
    assert whole.changed == sum(
        now != task.texts[i] for now, i in zip(whole.task.texts, whole.items, strict=True)
    )


@pytest.mark.parametrize("kind", ["typos", "dropped-words", "case"])
def test_nothing_is_ever_empty(kind):
    texts = ("a", "ab cd", "four", "  ", "ﬀ ß") * 6
    found = shifted(task_of(texts, second=texts), ShiftConfig(kind=kind, rate=1.0))
    for side in (found.task.texts, found.task.second):
        for was, now in zip(texts[20:], side, strict=True):
            assert bool(now.strip()) == bool(was.strip())
    words = (("a", "few", "words", "here"),) * 9
    found = shifted(task_of((), words=words), ShiftConfig(kind=kind, rate=1.0))
    assert all(found.task.words)
    assert all(word for sentence in found.task.words for word in sentence)


def test_case_goes_both_ways():
    found = shifted(task_of(("NASA went Up",) * 9), ShiftConfig(kind="case", rate=1.0))
    assert set(found.task.texts) == {"nasa WENT UP"}


@pytest.mark.parametrize("kind", ["typos", "dropped-words", "case"])
def test_words_keep_their_labels(kind):
    words = tuple(tuple(f"word{'x' * (n % 5)}{n}q{i}" for i in range(3 + n % 4)) for n in range(40))
    task = task_of((), words=words, classes=("a", "b", "c"))
    flat = [word for sentence in words for word in sentence]
    found = shifted(task, ShiftConfig(kind=kind, rate=0.4))
    said = [word for sentence in found.task.words for word in sentence]
    assert len(said) == len(found.items) == len(found.task)
    assert np.array_equal(found.task.labels, task.labels[found.items])
    for word, item in zip(said, found.items, strict=True):
        if kind == "dropped-words":
            assert word == flat[item]
        assert word.lower()[-3:] == flat[item].lower()[-3:]
    measured = found.items[found.measured]
    if kind == "dropped-words":
        assert found.changed == len(task.splits["test"]) - len(measured)
        assert 0 < len(measured) < len(task.splits["test"])
        assert np.isin(measured, task.splits["test"]).all()
        assert f"{found.changed} dropped words are not measured" in found.notes[0]
    else:
        assert measured.tolist() == task.splits["test"].tolist()


def test_what_touches_nothing_says_so():
    found = shifted(task_of(("ab", "cd", "ef") * 4), ShiftConfig(kind="typos"))
    assert found.changed == 0
    assert "No test text was touched" in found.notes[0]


def test_another_task_is_labelled_by_the_names_of_its_classes():
    task = task_of(classes=("bad", "good", "So-so"))
    other = task_of(tuple(f"other {n}" for n in range(30)), classes=("GOOD", "so-so", "x", "bad"))
    found = shifted(task, ShiftConfig(kind="task", task="other"), other)
    tested = other.splits["test"]
    wanted = [i for i in tested if other.classes[other.labels[i]] != "x"]
    assert found.task.texts == tuple(other.texts[i] for i in wanted)
    assert found.items.tolist() == wanted
    assert found.task.classes == task.classes
    for text, label in zip(found.task.texts, found.task.labels, strict=True):
        was = other.classes[other.labels[other.texts.index(text)]]
        assert task.classes[label].lower() == was.lower()
    assert f"{len(tested) - len(wanted)} of {len(tested)} texts" in found.notes[0]
    assert "called x." in found.notes[0]


def test_words_of_another_task_that_have_no_class_here_are_read_and_not_measured():
    words = (("a", "b", "c"),) * 12
    labels = [0, 1, 2] * 12
    task = task_of((), words=words, classes=("one", "two"))
    other = task_of((), words=words, labels=labels, classes=("one", "more", "two"))
    found = shifted(task, ShiftConfig(kind="task", task="other"), other)
    assert found.task.words == words[8:]
    assert found.measured.tolist() == [0, 2, 3, 5, 6, 8, 9, 11]
    assert found.task.labels[found.measured].tolist() == [0, 1] * 4


def test_what_does_not_fit_is_refused():
    task = task_of()
    with pytest.raises(ConfigError, match=r"No test text of Made has a class .*: .* bad, good"):
        check_shift(task, task_of(classes=("x", "y")))
    with pytest.raises(ConfigError, match=r"words with classes as labels .* texts with classes"):
        check_shift(task, task_of((), words=(("a", "b"),) * 6))
    numbers = replace(task, labels=np.linspace(0, 1, len(task)), label_kind="number", classes=())
    with pytest.raises(ConfigError, match="texts with numbers as labels"):
        check_shift(task, numbers)
    assert check_shift(numbers, numbers) == {}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "noise"}, "kind = 'noise'"),
        ({"kind": "typos", "rate": 0}, "above 0 and at most 1, not 0"),
        ({"kind": "typos", "rate": 1.5}, "at most 1, not 1.5"),
        ({"kind": "typos", "rate": float("nan")}, "not nan"),
        ({"kind": "task"}, "none is named"),
        ({"kind": "task", "task": "word-relations"}, "the task that is trained on"),
        ({"kind": "case", "seed": -1}, "not -1"),
        ({"share": 0.1}, "shift.share"),
    ],
)
def test_a_spec_is_checked(values, says):
    with pytest.raises(ConfigError, match=says):
        spec_from_dict({"shift": values})


def test_a_spec_keeps_it():
    spec = RunSpec(shift=ShiftConfig(kind="typos", rate=0.2, seed=3))
    assert spec_from_dict(spec.to_dict()) == spec
    assert spec_from_dict({"task": "capitals"}).shift == ShiftConfig()


# In a run


@pytest.fixture
def spec(tmp_path):
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    return RunSpec(
        encoder=tiny,
        split=SplitConfig(train_items=60, held_out_items=20),
        training=TrainConfig(epochs=3),
        shift=ShiftConfig(kind="typos", rate=0.5),
    )


def with_strategy(spec, kind, **changes):
    training = spec.training if kind in ("head", "classical") else default_training(kind, 16)
    return replace(
        spec, strategy=default_strategy(kind), training=replace(training, epochs=2), **changes
    )


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("head", {}),
        ("head", {"pooling": PoolingConfig(tokens="attention")}),
        ("head", {"pooling": PoolingConfig(pair="separate")}),
        ("classical", {}),
        ("random-features", {}),
        ("full", {}),
        ("linearised", {}),
    ],
)
def test_a_run_judges_spoilt_texts_as_its_head_does_one_by_one(lab, spec, kind, changes):
    spec = with_strategy(spec, kind, **changes)
    if kind == "linearised":
        spec = replace(spec, strategy=replace(spec.strategy, head_epochs=2))
    outcome = lab.execute(spec)
    shift, run_id = outcome.result["shift"], outcome.run_id
    stored = lab.runs.tensors(run_id, "predictions")
    task = lab.task(spec.task, spec.split)
    spoilt = shifted(task, spec.shift)
    assert np.array_equal(stored["shift.items"], task.splits["test"])
    assert shift["changed"] == spoilt.changed > 5
    right = 0
    pairs = zip(spoilt.task.texts, spoilt.task.second, strict=True)
    for (one, other), item, shares in zip(
        pairs, stored["shift.items"], stored["shift.probabilities"], strict=True
    ):
        said = lab.predict(run_id, one, other)
        answered = dict(said.probabilities[0])
        own = [answered[name] for name in task.classes]
        assert np.abs(np.array(own) - shares).max() < 1e-5
        right += said.probabilities[0][0][0] == task.classes[task.labels[item]]
    assert shift["accuracy"] == pytest.approx(right / 20)
    assert shift["first"] == pytest.approx(outcome.result["test_accuracy"])
    assert shift["difference"] == pytest.approx(shift["accuracy"] - shift["first"])
    low, high = shift["difference_interval"]
    assert low <= shift["difference"] <= high
    says = f"{shift['accuracy']:.2f} with typos in 50 % of the letters inside words; "
    assert says in outcome.text


@pytest.mark.parametrize("kind", ["head", "full"])
@pytest.mark.parametrize("shift", ["typos", "dropped-words"])
def test_words_are_judged_in_their_sentences(lab, spec, kind, shift):
    spec = with_strategy(
        spec,
        kind,
        task="capitals",
        pooling=PoolingConfig(tokens="first"),
        max_length=24,
        shift=ShiftConfig(kind=shift, rate=0.4),
    )
    outcome = lab.execute(spec)
    stored = lab.runs.tensors(outcome.run_id, "predictions")
    task = lab.task(spec.task, spec.split)
    tested = replace(task, splits={**task.splits, "test": stored["test.items"]})
    spoilt = shifted(tested, spec.shift)
    judge = Judge(outcome.run_id, lab)
    shares, items, _ = judge.shares(spoilt.task.texts, None, spoilt.task.words)
    wanted = dict(zip(spoilt.items[items], shares, strict=True))
    assert set(stored["shift.items"]) == {i for i in wanted if i in stored["test.items"]}
    for item, row in zip(stored["shift.items"], stored["shift.probabilities"], strict=True):
        assert np.abs(wanted[item] - row).max() < 1e-5
    at = np.searchsorted(stored["test.items"], stored["shift.items"])
    first = stored["test.probabilities"][at].argmax(1) == task.labels[stored["shift.items"]]
    assert outcome.result["shift"]["first"] == pytest.approx(first.mean())
    assert outcome.result["shift"]["items"] == len(at) <= len(stored["test.items"])


def test_the_interval_is_that_of_the_same_items(lab, spec):
    spec = replace(spec, split=SplitConfig(), training=TrainConfig(epochs=30))
    outcome = lab.execute(spec)
    stored = lab.runs.tensors(outcome.run_id, "predictions")
    labels = lab.task(spec.task).labels[stored["test.items"]]
    right = [stored[f"{name}.probabilities"].argmax(1) == labels for name in ("test", "shift")]
    gaps = right[1].astype(float) - right[0]
    shift = outcome.result["shift"]
    assert shift["difference"] == pytest.approx(gaps.mean())
    half = 1.96 * gaps.std() / np.sqrt(len(gaps))
    low, high = shift["difference_interval"]
    assert low == pytest.approx(gaps.mean() - half, abs=0.25 * half)
    assert high == pytest.approx(gaps.mean() + half, abs=0.25 * half)
    # An encoder that reads no capitals answers as before, and the interval knows it.
    blind = lab.execute(replace(spec, shift=ShiftConfig(kind="case", rate=1.0))).result["shift"]
    assert blind["difference_interval"] == [0, 0]
    assert blind["changed"] == blind["items"]


def own_task(lab, tmp_path, name, good="good"):
    rows = [f'"{name} {TEXTS[i % 10]} {i}",{good if LABELS[i % 10] == "good" else "bad"}'
            for i in range(60)]  # fmt: skip
    found = look(write(tmp_path / f"{name}.csv", "\n".join(["text,label", *rows]) + "\n"))
    with lab.shelf.library.staging() as folder:
        return lab.shelf.library.keep(read(found.plan, folder)).name


@pytest.mark.parametrize("kind", ["head", "classical", "full"])
def test_another_domain_is_a_second_test_set(lab, spec, tmp_path, kind):
    first, other = own_task(lab, tmp_path, "films"), own_task(lab, tmp_path, "books", "Good")
    strange = own_task(lab, tmp_path, "odd", "neutral")
    spec = with_strategy(spec, kind, task=first, shift=ShiftConfig(kind="task", task=other))
    outcome = lab.execute(spec)
    shift, task = outcome.result["shift"], lab.task(other, spec.split)
    stored = lab.runs.tensors(outcome.run_id, "predictions")
    assert np.array_equal(stored["shift.items"], task.splits["test"])
    classes = lab.task(first, spec.split).classes
    right = 0
    for item, shares in zip(stored["shift.items"], stored["shift.probabilities"], strict=True):
        answered = dict(lab.predict(outcome.run_id, task.texts[item]).probabilities[0])
        assert np.abs(np.array([answered[c] for c in classes]) - shares).max() < 1e-5
        right += max(answered, key=answered.get) == task.classes[task.labels[item]].lower()
    assert shift["accuracy"] == pytest.approx(right / len(task.splits["test"]))
    assert not shift["paired"]
    assert shift["first"] == outcome.result["test_accuracy"]
    assert f"{shift['accuracy']:.2f} on books; " in outcome.text
    half = replace(spec, shift=ShiftConfig(kind="task", task=strange))
    notes = lab.execute(half).result["shift"]["notes"]
    assert "left out: films has no class called neutral." in notes[0]
    runs = len(lab.runs.list())
    with pytest.raises(ConfigError, match="pairs with classes"):
        lab.execute(replace(half, shift=ShiftConfig(kind="task", task="sentence-order")))
    with pytest.raises(ConfigError, match="no task 'nowhere'"):
        lab.execute(replace(half, shift=ShiftConfig(kind="task", task="nowhere")))
    assert len(lab.runs.list()) == runs


class Stop(Silent):
    """Stops at a step, or while the second test set is judged."""

    def __init__(self, step=None):
        self.step, self.due, self.started = step, False, None

    def publish(self, event):
        if isinstance(event, RunStarted):
            self.started = event
        if isinstance(event, TrainStep) and event.step == self.step:
            self.due = True

    def progress(self, done, total, text=""):
        if self.step is None and text == "Preparing the second test set":
            self.due = True

    def check(self):
        if self.due:
            raise JobCancelled


@pytest.mark.parametrize("kind", ["head", "full"])
def test_a_stopped_run_has_the_same_second_test(lab, spec, kind):
    spec = with_strategy(spec, kind)
    whole = lab.execute(spec)
    for step in (2, None):
        stop = Stop(step)
        with pytest.raises(JobCancelled):
            lab.execute(spec, stop)
        watch = Stop(-1)
        resumed = lab.resume(lab.runs.list()[0].run_id, watch)
        # Nothing that was learned is lost by a stop at the very end.
        assert watch.started.resumed_from == (step or whole.result["steps"])
        for name in ("shift", "test", "validation"):
            assert resumed.result[name] == whole.result[name]


def test_features_of_spoilt_texts_are_computed_once(lab, spec):
    lab.execute(spec)
    kept = {entry.key for entry in lab.store.entries()}
    assert len(kept) == 2
    assert any("with typos in 50 %" in entry.title for entry in lab.store.entries())
    lab.execute(replace(spec, seed=1))
    assert {entry.key for entry in lab.store.entries()} == kept
