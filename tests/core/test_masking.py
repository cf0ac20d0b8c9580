"""Covered and left-out tokens, against plain transformers."""

import numpy as np
import pytest

from fineview.core.data.split import SplitConfig
from fineview.core.errors import DataError, JobCancelled
from fineview.core.explore.masking import example_key, maskable, pooling_index, usable
from fineview.core.explore.masking_work import mask_effect, texts_apart, token_weights
from fineview.core.features.config import SENTENCE_POOLINGS
from fineview.core.features.masking import mask_token, moved
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from tests.core.features_support import SECONDS, WORDS, plain_model, pool_plainly, task_of
from tests.core.tiny import tiny_encoder_folder, tiny_shape_folder

TEXT = "the quieting film is a treat"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def plain(folder):
    return plain_model(folder)


def use_task(lab, task):
    lab._tasks[("t", SplitConfig())] = task


def plainly(plain, ids, segments):
    import torch

    with torch.no_grad():
        layers = plain[0](
            input_ids=torch.tensor([ids]),
            token_type_ids=torch.tensor([segments]),
            output_hidden_states=True,
        ).hidden_states
    return torch.stack(layers)[:, 0].numpy().astype(np.float64)


def expected(plain, first, second, change):
    """Return distances and ratios (L+1, 3) by plain transformers."""
    inputs = plain[1](*([first] if second is None else [first, second]))
    ids, segments = inputs["input_ids"], inputs["token_type_ids"]
    before, after = plainly(plain, ids, segments), plainly(plain, *change(ids, segments))
    distances, ratios = [], []
    for kind in SENTENCE_POOLINGS:
        old, new = pool_plainly(before, kind), pool_plainly(after, kind)
        lengths = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
        distances.append(1 - (old * new).sum(axis=1) / (lengths[0] * lengths[1]))
        ratios.append(lengths[1] / lengths[0])
    return np.stack(distances, axis=1), np.stack(ratios, axis=1)


@pytest.mark.parametrize("level", ["sentence", "pair", "word"])
def test_masking_and_removal_agree_with_transformers(lab, folder, plain, level):
    second = "is it" if level == "pair" else None
    use_task(
        lab,
        task_of(
            level,
            second=SECONDS if level == "pair" else None,
            words=WORDS if level == "word" else None,
        ),
    )
    spec = RunSpec(encoder=str(folder), task="t")
    masked = (2, 4)
    apart = texts_apart(lab, spec)
    effect = mask_effect(lab, spec, TEXT, second or "", masked, apart)
    mask = plain[1].mask_token_id

    def cover(ids, segments):
        return [mask if i in masked else one for i, one in enumerate(ids)], segments

    def leave(ids, segments):
        kept = [i for i in range(len(ids)) if i not in masked]
        return [ids[i] for i in kept], [segments[i] for i in kept]

    for found, ratios, change in (
        (effect.covered, effect.covered_ratios, cover),
        (effect.left_out, effect.left_out_ratios, leave),
    ):
        distances, lengths = expected(plain, TEXT, second, change)
        np.testing.assert_allclose(found, distances, atol=1e-5)
        np.testing.assert_allclose(ratios, lengths, atol=1e-5)
    assert effect.depth == 2
    assert effect.mask_token == "[MASK]"
    texts = [TEXT] if second is None else [TEXT, second]
    assert [t.id for t in effect.tokens] == plain[1](*texts)["input_ids"]


def test_nothing_masked_moves_nothing(lab, folder):
    spec = RunSpec(encoder=str(folder))
    effect = mask_effect(lab, spec, TEXT, "a", (0, 999, -3), (np.zeros((3, 3)), 2))
    assert effect.masked == ()  # [CLS] and what is not there cannot be masked
    assert not effect.covered.any()
    assert (effect.left_out_ratios == 1).all()


def test_every_token_may_be_left_out(lab, folder):
    spec = RunSpec(encoder=str(folder))
    tokens = lab.tokens(str(folder), TEXT, "a")
    effect = mask_effect(lab, spec, TEXT, "a", maskable(tokens), (np.zeros((3, 3)), 2))
    assert np.isfinite(effect.left_out).all()
    assert (effect.left_out[:, 1] > 0).all()


def test_masking_each_token_in_turn_gives_what_masking_it_alone_does(lab, folder):
    spec = RunSpec(encoder=str(folder))
    weights = token_weights(lab, spec, TEXT, "a")
    assert weights.covered
    apart = (np.zeros((3, 3)), 2)
    for place in (weights.positions[0], weights.positions[-1]):
        alone = mask_effect(lab, spec, TEXT, "a", (place,), apart).covered
        row = weights.positions.index(place)
        np.testing.assert_allclose(weights.distances[row], alone, atol=1e-5)


def test_what_arrived_before_stop_was_told(lab, folder):
    class Stopped(Silent):
        def __init__(self):
            self.told = []

        def publish(self, event):
            self.told.append(event)

        def check(self):
            if self.told:
                raise JobCancelled

    report = Stopped()
    long = " ".join(["the film"] * 30)
    with pytest.raises(JobCancelled):
        token_weights(lab, RunSpec(encoder=str(folder)), long, "a", report)
    done = np.isfinite(report.told[-1].distances[:, 0, 0])
    assert 0 < done.sum() < len(done)


def test_an_encoder_without_a_mask_token_still_leaves_out(lab, folder, tmp_path):
    import json
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    for name in ("tokenizer_config.json", "tokenizer.json", "special_tokens_map.json"):
        if (bare / name).exists():
            values = json.loads((bare / name).read_text())
            values.pop("mask_token", None)
            (bare / name).write_text(json.dumps(values))
    encoder = open_encoder(str(bare), lab.locations.cache, "cpu")
    encoder.tokenizer.mask_token = None
    assert mask_token(encoder) is None
    lab._encoders[str(bare)] = encoder
    spec = RunSpec(encoder=str(bare))
    effect = mask_effect(lab, spec, TEXT, "a", (1,), (np.zeros((3, 3)), 2))
    assert effect.mask_token == ""
    assert effect.covered is None
    assert (effect.left_out > 0).any()
    assert not token_weights(lab, spec, TEXT, "a").covered


@pytest.mark.parametrize("shape", ["roberta", "deberta-v2", "modernbert"])
def test_other_architectures_name_their_mask_token(lab, tmp_path, shape):
    folder = tiny_shape_folder(tmp_path / shape, shape)
    spec = RunSpec(encoder=str(folder))
    effect = mask_effect(lab, spec, TEXT, "a", (1, 2), texts_apart(lab, spec))
    assert effect.mask_token in ("<mask>", "[MASK]")
    assert (effect.covered[-1] > 0).all()
    assert (effect.apart[1:] > 0).all()


def test_an_empty_text_is_refused_with_a_remedy(lab, folder):
    with pytest.raises(DataError, match="Type a text"):
        mask_effect(lab, RunSpec(encoder=str(folder)), " ", "", (), (np.zeros((3, 3)), 0))


def test_vectors_of_zeros_have_no_direction():
    zero, one = np.zeros((1, 2)), np.array([[0.0, 3.0]])
    assert moved(zero[0], zero).distances.tolist() == [0]
    assert moved(one[0], zero).distances.tolist() == [1]
    assert moved(one[0], -one).distances.tolist() == [2]
    uneven = np.array([[0.1, 0.7, -0.3]])
    assert moved(uneven[0], uneven).distances.tolist() == [0]
    assert moved(zero[0], one).ratios.tolist() == [np.inf]
    assert moved(one[0], 2 * one).ratios.tolist() == [2]


def test_positions_belong_to_a_text_and_an_encoder(lab, folder):
    tokens = lab.tokens(str(folder), "the film")
    assert maskable(tokens) == (1, 2)
    assert usable((2, 0, 2, 7, 1), tokens) == (1, 2)
    one = RunSpec(encoder="a")
    assert example_key(one, "x", "") != example_key(RunSpec(encoder="b"), "x", "")
    assert pooling_index("max") == 2
    assert pooling_index("first") == pooling_index("mean")
