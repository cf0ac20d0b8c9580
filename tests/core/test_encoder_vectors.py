"""Word vectors of the bundled encoder: input embeddings, and states averaged over places."""

from dataclasses import replace

import numpy as np
import pytest

from fineview.core.analogies.choice import EncoderWords, read_encoder_name
from fineview.core.analogies.encoder_vectors import vectors_of_encoder
from fineview.core.data.task import SPLITS
from fineview.core.errors import ConfigError

pytestmark = pytest.mark.slow


def test_input_embeddings_are_the_rows_of_the_matrix(lab):
    table = vectors_of_encoder("encoder:minilm-l6", lab.encoder, lab.task)
    encoder = lab.encoder("minilm-l6")
    weight = encoder.model.get_input_embeddings().weight.detach().numpy()
    for word in ("king", "paris"):
        row = encoder.tokenizer.convert_tokens_to_ids(word)
        assert np.allclose(table.vector(table.index[word]), weight[row], atol=1e-6)
    assert not any(word.startswith("##") for word in table.words)
    assert len(table) > 15_000
    assert lab.dictionary("encoder:minilm-l6").vectors.info.fingerprint == table.info.fingerprint


def test_a_name_says_what_is_meant_or_what_is_wrong(lab):
    assert read_encoder_name("encoder:a@3@b") == EncoderWords("a", 3, "b")
    assert EncoderWords("a", 3, "b").name == "encoder:a@3@b"
    with pytest.raises(ConfigError, match="names no vectors"):
        read_encoder_name("encoder:a@x@b")
    with pytest.raises(ConfigError, match="has layers 0 … 6, not 9"):
        vectors_of_encoder("encoder:minilm-l6@9@capitals", lab.encoder, lab.task)


def excerpt(task, word):
    """Return the sentences of a word-level task that have a word, among two hundred that do not."""
    with_it = [i for i, text in enumerate(task.texts) if word in text.casefold()]
    rows = sorted({*with_it, *range(200)})
    words = tuple(task.words[i] for i in rows)
    return replace(
        task,
        texts=tuple(task.texts[i] for i in rows),
        words=words,
        labels=np.zeros(sum(map(len, words)), dtype=np.int64),
        splits={split: np.array([i]) for i, split in enumerate(SPLITS)},
    )


def test_a_layer_in_context_is_the_mean_over_a_words_places(lab):
    import torch

    word = "manhattan"  # rare, so that plain transformers can read all its places; one token
    task = excerpt(lab.task("capitals"), word)
    table = vectors_of_encoder("encoder:minilm-l6@3@capitals", lab.encoder, {"capitals": task}.get)
    encoder, texts = lab.encoder("minilm-l6"), task.texts
    state, found = torch.zeros(table.width, dtype=torch.float64), 0
    for text in texts:
        if word not in text.casefold():
            continue
        inputs = encoder.tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
        wanted = encoder.tokenizer.convert_tokens_to_ids(word)
        tokens = inputs["input_ids"][0].tolist()
        with torch.no_grad():
            states = encoder.model(**inputs, output_hidden_states=True).hidden_states[3][0]
        pieces = encoder.tokenizer.convert_ids_to_tokens(tokens)
        for at, token in enumerate(tokens):
            # Followed by a piece, it is the beginning of a longer word.
            if token == wanted and not pieces[at + 1].startswith("##"):
                state += states[at].double()
                found += 1
    assert found > 0
    np.testing.assert_allclose(table.vector(table.index[word]), state / found, atol=2e-5)
