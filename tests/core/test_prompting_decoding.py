"""Reading and going on, held against plain transformers on tiny models."""

import math
from dataclasses import replace

import pytest
import torch

from fineview.core.errors import DataError, ModelError
from fineview.core.models.language_model import open_language_model
from fineview.core.progress import Relay, Silent
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.decoding import Decoder
from fineview.core.prompting.seen import Piece
from fineview.core.prompting.steps import AnySteps, LlamaSteps
from tests.core.tiny_causal import WINDOW, tiny_causal_folder

PROMPTS = [
    "the cat sat",
    "The capital of Texas is",
    "a",
    "  two blanks before",
    "and a blank behind ",
    "line\nbreak\r\nand\ttab",
    "emoji 😀 and 👩‍👩‍👧 joined",
    "שלום עולם",
    "e\u0301 is not é",
    "0123456789" * 4,
    "<b>no markup</b> &amp;",
    "control \x01\x07 characters",
    "日本語の文",
    "x " * 20,
    "UPPER lower MiXeD",
    "quotes “ ” ' \"",
    "...!?",
    "\u00a0no-break\u00a0space",
    "the cat sat on the mat and the cat",
    "𝕏 beyond the first plane",
]


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request, tmp_path_factory):
    folder = tiny_causal_folder(tmp_path_factory.mktemp("lm") / request.param, request.param)
    return open_language_model(str(folder), tmp_path_factory.mktemp("cache"), "cpu")


@pytest.fixture
def decoder(model):
    return Decoder(model)


class Watch(Silent):
    """Keeps what was published; stops after some tokens."""

    def __init__(self, most=10**9):
        self.pieces = []
        self._most = most

    def publish(self, event):
        self.pieces.append(event)

    def check(self):
        if len(self.pieces) >= self._most:
            raise Stopped


class Stopped(Exception):
    pass


def plain(model, text):
    """Return the ids of a text and log-probabilities (T, V) after each, by one forward pass."""
    ids = model.ids(text)
    with torch.inference_mode():
        logits = model.model(torch.tensor([ids])).logits[0].double()
    return ids, torch.log_softmax(logits, dim=-1)


@pytest.mark.parametrize("text", PROMPTS)
def test_probabilities_and_perplexity_are_those_of_plain_transformers(decoder, text):
    ids, logs = plain(decoder.model, text)
    read = decoder.read(text)
    assert [token.token for token in read.tokens] == ids
    assert "".join(token.text for token in read.tokens) == text
    starts = [token.start for token in read.tokens]
    assert starts == [len("".join(t.text for t in read.tokens[:i])) for i in range(len(ids))]
    assert read.tokens[0].logprob is None
    for place, token in enumerate(read.tokens[1:], 1):
        row = logs[place - 1]
        assert token.logprob == pytest.approx(float(row[token.token]), abs=1e-4)
        assert token.rank == int((row > row[token.token]).sum()) + 1
        assert token.entropy == pytest.approx(float(-(row.exp() * row).sum()), abs=1e-4)
        assert token.alternatives[0].token == int(row.argmax())
    if len(ids) > 1:
        own = logs[:-1].gather(1, torch.tensor(ids[1:])[:, None])
        assert read.perplexity == pytest.approx(math.exp(-float(own.mean())), rel=1e-4)
    else:
        assert read.perplexity is None


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingConfig(),
        SamplingConfig(temperature=0.7, top_k=20),
        SamplingConfig(temperature=1.3, top_p=0.8, min_p=0.02, repetition_penalty=1.4),
    ],
)
def test_the_table_of_next_tokens_sums_to_one_and_holds_the_likeliest(decoder, sampling):
    for text in PROMPTS:
        _ids, logs = plain(decoder.model, text)
        table = decoder.read(text, sampling).next
        assert sum(r.before for r in table.rows) + table.rest_before == pytest.approx(1, abs=1e-5)
        assert sum(r.after for r in table.rows) + table.rest_after == pytest.approx(1, abs=1e-5)
        assert table.rows[0].before == pytest.approx(float(logs[-1].exp().max()), abs=1e-4)
        if sampling.top_k:
            assert table.allowed == sampling.top_k


def test_a_text_that_goes_on_is_read_from_where_it_was(decoder):
    whole = "the cat sat on the mat and the dog"
    first = decoder.read(whole[:14])
    second = decoder.read(whole)
    assert 0 < second.computed < len(second.tokens)
    again = decoder.read(whole)
    assert again.computed == 0
    shorter = decoder.read(whole[:14])
    assert shorter.computed <= 1
    fresh = Decoder(decoder.model).read(whole)
    for one, other in zip(second.tokens, fresh.tokens, strict=True):
        assert one.token == other.token
        assert one.logprob == pytest.approx(other.logprob, abs=1e-5)
    assert shorter.tokens == first.tokens


@pytest.mark.parametrize("penalty", [1.0, 1.5])
def test_greedy_is_what_generate_of_transformers_says(decoder, penalty):
    sampling = SamplingConfig(max_tokens=24, repetition_penalty=penalty)
    for text in PROMPTS[:8]:
        ids = torch.tensor([decoder.model.ids(text)])
        with torch.inference_mode():
            said = decoder.model.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=24,
                repetition_penalty=penalty,
                pad_token_id=1,
            )[0, ids.shape[1] :].tolist()
        answer = decoder.generate(text, sampling)
        assert [t.token for t in answer.tokens] == [t for t in said if t != 1]
        assert answer.ending == ("end of text" if 1 in said else "most tokens")


def test_greedy_takes_the_first_row_of_the_table(decoder):
    watch = Watch()
    decoder.generate("the cat", SamplingConfig(max_tokens=10), watch)
    for before, after in zip(watch.pieces, watch.pieces[1:], strict=False):
        assert after.read.token == before.next.rows[0].token


@pytest.mark.parametrize("text", ["the cat sat", "emoji 😀"])
def test_the_same_seed_replays_and_another_does_not(decoder, text):
    sampling = SamplingConfig(temperature=1.2, top_p=0.95, seed=7, max_tokens=30)
    one = decoder.generate(text, sampling)
    decoder.forget()
    assert decoder.generate(text, sampling).tokens == one.tokens
    other = decoder.generate(text, replace(sampling, seed=8))
    assert [t.token for t in other.tokens] != [t.token for t in one.tokens]


def test_in_bfloat16_too_the_same_seed_replays_from_the_cache(tmp_path):
    # Read alone, the last token of the prompt would come out otherwise than among its neighbours.
    folder = tiny_causal_folder(tmp_path / "lm")
    decoder = Decoder(open_language_model(str(folder), tmp_path / "c", "cpu", "bfloat16"))
    sampling = SamplingConfig(temperature=1.5, seed=5, max_tokens=30)
    for text in PROMPTS[:5]:
        read = decoder.read(text, sampling)
        one = decoder.generate(text, sampling)
        decoder.read(text + one.text)
        assert decoder.generate(text, sampling).tokens == one.tokens
        assert decoder.read(text, sampling).next == read.next


def test_an_answer_cut_by_a_stop_string_keeps_its_tokens(decoder):
    text = "the cat"
    said = decoder.generate(text, SamplingConfig(max_tokens=12))
    stop = said.text[-4:]
    cut = decoder.generate(text, SamplingConfig(max_tokens=12, stop=(stop,)))
    kept = [t.token for t in said.tokens if t.start + len(t.text) <= len(text + cut.text)]
    read = decoder.read(text + cut.text)
    own = decoder.model.ids(text)
    assert [t.token for t in read.tokens][: len(own + kept)] == own + kept


def test_branches_keep_the_tokens_of_their_answers(decoder):
    one = decoder.generate("the cat", SamplingConfig(temperature=2.0, seed=1, max_tokens=9))
    other = decoder.generate("the cat", SamplingConfig(temperature=2.0, seed=2, max_tokens=9))
    for answer in (one, other, one):
        read = decoder.read("the cat" + answer.text)
        ids = [t.token for t in read.tokens]
        begin = len(decoder.model.ids("the cat"))
        assert ids[begin:] == [t.token for t in answer.tokens][: len(ids) - begin]


def test_an_answer_behind_a_text_that_was_cut_goes_on_with_other_draws(decoder):
    text = "the cat sat on the mat. " * 12
    sampling = SamplingConfig(temperature=1.0, seed=3, max_tokens=6)
    one = decoder.generate(text, sampling)
    two = decoder.generate(text + one.text, sampling)
    assert two.cut == one.cut + len(one.tokens)
    read = decoder.read(text + one.text, sampling)
    assert read.cut == two.cut
    assert "".join(t.text for t in read.tokens) == (text + one.text)[read.tokens[0].start :]
    assert [t.token for t in read.tokens[-len(one.tokens) :]] == [t.token for t in one.tokens]


def test_stop_is_heard_between_the_blocks_of_a_long_text(decoder):
    class Hasty(Silent):
        asked = 0

        def ask_stop(self):
            self.asked += 1
            if self.asked == 2:
                raise Stopped

    text = "the cat sat on the mat"
    with pytest.raises(Stopped):
        decoder.read(text, report=Hasty())
    read = decoder.read(text)
    assert read.tokens == Decoder(decoder.model).read(text).tokens


def test_more_alternatives_are_read_when_they_are_asked_for(decoder):
    few = decoder.read("the cat", top=3)
    many = decoder.read("the cat", top=20)
    assert {len(t.alternatives) for t in few.tokens[1:]} == {3}
    assert {len(t.alternatives) for t in many.tokens[1:]} == {20}
    assert decoder.read("the cat", top=3).tokens == few.tokens


def test_stopped_and_continued_it_says_the_same(decoder):
    sampling = SamplingConfig(temperature=1.2, seed=3, max_tokens=20)
    text = "the cat"
    whole = decoder.generate(text, sampling)
    decoder.forget()
    watch = Watch(most=6)
    with pytest.raises(Stopped):
        decoder.generate(text, sampling, watch)
    said = "".join(piece.read.text for piece in watch.pieces)
    assert len(watch.pieces) == 6, "within a token"
    rest = decoder.generate(text + said, replace(sampling, max_tokens=14))
    tokens = [p.read.token for p in watch.pieces] + [t.token for t in rest.tokens]
    assert tokens == [t.token for t in whole.tokens]
    assert decoder.read(text + said + rest.text).computed == 0


def test_an_answer_is_whole_letters_however_its_bytes_fall(decoder):
    sampling = SamplingConfig(temperature=3.0, seed=1, max_tokens=60)
    answer = decoder.generate("é", sampling)
    assert answer.text == "".join(token.text for token in answer.tokens)
    starts = [token.start for token in answer.tokens]
    lengths = [len(token.text) for token in answer.tokens]
    assert starts == [1 + sum(lengths[:i]) for i in range(len(lengths))]


def test_an_answer_ends_before_a_stop_string_that_spans_tokens(decoder):
    said = decoder.generate("the cat sat", SamplingConfig(max_tokens=20)).text
    stop = said[5:8]
    answer = decoder.generate("the cat sat", SamplingConfig(max_tokens=20, stop=("@@@", stop)))
    assert answer.text == said[: said.find(stop)]
    assert answer.ending == "stop string"


def test_what_the_window_has_no_room_for_is_left_out_and_said(decoder):
    text = "x" * 50 + " the cat sat on the mat" * 12
    count = len(decoder.model.ids(text))
    read = decoder.read(text, SamplingConfig(max_tokens=16))
    assert read.cut == count - (WINDOW - 16)
    assert len(read.tokens) == WINDOW - 16
    assert "".join(token.text for token in read.tokens) == text[read.tokens[0].start :]
    answer = decoder.generate(text, SamplingConfig(max_tokens=200))
    assert answer.cut == count - WINDOW // 2
    assert answer.ending in ("window", "end of text")
    assert len(answer.tokens) <= WINDOW // 2


def test_an_empty_text_has_no_next_token_without_a_first_one(decoder):
    read = decoder.read("")
    assert (read.tokens, read.next, read.perplexity) == ((), None, None)
    with pytest.raises(DataError, match="type a word"):
        decoder.generate("", SamplingConfig())


def test_a_model_with_a_first_token_expects_the_first_of_the_text(tmp_path):
    model = open_language_model(
        str(tiny_causal_folder(tmp_path / "lm", first=True)), tmp_path / "c", "cpu"
    )
    decoder = Decoder(model)
    read = decoder.read("the cat")
    with torch.inference_mode():
        logits = model.model(torch.tensor([[0, *model.ids("the cat")]])).logits[0]
    logs = torch.log_softmax(logits, dim=-1)
    assert read.tokens[0].logprob == pytest.approx(float(logs[0, read.tokens[0].token]), abs=1e-4)
    assert read.tokens[0].start == 0
    assert decoder.read("").next is not None
    assert decoder.generate("", SamplingConfig(max_tokens=3)).ending in (
        "most tokens",
        "end of text",
    )
    long = decoder.read("the cat sat " * 40, SamplingConfig(max_tokens=8))
    assert long.cut > 0
    assert long.tokens[0].logprob is not None, "the first token stays in front"


def test_a_lack_of_memory_is_one_sentence_and_the_cache_goes(decoder, monkeypatch):
    decoder.read("the cat")

    def refuse(*_args, **_kwargs):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate")

    with monkeypatch.context() as patch:
        patch.setattr(AnySteps, "forward", refuse)
        patch.setattr(LlamaSteps, "forward", refuse)
        with pytest.raises(ModelError, match="not enough memory"):
            decoder.read("the cat sat")
    assert decoder.read("the cat").computed == len(decoder.model.ids("the cat"))


def test_pieces_come_one_a_token_with_what_may_follow(decoder):
    watch = Watch()
    answer = decoder.generate("the cat", SamplingConfig(max_tokens=5), Relay(watch))
    assert all(isinstance(piece, Piece) for piece in watch.pieces)
    assert tuple(piece.read for piece in watch.pieces) == answer.tokens


def test_alternatives_are_spelled_with_their_blanks(decoder):
    read = decoder.read("the cat sat")
    for one in read.next.rows:
        assert one.text == decoder.model.text([one.token]) or "\ufffd" in one.text
