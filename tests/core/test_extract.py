"""Extraction and pooling against plain transformers, one unpadded text at a time."""

import numpy as np
import pytest

from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, presets, token_poolings
from fineview.core.features.extract import WORD_CAP, extract, states_of
from fineview.core.features.pooling import pool
from fineview.core.features.store import FeatureStore
from fineview.core.models.catalog import locate
from fineview.core.models.encoder import open_encoder
from tests.core.features_support import (
    SECONDS,
    SENTENCES,
    WORDS,
    StopAfter,
    plain_model,
    plain_states,
    pool_plainly,
    pool_words_plainly,
    task_of,
)
from tests.core.tiny import tiny_encoder_folder

# The lecture's list, written down once more: (L+1, D) of one text to what the head sees.
BY_HAND = {
    "last": lambda h: h[-1],
    "second-to-last": lambda h: h[-2],
    "embeddings": lambda h: h[0],
    "average-all": lambda h: sum(h[1:]) / len(h[1:]),
    "average-rest": lambda h: sum(h[2:]) / len(h[2:]),
    "concat-last-four": lambda h: np.concatenate([h[-4], h[-3], h[-2], h[-1]]),
    "average-last-four": lambda h: (h[-4] + h[-3] + h[-2] + h[-1]) / 4,
    "sum-last-four": lambda h: h[-4] + h[-3] + h[-2] + h[-1],
    "weighted-all": lambda h: h[1:],
}


@pytest.fixture(scope="module")
def five_layers(tmp_path_factory):
    """More than four blocks, so that no two presets are the same."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("tiny") / "five", layers=5)


@pytest.fixture(
    params=["tiny", pytest.param("bundled", marks=pytest.mark.slow)],
    ids=["tiny", "minilm"],
)
def encoder_folder(request, five_layers):
    return five_layers if request.param == "tiny" else locate("minilm-l6")


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "cache")


@pytest.fixture
def encoder(five_layers, tmp_path):
    return open_encoder(str(five_layers), tmp_path / "cache", "cpu")


def references(folder, level, max_length=128):
    """Return for each token pooling the (L+1, D) of every item, computed without fineview."""
    plain = plain_model(folder)
    found = {tokens: [] for tokens in token_poolings(level)}
    if level == "word":
        for words in WORDS:
            states, word_of_token = plain_states(plain, None, words=words, max_length=max_length)
            for tokens, rows in found.items():
                rows += pool_words_plainly(states, word_of_token, tokens)
    else:
        for first, other in zip(SENTENCES, SECONDS, strict=True):
            states, _ = plain_states(
                plain, first, other if level == "pair" else None, max_length=max_length
            )
            for tokens, rows in found.items():
                rows.append(pool_plainly(states, tokens))
    return found


def tried(level):
    return task_of(
        level,
        second=SECONDS if level == "pair" else None,
        words=WORDS if level == "word" else None,
    )


@pytest.mark.parametrize("level", ["sentence", "pair", "word"])
def test_every_preset_and_token_pooling_agrees_with_plain_transformers(
    encoder_folder, level, store, tmp_path
):
    encoder = open_encoder(str(encoder_folder), tmp_path / "cache", "cpu")
    hidden = extract(encoder, tried(level), store)
    expected = references(encoder_folder, level)
    known = presets(encoder.info.layers)
    assert {preset.key for preset in known} == set(BY_HAND)
    for tokens, rows in expected.items():
        assert len(rows) == len(hidden)
        for preset in known:
            found = pool(hidden, PoolingConfig(layers=preset.layers, mix=preset.mix, tokens=tokens))
            by_hand = np.stack([BY_HAND[preset.key](row) for row in rows])
            assert found.dtype == np.float32
            assert found.shape == by_hand.shape
            np.testing.assert_allclose(
                found, by_hand, atol=2e-5, rtol=1e-4, err_msg=f"{preset.key} {tokens}"
            )


def test_layers_differ_enough_for_the_comparison_to_mean_something(five_layers):
    rows = references(five_layers, "sentence")["mean"]
    for one in range(6):
        for other in range(one):
            assert np.abs(rows[0][one] - rows[0][other]).max() > 0.05


def test_items_of_words_are_ascending_and_complete(encoder, store):
    hidden = extract(encoder, tried("word"), store)
    np.testing.assert_array_equal(hidden.items, np.arange(sum(map(len, WORDS))))
    assert hidden.dropped_words == 0


def test_texts_are_cut_at_the_maximum_length_and_counted(five_layers, encoder, store):
    hidden = extract(encoder, tried("sentence"), store, max_length=7)
    plain = plain_model(five_layers)
    long = [len(plain[1](text)["input_ids"]) > 7 for text in SENTENCES]
    assert hidden.truncated == sum(long) > 0
    expected = references(five_layers, "sentence", max_length=7)["mean"]
    found = pool(hidden, PoolingConfig(tokens="mean"))
    np.testing.assert_allclose(found, [row[-1] for row in expected], atol=2e-5)


def test_words_behind_the_cut_are_dropped_and_counted(encoder, store):
    # "the" is one token, "quieting" two, "film" one: [CLS] the quiet ##ing film [SEP] are six.
    hidden = extract(encoder, tried("word"), store, max_length=6)
    assert hidden.items.tolist()[:3] == [0, 1, 2]
    kept = set(hidden.items.tolist())
    assert not {3, 4} & kept  # "is treated" of the first sentence
    assert 5 not in kept  # "unknown-words": the cut goes through it
    assert hidden.dropped_words == sum(map(len, WORDS)) - len(kept)


def test_a_word_that_the_cut_goes_through_is_dropped(encoder, store):
    # Five tokens are [CLS] the quiet ##ing [SEP]; four cut "quieting" in two.
    assert extract(encoder, tried("word"), store, max_length=5).items.tolist()[:2] == [0, 1]
    assert 1 not in extract(encoder, tried("word"), store, max_length=4).items.tolist()


def test_no_word_within_the_maximum_length_is_one_sentence(encoder, store):
    task = task_of("word", words=(("unknown-words", "treat"), ("quieting", "the")))
    with pytest.raises(ConfigError, match="No word of Tried fits within 3 tokens: raise"):
        extract(encoder, task, store, max_length=3)


def test_the_encoders_own_limit_holds(encoder, store):
    text = " ".join(["the film is"] * 200)
    hidden = extract(encoder, task_of("sentence", (text,) * 3), store, max_length=8192)
    assert hidden.truncated == 3
    assert "160 tokens" in store.entries()[0].title


def test_too_many_words_are_drawn_by_whole_sentences(encoder, store):
    sentence = tuple("abcdefghij")
    task = task_of("word", words=(sentence,) * (WORD_CAP // 10 + 100))
    hidden = extract(encoder, task, store, seed=3)
    assert len(hidden) == WORD_CAP
    assert hidden.dropped_words == 1000
    sentences, counts = np.unique(hidden.items // 10, return_counts=True)
    assert set(counts) == {10}
    other = extract(encoder, task, store, seed=4)
    assert other.key != hidden.key
    assert not np.array_equal(np.unique(other.items // 10), sentences)


def test_half_precision_halves_the_size(encoder, store):
    whole = extract(encoder, tried("sentence"), store)
    half = extract(encoder, tried("sentence"), store, dtype="float16")
    assert half.states.nbytes * 2 == whole.states.nbytes
    np.testing.assert_allclose(half.states, whole.states, atol=5e-3)
    assert pool(half, PoolingConfig()).dtype == np.float32
    with pytest.raises(ConfigError, match="'float64' is not one of"):
        extract(encoder, tried("sentence"), store, dtype="float64")


def test_a_result_cannot_be_written_to(encoder, store):
    hidden = extract(encoder, tried("sentence"), store)
    with pytest.raises(ValueError, match="read-only"):
        hidden.states[0] = 0


@pytest.mark.parametrize("level", ["sentence", "pair", "word"])
def test_a_typed_example_gets_the_same_states(encoder, store, level):
    hidden = extract(encoder, tried(level), store)
    states, items, truncated = states_of(
        encoder,
        level,
        SENTENCES,
        SECONDS if level == "pair" else None,
        WORDS if level == "word" else None,
        max_length=128,
    )
    np.testing.assert_array_equal(items, hidden.items)
    np.testing.assert_allclose(states, hidden.states, atol=1e-5)
    assert truncated == 0


def test_two_empty_stores_hold_the_same_bits(encoder, tmp_path):
    first, second = (
        extract(encoder, tried("sentence"), FeatureStore(tmp_path / name)) for name in "ab"
    )
    np.testing.assert_array_equal(first.states, second.states)


def test_running_out_of_memory_halves_the_batch_and_goes_on(encoder, store, tmp_path):
    import torch

    texts = tuple(f"the film {i % 10}" for i in range(300))
    expected = extract(encoder, task_of("sentence", texts), FeatureStore(tmp_path / "other"))
    sizes = []

    def small_device(_module, _args, inputs):
        sizes.append(inputs["input_ids"].numel())
        if sizes[-1] > 200:
            raise torch.OutOfMemoryError("out of memory")

    handle = encoder.model.register_forward_pre_hook(small_device, with_kwargs=True)
    try:
        hidden = extract(encoder, task_of("sentence", texts), store)
    finally:
        handle.remove()
    assert max(sizes) > 200
    # After the first failures every batch is split beforehand.
    last_failure = max(i for i, size in enumerate(sizes) if size > 200)
    assert last_failure < len(sizes) / 2
    np.testing.assert_allclose(hidden.states, expected.states, atol=1e-5)


def test_one_text_that_does_not_fit_is_one_sentence(encoder, store):
    import torch

    from fineview.core.errors import ModelError

    def no_memory(*_):
        raise torch.OutOfMemoryError("out of memory")

    handle = encoder.model.register_forward_pre_hook(no_memory)
    try:
        with pytest.raises(ModelError, match=r"ran out of memory on cpu with a text of .* choose"):
            extract(encoder, tried("sentence"), store)
    finally:
        handle.remove()


def test_stop_is_heard_before_every_block_of_the_encoder(encoder, store):
    encoder.load()

    class Counting(StopAfter):
        checks = 0

        def check(self):
            self.checks += 1

    report = Counting()
    extract(encoder, task_of("sentence", ("the film",) * 4), store, report=report)
    assert report.checks >= 1 + encoder.info.layers
    before = report.checks
    states_of(encoder, "sentence", ["the film"], max_length=16)
    assert report.checks == before  # the questions end with the work
