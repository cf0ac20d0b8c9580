"""The bundled tables and prompts."""

from collections import Counter

import pytest

from fineview.core.errors import ConfigError
from fineview.core.prompting.tables import presets, table, tables
from fineview.core.prompting.template import render

AT_LEAST = {
    "us-states": 50,
    "country-capitals": 40,
    "opposites": 40,
    "past-tense": 40,
    "arithmetic": 40,
    "sentiment": 30,
    "question-type": 30,
}


def test_every_table_is_whole():
    assert {one.name for one in tables()} == set(AT_LEAST)
    assert len(table("us-states").rows) == 50
    for one in tables():
        assert len(one.rows) >= AT_LEAST[one.name], one.name
        assert one.columns[-1] == "label"
        assert len({row[:-1] for row in one.rows}) == len(one.rows), one.name
        for row in one.rows:
            assert len(row) == len(one.columns), row
            assert all(cell and cell == cell.strip() for cell in row), row


def test_classes_are_balanced_and_free_answers_are_none():
    for one in tables():
        counts = Counter(row[-1] for row in one.rows)
        if one.is_classes:
            assert set(counts) == set(one.classes)
            assert len(set(counts.values())) == 1
    assert {one.name for one in tables() if one.is_classes} == {"sentiment", "question-type"}
    for name in ("us-states", "country-capitals", "past-tense", "opposites"):
        labels = [row[-1] for row in table(name).rows]
        assert len(set(labels)) == len(labels)


def test_sums_are_right():
    for sum_, label in table("arithmetic").rows:
        one, other = (int(part) for part in sum_.split("+"))
        assert 10 <= one <= 99
        assert 10 <= other <= 99
        assert one + other == int(label)


def test_every_preset_renders_and_shows_examples_of_its_table():
    assert len({one.name for one in presets()}) == len(presets())
    for one in presets():
        assert render(one.prompt).text
        assert one.says.endswith(".")
        if one.table:
            rows = set(table(one.table).rows)
            assert set(one.prompt.shots) <= rows
            assert one.prompt.query in {row[:-1] for row in rows}
            assert one.prompt.query not in {row[:-1] for row in one.prompt.shots}
    assert {one.table for one in presets()} == {"", *AT_LEAST}


def test_the_lectures_prompts():
    known = {one.name: one for one in presets()}
    assert render(known["state-capitals"].prompt).text == (
        "the capital of California is Sacramento; the capital of Nevada is Carson City; "
        "the capital of Texas is"
    )
    assert render(known["zoo"].prompt).text == "I was frightened at the zoo because"


def test_unknown_table():
    with pytest.raises(ConfigError, match="choose one of us-states"):
        table("planets")
