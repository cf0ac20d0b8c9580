"""The masking page, driven as a person would."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fineview.core.features.config import PoolingConfig
from fineview.core.runs.spec import RunSpec
from fineview.ui.plots.export import export_widget
from fineview.ui.plots.layer_bars import BarColumn, LayerBars
from fineview.ui.widgets.token_strip import TokenChip, TokenStrip
from tests.core.tiny import tiny_encoder_folder

TEXT = "the film is quiet"


@pytest.fixture
def window(make_window, tmp_path, qtbot):
    window = make_window()
    tiny = str(tiny_encoder_folder(tmp_path / "tiny"))
    window.session.edit("Begin", spec=RunSpec(encoder=tiny), example=TEXT, second="a treat")
    qtbot.waitUntil(lambda: window.context.encoder.name == tiny, timeout=30_000)
    window.show_panel("features")
    return window


@pytest.fixture
def page(window, qtbot):
    window.session.view(features_page="masking")
    page = window.panel("features").page("masking")
    qtbot.waitUntil(lambda: len(page.strip.tokens) > 6, timeout=20_000)
    return page


def press(strip, index):
    place = strip.chip_rect(index).center().toPoint()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=place)


def drawn(qtbot, page, masked):
    qtbot.waitUntil(
        lambda: page.effect is not None and page.effect.masked == masked and page._job is None,
        timeout=30_000,
    )


def test_a_pressed_token_moves_the_bars_and_undo_takes_it_back(qtbot, window, page):
    assert page.empty.isVisible()
    assert not page.unmask.isEnabled()
    press(page.strip, 2)
    assert page.strip.tokens[2].masked
    drawn(qtbot, page, (2,))
    assert page.bars.isVisible()
    assert "[CLS] the [MASK] is" in page.input_label.text()
    distances, lengths = page.bars.columns
    assert [name for name, _ in distances.series] == ["replaced by [MASK]", "token left out"]
    np.testing.assert_allclose(distances.series[0][1], page.effect.covered[:, 1])
    np.testing.assert_allclose(lengths.series[1][1], page.effect.left_out_ratios[:, 1])
    assert min(distances.series[0][1]) > 0
    assert "Masking 1 of" in page.said.text()
    assert "two texts of the task lie" in page.said.text()
    press(page.strip, 4)
    drawn(qtbot, page, (2, 4))
    window.registry.all["undo"].trigger()
    drawn(qtbot, page, (2,))
    assert not page.strip.tokens[4].masked
    window.registry.all["redo"].trigger()
    drawn(qtbot, page, (2, 4))
    QTest.mouseClick(page.unmask, Qt.MouseButton.LeftButton)
    assert page.empty.isVisible()
    assert not any(chip.masked for chip in page.strip.tokens)


def test_special_tokens_stay_and_the_keyboard_masks_too(qtbot, page):
    press(page.strip, 0)
    assert not any(chip.masked for chip in page.strip.tokens)
    page.strip.setFocus()
    QTest.keyClick(page.strip, Qt.Key.Key_Space)  # still [CLS]
    assert not any(chip.masked for chip in page.strip.tokens)
    QTest.keyClick(page.strip, Qt.Key.Key_Right)
    QTest.keyClick(page.strip, Qt.Key.Key_Space)
    drawn(qtbot, page, (1,))
    QTest.keyClick(page.strip, Qt.Key.Key_Right)  # the cursor stays where it was
    assert "film" in page.strip.accessibleDescription()


def test_token_pooling_changes_the_bars_without_the_encoder(qtbot, window, page):
    press(page.strip, 2)
    drawn(qtbot, page, (2,))
    effect = page.effect
    window.session.edit_pooling("Choose", PoolingConfig(layers=(1,), tokens="cls"))
    assert page.effect is effect
    np.testing.assert_allclose(page.bars.columns[0].series[0][1], effect.covered[:, 0])
    assert page.bars.layer == 1
    assert page.bars.columns[0].series[0][1][0] == 0  # [CLS] of layer 0 sees nobody
    assert "no block has let it look" in page.said.text()
    assert "Dropout of as many would multiply what is left by 1.1" in page.said.text()
    QTest.mouseClick(
        page.bars, Qt.MouseButton.LeftButton, pos=page.bars.row_rect(2).center().toPoint()
    )
    assert "at layer 2" in page.said.text()


def test_another_text_starts_unmasked_and_the_old_one_comes_back(qtbot, window, page):
    press(page.strip, 2)
    drawn(qtbot, page, (2,))
    page.fields.first.setFocus()
    QTest.keyClick(page.fields.first, Qt.Key.Key_End)
    QTest.keyClicks(page.fields.first, " x")
    assert window.session.state.example.endswith("x")
    qtbot.waitUntil(lambda: page._tokens_of == page._key(), timeout=10_000)
    assert page.masked == ()
    assert page.empty.isVisible()
    window.registry.all["undo"].trigger()
    qtbot.waitUntil(lambda: page.masked == (2,), timeout=10_000)
    assert page.bars.isVisible()


def test_masking_each_token_in_turn_paints_them(qtbot, page):
    QTest.mouseClick(page.turn.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: page.turn._job is None and page.turn.weights is not None, timeout=30_000
    )
    weights = [chip.weight for chip in page.strip.tokens if not chip.special]
    assert max(weights) == 1
    assert min(weights) > 0
    assert page.strip.tokens[0].weight is None
    assert "masking it alone moves the mean vector of layer 2 by".lower() in (
        page.strip.tokens[1].tooltip.lower()
    )
    header, rows = page.turn.table()
    assert len(rows) == len(weights)
    assert header[:3] == ["token", "text", "layer 0, mean: 1 − cosine"]
    QTest.mouseClick(page.turn.button, Qt.MouseButton.LeftButton)
    assert page.strip.tokens[1].weight is None


def test_an_empty_example_says_what_to_do(qtbot, window, page):
    window.session.edit("Type an example", example=" ", second="")
    qtbot.waitUntil(lambda: not page.strip.tokens, timeout=10_000)
    assert "Type a text" in page.input_label.text()
    assert not page.turn.isEnabled()


def test_a_hidden_page_computes_nothing(qtbot, window, page):
    press(page.strip, 2)
    drawn(qtbot, page, (2,))
    window.session.view(features_page="texts")
    window.session.edit("Type an example", example="another text")
    assert page._job is None
    assert page._cutting is None
    window.session.view(features_page="masking")
    qtbot.waitUntil(lambda: page._tokens_of == page._key(), timeout=10_000)


def test_an_encoder_without_a_mask_token_leaves_out(qtbot, window, page):
    encoder = window.lab.encoder(window.session.state.spec.encoder)
    encoder.tokenizer.mask_token = None
    press(page.strip, 2)
    drawn(qtbot, page, (2,))
    assert "no mask token" in page.said.text()
    assert [name for name, _ in page.bars.columns[0].series] == ["token left out"]
    assert "[CLS] the is" in page.input_label.text()


def test_a_strip_that_was_not_made_pressable_stays_as_it_was(qtbot):
    strip = TokenStrip()
    qtbot.addWidget(strip)
    strip.set_tokens([TokenChip(text="a"), TokenChip(text="b", masked=True)])
    strip.resize(300, 60)
    strip.show()
    told = []
    strip.pressed.connect(told.append)
    press(strip, 0)
    assert told == []
    strip.make_pressable("Presses.")
    press(strip, 1)
    assert told == [1]
    assert "masked" in strip.accessibleDescription()


def test_bars_are_exported_with_their_legend_and_their_text(qtbot, tmp_path):
    bars = LayerBars("Moves", "Shows – 0.1 – always.")
    qtbot.addWidget(bars)
    bars.resize(600, 300)
    bars.set_columns(
        [
            BarColumn(
                title="Distance",
                series=(("covered", (0.0, 0.25)), ("left out", (float("nan"), 0.5))),
                marks=("two texts", (0.5, 0.75)),
            ),
            BarColumn(title="Length", series=(("covered", (1.0, 0.9)),), origin=1.0),
        ]
    )
    bars.resize(bars.sizeHint())
    export_widget(bars, tmp_path / "bars.svg")
    svg = (tmp_path / "bars.svg").read_text()
    for words in ("two texts", "covered", "left out", "0.250", "0 emb."):
        assert words in svg
    header, rows = bars.table()
    assert header[1:3] == ["Distance: covered", "Distance: left out"]
    assert rows[1] == [1, 0.25, 0.5, 0.75, 0.9]
    assert BarColumn(title="", series=(), decimals=None).written(0.000412) == "4.12e−4"
    low, high = bars.columns[1].range()
    assert low + high == pytest.approx(2)
    told = []
    bars.pressed.connect(told.append)
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.row_rect(1).center().toPoint())
    bars.set_layer(1)
    bars.setFocus()
    QTest.keyClick(bars, Qt.Key.Key_Down)
    assert told == [1, 0]
