"""Encoders of every architecture: our hidden states are those of plain transformers."""

import json

import numpy as np
import pytest

from fineview.core.features.extract import states_of
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from tests.core.features_support import SECONDS, SENTENCES, WORDS, plain_model
from tests.core.tiny import PLACES, SHAPES, tiny_shape_folder

LAYERS = 3
LONG = " ".join(["the film is a treat and quieting down"] * 12)
SEGMENTS = {"bert", "electra", "albert"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Build each folder once."""
    built = {}

    def get(shape, head="masked"):
        key = (shape, head)
        if key not in built:
            path = tmp_path_factory.mktemp("shapes") / f"{shape}-{head}"
            built[key] = tiny_shape_folder(path, shape, head, LAYERS)
        return built[key]

    return get


def opened(folder, tmp_path):
    return open_encoder(str(folder), tmp_path / "cache", "cpu")


def plainly(plain, text, second=None, max_length=PLACES - 2):
    """Return (L+1, T, D) of one unpadded text, and first and last character of each token."""
    import torch

    model, tokenizer = plain
    inputs = tokenizer(
        [text],
        None if second is None else [second],
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
        # AlbertTokenizer of transformers 5 forgets to hand out the segments that ALBERT learned.
        return_token_type_ids=model.config.model_type in SEGMENTS,
        return_tensors="pt",
    )
    offsets = inputs.pop("offset_mapping")[0].tolist()
    special = [one is None for one in inputs.sequence_ids(0)]
    with torch.no_grad():
        layers = model(**inputs, output_hidden_states=True).hidden_states
    states = torch.stack(layers)[:, 0].numpy().astype(np.float64)
    return states, [None if s else tuple(o) for s, o in zip(special, offsets, strict=True)]


def pooled(states):
    return np.stack([states[:, 0], states.mean(axis=1), states.max(axis=1)], axis=1)


def words_plainly(plain, words):
    """Return (L+1, 3, D) of each word, its tokens found by going through the characters."""
    text = " ".join(words)
    states, offsets = plainly(plain, text)
    rows = []
    start = 0
    for word in words:
        inside = set(range(start, start + len(word)))
        places = [i for i, o in enumerate(offsets) if o is not None and inside & set(range(*o))]
        mine = states[:, places]
        rows.append(np.stack([mine[:, 0], mine[:, -1], mine.mean(axis=1)], axis=1))
        start += len(word) + 1
    return rows


def assert_same(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_hidden_states_of_every_layer_are_those_of_plain_transformers(shape, folders, tmp_path):
    folder = folders(shape)
    encoder = opened(folder, tmp_path)
    plain = plain_model(folder)
    texts = (*SENTENCES, LONG)
    limit = encoder.info.max_length if shape != "modernbert" else PLACES
    states, items, cut = states_of(encoder, "sentence", texts, max_length=limit)
    assert items.tolist() == list(range(len(texts)))
    assert states.shape == (len(texts), LAYERS + 1, 3, 16)
    assert cut == 1
    expected = np.stack([pooled(plainly(plain, text, max_length=limit)[0]) for text in texts])
    assert_same(states, expected)
    # The layers differ, or the comparison would mean nothing.
    for layer in range(LAYERS):
        assert np.abs(expected[0, layer, 1] - expected[0, layer + 1, 1]).max() > 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_pairs_are_those_of_plain_transformers(shape, folders, tmp_path):
    folder = folders(shape)
    encoder = opened(folder, tmp_path)
    plain = plain_model(folder)
    # Plain transformers, called with an empty text in a pair, sees no pair.
    pairs = [(a, b) for a, b in zip(SENTENCES, SECONDS, strict=True) if a and b]
    first, second = zip(*pairs, strict=True)
    states, _, _ = states_of(encoder, "pair", first, second, max_length=PLACES - 2)
    expected = np.stack([pooled(plainly(plain, a, b)[0]) for a, b in pairs])
    assert_same(states, expected)
    segments = {int(s) for one in encoder.encode(first, second) for s in one.segments}
    assert (segments == {0, 1}) or shape not in SEGMENTS


@pytest.mark.parametrize("shape", SHAPES)
def test_words_are_those_of_plain_transformers(shape, folders, tmp_path):
    folder = folders(shape)
    encoder = opened(folder, tmp_path)
    plain = plain_model(folder)
    states, items, _ = states_of(encoder, "word", (), words=WORDS, max_length=PLACES - 2)
    assert items.tolist() == list(range(sum(map(len, WORDS))))
    expected = np.stack([row for words in WORDS for row in words_plainly(plain, words)])
    assert_same(states, expected)


class Asked(Silent):
    """Counts how often the computation asked whether to stop."""

    def __init__(self):
        self.times = 0

    def check(self):
        self.times += 1


@pytest.mark.parametrize("shape", SHAPES)
def test_every_block_asks_whether_to_stop(shape, folders, tmp_path):
    encoder = opened(folders(shape), tmp_path)
    encoder.load()
    counts = []
    for texts in (["the film"], ["the film", LONG]):  # the long one is a batch of its own
        asked = Asked()
        states_of(encoder, "sentence", texts, report=asked)
        counts.append(asked.times)
    assert counts[1] - counts[0] == LAYERS + 1  # the batch itself, and its blocks


def test_a_tokenizer_that_declares_no_segments_is_taken_at_its_word(tmp_path):
    folder = tiny_shape_folder(tmp_path / "bert", "bert", layers=LAYERS)
    first, second = ["the film"], ["is a treat"]
    given, _, _ = states_of(opened(folder, tmp_path), "pair", first, second)
    file = folder / "tokenizer_config.json"
    declared = json.loads(file.read_text()) | {"model_input_names": ["input_ids", "attention_mask"]}
    file.write_text(json.dumps(declared))
    without, _, _ = states_of(opened(folder, tmp_path), "pair", first, second)
    model, tokenizer = plain_model(folder)
    import torch

    with torch.no_grad():
        layers = model(**tokenizer(first, second, return_tensors="pt"), output_hidden_states=True)
    expected = pooled(torch.stack(layers.hidden_states)[:, 0].numpy())
    assert_same(without[0], expected)
    assert np.abs(without - given).max() > 0.05


@pytest.mark.parametrize("shape", ["roberta", "camembert", "xlm-roberta", "mpnet"])
def test_places_counted_from_a_padding_id_that_the_config_does_not_say(shape, tmp_path):
    """Such a text may not reach behind the last place, nor padding be taken for words."""
    folder = tiny_shape_folder(tmp_path / shape, shape, layers=LAYERS)
    file = folder / "config.json"
    values = json.loads(file.read_text())
    assert values.pop("pad_token_id") == 1
    file.write_text(json.dumps(values))
    encoder = opened(folder, tmp_path)
    assert encoder.info.max_length == PLACES - 2
    texts = (*SENTENCES, LONG)
    states, _, _ = states_of(encoder, "sentence", texts, max_length=PLACES)
    plain = plain_model(folder)
    assert_same(states, np.stack([pooled(plainly(plain, text)[0]) for text in texts]))


def test_weights_by_the_names_of_the_first_bert_are_taken(tmp_path):
    """`gamma` and `beta`, as in the files of bert-base-uncased."""
    from safetensors.numpy import load_file, save_file

    folder = tiny_shape_folder(tmp_path / "bert", "bert", layers=LAYERS)
    expected, _, _ = states_of(opened(folder, tmp_path), "sentence", SENTENCES)
    before = opened(folder, tmp_path).info
    file = folder / "model.safetensors"
    tensors = load_file(file)
    rng = np.random.default_rng(0)
    for name in tensors:
        if "LayerNorm" in name:  # else ones and zeros, which are also what is left out
            tensors[name] = rng.normal(1, 0.2, tensors[name].shape).astype(np.float32)
    save_file(tensors, file, {"format": "pt"})
    modern, _, _ = states_of(opened(folder, tmp_path), "sentence", SENTENCES)
    assert np.abs(modern - expected).max() > 0.05
    ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {}
    for name, tensor in tensors.items():
        end = next((e for e in ends if name.endswith(e)), None)
        old[name if end is None else name.removesuffix(end) + ends[end]] = tensor
    assert len(set(old) - set(tensors)) >= 2 * (1 + 2 * LAYERS)
    save_file(old, file, {"format": "pt"})
    encoder = opened(folder, tmp_path)
    found, _, _ = states_of(encoder, "sentence", SENTENCES)
    assert_same(found, modern)
    assert encoder.info.parameters == before.parameters
    assert encoder.info.layer_parameters == before.layer_parameters
    assert "cls.predictions.transform.LayerNorm.gamma" in encoder.info.removed_weights
    assert encoder.info == opened(folder, tmp_path).info


def counts_of(model, shape):
    """Count weights in the loaded module, block by block; ALBERT's one block is shared by all."""
    found = [0] * (LAYERS + 1)
    for name, weight in model.named_parameters():
        block = next((int(part) + 1 for part in name.split(".") if part.isdigit()), 0)
        found[0 if shape == "albert" else block] += weight.numel()
    return tuple(found)


@pytest.mark.parametrize("head", ["masked", "classes", "bare"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_said_before_loading_is_true_of_what_is_loaded(shape, head, folders, tmp_path):
    encoder = opened(folders(shape, head), tmp_path)
    before = encoder.info
    model = encoder.model
    assert encoder.info == before
    assert (before.layers, before.width, before.heads) == (LAYERS, 16, 2)
    assert before.model_type == shape
    assert before.parameters == sum(p.numel() for p in model.parameters())
    assert before.layer_parameters == counts_of(model, shape)
    assert before.bytes == 4 * before.parameters
    places = 8192 if shape == "modernbert" else PLACES - 2
    assert before.max_length == places
    assert before.vocabulary == model.get_input_embeddings().weight.shape[0]
    from safetensors import safe_open

    with safe_open(encoder.folder.path / "model.safetensors", "np") as file:
        sizes = {name: file.get_tensor(name).size for name in file.keys()}  # noqa: SIM118
    total = sum(sizes.values())
    assert before.removed_parameters == sum(sizes[name] for name in before.removed_weights)
    assert before.parameters + before.removed_parameters == total
    assert bool(before.removed_weights) == (head != "bare" or "pooler" in "".join(sizes))
