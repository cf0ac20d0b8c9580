"""Tokens bring the characters of their text, whatever the tokenizer does with blanks and bytes."""

import random
from itertools import pairwise

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from fineview.core.models.language_model import open_language_model
from fineview.core.prompting.tokens import Said, tokens_of
from tests.core.tiny import TEXTS
from tests.core.tiny_causal import tiny_causal_folder

WORDS = [
    "the film",
    " is",
    "  two",
    "\n",
    "é",
    "e\u0301",
    "😀",
    "👩‍👩‍👧",
    "שלום",
    "日本",
    "x\ufffd",
    "<b>",
    "\t",
]


def _fallback():
    """As Llama 2: a blank before every text, rare characters as bytes, `<s>` in front."""
    letters = sorted({c for text in TEXTS for c in text if c.isalpha()})
    names = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256)), "▁", *letters]
    merges = [("▁", letter) for letter in ("t", "i", "a", "f")]
    vocabulary = {name: i for i, name in enumerate([*names, *("".join(m) for m in merges)])}
    backend = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return backend


def _pieces():
    """As XLNet or Gemma's older kin: pieces after a Metaspace that also begins the text."""
    backend = _fallback()
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first"), decoders.Fuse()]
    )
    return backend


def _trimmed(backend):
    """Offsets without the blank, as RoBERTa's and some Llama 3 tokenizers give them."""
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    return backend


@pytest.fixture(scope="module", params=["bytes", "trimmed", "blank first", "fallback", "pieces"])
def model(request, tmp_path_factory):
    import transformers

    folder = tiny_causal_folder(tmp_path_factory.mktemp("lm") / "tiny")
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    match request.param:
        case "trimmed":
            backend = _trimmed(backend)
        case "blank first":
            backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        case "fallback":
            backend = _fallback()
        case "pieces":
            backend = _pieces()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    return open_language_model(str(folder), tmp_path_factory.mktemp("cache"), "cpu")


def texts(count, seed=0):
    rng = random.Random(seed)
    return ["".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(count)]


def holds(tokens, text):
    assert "".join(tokens.texts) == text
    begins = [len("".join(tokens.texts[:i])) for i in range(len(tokens.ids))]
    assert tokens.starts == begins


def test_tokens_are_the_tokenizers_and_join_to_the_text(model):
    for text in texts(60):
        tokens = tokens_of(model, text)
        holds(tokens, text)
        assert tokens.ids[tokens.lead :] == model.ids(text)
        assert not any(tokens.made)


def test_a_letter_of_several_tokens_comes_with_the_last_of_them(model):
    tokens = tokens_of(model, "a😀b")
    at = tokens.texts.index("😀")
    assert at > 1
    assert all(text in ("", "a") for text in tokens.texts[tokens.lead : at])
    assert tokens.texts[at + 1] == "b"


def test_what_is_said_is_spelled_as_the_text_it_makes(model):
    for before, after in pairwise(texts(60, seed=1)):
        whole = model.ids(before + after)
        tokens = tokens_of(model, before)
        ids = tokens.ids[tokens.lead :]
        if whole[: len(ids)] != ids or len(whole) == len(ids):
            continue
        said = Said(model, before, tokens)
        pieces = [said.add(token) for token in whole[len(ids) :]]
        # A U+FFFD at the very end may yet become a letter.
        assert said.text.rstrip("\ufffd") == (before + after).rstrip("\ufffd")
        assert said.text == before + "".join(pieces)
        holds(said.tokens, said.text)


def test_any_tokens_make_a_text_that_only_grows(model):
    rng = random.Random(2)
    for text in texts(40, seed=3):
        said = Said(model, text, tokens_of(model, text))
        for _ in range(25):
            said.add(rng.randrange(model.info.vocabulary - 20))
        assert said.text.startswith(text)
        holds(said.tokens, said.text)
        # Asked for again, nothing is tokenised anew; with more behind, only what is typed.
        assert tokens_of(model, said.text, [said]).ids == said.tokens.ids
        more = tokens_of(model, said.text + " is", [said])
        holds(more, said.text + " is")
        made = said.tokens.ids[: sum(more.made) + more.made.index(True)]
        assert more.ids[: len(made)] == made


def test_what_is_typed_behind_an_answer_gets_no_blank_of_its_own(model):
    text = "the film"
    whole = model.ids("the film is it")
    begin = model.ids("the film is")
    assert whole[: len(begin)] == begin
    tokens = tokens_of(model, text)
    said = Said(model, text, tokens)
    for token in begin[len(tokens.ids) - tokens.lead :]:
        said.add(token)
    assert said.text == "the film is"
    found = tokens_of(model, "the film is it", [said])
    assert found.ids[found.lead :] == whole
    joined = tokens_of(model, "the film isn", [said])
    assert "".join(joined.texts) == "the film isn"
    assert model.text(joined.ids[joined.lead :]).strip() == "the film isn"


def test_a_changed_text_keeps_the_answer_up_to_the_change(model):
    text = "the film"
    said = Said(model, text, tokens_of(model, text))
    for token in model.ids("a b c")[-3:]:
        said.add(token)
    whole = said.text
    assert len(whole) > len(text) + 1
    kept = tokens_of(model, whole[:-1] + "z", [said])
    holds(kept, whole[:-1] + "z")
    assert sum(kept.made) == 2
    changed = tokens_of(model, "The" + whole[3:], [said])
    assert not any(changed.made)
    assert changed.ids[changed.lead :] == model.ids("The" + whole[3:])
    typed = tokens_of(model, whole + " fil", [said])
    again = Said(model, whole + " fil", typed)
    again.add(model.ids("a")[-1])
    longer = tokens_of(model, whole + " film", [said, again])
    assert longer.ids == tokens_of(model, whole + " film", [said]).ids, "typed is tokenised anew"


def test_a_first_token_that_is_written_out_is_not_put_there_twice(tmp_path):
    folder = tiny_causal_folder(tmp_path / "lm", first=True)
    model = open_language_model(str(folder), tmp_path / "c", "cpu")
    tokens = tokens_of(model, "<s>the cat")
    assert tokens.ids == model.ids("<s>the cat")
    assert tokens.ids.count(0) == 1
    assert tokens.texts[0] == "<s>"
    assert tokens_of(model, "the cat").ids == [0, *model.ids("the cat")]
