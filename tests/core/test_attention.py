"""Attention pooling over tokens: gradients, equality with mean pooling, whole runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from fineview.core.errors import ConfigError, JobCancelled
from fineview.core.features.config import ATTENTION_CAP, PoolingConfig
from fineview.core.features.token_states import token_states
from fineview.core.progress import Silent
from fineview.core.runs.check import check_spec
from fineview.core.runs.judge import Judge
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig
from fineview.core.training.events import TrainStep
from fineview.core.training.heads import AttentionHead, LinearHead, head_of
from fineview.core.training.tokens import TokenFeatures
from tests.core.tiny import tiny_encoder_folder

ATTENTION = PoolingConfig(layers=(1,), tokens="attention")


@pytest.fixture
def spec(tmp_path):
    folder = tiny_encoder_folder(tmp_path / "tiny")
    return RunSpec(encoder=str(folder), training=TrainConfig(epochs=3), pooling=ATTENTION)


@pytest.fixture
def texts():
    """Seven texts of 1 to 6 tokens, 5 numbers each."""
    generator = torch.Generator().manual_seed(5)
    lengths = torch.tensor([3, 1, 6, 2, 4, 6, 5])
    tokens = torch.randn(int(lengths.sum()), 5, generator=generator, dtype=torch.float64)
    return TokenFeatures.behind_each_other(3 * tokens + 1, lengths)


def head_for(texts, seed=1):
    """Return a head with weights that are nowhere 0, in float64."""
    head = AttentionHead.fitted(texts, 3).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=generator)
    return head


def test_the_head_passes_the_numerical_gradient_check(texts):
    head = head_for(texts)
    raw = head.standardise(texts)

    def outputs(query, weight, bias):
        values = {"query": query, "linear.weight": weight, "linear.bias": bias}
        return torch.func.functional_call(head, values, (raw,))

    inputs = [p.detach().clone().requires_grad_() for p in head.parameters()]
    names = [name for name, _ in head.named_parameters()]
    ordered = [inputs[names.index(n)] for n in ("query", "linear.weight", "linear.bias")]
    assert torch.autograd.gradcheck(outputs, ordered)


def test_the_closed_form_gradients_are_those_of_autograd(texts):
    head = head_for(texts)
    raw = head.standardise(texts)
    labels = torch.tensor([0, 2, 1, 1, 0, 2, 2])
    whole = functional.cross_entropy(head(raw), labels)
    whole.backward()
    wanted = {name: p.grad.clone() for name, p in head.named_parameters()}
    head.zero_grad()
    targets = functional.one_hot(labels, 3).double()
    loss = head.loss_and_gradients(raw, targets)
    assert loss == pytest.approx(whole.item())
    for name, parameter in head.named_parameters():
        torch.testing.assert_close(parameter.grad, wanted[name])


def test_without_a_query_it_is_the_linear_head_on_the_means(texts):
    head = AttentionHead.fitted(texts, 3).double()
    plain = LinearHead.fitted(texts.means(), 3).double()
    with torch.no_grad():
        head.linear.weight.normal_(generator=torch.Generator().manual_seed(2))
        plain.linear.load_state_dict(head.linear.state_dict())
    wanted = plain(plain.standardise(texts.means()))
    torch.testing.assert_close(head(head.standardise(texts)), wanted)


def test_weights_sum_to_one_and_padding_has_none(texts):
    head = head_for(texts)
    raw = head.standardise(texts)
    together = head.token_weights(raw)
    assert [len(row) for row in together] == texts.lengths.tolist()
    for text, row in enumerate(together):
        assert sum(row) == pytest.approx(1)
        assert row == pytest.approx(head.token_weights(raw[text : text + 1])[0])


def test_a_selection_standardises_its_own_tokens_only(texts):
    head = head_for(texts)
    some = torch.tensor([5, 0, 3])
    chosen = head.standardise(texts[some])
    assert len(chosen.tokens) == int(texts.lengths[some].sum())
    torch.testing.assert_close(head(chosen), head(head.standardise(texts))[some])


def test_the_head_comes_back_as_what_it_was(texts):
    head = head_for(texts)
    again = head_of(head.to_arrays())
    assert isinstance(again, AttentionHead)
    torch.testing.assert_close(again.query, head.query.float(), check_dtype=False)


def test_the_tokens_are_those_of_plain_transformers(lab, spec):
    task = lab.task(spec.task)
    states = token_states(lab.encoder(spec.encoder), task.texts[:40], task.second[:40], 1)
    tokenizer = AutoTokenizer.from_pretrained(spec.encoder)
    model = AutoModel.from_pretrained(spec.encoder).eval()
    parts = np.split(states.tokens, np.cumsum(states.lengths)[:-1])
    for item in (0, 11, 39):
        inputs = tokenizer(task.texts[item], task.second[item], return_tensors="pt")
        with torch.inference_mode():
            wanted = model(**inputs, output_hidden_states=True).hidden_states[1][0]
        np.testing.assert_allclose(parts[item], wanted.numpy(), atol=1e-5)


def test_a_run_learns_judges_and_says_where_it_looks(lab, spec):
    outcome = lab.execute(replace(spec, training=TrainConfig(epochs=20)))
    assert outcome.status == "finished"
    result = outcome.result
    assert result["train"]["accuracy"] > result["references"]["majority"]["test_accuracy"]
    assert "attention" in result["references"]["optimum"]["note"]
    width = lab.encoder(spec.encoder).info.width
    classes = len(result["classes"])
    assert result["head_parameters"] == width * classes + classes + width
    arrays = lab.runs.tensors(outcome.run_id, "head")
    assert np.abs(arrays["query"]).max() > 0
    kept = lab.runs.tensors(outcome.run_id, "predictions")
    items = kept["test.items"][:5]
    task = lab.task(spec.task)
    firsts, seconds = ([side[i] for i in items] for side in (task.texts, task.second))
    shares, _, _ = Judge(outcome.run_id, lab).shares(firsts, seconds)
    np.testing.assert_allclose(shares, kept["test.probabilities"][:5], atol=1e-4)
    said = lab.predict(outcome.run_id, firsts[0], seconds[0])
    assert [t.text for t, _ in said.attention] == [
        t.text for t in lab.tokens(spec.encoder, firsts[0], seconds[0])
    ]
    assert sum(share for _, share in said.attention) == pytest.approx(1)


class StopAt(Silent):
    """Stops once a step is reached."""

    def __init__(self, step):
        self.step, self.done = step, 0

    def publish(self, event):
        if isinstance(event, TrainStep):
            self.done = event.step

    def check(self):
        if self.done >= self.step:
            raise JobCancelled


def test_stopped_and_resumed_it_ends_with_the_same_bits(lab, spec):
    whole = lab.execute(spec)
    stop = StopAt(13)
    with pytest.raises(JobCancelled):
        lab.execute(spec, stop)
    stopped = lab.runs.list()[0].run_id
    assert stopped != whole.run_id
    resumed = lab.resume(stopped)
    one, other = (lab.runs.tensors(r, "head") for r in (whole.run_id, resumed.run_id))
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_what_attention_cannot_read_is_named(lab):
    info = lab.task("word-relations").info
    with pytest.raises(ConfigError, match="not the mix 'mean'"):
        PoolingConfig(layers=(1, 2), mix="mean", tokens="attention")
    with pytest.raises(ConfigError, match="'separate'"):
        PoolingConfig(tokens="attention", pair="separate")
    with pytest.raises(ConfigError, match=r"at most 2,000 texts, and .* has 2,001"):
        check_spec(RunSpec(pooling=ATTENTION), info, "class", 6, ATTENTION_CAP + 1)
    with pytest.raises(ConfigError, match="'attention' does not fit the word level"):
        check_spec(RunSpec(pooling=ATTENTION), replace(info, level="word"), "class", 6, 10)
