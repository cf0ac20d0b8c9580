"""The notebook's tree."""

import random
from dataclasses import replace

from fineview.core.prompting import notebook
from fineview.core.prompting.choices import Node, NotebookChoice, SamplingConfig


def tree(text="The capital of Texas is"):
    return NotebookChoice(nodes=(Node(parent=-1, at=0, text=text),))


def text_of(choice):
    return notebook.whole(choice.nodes, choice.current)


def test_typing_changes_a_typed_end_in_place():
    choice = tree("The")
    choice = replace(choice, **notebook.typed(choice, "The cat"))
    assert text_of(choice) == "The cat"
    assert len(choice.nodes) == 1


def test_typing_behind_an_answer_branches_and_the_answer_stays():
    choice = tree()
    choice = replace(choice, **notebook.generated(choice, 0, " Austin.", SamplingConfig(), "m"))
    assert text_of(choice) == "The capital of Texas is Austin."
    answered = choice.current
    choice = replace(choice, **notebook.typed(choice, "The capital of Texas is Aust!"))
    assert text_of(choice) == "The capital of Texas is Aust!"
    assert notebook.whole(choice.nodes, answered) == "The capital of Texas is Austin."
    kinds = [(s.start, s.end, s.kind) for s in notebook.spans(choice.nodes, choice.current)]
    assert kinds == [(0, 23, "typed"), (23, 28, "generated"), (28, 29, "typed")]


def test_editing_a_root_that_others_go_on_from_keeps_them():
    choice = tree("one two")
    choice = replace(choice, **notebook.generated(choice, 0, " three", SamplingConfig(), "m"))
    choice = replace(choice, current=0)
    choice = replace(choice, **notebook.typed(choice, "one TWO"))
    assert text_of(choice) == "one TWO"
    assert notebook.whole(choice.nodes, 1) == "one two three"


def test_an_alternative_branches_where_its_token_stood():
    choice = tree()
    choice = replace(choice, **notebook.generated(choice, 0, " Austin. Yes", SamplingConfig(), "m"))
    choice = replace(choice, **notebook.chosen(choice, 23, " Houston"))
    assert text_of(choice) == "The capital of Texas is Houston"
    assert notebook.children(choice.nodes, 0) == (1, 2), "beside the answer, not under it"
    choice = replace(choice, current=1)
    choice = replace(choice, **notebook.chosen(choice, 30, "!"))
    assert notebook.children(choice.nodes, 1) == (3,)


def test_removing_takes_what_goes_on_from_it_along():
    choice = tree("a")
    choice = replace(choice, **notebook.generated(choice, 0, "b", SamplingConfig(), "m"))
    choice = replace(choice, **notebook.generated(choice, 1, "c", SamplingConfig(), "m"))
    choice = replace(choice, **notebook.planted(choice, "x"))
    choice = replace(choice, **notebook.removed(replace(choice, current=2), 1))
    assert [notebook.whole(choice.nodes, i) for i in range(len(choice.nodes))] == ["a", "x"]
    assert text_of(choice) == "a"
    for _ in range(2):
        choice = replace(choice, **notebook.removed(choice, 0))
    assert text_of(choice) == ""


def test_a_thousand_random_edits_lose_no_answer_and_give_what_was_typed():
    chance = random.Random(3)
    choice = tree("seed")
    answers = []
    for _ in range(1000):
        match chance.randrange(4):
            case 0:
                text = text_of(choice)
                at = chance.randrange(len(text) + 1)
                text = text[:at] + chance.choice(["", "x", "yz", "é"]) + text[at + 1 :]
                choice = replace(choice, **notebook.typed(choice, text))
                assert text_of(choice) == text
            case 1:
                before = text_of(choice)
                said = chance.choice([" a", "bc", ""])
                here = choice.current
                change = notebook.generated(choice, here, said, SamplingConfig(), "m")
                choice = replace(choice, **change)
                assert text_of(choice) == before + said
                answers.append((choice.current, before + said))
            case 2:
                choice = replace(choice, current=chance.randrange(len(choice.nodes)))
            case 3:
                at = chance.randrange(len(text_of(choice)) + 1)
                before = text_of(choice)
                choice = replace(choice, **notebook.chosen(choice, at, "!"))
                assert text_of(choice) == before[:at] + "!"
        parts = notebook.spans(choice.nodes, choice.current)
        text = text_of(choice)
        assert "".join(text[s.start : s.end] for s in parts) == text
    for place, text in answers:
        assert notebook.whole(choice.nodes, place) == text


def test_a_full_tree_drops_its_oldest_leaf_and_never_the_way_to_the_text():
    choice = tree("root")
    for i in range(notebook.MOST_NODES + 5):
        choice = replace(choice, current=0)
        choice = replace(choice, **notebook.generated(choice, 0, f" {i}", SamplingConfig(), "m"))
    assert len(choice.nodes) == notebook.MOST_NODES
    assert text_of(choice) == f"root {notebook.MOST_NODES + 4}"
