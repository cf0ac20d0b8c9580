"""Layers as a person types them."""

import pytest

from fineview.core.errors import ConfigError
from fineview.core.features.config import spell
from fineview.core.features.expression import parse_layers


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("6", (6,)),
        ("-1", (6,)),
        ("-4..-1", (3, 4, 5, 6)),
        ("-4…-1", (3, 4, 5, 6)),
        ("N-1", (5,)),
        ("n−1", (5,)),
        ("L", (6,)),
        ("2..N-1", (2, 3, 4, 5)),
        ("1-3, 6", (1, 2, 3, 6)),
        ("1–3; 6", (1, 2, 3, 6)),
        ("last 4", (3, 4, 5, 6)),
        ("last N-1", (2, 3, 4, 5, 6)),
        ("First 2", (1, 2)),
        ("all", (1, 2, 3, 4, 5, 6)),
        ("embeddings, last 1", (0, 6)),
        ("3, 3,,1", (1, 3)),
        ("-7", (0,)),
    ],
)
def test_an_expression_names_layers(text, layers):
    assert parse_layers(text, 6) == layers


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No layer is named"),
        (" , ", "No layer is named"),
        ("7", "names layer 7, but this encoder has layers 0 … 6"),
        ("-8", "names layer -8"),
        ("N-7", "names layer -1"),
        ("4..2", "runs downwards"),
        ("last 7", "takes 7 blocks, but this encoder has 6"),
        ("last 0", "takes 0 blocks"),
        ("9999999999999999999999", "far beyond"),
        ("two", "“two” is not a layer"),
        ("1.5", "“1.5” is not a layer"),
        ("1..2..3", "is not a layer"),
        ("1," * 200, "too long"),
    ],
)
def test_what_names_no_layer_is_told_with_a_remedy(text, says):
    with pytest.raises(ConfigError, match=says) as caught:
        parse_layers(text, 6)
    assert caught.value.field == "layers"


@pytest.mark.parametrize("chosen", [(0,), (6,), (1, 2, 3, 6), (0, 2, 4), (1, 2, 3, 4, 5, 6)])
def test_what_the_window_spells_can_be_typed(chosen):
    assert parse_layers(spell(chosen), 6) == chosen
