"""A prompt held against labelled rows."""

import dataclasses
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.progress import Silent
from fineview.core.prompting.asked import draw, items_of, queries, relabelled
from fineview.core.prompting.batched import answers, label_scores
from fineview.core.prompting.choices import AnswerConfig, EvaluateChoice, PromptConfig
from fineview.core.prompting.evaluation import Answered, evaluate
from fineview.core.prompting.tables import presets, table
from fineview.core.prompting.template import render
from tests.core.fewshot_support import language_model

STATES = items_of(table("us-states"))
FEELINGS = items_of(table("sentiment"))
KINDS = items_of(table("question-type"))
CAPITALS = PromptConfig(example="{input}: {label}")
FEELING = PromptConfig(example="{input} {label}", shots=())
SCORE = AnswerConfig(reading="score")


class Listener(Silent):
    def __init__(self, most=10**9):
        self.events, self.steps, self.most = [], [], most

    def publish(self, event):
        self.events.append(event)

    def progress(self, done, total, text=""):
        self.steps.append((done, total))

    def check(self):
        if len(self.events) >= self.most:
            raise JobCancelled


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return language_model(tmp_path_factory.mktemp("models") / "llama")


def a_task(level="sentence", numbers=False, n=60):
    texts = tuple(f"text {i}\nof  many" for i in range(n))
    labels = np.arange(n) % 3
    splits = {"train": np.arange(30), "validation": np.arange(30, 40), "test": np.arange(40, n)}
    info = TaskInfo(name="t", title="A task", level=level, meaning="", source="", licence="")
    return Task(
        info=info,
        texts=texts,
        labels=labels.astype(float) if numbers else labels,
        label_kind="number" if numbers else "class",
        classes=() if numbers else ("a", "b", "c"),
        splits=splits,
        second=texts[::-1] if level == "pair" else None,
        words=tuple((one,) for one in texts) if level == "word" else None,
    )


def test_items_of_tables_and_tasks():
    assert (len(STATES.rows), STATES.classes, STATES.pool) == (50, (), STATES.rows)
    found = items_of(a_task())
    assert found.columns == ("input", "label")
    assert found.rows[0] == ("text 40 of many", "b")
    assert len(found.examples) == 30
    pairs = items_of(a_task("pair"), "validation")
    assert pairs.columns == ("input", "second", "label")
    assert pairs.rows[0] == ("text 30 of many", "text 29 of many", "a")
    with pytest.raises(DataError, match="label for every word"):
        items_of(a_task("word"))
    with pytest.raises(DataError, match="numbers"):
        items_of(a_task(numbers=True))


def test_draws_are_balanced_nested_and_never_asked():
    for items in (FEELINGS, KINDS, STATES, items_of(a_task())):
        for seed in range(3):
            whole = draw(items, 12, seed)
            assert len(set(whole)) == 12
            assert all(draw(items, k, seed) == whole[:k] for k in (0, 1, 5))
            if items.classes:
                assert len(set(Counter(row[-1] for row in whole).values())) == 1
            asked = queries(items, whole, 1000)
            assert not {row[:-1] for row in whole} & {row[:-1] for row in asked}
            assert len(asked) == len(items.rows) - (0 if items.examples else 12)
    assert draw(STATES, 5, 0) != draw(STATES, 5, 1)
    with pytest.raises(ConfigError, match="too few"):
        draw(STATES, 50, 0)
    with pytest.raises(ConfigError, match="Every row"):
        queries(STATES, STATES.rows, 10)


def test_labels_are_exchanged_or_random():
    shots = draw(KINDS, 12, 0)
    flipped = relabelled(shots, KINDS, "flipped", 0)
    assert all(a[0] == b[0] and a[-1] != b[-1] for a, b in zip(shots, flipped, strict=True))
    many = [relabelled(shots, KINDS, "random", s)[0][-1] for s in range(200)]
    assert set(many) == set(KINDS.classes)
    assert relabelled(shots, KINDS, "true", 0) == shots
    free = draw(STATES, 4, 0)
    moved = relabelled(free, STATES, "flipped", 0)
    assert sorted(r[-1] for r in moved) == sorted(r[-1] for r in free)
    assert all(a[-1] != b[-1] for a, b in zip(free, moved, strict=True))
    assert relabelled(free[:1], STATES, "flipped", 0)[0][-1] != free[0][-1]


def test_generated_answers(model):
    report = Listener()
    choice = EvaluateChoice(shots=3, most=10, seeds=2)
    answer = AnswerConfig(max_tokens=4)
    found = evaluate(model, CAPITALS, answer, choice, STATES, report)
    assert [one.seed for one in found] == [0, 1]
    for seed, one in enumerate(found):
        shots = draw(STATES, 3, seed)
        assert [row.query for row in one.rows] == [r[:-1] for r in queries(STATES, shots, 10)]
        prompts = [render(CAPITALS, row.query, shots).text for row in one.rows]
        assert [row.prompt for row in one.rows] == prompts
        said = answers(model, prompts, 4, ("\n",))
        first = [text.text.strip().split("\n")[0].strip() for text in said]
        assert [row.answer for row in one.rows] == first
        assert [row.sure for row in one.rows] == pytest.approx([np.exp(s.logprob) for s in said])
        assert (one.labels, one.confusion, one.bias, one.unread) == ((), (), (), 0)
        assert one.low <= one.accuracy <= one.high
        assert one.majority == 0.1
        assert one.computed < one.tokens
    told = [event for event in report.events if isinstance(event, Answered)]
    assert {(e.seed, e.place): e.row for e in told} == {
        (s, at): row for s, one in enumerate(found) for at, row in enumerate(one.rows)
    }
    assert report.steps[-1] == (10, 10), "each draw counts by itself"


def test_a_right_answer_counts(model):
    text = render(CAPITALS, ("Ohio",), ()).text
    said = answers(model, [text], 3, ("\n",))[0].text.split("\n")[0]
    items = dataclasses.replace(STATES, rows=(("Ohio", said.strip() or "x"), ("Utah", "no")))
    found = evaluate(model, CAPITALS, AnswerConfig(max_tokens=3), EvaluateChoice(shots=0), items)
    assert found[0].rows[0].correct == bool(said.strip())
    assert not found[0].rows[1].correct


@pytest.mark.parametrize("calibration", ["none", "contextual", "pmi"])
def test_scored_labels(model, calibration):
    answer = AnswerConfig(
        reading="score", words=(("positive", ("positive", "good")),), calibration=calibration
    )
    prompt = PromptConfig(example="{input}\nFeeling: {label}")
    report = Listener()
    one = evaluate(model, prompt, answer, EvaluateChoice(shots=2, most=9), FEELINGS, report)[0]
    shots = draw(FEELINGS, 2, 0)
    words = ((" negative",), (" positive", " good"))
    texts = [render(prompt, row.query, shots).text for row in one.rows]
    nothing = [render(prompt, (text,), shots, empty=True).text for text in ("N/A", "[MASK]", "")]
    scores = np.exp(label_scores(model, texts, words))
    free = np.exp(label_scores(model, nothing, words))
    free = (free / free.sum(1, keepdims=True)).mean(0)
    assert one.bias == pytest.approx(free, abs=1e-5)
    premise = np.exp(label_scores(model, ["Feeling:"], words))[0]
    shares = scores / {"none": 1, "contextual": free, "pmi": premise}[calibration]
    shares /= shares.sum(1, keepdims=True)
    for row, expected in zip(one.rows, shares, strict=True):
        assert row.probabilities == pytest.approx(expected, abs=1e-4)
        assert row.sure == max(row.probabilities)
        assert row.answer == one.labels[int(np.argmax(row.probabilities))]
        assert row.correct == (row.answer == row.right)
    assert one.labels == ("negative", "positive")
    assert np.sum(one.confusion) == 9
    assert np.trace(one.confusion) == round(9 * one.accuracy)
    assert {event.place: event.row for event in report.events} == dict(enumerate(one.rows))


def test_free_answers_may_be_scored_too(model):
    one = evaluate(model, CAPITALS, SCORE, EvaluateChoice(shots=1, most=5), STATES)[0]
    assert len(one.labels) == 50
    assert len(one.rows[0].probabilities) == 50


def test_own_examples_are_shown_in_another_order_for_each_seed(model):
    shots = STATES.rows[:5]
    prompt = dataclasses.replace(CAPITALS, shots=shots)
    found = evaluate(model, prompt, SCORE, EvaluateChoice(most=3, seeds=3), STATES)
    starts = [one.rows[0].prompt for one in found]
    assert starts[0].startswith("\n".join(": ".join(row) for row in shots))
    assert len(set(starts)) > 1
    assert all(row.query[0] not in {s[0] for s in shots} for one in found for row in one.rows)


def test_examples_show_the_first_word_of_a_label(model):
    answer = AnswerConfig(reading="score", words=(("a", ("good", "fine")), ("b", ("bad",))))
    items = items_of(a_task())
    one = evaluate(model, FEELING, answer, EvaluateChoice(shots=3, most=4), items)[0]
    text = one.rows[0].prompt
    assert " good\n" in text
    assert " bad\n" in text
    assert " c\n" in text
    same = AnswerConfig(words=(("a", ("x",)), ("b", ("x",))))
    with pytest.raises(ConfigError, match="stands for both 'a' and 'b'"):
        evaluate(model, FEELING, same, EvaluateChoice(), items)
    with pytest.raises(ConfigError, match="label 'z'"):
        evaluate(model, FEELING, AnswerConfig(words=(("z", ("x",)),)), EvaluateChoice(), items)


def test_a_slot_that_the_rows_lack_is_named(model):
    prompt = dataclasses.replace(CAPITALS, example="{state}: {label}")
    with pytest.raises(ConfigError, match=r"\{state\}, but the columns are input, label"):
        evaluate(model, prompt, SCORE, EvaluateChoice(shots=1), STATES)


def test_prompts_too_long_say_what_was_cut(model):
    for answer in (SCORE, AnswerConfig(max_tokens=3)):
        report = Listener()
        choice = EvaluateChoice(shots=16, most=3)
        one = evaluate(model, FEELING, answer, choice, FEELINGS, report)[0]
        assert all(row.cut > 100 for row in one.rows)
        assert {event.row for event in report.events} == set(one.rows)


def test_generated_classes_are_read_or_unread(model):
    one = evaluate(model, FEELING, AnswerConfig(max_tokens=2), EvaluateChoice(shots=2), FEELINGS)[0]
    assert one.labels == FEELINGS.classes
    assert one.unread + int(np.sum(one.confusion)) == len(one.rows)


def test_stop(model):
    report = Listener(most=1)
    with pytest.raises(JobCancelled):
        evaluate(model, CAPITALS, SCORE, EvaluateChoice(shots=1, seeds=5), STATES, report)


def test_presets_run_as_they_are(model):
    for preset in presets():
        if preset.table:
            items = items_of(table(preset.table))
            choice = EvaluateChoice(most=2)
            one = evaluate(model, preset.prompt, preset.answer, choice, items)[0]
            assert len(one.rows) == 2


def test_no_heavy_library_is_imported_for_the_values():
    code = (
        "import sys, fineview.core.prompting.evaluation, fineview.core.prompting.tables; "
        "print([m for m in ('torch', 'transformers', 'sklearn', 'pyarrow') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
