"""Expressions of words: both forms, weights, brackets, phrases, and what is half-typed."""

import pytest

from fineview.core.analogies.expression import (
    LIMIT,
    ExpressionError,
    form_text,
    read,
    sum_text,
)

WORDS = {
    *("king", "man", "woman", "queen", "paris", "france", "italy", "rome"),
    *("well-known", "new_york", "1990", "san-francisco", "don't", "c++", "école", "42"),
}


def known(word):
    return word.lower() if word.lower() in WORDS else None


def weights(text):
    found = read(text, known)
    assert not found.unknown
    return {term.word: term.weight for term in found.terms}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("king - man + woman", {"king": 1, "man": -1, "woman": 1}),
        ("king-man+woman", {"king": 1, "man": -1, "woman": 1}),
        ("King − MAN + woman", {"king": 1, "man": -1, "woman": 1}),
        ("man : woman :: king : ?", {"king": 1, "man": -1, "woman": 1}),
        ("man:woman::king:?", {"king": 1, "man": -1, "woman": 1}),
        ("man : woman : king : ?", {"king": 1, "man": -1, "woman": 1}),
        ("0.5*paris + italy - france", {"paris": 0.5, "italy": 1, "france": -1}),
        ("0.5 * (paris + rome) - france", {"paris": 0.5, "rome": 0.5, "france": -1}),
        ("paris / 2", {"paris": 0.5}),
        ("(king - (man - woman)) * 2", {"king": 2, "man": -2, "woman": 2}),
        ("2 * 3 * king", {"king": 6}),
        ("-man + king", {"man": -1, "king": 1}),
        ("- (man - woman)", {"man": -1, "woman": 1}),
        ("king + + man", {"king": 1, "man": 1}),
        ("king - - man", {"king": 1, "man": 1}),
        ("king + king - man", {"king": 2, "man": -1}),
        ("king - king + man", {"man": 1}),
        ("king - king", {}),
        ("well-known - man", {"well-known": 1, "man": -1}),
        ("king-well-known-man", {"king": 1, "well-known": -1, "man": -1}),
        ("new york + man", {"new_york": 1, "man": 1}),
        ('"new york" + man', {"new_york": 1, "man": 1}),
        ("san francisco", {"san-francisco": 1}),
        ("1990 + 42", {"1990": 1, "42": 1}),
        ("2 * 1990", {"1990": 2}),
        ("don't", {"don't": 1}),
        ("école", {"école": 1}),
    ],
)
def test_both_forms_are_read(text, expected):
    assert weights(text) == pytest.approx(expected)
    assert read(text, known).complete


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("   ", {}),
        ("king -", {"king": 1}),
        ("king - (", {"king": 1}),
        ("king - (man + woman", {"king": 1, "man": -1, "woman": -1}),
        ("0.5 *", {}),
        ("king *", {"king": 1}),
        ("man :", {"man": -1}),
        ("man : woman ::", {"man": -1, "woman": 1}),
        ("man : woman :: :", {"man": -1, "woman": 1}),
        ("(", {}),
        ("-", {}),
        ('"king', {"king": 1}),
    ],
)
def test_what_is_half_typed_is_read_as_far_as_it_goes(text, expected):
    found = read(text, known)
    assert {term.word: term.weight for term in found.terms} == expected
    assert found.complete == (text == '"king')


def test_unknown_words_are_named_where_they_stand():
    found = read("king - mann + wooman", known)
    assert [(t.word, t.start, t.end) for t in found.unknown] == [
        ("mann", 7, 11),
        ("wooman", 14, 20),
    ]
    found = read("man : wooman :: king : ?", known)
    assert [(t.word, t.start, t.end) for t in found.unknown] == [("wooman", 6, 12)]


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("king man", "stands no sign", (5, 8)),
        ("king - man)", "closes none", (10, 11)),
        ("(king man)", r"a \+ or - is missing", (6, 9)),
        ("king * man", "'man' is no number", (7, 10)),
        ("king / 0", "'0' is no number to multiply or divide by", (7, 8)),
        ("* king", "where a word should", (0, 1)),
        ("man : woman : king : queen : rome", "one word too many|too many colons", None),
        ("man woman : king", "one word too many", (4, 9)),
        ("man + woman : king", "no place in this form", (4, 5)),
        ("? man : woman", "stands last", (0, 1)),
        ("(" * 30 + "king", "more than 20 deep", None),
        ("king + " * 200, "has 1,400 characters", None),
    ],
)
def test_what_cannot_be_read_says_where_and_how(text, says, place):
    with pytest.raises(ExpressionError, match=says) as caught:
        read(text, known)
    if place is not None:
        assert (caught.value.start, caught.value.end) == place
    assert len(text) <= LIMIT or caught.value.start == LIMIT


def test_an_analogy_is_found_in_either_form_and_written_in_both():
    one, other = read("man : woman :: king : ?", known), read("king - man + woman", known)
    assert one.analogy == other.analogy == ("man", "woman", "king")
    assert sum_text(one) == "king - man + woman"
    assert form_text(*one.analogy) == "man : woman :: king : ?"
    assert read("king + man", known).analogy is None
    assert read("2 * king - man + woman", known).analogy is None


@pytest.mark.parametrize(
    "text",
    ["king - man + woman", "0.5 * paris + 2 * rome - france", '- "1990" + king', '"c++" + king'],
)
def test_a_sum_is_written_so_that_it_is_read_again(text):
    assert weights(sum_text(read(text, known))) == weights(text)


@pytest.mark.parametrize(
    "text",
    [
        *("👑 - 👨 + 👩", "ملك - رجل", "e\u0301cole", "\x00king", "king\n- man"),
        *("a" * 1000, "king : : :", "\u202eking"),
    ],
)
def test_odd_characters_are_words_like_others(text):
    found = read(text, known)
    assert found.terms or found.unknown
