"""The table of first rows and what belongs to it, used as a person would."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication

from fineview.ui.theme import Theme
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.count_bars import CountBars
from fineview.ui.widgets.role_header import role_tint
from fineview.ui.widgets.rows_dialog import RowsDialog
from fineview.ui.widgets.table_preview import SHOWN_COLUMNS, TablePreview

HOSTILE = '<img src=x><b>bold</b>&amp;"'
CHOICES = [("text", "Text"), ("label", "Label"), ("ignore", "Ignore")]
ROLE = Qt.ItemDataRole


@pytest.fixture(autouse=True)
def theme(qapp):
    """The theme as a new person has it, whatever other tests did."""
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def preview(qtbot):
    """A table in a window."""
    made = TablePreview()
    qtbot.addWidget(made)
    made.resize(700, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


def fill(preview, columns, rows, roles=None, lines=None):
    roles = roles or dict.fromkeys(columns, "ignore")
    preview.set_table(columns, rows, lines or range(2, len(rows) + 2), roles, CHOICES)


def cell(preview, row, column, role=ROLE.DisplayRole):
    model = preview.view.model()
    return model.data(model.index(row, column), role)


def test_cells_are_shown_literally_and_cut_with_the_whole_in_the_tooltip(preview):
    long = "wörd " * 1000
    fill(preview, ["text", HOSTILE], [(HOSTILE, "a"), (long, "b"), ("two\nlines", "c")])
    assert cell(preview, 0, 0) == HOSTILE
    assert "&lt;img" in cell(preview, 0, 0, ROLE.ToolTipRole)
    assert len(cell(preview, 1, 0)) <= 400
    assert 2000 < len(cell(preview, 1, 0, ROLE.ToolTipRole)) < 2100
    assert "5\u2009000 letters" in cell(preview, 1, 0, ROLE.ToolTipRole)
    assert cell(preview, 2, 0) == "two lines"
    assert not preview.grab().isNull()


def test_numbers_stand_at_the_right_and_words_at_the_left(preview):
    fill(preview, ["a", "b"], [("1", "1"), ("−2.5e3", "x"), ("", "3")])
    assert cell(preview, 0, 0, ROLE.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert cell(preview, 0, 1, ROLE.TextAlignmentRole) & Qt.AlignmentFlag.AlignLeft
    assert preview.holds_numbers("a")
    assert not preview.holds_numbers("b")
    assert not preview.holds_numbers("nowhere")


def test_row_headers_are_the_lines_of_the_file_or_count_the_rows(preview):
    rows = [("x",), ("y",), ()]
    fill(preview, ["a"], rows, lines=[7, 9, 0])
    model = preview.view.model()
    heads = [model.headerData(i, Qt.Orientation.Vertical).strip() for i in range(3)]
    assert heads == ["7", "9", ""]
    assert cell(preview, 2, 0) == ""
    fill(preview, ["a"], rows, lines=[0, 0, 0])
    assert model.headerData(2, Qt.Orientation.Vertical).strip() == "3"


def test_a_role_is_chosen_with_the_keyboard_and_tints_its_column(qtbot, preview):
    fill(preview, ["first", "other"], [("some text", "x")])
    combo = preview.header.combos[1]
    assert combo.accessibleName() == "Role of column other"
    assert combo.focusPolicy() == Qt.FocusPolicy.StrongFocus
    combo.setFocus()
    with qtbot.waitSignal(preview.role_chosen) as told:
        qtbot.keyClick(combo, Qt.Key.Key_Home)
    assert told.args == ["other", "text"]
    assert cell(preview, 0, 1, ROLE.BackgroundRole) is None
    preview.set_roles({"first": "ignore", "other": "text"})
    assert cell(preview, 0, 1, ROLE.BackgroundRole) == role_tint("text")
    assert [box.value for box in preview.header.combos] == ["ignore", "text"]


def test_tab_leads_from_box_to_box_and_brings_each_into_sight(qtbot, preview):
    columns = [f"column {i}" for i in range(12)]
    fill(preview, columns, [tuple("x" * 30 for _ in columns)])
    preview.activateWindow()
    preview.header.combos[0].setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is preview.header.combos[0])
    for combo in preview.header.combos[1:]:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is combo
        left = combo.mapTo(preview.header.viewport(), QPoint(0, 0)).x()
        assert left >= 0
        assert left + combo.width() <= preview.header.viewport().width()
    assert preview.view.horizontalScrollBar().value() > 0


def test_boxes_stay_over_their_columns_when_the_table_scrolls_or_a_column_grows(preview):
    columns = [f"column {i}" for i in range(12)]
    fill(preview, columns, [tuple("x" * 30 for _ in columns)])
    header = preview.header
    preview.view.setColumnWidth(2, 333)
    preview.view.horizontalScrollBar().setValue(150)
    for section, combo in enumerate(header.combos):
        assert abs(combo.x() - header.sectionViewportPosition(section)) <= 8
        assert abs(combo.width() - header.sectionSize(section)) <= 16


def test_texts_take_the_room_that_is_left_until_a_person_sets_a_width(qtbot, preview):
    roles = {"text": "text", "label": "label"}
    fill(preview, ["text", "label"], [("long " * 100, "a")], roles)
    assert preview.header.length() == preview.view.viewport().width()
    preview.resize(900, 300)
    assert preview.header.length() == preview.view.viewport().width()
    preview.view.setColumnWidth(0, 200)
    preview.resize(800, 300)
    assert preview.view.columnWidth(0) == 200


def test_of_ten_thousand_columns_the_first_and_the_used_are_shown_and_any_can_be_found(
    qtbot, preview
):
    columns = [f"c{i}" for i in range(10_000)]
    roles = dict.fromkeys(columns, "ignore") | {"c9000": "text"}
    fill(preview, columns, [tuple("x" for _ in columns)] * 200, roles)
    assert len(preview.names) == SHOWN_COLUMNS + 1
    assert preview.names[-1] == "c9000"
    assert "61 of 10\u2009000 columns" in preview.note
    qtbot.keyClicks(preview.find_edit, "C777")
    qtbot.keyClick(preview.find_edit, Qt.Key.Key_Return)
    assert preview.names[-2:] == ("c777", "c9000")
    assert preview.header.combos[-2].hasFocus()
    fill(preview, ["a"], [("x",)])
    assert preview.note == ""


def test_a_box_leaves_the_wheel_to_the_page_unless_it_has_the_keyboard(qtbot):
    combo = CalmCombo("Role", "What it is – a – change it.")
    combo.set_choices([("a", "A"), ("b", "B")], "a")
    qtbot.addWidget(combo)
    with qtbot.waitExposed(combo):
        combo.show()
    combo.clearFocus()
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(combo, wheel)
    assert combo.value == "a"
    assert not wheel.isAccepted()
    combo.set_value("nothing")
    assert combo.value == ""


def test_bars_draw_thousands_of_classes_by_what_is_in_sight(qtbot):
    bars = CountBars()
    qtbot.addWidget(bars)
    bars.set_counts([HOSTILE, *(f"class {i}" for i in range(5000))], [7] * 5001)
    assert bars.minimumHeight() == bars.sizeHint().height() > 5000 * 10
    assert HOSTILE in bars.accessibleDescription()
    bars.resize(300, 200)
    assert not bars.grab().isNull()
    bars.set_counts([], [])
    assert bars.rows == ()


def test_rows_left_out_are_listed_and_copied_as_a_table(qtbot):
    rows = [("train.csv", 7, "the text\nis empty"), ("train.csv", 0, HOSTILE)]
    dialog = RowsDialog("Rows left out", "All of them.", rows)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    expected = f"File\tLine\tReason\ntrain.csv\t7\tthe text is empty\ntrain.csv\t\t{HOSTILE}\n"
    assert QGuiApplication.clipboard().text() == expected
    dialog.view.selectRow(1)
    dialog.copy()
    assert QGuiApplication.clipboard().text().count("\n") == 2
