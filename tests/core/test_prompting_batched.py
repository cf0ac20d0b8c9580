"""Batches say and score what one prompt at a time does."""

import numpy as np
import pytest

from fineview.core.errors import ConfigError, JobCancelled, ModelError
from fineview.core.progress import Silent
from fineview.core.prompting import shared_prefix
from fineview.core.prompting.batched import answers, label_scores
from fineview.core.prompting.shared_prefix import Meter
from tests.core.fewshot_support import WINDOW, generated, language_model, plain_logprob

START = "the capital of California is Sacramento; the capital of "
PROMPTS = tuple(
    f"{START}{name} is"
    for name in (
        "Nevada",
        "the Mona Lisa",
        "X",
        "Köln 東京 🙂",
        "Texas",
        "who painted the soup",
        "",
    )
)
LABELS = ((" positive",), (" negative", " not good"), (" pos",), (" Sacramento",), (" cold",))
"""Two begin with the same tokens, one begins another."""


@pytest.fixture(params=["llama", "gpt2"])
def model(request, tmp_path):
    return language_model(tmp_path / "model", request.param)


def test_greedy_answers_are_those_of_generate(model):
    meter = Meter()
    found = answers(model, PROMPTS, 12, (), meter=meter)
    for text, answer in zip(PROMPTS, found, strict=True):
        expected = generated(model, text, 12)
        assert list(answer.tokens) == expected
        assert answer.cut == 0
    alone = sum(len(model.ids(text)) for text in PROMPTS)
    assert meter.tokens == alone + sum(len(answer.tokens) for answer in found)
    assert meter.computed < 0.7 * meter.tokens


def test_probability_of_an_answer_is_that_of_its_tokens(model):
    answer = answers(model, PROMPTS[:2], 5, ())[1]
    text = PROMPTS[1]
    ids = model.ids(text)
    import torch

    with torch.no_grad():
        logits = model.model(torch.tensor([[*ids, *answer.tokens]])).logits[0].log_softmax(-1)
    expected = sum(float(logits[len(ids) - 1 + i, t]) for i, t in enumerate(answer.tokens))
    assert answer.logprob == pytest.approx(expected, abs=1e-4)


def test_rows_stop_each_at_its_own_place(model):
    whole = answers(model, PROMPTS, 12, ())
    stops = tuple(one.text[2] for one in whole[:4])
    told = {}
    found = answers(model, PROMPTS, 12, stops, done=told.__setitem__)
    for before, after in zip(whole, found, strict=True):
        ends = [at for at in (before.text.find(stop) for stop in stops) if at >= 0]
        assert after.text == (before.text[: min(ends)] if ends else before.text)
        assert after.tokens == before.tokens[: len(after.tokens)]
    assert any(len(one.tokens) < 12 for one in found)
    assert told == dict(enumerate(found))


def test_end_of_text_ends_an_answer_and_is_no_part_of_it(model):
    whole = answers(model, PROMPTS, 6, ())
    token = whole[0].tokens[2]
    model.model.generation_config.eos_token_id = [token]
    found = answers(model, PROMPTS, 6, ())
    assert [list(one.tokens) for one in found] == [generated(model, t, 6) for t in PROMPTS]
    first = found[0].tokens
    assert first[-1] == token
    assert found[0].text == model.text(list(first[:-1]))


@pytest.mark.parametrize("mean", [False, True])
def test_label_scores_are_those_of_whole_sequences(model, mean):
    meter = Meter()
    found = label_scores(model, PROMPTS, LABELS, mean, meter=meter)
    for text, row in zip(PROMPTS, found, strict=True):
        for label, group in enumerate(LABELS):
            scores = []
            for word in group:
                tokens = len(model.ids(text + word)) - len(model.ids(text))
                score = plain_logprob(model, text, word)
                scores.append(score / tokens if mean else score)
            assert row[label] == pytest.approx(np.logaddexp.reduce(scores), abs=1e-4)
    assert meter.computed < 0.4 * len(LABELS) * meter.tokens


def test_labels_that_share_a_first_token_are_told_apart(model):
    one, other = model.ids(" xaz"), model.ids(" xayz")
    assert one[0] == other[0]
    found = label_scores(model, PROMPTS, ((" xaz",), (" xayz",)))
    assert (np.abs(found[:, 0] - found[:, 1]) > 1e-3).all()
    with_prefix = label_scores(model, PROMPTS, ((" posit",), (" positive",)))
    assert np.isfinite(with_prefix).all()


def test_words_of_one_token_cost_one_pass(model):
    meter = Meter()
    found = label_scores(model, PROMPTS, (("x",), ("y",), ("z",)), meter=meter)
    tails = sum(len(model.ids(text)) for text in PROMPTS)
    assert meter.computed <= tails
    assert found[0, 1] == pytest.approx(plain_logprob(model, PROMPTS[0], "y"), abs=1e-4)


def test_a_word_that_joins_the_end_of_the_prompt_is_scored_from_where_all_differ(model):
    text = "Sentiment: pos"
    whole = model.ids(text + "itive")
    assert whole[: len(model.ids(text))] != model.ids(text)
    found = label_scores(model, [text, "Question: Who painted"], (("itive",), ("t",)))
    wholes = [whole, model.ids(text + "t")]
    columns = zip(model.ids(text), *wholes, strict=False)
    at = next(i for i, column in enumerate(columns) if len(set(column)) > 1)
    import torch

    for label, ids in enumerate(wholes):
        with torch.no_grad():
            logits = model.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(float(logits[i - 1, ids[i]]) for i in range(at, len(ids)))
        assert found[0, label] == pytest.approx(expected, abs=1e-4)


def test_prompts_longer_than_the_window_lose_their_start_and_say_so(model):
    long = "hot cold " * 100 + "the capital of Nevada is"
    found = answers(model, [long, PROMPTS[0]], 12, ())
    assert found[0].cut == len(model.ids(long)) - (WINDOW - 12)
    assert list(found[0].tokens) == generated(model, long, 12)
    assert found[1].cut == 0
    cuts = []
    scores = label_scores(model, [long, PROMPTS[0]], LABELS, cuts=cuts)
    longest = max(len(model.ids(word)) for group in LABELS for word in group)
    assert cuts == [len(model.ids(long)) - (WINDOW - longest), 0]
    kept = model.text(model.ids(long)[cuts[0] :])
    assert scores[0, 0] == pytest.approx(plain_logprob(model, kept, " positive"), abs=1e-4)


def test_many_small_batches_change_nothing(model, monkeypatch):
    whole, scores = answers(model, PROMPTS, 8, ()), label_scores(model, PROMPTS, LABELS)
    monkeypatch.setattr(shared_prefix, "MOST_ROWS", 2)
    monkeypatch.setattr(shared_prefix, "TAIL_TOKENS", 12)
    assert [one.tokens for one in answers(model, PROMPTS, 8, ())] == [one.tokens for one in whole]
    np.testing.assert_allclose(label_scores(model, PROMPTS, LABELS), scores, atol=1e-4)


def test_short_memory_halves_the_batch(model, monkeypatch):
    whole = answers(model, PROMPTS, 8, ())
    go_on = shared_prefix.SharedPrefix.go_on

    def narrow(self, rows, tokens):
        if len(tokens) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return go_on(self, rows, tokens)

    monkeypatch.setattr(shared_prefix.SharedPrefix, "go_on", narrow)
    most = 2
    assert [one.text for one in answers(model, PROMPTS, 8, ())] == [one.text for one in whole]
    most = 0
    with pytest.raises(ModelError, match="ran out of memory on cpu with a prompt of"):
        answers(model, PROMPTS, 8, ())


def test_stop_is_heard_within_a_pass(model):
    class Stopped(Silent):
        asked = 0

        def check(self):
            self.asked += 1
            if self.asked > 25:
                raise JobCancelled

    report = Stopped()
    with pytest.raises(JobCancelled):
        answers(model, PROMPTS, 50, (), report)
    hooks = [len(one._forward_pre_hooks) for one in model.model.modules()]
    assert sum(hooks) == 0


def test_odd_prompts(model):
    assert answers(model, [], 5, ()) == ()
    assert label_scores(model, [], LABELS).shape == (0, 5)
    one, other = answers(model, ["", "<|endoftext|>"], 5, ())
    assert one.tokens == other.tokens
    same = label_scores(model, ["", "\x00\ud7ff", "a"], LABELS)
    assert np.isfinite(same).all()
    with pytest.raises(ConfigError, match="no word"):
        label_scores(model, ["a"], ((" x",), ()))
    with pytest.raises(ConfigError, match="no word"):
        label_scores(model, ["a"], ((" ",),))


def test_a_word_without_tokens_is_refused(model, monkeypatch):
    monkeypatch.setattr(model, "ids", lambda text: [5] * text.count("a"))
    with pytest.raises(ConfigError, match="no token for the word 'Ж'"):
        label_scores(model, ["aa"], (("a",), ("Ж",)))


def test_a_model_with_a_first_token_gets_it_as_transformers_gives_it(tmp_path):
    import torch

    from fineview.core.models.language_model import open_language_model
    from tests.core.tiny_causal import tiny_causal_folder

    folder = tiny_causal_folder(tmp_path / "lm", first=True)
    model = open_language_model(str(folder), tmp_path / "c", "cpu")
    prompts = ["the cat sat on", "the cat", ""]
    found = answers(model, prompts, 6, ())
    for prompt, answer in zip(prompts, found, strict=True):
        given = model.tokenizer(prompt, return_tensors="pt")
        assert given.input_ids[0, 0] == 0
        said = model.model.generate(**given, do_sample=False, max_new_tokens=6, pad_token_id=1)[
            0, given.input_ids.shape[1] :
        ]
        assert list(answer.tokens) == said.tolist()
    scores = label_scores(model, prompts[:2], [[" a"], [" mat"]])
    for row, prompt in zip(scores, prompts[:2], strict=True):
        for score, word in zip(row, [" a", " mat"], strict=True):
            ids = model.tokenizer(prompt + word, return_tensors="pt").input_ids
            behind = ids.shape[1] - model.tokenizer(prompt, return_tensors="pt").input_ids.shape[1]
            with torch.inference_mode():
                logs = torch.log_softmax(model.model(ids).logits[0], dim=-1)
            own = logs[:-1].gather(1, ids[0, 1:, None])[-behind:]
            assert abs(float(own.sum()) - score) < 1e-4
