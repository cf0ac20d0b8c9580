"""Words where they stand, and their vectors, against plain transformers."""

import numpy as np
import pytest

from fineview.core.data.split import SplitConfig
from fineview.core.errors import ConfigError, DataError, JobCancelled
from fineview.core.explore.choices import WordsChoice
from fineview.core.explore.words import OTHER, NotFound, groups
from fineview.core.explore.words_work import look_up, project, suggestions
from fineview.core.features.config import WORD_POOLINGS
from fineview.core.features.occurrences import (
    self_similarity,
    token_span,
    word_finder,
    word_states,
)
from fineview.core.models.encoder import open_encoder
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from tests.core.features_support import plain_model, task_of
from tests.core.tiny import tiny_encoder_folder, tiny_shape_folder

TEXTS = (
    "The treat is quieting, and Quieting the film is a TREAT.",
    "no such thing",
    "(treat)",
    "treated treats are no treat's treat",
    "",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_encoder_folder(tmp_path_factory.mktemp("models") / "tiny")


def use_task(lab, task):
    lab._tasks[("t", SplitConfig())] = task


def plain_words(plain, text, span, max_length=128):
    """Return (L+1, 3, D) by transformers' own offsets: first, last, mean of the sub-tokens."""
    import torch

    model, tokenizer = plain
    inputs = tokenizer(
        text,
        return_tensors="pt",
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
    )
    offsets = inputs.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        layers = torch.stack(model(**inputs, output_hidden_states=True).hidden_states)[:, 0]
    places = [i for i, (a, b) in enumerate(offsets) if b > a and a < span[1] and b > span[0]]
    chosen = layers[:, places].numpy().astype(np.float64)
    return np.stack([chosen[:, 0], chosen[:, -1], chosen.mean(axis=1)], axis=1)


def test_vectors_are_those_of_plain_transformers(lab, folder):
    use_task(lab, task_of("sentence", texts=TEXTS))
    space = look_up(lab, RunSpec(encoder=str(folder), task="t"), WordsChoice(word="treat"))
    spans = [(0, (4, 9)), (0, (50, 55)), (2, (1, 6)), (3, (30, 35))]
    assert [one.word for one in space.occurrences] == [TEXTS[i][a:b] for i, (a, b) in spans]
    plain = plain_model(folder)
    for states, (index, span) in zip(space.states, spans, strict=True):
        np.testing.assert_allclose(states, plain_words(plain, TEXTS[index], span), atol=1e-5)
    assert (space.found, space.holding, space.cut, space.texts) == (4, 3, 0, 5)
    assert space.occurrences[0].sentence == TEXTS[0].replace("treat", "«treat»", 1)


@pytest.mark.parametrize("shape", ["roberta", "deberta-v2", "xlm-roberta", "modernbert"])
def test_sub_tokens_of_every_kind_of_tokenizer(lab, tmp_path, shape):
    path = tiny_shape_folder(tmp_path / shape, shape)
    encoder = open_encoder(str(path), lab.locations.cache, "cpu")
    text = "is it Unknowable? yes, it is unknowable."
    spans = word_finder("unknowable")(text)
    found = word_states(encoder, [text], [spans])
    plain = plain_model(path)
    for states, span in zip(found.states, spans, strict=True):
        np.testing.assert_allclose(states, plain_words(plain, text, span), atol=1e-5)
    (first, last) = token_span(encoder.tokens(text), spans[0], text)
    assert last > first


@pytest.mark.parametrize(
    ("word", "text", "count"),
    [
        ("bank", "Bank BANK bank, (bank) bank-note", 5),
        ("bank", "banks embank bank_note bank2", 0),
        ("don't", "I don't. DON'T?", 2),
        ("don", "I don't; Don is here", 1),
        ("t", "don't", 0),
        ("c++", "C++ and c+ and c++.", 2),
        ("Straße", "die straße", 1),
        ("река", "Река и река", 2),
        ("12", "12 texts, 123", 1),
        (" bank ", "a bank", 1),
    ],
)
def test_whole_words_are_found_whatever_their_case(word, text, count):
    assert len(word_finder(word)(text)) == count


@pytest.mark.parametrize(
    ("word", "says"),
    [("", "Type a word"), ("  ", "Type a word"), ("new york", "is 2 words"), ("!?", "no letter")],
)
def test_what_is_no_word_is_told(word, says):
    with pytest.raises(ConfigError, match=says) as caught:
        word_finder(word)
    assert caught.value.field == "word"


def test_a_word_at_the_cut_is_counted_not_shown(lab, folder):
    # Nine tokens: two special ones and the seven letters of "unknown", but no word before them.
    spec = RunSpec(encoder=str(folder), task="t", max_length=9)
    use_task(lab, task_of("sentence", texts=("the film unknown", "unknown", "unknown the film")))
    space = look_up(lab, spec, WordsChoice(word="unknown"))
    assert (len(space), space.cut, space.found) == (2, 1, 3)
    assert [one.left for one in space.occurrences] == ["", ""]


def test_a_word_that_is_always_cut_off_is_told(lab, folder):
    use_task(lab, task_of("sentence", texts=("the film the film treat",) * 3))
    spec = RunSpec(encoder=str(folder), task="t", max_length=4)
    with pytest.raises(DataError, match="always behind token 4"):
        look_up(lab, spec, WordsChoice(word="treat"))


def test_labels_of_words_sentences_and_pairs(lab, folder):
    spec = RunSpec(encoder=str(folder), task="t")
    words = (("the", "film", "is", "treat"), ("treat", "-", "film"), ("film",))
    use_task(lab, task_of("word", words=words))  # labels alternate from word to word
    space = look_up(lab, spec, WordsChoice(word="film"))
    assert [one.label for one in space.occurrences] == ["odd", "even", "odd"]
    assert space.occurrences[1].previous == "treat"
    use_task(lab, task_of("pair", texts=("a film", "b"), second=("x", "film film")))
    space = look_up(lab, spec, WordsChoice(word="film"))
    assert [one.label for one in space.occurrences] == ["even", "odd", "odd"]
    assert (space.holding, space.texts) == (2, 4)


def test_own_sentences_have_no_label(lab, folder):
    spec = RunSpec(encoder=str(folder))
    own = ("the treat", "", "a treat is quiet")
    space = look_up(lab, spec, WordsChoice(word="Treat"), own)
    assert len(space) == 2
    assert not space.labelled
    assert suggestions(lab, spec, own) == ("treat",)
    with pytest.raises(DataError, match="Type some sentences"):
        look_up(lab, spec, WordsChoice(word="x"), (" ",))


def test_a_word_that_never_occurs_is_told_with_near_ones(lab, folder):
    use_task(lab, task_of("sentence", texts=TEXTS))
    found = look_up(lab, RunSpec(encoder=str(folder), task="t"), WordsChoice(word="quieeting"))
    assert isinstance(found, NotFound)
    assert found.near[0] == "quieting"
    assert len(found.near) <= 5
    none = look_up(lab, RunSpec(encoder=str(folder), task="t"), WordsChoice(word="zzzzzzzz"))
    assert none.near == ()


def test_more_occurrences_than_wanted_are_sampled_and_counted(lab, folder):
    use_task(lab, task_of("sentence", texts=("the film film film",) * 10))
    spec = RunSpec(encoder=str(folder), task="t")
    space = look_up(lab, spec, WordsChoice(word="film", most=7))
    assert (len(space), space.found) == (7, 30)
    again = look_up(lab, spec, WordsChoice(word="film", most=7))
    np.testing.assert_array_equal(space.states, again.states)


def test_self_similarity_is_the_mean_over_pairs(lab, folder):
    use_task(lab, task_of("sentence", texts=TEXTS))
    space = look_up(lab, RunSpec(encoder=str(folder), task="t"), WordsChoice(word="treat"))
    for kind, name in enumerate(WORD_POOLINGS):
        vectors = space.layer(2, name).astype(np.float64)
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = units @ units.T
        pairs = cosines[~np.eye(len(units), dtype=bool)]
        assert space.similarity[2, kind] == pytest.approx(pairs.mean(), abs=1e-6)
        np.testing.assert_allclose(space.cosines(1, 2, name), cosines[1], atol=1e-6)
    assert np.isfinite(space.baseline).all()
    assert space.others == 2  # "(treat)" has no other word
    assert np.isnan(self_similarity(space.states[:1])).all()


def test_places_at_every_layer_and_too_few_of_them(lab, folder):
    use_task(lab, task_of("sentence", texts=TEXTS))
    spec = RunSpec(encoder=str(folder), task="t")
    places = project(look_up(lab, spec, WordsChoice(word="treat")), "mean")
    assert places.coordinates.shape == (3, 4, 2)
    with pytest.raises(DataError, match="at least 3 occurrences, not 2"):
        project(look_up(lab, spec, WordsChoice(word="quieting")), "mean")


def test_groups_are_the_commonest_and_other(lab, folder):
    texts = (*(f"film {letter}" for letter in "aaabbcdefghijk"), "the film")
    use_task(lab, task_of("sentence", texts=texts))
    space = look_up(lab, RunSpec(encoder=str(folder), task="t"), WordsChoice(word="film"))
    index, names = groups(space, "next")
    assert names == ("a", "b", "c", "d", "e", "f", "g", OTHER)
    assert index.tolist() == [0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, -1]
    index, names = groups(space, "label")
    assert set(names) == {"even", "odd"}


def test_suggested_words_are_shared_by_classes(lab):
    texts = (*["plot about film", "film about plot"] * 6, *["only here"] * 3, *["x"] * 1500)
    use_task(lab, task_of("sentence", texts=texts))
    found = suggestions(lab, RunSpec(task="t"))
    assert set(found) == {"plot", "film", "about"}


def test_stop_ends_the_search(lab, folder):
    class Stopped(Silent):
        def check(self):
            raise JobCancelled

    use_task(lab, task_of("sentence", texts=TEXTS))
    spec = RunSpec(encoder=str(folder), task="t")
    with pytest.raises(JobCancelled):
        look_up(lab, spec, WordsChoice(word="treat"), report=Stopped())
