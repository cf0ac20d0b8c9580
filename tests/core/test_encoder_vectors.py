"""Word vectors of the bundled encoder: input embeddings, and states averaged over places."""

import numpy as np
import pytest

from fineview.core.analogies.choice import EncoderWords, read_encoder_name
from fineview.core.analogies.encoder_vectors import vectors_of_encoder
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
