"""Every small control, used as a person would: mouse, keyboard, hostile texts."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QMainWindow, QWidget

from fineview.ui.theme import Theme
from fineview.ui.widgets import format as fmt
from fineview.ui.widgets.command_palette import CommandPalette, match
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.examples_dialog import ExamplesDialog
from fineview.ui.widgets.job_strip import JobStrip
from fineview.ui.widgets.labels import ElidedLabel, plain_tooltip
from fineview.ui.widgets.layer_picker import LayerPicker
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField, plain_number, read_number
from fineview.ui.widgets.probability_bars import ProbabilityBars
from fineview.ui.widgets.run_table import ALL_COLUMNS, COMPACT_COLUMNS, RunRow, RunTable
from fineview.ui.widgets.section import Section
from fineview.ui.widgets.segmented import Segmented
from fineview.ui.widgets.strategy_picture import PictureState, StrategyPicture
from fineview.ui.widgets.token_strip import TokenChip, TokenStrip

HOSTILE = '<img src=x><b>bold</b>&amp;"'
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
MIXES = [("single", "single"), ("mean", "mean"), ("concat", "concat")]


@pytest.fixture(autouse=True)
def theme(qapp):
    """The theme as a new person has it, whatever other tests did."""
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def show(qtbot):
    """Show a widget as a window of some size and wait until it is there."""

    def shown(widget, width=600, height=300):
        qtbot.addWidget(widget)
        widget.resize(width, height)
        with qtbot.waitExposed(widget):
            widget.show()
        return widget

    return shown


def caught(signal):
    """Collect what a signal sends."""
    sent = []
    signal.connect(lambda *values: sent.append(values[0] if len(values) == 1 else values))
    return sent


# --- numbers as text -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8424, "0.842"),
        (12.345, "12.3"),
        (0, "0"),
        (1.0, "1.00"),
        (9.999, "10.0"),
        (4120.3, "4\u2009120"),
        (-0.5, "−0.500"),
        (1.234e-5, "1.23e−5"),
        (2.5e7, "2.50e7"),
        (0.00123, "0.00123"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
        (None, "–"),
    ],
)
def test_number_text(value, text):
    assert fmt.number_text(value) == text


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (0.842, (0.831, 0.853), "0.842 ± 0.011 (95 %)"),
        (0.9, (0.838, 0.94), "0.900 (95 % 0.84–0.94)"),
        (1.0, (0.98, 1.0), "1.000 (95 % 0.980–1.000)"),
        (0.5, None, "0.500"),
        (None, None, "–"),
    ],
)
def test_accuracy_text(value, interval, text):
    assert fmt.accuracy_text(value, interval) == text


def test_counts_bytes_and_times():
    thin = "\u2009"
    assert [fmt.count_text(n) for n in (0, 999, 3074, 22_600_000, 999_999, 1_240_000_000)] == [
        "0",
        "999",
        f"3{thin}074",
        "22.6 M",
        "1.00 M",
        "1.24 B",
    ]
    sizes = [0, 512, 999.7, 12296, 5_900_000, 1_200_000_000, 5e15]
    texts = ["0 B", "512 B", "1.0 KB", "12 KB", "5.9 MB", "1.2 GB", f"5{thin}000 TB"]
    assert [fmt.bytes_text(n) for n in sizes] == texts
    spans = [0.0004, 0.412, 1.42, 38.2, 125, 4320]
    texts = ["0 ms", "412 ms", "1.4 s", "38 s", "2 min 05 s", "1 h 12 min"]
    assert [fmt.seconds_text(s) for s in spans] == texts
    assert [fmt.clock_text(s) for s in (12, 61, 3723)] == ["0:12", "1:01", "1:02:03"]
    assert [fmt.plural(1, "run"), fmt.plural(3, "run")] == ["1 run", "3 runs"]
    assert [fmt.percent_text(x) for x in (0.842, 1.0, None)] == ["84.2 %", "100 %", "–"]


# --- segmented -----------------------------------------------------------------------------


def test_segmented_by_mouse_and_keyboard(show, qtbot):
    control = show(Segmented(MIXES, "Mix", "How layers become one."))
    sent = caught(control.changed)
    qtbot.mouseClick(control.segment("concat"), LEFT)
    qtbot.mouseClick(control.segment("concat"), LEFT)
    assert (control.value, sent) == ("concat", ["concat"])
    control.setFocus()
    qtbot.keyClick(control.segment("concat"), Qt.Key.Key_Left)
    assert control.segment("mean").hasFocus()
    qtbot.keyClick(control.segment("mean"), Qt.Key.Key_Home)
    qtbot.keyClick(control.segment("single"), Qt.Key.Key_Left)
    qtbot.keyClick(control.segment("single"), Qt.Key.Key_End)
    assert sent == ["concat", "mean", "single", "concat"]


def test_segmented_is_one_tab_stop_and_silent_when_set(show):
    control = show(Segmented(MIXES, "Mix", "t"))
    sent = caught(control.changed)
    control.set_value("mean")
    stops = [
        v for v in control.choices if control.segment(v).focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert (stops, sent) == (["mean"], [])
    with pytest.raises(KeyError):
        control.set_value("sum")


def test_segmented_passes_over_what_is_not_allowed(show, qtbot):
    control = show(Segmented(MIXES, "Mix", "t"))
    control.set_choice_enabled("mean", False, "Takes several layers <b>only</b>.")
    qtbot.keyClick(control.segment("single"), Qt.Key.Key_Right)
    assert control.value == "concat"
    assert "&lt;b&gt;" in control.segment("mean").toolTip()
    control.set_choice_enabled("mean", True)
    assert control.segment("mean").toolTip() == plain_tooltip("t")


# --- number field --------------------------------------------------------------------------


def make_rate(**other):
    options = {"value": 0.1, "minimum": 0, "maximum": 10, "above_minimum": True} | other
    return NumberField("Rate", "Step size.", **options)


def retype(qtbot, field, text):
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, text)


@pytest.mark.parametrize("text", ["0,5", "0.5", "5e-1", ".5", " 0.5 ", "+0,50"])
def test_number_field_reads_what_people_write(show, qtbot, text):
    field = show(make_rate())
    retype(qtbot, field, text)
    with qtbot.waitSignal(field.changed) as caught_signal:
        qtbot.keyClick(field.edit, Qt.Key.Key_Return)
    assert caught_signal.args == [0.5]
    assert field.value == 0.5


@pytest.fixture
def germany():
    before = QLocale()
    QLocale.setDefault(QLocale("de_DE"))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("text", "value"), [("0,5", 0.5), ("0.5", 0.5), ("1,500", 1.5), ("1e-3", 0.001)]
)
def test_number_field_in_germany(germany, show, qtbot, text, value):
    field = show(make_rate())
    retype(qtbot, field, text)
    qtbot.keyClick(field.edit, Qt.Key.Key_Return)
    assert field.value == value
    field.set_value(0.25)
    assert field.edit.text() == "0.25"


def test_number_field_refuses_to_guess_at_a_comma():
    with pytest.raises(ValueError, match="may mean both"):
        read_number("1,500")
    assert read_number("0,125") == 0.125
    assert read_number("1\u2009000") == 1000
    assert read_number("−2") == -2
    for text in ("", "1,000.5", "1.000.000", "abc", "nan", "inf", "0x10", "1e999"):
        with pytest.raises(ValueError, match=r"\."):
            read_number(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "Rate must be above 0 and at most 10, not 0."),
        ("11", "Rate must be above 0 and at most 10, not 11."),
        ("fast", "Rate: “fast” is not a number."),
        ("", "Rate: write a number."),
    ],
)
def test_number_field_says_what_is_wrong_and_keeps_its_value(show, qtbot, text, said):
    field = show(make_rate())
    sent, errors = caught(field.changed), caught(field.error_changed)
    field.edit.clear()
    retype(qtbot, field, text)
    qtbot.keyClick(field.edit, Qt.Key.Key_Return)
    assert (field.error, field.value, sent, errors) == (said, 0.1, [], [said])
    shown = [label.text() for label in field.findChildren(QLabel) if label.isVisible()]
    assert shown == [said]
    assert "border" in field.edit.styleSheet()
    retype(qtbot, field, "2")  # the error goes as soon as the text is right
    assert (field.error, errors[-1]) == ("", "")


def test_number_field_takes_a_number_when_typing_rests(show, qtbot):
    field = show(make_rate())
    with qtbot.waitSignal(field.changed, timeout=3000) as signal:
        retype(qtbot, field, "0.05")
    assert signal.args == [0.05]


def test_number_field_gives_up_on_escape(show, qtbot):
    field = show(make_rate())
    retype(qtbot, field, "nonsense")
    qtbot.keyClick(field.edit, Qt.Key.Key_Escape)
    assert (field.edit.text(), field.error) == ("0.1", "")


def test_number_field_steps_through_a_series_doubles_or_adds(show, qtbot):
    rate = show(make_rate())
    for key, value in ((Qt.Key.Key_Up, 0.2), (Qt.Key.Key_Down, 0.1), (Qt.Key.Key_PageDown, 0.01)):
        qtbot.keyClick(rate.edit, key)
        assert rate.value == value
    decay = NumberField("Decay", "t", value=0, minimum=0, maximum=1)
    qtbot.addWidget(decay)
    decay.step_by(1)
    assert decay.value == 1e-6
    assert decay.edit.text() == "1e-6"
    decay.step_by(-1)
    assert decay.value == 0
    batch = NumberField("Batch", "t", value=32, minimum=1, maximum=100, integer=True, step="double")
    qtbot.addWidget(batch)
    batch.step_by(2)
    assert batch.value == 100
    batch.step_by(-9)
    assert batch.value == 1
    epochs = NumberField("Epochs", "t", value=20, minimum=1, maximum=1000, integer=True)
    qtbot.addWidget(epochs)
    epochs.step_by(1)
    assert (epochs.value, type(epochs.value)) == (21, int)
    retype(qtbot, epochs, "2.5")
    epochs.commit()
    assert epochs.error == "Epochs must be a whole number, not 2.5."


def test_plain_numbers_can_be_read_again():
    for value in (0.1, 1e-5, 3.2e-4, 32, 1.5, 2e9, 0, 0.001, 123456.5):
        assert read_number(plain_number(value)) == value
    assert [plain_number(x) for x in (1e-5, 0.00032, 32.0)] == ["1e-5", "3.2e-4", "32"]


# --- layer picker --------------------------------------------------------------------------


@pytest.fixture
def picker(show):
    made = LayerPicker()
    made.set_depth(6, 786_432)
    return show(made, 260, 260)


def middle(picker, layer):
    return picker.row_rect(layer).center().toPoint()


def test_a_click_takes_one_layer_and_one_always_stays(picker, qtbot):
    sent = caught(picker.changed)
    qtbot.mouseClick(picker, LEFT, pos=middle(picker, 6))
    assert (picker.layers, sent) == ((6,), [])
    qtbot.mouseClick(picker, LEFT, pos=middle(picker, 2))
    qtbot.mouseClick(picker, LEFT, CTRL, pos=middle(picker, 0))
    qtbot.mouseClick(picker, LEFT, CTRL, pos=middle(picker, 2))
    qtbot.mouseClick(picker, LEFT, CTRL, pos=middle(picker, 0))
    assert sent == [(2,), (0, 2), (0,)]


def test_shift_click_takes_a_range(picker, qtbot):
    qtbot.mouseClick(picker, LEFT, pos=middle(picker, 3))
    qtbot.mouseClick(picker, LEFT, SHIFT, pos=middle(picker, 5))
    assert picker.layers == (3, 4, 5)


def test_a_drag_is_one_gesture(picker, qtbot):
    sent = caught(picker.changed)
    qtbot.mousePress(picker, LEFT, pos=middle(picker, 4))
    qtbot.mouseMove(picker, middle(picker, 2))
    qtbot.mouseMove(picker, middle(picker, 1))
    assert sent == []
    qtbot.mouseRelease(picker, LEFT, pos=middle(picker, 1))
    assert sent == [(1, 2, 3, 4)]
    qtbot.mousePress(picker, LEFT, pos=middle(picker, 6))
    qtbot.mouseMove(picker, QPoint(5, picker.height() + 50))  # off the widget, past the last one
    qtbot.mouseRelease(picker, LEFT, pos=middle(picker, 0))
    assert picker.layers == (0, 1, 2, 3, 4, 5, 6)


def test_layers_by_keyboard(picker, qtbot):
    sent = caught(picker.changed)
    picker.setFocus()
    qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert (picker.cursor_layer, picker.layers) == (5, (5,))
    qtbot.keyClick(picker, Qt.Key.Key_Down, SHIFT)
    qtbot.keyClick(picker, Qt.Key.Key_End, CTRL)
    assert (picker.cursor_layer, picker.layers) == (0, (4, 5))
    qtbot.keyClick(picker, Qt.Key.Key_Space)
    assert sent == [(5,), (4, 5), (0, 4, 5)]
    assert "Layers 0, 4, 5" in picker.accessibleDescription()


def test_layers_of_another_encoder(picker):
    picker.set_layers((-1, -2, 99))
    assert picker.layers == (5, 6)
    picker.set_depth(4)
    assert picker.layers == (4,)
    picker.set_scores({4: 0.842, 0: 0.2})
    picker.set_scores(None)
    picker.set_depth(48)
    assert picker.minimumSizeHint().height() >= 49
    assert picker.block_count == 48


# --- strategy picture ----------------------------------------------------------------------

STATE = PictureState(
    depth=6,
    layers=(3, 4, 5, 6),
    mix="concat",
    dimension=1536,
    encoder_title=HOSTILE,
    encoder_parameters=22_600_000,
    removed="pooler.dense",
    head_text="linear 1536→14 + softmax",
    head_parameters=21_518,
    head_bytes=86_072,
    level="pair",
    classes=("one", HOSTILE),
)


@pytest.mark.parametrize("width", [600, 1000, 1700])
@pytest.mark.parametrize("head", ["new", "training", "trained"])
def test_picture_is_painted_at_any_width(show, width, head):
    picture = show(StrategyPicture(), width, 170)
    for level in ("sentence", "pair", "word"):
        for layers, depth in (((1,), 1), ((0, 5, 24), 24)):
            state = replace(STATE, head_state=head, level=level, layers=layers, depth=depth)
            picture.set_picture(replace(state, progress=0.5, removed="" if depth == 1 else "mlm"))
            assert not picture.grab().isNull()


def test_picture_says_what_it_shows(show):
    picture = show(StrategyPicture())
    picture.set_picture(STATE)
    said = picture.accessibleDescription()
    for words in ("frozen", "22.6 M", "pooler.dense is removed", "3, 4, 5, 6", "not trained yet"):
        assert words in said
    picture.set_picture(replace(STATE, head_state="training", progress=0.35))
    assert "35 percent" in picture.accessibleDescription()


def test_picture_moves_only_when_told(show, qtbot):
    picture = show(StrategyPicture(), 900, 170)
    picture.set_picture(replace(STATE, head_state="training", progress=0.1))
    picture.set_motion(True)
    picture.set_picture(replace(STATE, head_state="training", progress=0.4))
    qtbot.waitUntil(lambda: picture._progress == 0.4, timeout=3000)
    assert picture.state.progress == 0.4


def test_picture_tells_which_zone_was_clicked(show, qtbot):
    picture = show(StrategyPicture(), 900, 170)
    picture.set_picture(STATE)
    picture.grab()
    sent = caught(picture.zone_clicked)
    for x in (20, 300, 860):
        qtbot.mouseClick(picture, LEFT, pos=QPoint(x, 80))
    qtbot.mouseClick(picture, LEFT, pos=QPoint(20, 165))
    assert sent == ["text", "encoder", "label"]


# --- token strip ---------------------------------------------------------------------------


def test_tokens_wrap_are_cut_and_can_be_walked(show, qtbot):
    strip = show(TokenStrip(), 300, 200)
    assert "No text yet" in strip.accessibleDescription()
    chips = [TokenChip(text="[CLS]", special=True), TokenChip(text=HOSTILE, segment=0, weight=1.0)]
    chips += [TokenChip(text="ing", continues=True, segment=0, tooltip=HOSTILE)]
    chips += [TokenChip(text=f"word{i}", segment=1) for i in range(600)]
    strip.set_tokens(chips)
    assert len(strip.tokens) == 512
    assert strip.chip_rect(1).right() <= strip.width()
    assert strip.chip_rect(40).top() > strip.chip_rect(0).top()
    assert strip.heightForWidth(300) > strip.heightForWidth(900)
    assert strip.chip_rect(2).left() - strip.chip_rect(1).right() < 2  # sub-tokens are joined
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert HOSTILE in strip.accessibleDescription()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert "##ing, token 3 of 603, continues" in strip.accessibleDescription()
    qtbot.keyClick(strip, Qt.Key.Key_End)
    assert "text B" in strip.accessibleDescription()
    assert not strip.grab().isNull()
    strip.set_tokens([])
    qtbot.keyClick(strip, Qt.Key.Key_Right)


# --- job strip and message line ------------------------------------------------------------


def test_job_strip_from_start_to_end(show, qtbot):
    holder = show(QWidget())
    strip = JobStrip()
    strip.setParent(holder)
    assert strip.isHidden()
    strip.set_job("Train head")
    assert strip.isVisible()
    assert strip.bar.maximum() == 0  # nobody knows yet
    strip.set_progress(7, 20, "epoch 7/20")
    assert (strip.bar.value(), strip.bar.maximum(), strip.text) == (7, 20, "epoch 7/20")
    strip.set_progress(5 * 10**9, 10**10, "fetching")
    assert strip.bar.value() * 2 == pytest.approx(strip.bar.maximum(), rel=1e-3)
    strip.set_paused(True)
    assert "paused" in strip.findChild(ElidedLabel).text
    strip.set_paused(False)
    with qtbot.waitSignal(strip.stop_pressed):
        qtbot.mouseClick(strip.stop_button, LEFT)
    assert not strip.stop_button.isEnabled()
    strip.clear("It failed.", "bad")
    assert (strip.title, strip.text, strip.stop_button.isHidden()) == ("", "It failed.", True)
    strip.set_job("Again")
    assert strip.stop_button.isEnabled()
    strip.clear()
    assert strip.isHidden()


@pytest.mark.parametrize("kind", ["info", "good", "warning", "bad"])
def test_message_line(show, qtbot, kind):
    line = show(MessageLine())
    line.show_message(kind, HOSTILE, [("Try &again", "again"), ("Other", "other")])
    assert line.text == HOSTILE
    assert (line.kind, line.isVisible()) == (kind, True)
    assert line.accessibleDescription().endswith(HOSTILE)
    sent = caught(line.action_pressed)
    for button in line.buttons:
        qtbot.mouseClick(button, LEFT)
    assert sent == ["again", "other"]
    line.show_message("info", "Next.")
    assert line.buttons == ()
    with qtbot.waitSignal(line.dismissed):
        line._close.click()
    assert (line.isHidden(), line.text) == (True, "")


# --- bars, sections, empty states ----------------------------------------------------------


def test_probability_bars_are_sorted_and_add_up(show):
    bars = show(ProbabilityBars(top=3))
    assert "Type an example" in bars.accessibleDescription()
    bars.grab()
    pairs = [(f"c{i}", p) for i, p in enumerate((0.1, 0.5, 0.2, 0.05, 0.1, 0.05))]
    bars.set_probabilities([*pairs, (HOSTILE, 0.0001)])
    assert [label for label, _ in bars.rows] == ["c1", "c2", "c0", "4 others"]
    assert sum(p for _, p in bars.rows) == pytest.approx(1, abs=1e-3)
    assert "c1 .500" in bars.accessibleDescription()
    bars.set_stale(True)
    bars.grab()
    bars.set_probabilities(pairs[:4])
    assert len(bars.rows) == 4  # one more is no more than "1 other"


def test_section_folds_by_mouse_and_keyboard(show, qtbot):
    section = Section("More")
    field = QLineEdit()
    section.body.addWidget(field)
    show(section)
    sent = caught(section.toggled)
    qtbot.mouseClick(section.header, LEFT)
    assert (section.folded, field.isVisible()) == (True, False)
    section.header.setFocus()
    qtbot.keyClick(section.header, Qt.Key.Key_Space)
    assert sent == [True, False]
    section.set_folded(True)
    assert (section.folded, sent) == (True, [True, False])
    assert Section("Other", folded=True).folded


def test_empty_state(show, qtbot):
    state = show(EmptyState("No runs", HOSTILE, "&Train"))
    with qtbot.waitSignal(state.pressed):
        qtbot.mouseClick(state.button, LEFT)
    assert EmptyState("No runs", "x").button is None


# --- runs ----------------------------------------------------------------------------------


def make_rows(count=4):
    return [
        RunRow(
            run_id=f"r{i}",
            title=f"run {i}" if i else HOSTILE,
            status=["finished", "failed", "running", "interrupted"][i % 4],
            accuracy=None if i == 1 else 0.5 + 0.1 * i,
            interval=None if i == 1 else (0.49 + 0.1 * i, 0.51 + 0.1 * i),
            size_bytes=1000 * (i + 1),
            seconds=1.5,
            created="2026-11-22T10:00:00",
            colour_index=i,
        )
        for i in range(count)
    ]


def titles(table):
    model = table.view.model()
    column = table._model.columns.index("title")
    return [model.index(row, column).data() for row in range(model.rowCount())]


def cell(table, row, name):
    index = table.view.model().index(row, table._model.columns.index(name))
    return table.view.visualRect(index)


@pytest.mark.parametrize("columns", [ALL_COLUMNS, COMPACT_COLUMNS])
def test_run_table_shows_and_reopens(show, qtbot, columns):
    table = show(RunTable(columns), 1100, 300)
    table.set_rows(make_rows())
    assert titles(table)[0] == HOSTILE
    assert not table.grab().isNull()
    shown, opened, selected = (
        caught(table.shown_changed),
        caught(table.activated),
        caught(table.selection_changed),
    )
    box = cell(table, 2, "shown")
    qtbot.mouseClick(table.view.viewport(), LEFT, pos=QPoint(box.left() + 10, box.center().y()))
    assert shown == [frozenset({"r2"})]
    assert table.shown_ids() == {"r2"}
    where = cell(table, 3, "title").center()
    qtbot.mouseClick(table.view.viewport(), LEFT, pos=where)
    assert selected[-1] == ("r3",)
    qtbot.mouseDClick(table.view.viewport(), LEFT, pos=where)
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    assert opened[-1] == "r3"
    assert len(opened) >= 2


def test_run_table_by_keyboard(show, qtbot):
    table = show(RunTable(COMPACT_COLUMNS), 900, 300)
    table.set_rows(make_rows())
    table.select(["r1", "r2"])
    shown, trashed = caught(table.shown_changed), caught(table.trash_requested)
    qtbot.keyClick(table.view, Qt.Key.Key_Space)
    qtbot.keyClick(table.view, Qt.Key.Key_Space)
    assert shown == [{"r1", "r2"}, frozenset()]
    qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert trashed == [("r1", "r2")]


def test_run_table_sorts_by_value_with_the_unmeasured_last(show):
    table = show(RunTable(sort="accuracy"), 1100, 300)
    table.set_rows(make_rows())
    assert titles(table) == ["run 3", "run 2", HOSTILE, "run 1"]
    column = table._model.columns.index("accuracy")
    table.view.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    assert titles(table) == [HOSTILE, "run 2", "run 3", "run 1"]
    alignment = table.view.model().index(0, column).data(Qt.ItemDataRole.TextAlignmentRole)
    assert alignment & Qt.AlignmentFlag.AlignRight


def test_run_table_keeps_selection_and_order_over_updates(show):
    table = show(RunTable(), 1100, 300)
    table.set_rows(make_rows())
    table.select(["r2"])
    sent = caught(table.selection_changed)
    table.set_rows([replace(row, accuracy=0.3) for row in make_rows()])
    assert table.selected_ids() == ("r2",)
    table.set_rows(make_rows(6)[::-1])
    assert (table.selected_ids(), sent) == (("r2",), [])
    table.set_rows(make_rows(2))
    assert sent == [()]
    table.set_rows([])
    assert table.rows == ()


def test_run_table_is_as_wide_as_its_place_until_someone_sets_a_column(show):
    table = show(RunTable(COMPACT_COLUMNS), 900, 200)
    table.set_rows(make_rows())
    header, viewport = table.view.horizontalHeader(), table.view.viewport()
    assert header.length() == viewport.width()
    table.resize(1200, 200)
    QApplication.processEvents()
    assert header.length() == viewport.width()
    header.resizeSection(1, 50)
    table.resize(1300, 200)
    QApplication.processEvents()
    assert header.sectionSize(1) == 50


# --- examples and palette ------------------------------------------------------------------


def test_examples_are_filtered_and_copied(show, qtbot):
    rows = [("Oslo\tNorway", "a", "b", 0.51), (HOSTILE, "a", "c", None)]
    dialog = ExamplesDialog(HOSTILE, rows)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    show(dialog)
    assert not dialog.isModal()
    qtbot.keyClicks(dialog.filter_edit, "oslo")
    assert dialog.view.model().rowCount() == 1
    assert any(label.text() == "1 of 2 texts" for label in dialog.findChildren(QLabel))
    qtbot.mouseClick(dialog.copy_button, LEFT)
    copied = QGuiApplication.clipboard().text()
    assert copied == "Text\tLabel\tPredicted\tProbability\nOslo Norway\ta\tb\t0.510\n"
    dialog.filter_edit.clear()
    assert dialog.view.model().index(1, 0).data() == HOSTILE
    tooltip = dialog.view.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "<img" not in tooltip


@pytest.fixture
def palette(show, qtbot):
    window = QMainWindow()
    field = QLineEdit()
    field.setAccessibleName("field")
    window.setCentralWidget(field)
    actions = [QAction(text, window) for text in ("&Train", "Stop", "Larger text", "Dark theme")]
    actions[1].setEnabled(False)
    actions[0].setShortcut("Ctrl+Return")
    made = CommandPalette(lambda: actions, window)
    made.actions_of_test = actions
    show(window, 800, 500)
    field.setFocus()
    return made


def test_palette_finds_and_triggers(palette, qtbot):
    triggered = caught(palette.actions_of_test[3].triggered)
    palette.open()
    assert palette.isVisible()
    assert palette.edit.hasFocus()
    assert [palette.list.item(i).text() for i in range(palette.list.count())] == [
        "Train",
        "Larger text",
        "Dark theme",
    ]
    palette.grab()
    qtbot.keyClicks(palette.edit, "drkthm")
    assert palette.list.count() == 1
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)
    assert len(triggered) == 1
    assert palette.isHidden()
    assert palette.window().centralWidget().hasFocus()


def test_palette_by_arrows_mouse_and_escape(palette, qtbot):
    triggered = caught(palette.actions_of_test[2].triggered)
    palette.open()
    qtbot.keyClick(palette.edit, Qt.Key.Key_Up)
    assert palette.list.currentRow() == 2
    qtbot.keyClick(palette.edit, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 0
    where = palette.list.visualItemRect(palette.list.item(1)).center()
    qtbot.mouseClick(palette.list.viewport(), LEFT, pos=where)
    assert len(triggered) == 1
    palette.open()
    qtbot.keyClicks(palette.edit, "zzz")
    qtbot.keyClick(palette.edit, Qt.Key.Key_Return)  # nothing to do
    assert palette.isVisible()
    qtbot.keyClick(palette.edit, Qt.Key.Key_Escape)
    assert palette.isHidden()


def test_palette_prefers_the_start_of_a_name():
    assert match("tr", "Train") < match("tr", "Restore") < match("tr", "Tour")
    assert match("theme dark", "Dark theme") is not None
    assert match("x", "Train") is None
    assert match("", "Train") == (0, 0)


# --- what holds for all --------------------------------------------------------------------


def everything():
    message = MessageLine()
    message.show_message("info", HOSTILE, [("Act", "act")])
    table = RunTable()
    table.set_rows(make_rows())
    job = JobStrip()
    job.set_job("Job")
    section = Section("More")
    section.body.addWidget(make_rate())
    strip = TokenStrip()
    strip.set_tokens([TokenChip(text=HOSTILE)])
    picture = StrategyPicture()
    picture.set_picture(STATE)
    return [
        Segmented(MIXES, "Mix", "t"),
        LayerPicker(),
        picture,
        strip,
        job,
        message,
        ProbabilityBars(),
        EmptyState("a", "b", "c"),
        section,
        table,
        ExamplesDialog("Examples", [("a", "b", "c", 0.5)]),
    ]


def test_whatever_takes_the_focus_has_a_name(qtbot):
    for widget in everything():
        qtbot.addWidget(widget)
        for part in (widget, *widget.findChildren(QWidget)):
            inside_combo = isinstance(part.parent(), QComboBox)
            if part.focusPolicy() & Qt.FocusPolicy.TabFocus and not inside_combo:
                assert part.accessibleName(), (type(widget).__name__, type(part).__name__)


def test_no_label_guesses_at_markup(qtbot):
    for widget in everything():
        qtbot.addWidget(widget)
        for label in widget.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText, type(widget).__name__
    label = ElidedLabel(HOSTILE)
    qtbot.addWidget(label)
    label.resize(30, 20)
    label.grab()
    assert label.minimumSizeHint().width() < label.sizeHint().width()
    assert "<img" not in plain_tooltip(HOSTILE)
