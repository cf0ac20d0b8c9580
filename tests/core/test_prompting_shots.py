"""Accuracy against the number of examples, with a trained head beside the prompt."""

import numpy as np
import pytest

from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from fineview.core.prompting.asked import draw, items_of, queries, relabelled
from fineview.core.prompting.choices import AnswerConfig, EvaluateChoice, PromptConfig, ShotsChoice
from fineview.core.prompting.evaluation import evaluate
from fineview.core.prompting.seen import ShotsPoint
from fineview.core.prompting.shots import HeadSide, arrangement, encoder_side, shots_curve
from fineview.core.prompting.tables import table
from tests.core.fewshot_support import language_model
from tests.core.tiny import tiny_encoder_folder

FEELINGS, STATES = items_of(table("sentiment")), items_of(table("us-states"))
PROMPT = PromptConfig(example="{input} {label}")
SCORE = AnswerConfig(reading="score")
CHOICE = ShotsChoice(counts=(0, 1, 4), seeds=2, orders=2, most=10)


class Listener(Silent):
    def __init__(self):
        self.events, self.steps = [], []

    def publish(self, event):
        self.events.append(event)

    def progress(self, done, total, text=""):
        self.steps.append((done, total))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return language_model(tmp_path_factory.mktemp("models") / "gpt2", "gpt2")


@pytest.fixture(scope="module")
def side(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "encoder"
    tiny_encoder_folder(folder)
    return encoder_side(open_encoder(str(folder), folder, "cpu"))


def places(found, curve):
    return [(p.shots, p.seed, p.order) for p in found.points if p.curve == curve]


def test_every_point_is_measured_and_published(model, side):
    report = Listener()
    found = shots_curve(model, PROMPT, SCORE, CHOICE, FEELINGS, side, report)
    expected = [(0, 0, 0), (1, 0, 0), (1, 1, 0)]
    expected += [(4, seed, order) for seed in range(2) for order in range(2)]
    assert places(found, "prompt") == expected
    assert places(found, "calibrated") == expected
    assert places(found, "head") == [(1, 0, 0), (1, 1, 0), (4, 0, 0), (4, 1, 0)]
    assert tuple(e for e in report.events if isinstance(e, ShotsPoint)) == found.points
    assert report.steps[-1] == (70, 70)
    assert (found.most, found.task, found.labels) == (10, FEELINGS.title, "true")
    assert found.encoder == side.title
    assert all(p.cut == 10 for p in found.points if p.shots == 4 and p.curve != "head")
    assert all(p.cut == 0 for p in found.points if p.shots == 0)


@pytest.mark.parametrize("reading", ["score", "generate"])
def test_points_are_those_of_an_evaluation(model, reading):
    answer = AnswerConfig(reading=reading, max_tokens=2)
    choice = ShotsChoice(counts=(3,), seeds=2, orders=1, most=10, head=False)
    found = shots_curve(model, PROMPT, answer, choice, FEELINGS)
    plain = evaluate(model, PROMPT, answer, EvaluateChoice(shots=3, most=10, seeds=2), FEELINGS)
    assert [p.accuracy for p in found.points if p.curve == "prompt"] == [e.accuracy for e in plain]
    if reading == "score":
        answer = AnswerConfig(reading="score", calibration="contextual")
        held = evaluate(model, PROMPT, answer, EvaluateChoice(shots=3, most=10, seeds=2), FEELINGS)
        second = [p.accuracy for p in found.points if p.curve == "calibrated"]
        assert second == [e.accuracy for e in held]
    else:
        assert not places(found, "calibrated")


def test_the_head_is_softmax_regression_on_the_same_examples(model, side):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    choice = ShotsChoice(counts=(1, 8), seeds=2, orders=1, most=20, labels="random")
    found = shots_curve(model, PROMPT, SCORE, choice, FEELINGS, side)
    heads = {(p.shots, p.seed): p.accuracy for p in found.points if p.curve == "head"}
    for seed in range(2):
        drawn = draw(FEELINGS, 8, seed)
        asked = queries(FEELINGS, drawn, 20)
        shown = relabelled(drawn, FEELINGS, "random", seed)
        right = np.array([row[-1] for row in asked])
        assert heads[1, seed] == pytest.approx((right == shown[0][-1]).mean())
        train = side.features([row[:-1] for row in shown], Silent())
        test = side.features([row[:-1] for row in asked], Silent())
        scaler = StandardScaler().fit(train)
        peer = LogisticRegression().fit(scaler.transform(train), [row[-1] for row in shown])
        assert heads[8, seed] == pytest.approx(
            (peer.predict(scaler.transform(test)) == right).mean()
        )


def test_free_answers_have_no_head_and_no_calibrated_curve(model, side):
    found = shots_curve(model, PROMPT, AnswerConfig(max_tokens=2), CHOICE, STATES, side)
    assert {p.curve for p in found.points} == {"prompt"}
    assert found.encoder == ""
    assert found.majority == 0.1


def test_pairs_have_features_of_both_texts(side):
    rows = [("the film", "is quiet"), ("is it", "the treat"), ("the film", "the treat")]
    joint = side.features(rows, Silent())
    assert joint.shape == (3, 16)
    assert np.abs(joint[0] - joint[2]).max() > 1e-3


def test_pairs_may_be_read_apart(tmp_path):
    folder = tiny_encoder_folder(tmp_path / "encoder")
    apart = PoolingConfig(pair="separate")
    side = encoder_side(open_encoder(str(folder), folder, "cpu"), apart)
    assert side.features([("the film", "is quiet")], Silent()).shape == (1, 64)
    with pytest.raises(ConfigError, match="learned weights"):
        encoder_side(
            open_encoder(str(folder), folder, "cpu"),
            PoolingConfig(layers=(0, 1), mix="weighted"),
        )


def test_orders_differ_and_replay():
    found = [tuple(arrangement(3, 0, order)) for order in range(6)]
    assert len(set(found)) == 6
    assert found[0] == (0, 1, 2)
    assert arrangement(3, 0, 4) == arrangement(3, 0, 4)
    assert arrangement(0, 0, 0) == []


def test_too_few_rows(model):
    few = ShotsChoice(counts=(34,), seeds=1)
    with pytest.raises(ConfigError, match="too few are left"):
        shots_curve(model, PROMPT, SCORE, few, FEELINGS)


def test_a_side_of_ones_own(model):
    rng = np.random.default_rng(0)

    def features(rows, report):
        return rng.normal(size=(len(rows), 4)).astype(np.float32)

    side = HeadSide("dice", features)
    found = shots_curve(model, PROMPT, SCORE, CHOICE, FEELINGS, side)
    assert found.encoder == "dice"
