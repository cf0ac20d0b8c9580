"""The exact text of a prompt, and what is refused."""

import dataclasses

import pytest

from fineview.core.errors import ConfigError
from fineview.core.prompting.choices import PromptConfig
from fineview.core.prompting.template import premise, render, slots

CAPITALS = PromptConfig(
    instruction="Name the capital.",
    example="The capital of {input} is {label};",
    separator=" ",
    shots=(("California", "Sacramento"), ("Nevada", "Carson City")),
    query=("Texas",),
)


def changed(**values) -> PromptConfig:
    return dataclasses.replace(CAPITALS, **values)


def refusal(prompt: PromptConfig, field: str, **values) -> str:
    with pytest.raises(ConfigError) as caught:
        render(prompt, **values)
    assert caught.value.field == field
    return str(caught.value)


def test_text_is_exact_and_the_space_before_the_label_belongs_to_the_answer():
    found = render(CAPITALS)
    assert found.text == (
        "Name the capital. The capital of California is Sacramento; "
        "The capital of Nevada is Carson City; The capital of Texas is"
    )
    assert found.lead == " "
    assert found.stop == (";", "\n")


def test_other_query_and_examples_take_the_place_of_its_own():
    found = render(CAPITALS, ("Ohio",), [("Utah", "Salt Lake City")])
    assert found.text == (
        "Name the capital. The capital of Utah is Salt Lake City; The capital of Ohio is"
    )
    bare = render(changed(instruction="", shots=()))
    assert bare.text == "The capital of Texas is"


def test_a_label_on_its_own_line_or_right_behind_a_colon_has_no_lead():
    lines = render(
        changed(instruction="", example="Q: {input}\nA:\n{label}", separator="\n\n", shots=())
    )
    assert (lines.text, lines.lead) == ("Q: Texas\nA:\n", "")
    assert lines.stop == ("\n\n", "\n")
    two = render(changed(instruction="", example="{input}:  {label}", shots=()))
    assert (two.text, two.lead) == ("Texas: ", " ")


def test_what_stands_behind_the_label_stops_the_answer():
    assert render(changed(example="{input} = {label}.")).stop == (".", "\n")
    assert render(changed(example="{input} = {label} ({input})")).stop == (" (", "\n")
    assert render(changed(example="{input} = {label}")).stop == ("\n",)
    poems = changed(separator="\n--\n", example="{input}: {label}", shots=(("a", "b\nc"),))
    assert render(poems).stop == ("\n--\n",)


def test_doubled_braces_are_braces():
    found = render(changed(example='{{"{input}": "{label}"}}', shots=(("a", "b"),)))
    assert found.text == 'Name the capital. {"a": "b"} {"Texas": "'
    assert found.stop[0] == '"}'


def test_cells_are_never_read_as_slots():
    found = render(changed(instruction="", shots=(("{label}", "{x}"),)), ("{input}",))
    assert found.text == "The capital of {label} is {x}; The capital of {input} is"


def test_unknown_slot_names_itself_and_the_columns():
    said = refusal(changed(example="{state} is {label}"), "example")
    assert "{state}" in said
    assert "input, label" in said


def test_bad_formats():
    assert "no {label}" in refusal(changed(example="The capital of {input}"), "example")
    assert "single '}'" in refusal(changed(example="{input}} {label}"), "example")
    assert "single '{'" in refusal(changed(example="{input} {label} {"), "example")
    assert "would not see" in refusal(changed(example="{label} of {input}"), "example")
    assert "last of them" in refusal(changed(columns=("input", "answer")), "columns")


def test_bad_rows():
    said = refusal(changed(shots=(("Ohio", "Columbus"), ("Utah", "  "))), "shots")
    assert "Example 2 (Utah) has no label" in said
    assert "1 cells" in refusal(changed(shots=(("Ohio",),)), "shots")
    assert "is empty" in refusal(CAPITALS, "query", query=(" ",))
    assert "needs input" in refusal(CAPITALS, "query", query=("a", "b"))
    assert "characters" in refusal(changed(instruction="x" * 200_001), "shots")
    assert render(CAPITALS, ("",), empty=True).text.endswith("The capital of  is")


def test_premise_is_what_stands_before_the_label():
    assert premise(CAPITALS) == "is"
    assert premise(changed(example="{input}\nTopic: {label}")) == "Topic:"
    assert premise(changed(example="{input} {label}")) == ""
    assert slots(changed(example="{input} and {input} {label} {label}")) == ("input",)
