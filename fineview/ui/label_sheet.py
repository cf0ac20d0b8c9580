"""What the window for labelling a file looks like."""

from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import make_primary, set_icon, spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.labels import ElidedLabel, describe, plain_label, plain_tooltip
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.text_model import Index, TextModel

Place = Literal["file", "columns", "out"]

NO_FILE = "None yet: choose one, or drop it here"
_LONGEST_CELL = 300
_LONGEST_TOOLTIP = 1500


def one_line(cell: str) -> str:
    """Return the beginning of a cell, without line breaks."""
    return " ".join(cell[:_LONGEST_CELL].split())


class SampleModel(TextModel):
    """The first rows that were written, as they stand in the file.

    Attributes:
        rows: Those below the header.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__((), parent)
        self.rows: tuple[tuple[str, ...], ...] = ()

    def show_rows(self, rows: tuple[tuple[str, ...], ...]) -> None:
        """Show a header and other rows."""
        self.beginResetModel()
        self._header = [one_line(cell) for cell in rows[0]] if rows else ()
        self.rows = rows[1:]
        self.endResetModel()

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell on one line; the tooltip has it whole."""
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(self.rows[index.row()][index.column()][:_LONGEST_TOOLTIP])
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return the beginning of a cell, on one line."""
        return one_line(self.rows[row][column])


class LabelSheet(QDialog):
    """The controls, and where they stand.

    Attributes:
        messages: A line beside the file, the columns and the file to write.
        text_box: Column that holds the text.
        header_box: Whether the first row names the columns; tables only.
        second_box: Column that holds the second text; pair level only.
        label_button: Starts.
        cancel_button: Stands in its place while it labels.
        view: The first rows that were written.
    """

    def __init__(self, title: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Label a file")
        self.setAccessibleName("Label a file")
        self.messages: dict[Place, MessageLine] = {
            "file": MessageLine("Message on the file"),
            "columns": MessageLine("Message on the columns"),
            "out": MessageLine("Message on the file to write"),
        }
        self.done_line = MessageLine("Result")
        self.file_name = ElidedLabel(NO_FILE)
        self.out_name = ElidedLabel("", muted=True)
        self.about = plain_label("", "small", wrap=True)
        self.text_box = CalmCombo(
            "Text", "Which column the head reads – as in its task – change it where it is wrong."
        )
        self.second_box = CalmCombo(
            "Second text", "Which column holds the second text of a pair – as in its task."
        )
        self.header_box = QCheckBox("First &row names the columns")
        self.file_button = QPushButton("&Choose…")
        self.out_button = QPushButton("C&hange…")
        self.label_button = QPushButton("&Label every row")
        self.cancel_button = QPushButton("C&ancel")
        self.bar = QProgressBar()
        self.progress_text = plain_label("", "small")
        self.view = QTableView()
        self.sample = SampleModel(self)
        self.text_label = QLabel("&Text")
        self.second_label = QLabel("&Second text")
        self._set_up()
        self._lay_out(title)

    def show_sample(self, rows: tuple[tuple[str, ...], ...]) -> None:
        """Show the header and the first rows that were written."""
        self.sample.show_rows(rows)
        letter = self.fontMetrics().averageCharWidth()
        self.view.resizeColumnsToContents()
        for column in range(self.sample.columnCount()):
            self.view.setColumnWidth(column, min(self.view.columnWidth(column), letter * 48))

    def _set_up(self) -> None:
        for button, name, tip in (
            (self.file_button, "Choose the file", "Asks for the file of texts to label."),
            (self.out_button, "Change the file to write", "Asks where the labels are written."),
            (
                self.label_button,
                "Label every row",
                "Writes all columns of the file, what the head predicts, and for classes how sure "
                "it is – the file itself stays as it is.",
            ),
            (self.cancel_button, "Cancel", "Stops; nothing half-written stays."),
        ):
            describe(button, name, tip)
            button.setAutoDefault(False)
        describe(
            self.header_box,
            "First row names the columns",
            "Else it is a text to label – found out – change it where it is wrong.",
        )
        set_icon(self.file_button, "folder")
        set_icon(self.label_button, "label")
        set_icon(self.cancel_button, "stop")
        make_primary(self.label_button)
        self.text_label.setBuddy(self.text_box)
        self.second_label.setBuddy(self.second_box)
        self.bar.setTextVisible(False)
        describe(self.bar, "Progress", "How much of the file has been labelled.")
        describe(self.view, "First rows", "The first rows that were written.")
        self.view.setToolTip("")
        self.view.setModel(self.sample)
        self._cells = CellDelegate(self.view)
        self.view.setItemDelegate(self._cells)
        set_up_table(self.view)

    def _lay_out(self, title: str) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        grid.addWidget(plain_label("File"), 0, 0)
        grid.addWidget(self.file_name, 0, 1)
        grid.addWidget(self.file_button, 0, 2)
        grid.addWidget(self.messages["file"], 1, 0, 1, 3)
        grid.addWidget(self.header_box, 2, 1, 1, 2)
        grid.addWidget(self.text_label, 3, 0)
        grid.addWidget(self.text_box, 3, 1, 1, 2)
        grid.addWidget(self.second_label, 4, 0)
        grid.addWidget(self.second_box, 4, 1, 1, 2)
        grid.addWidget(self.messages["columns"], 5, 0, 1, 3)
        grid.addWidget(plain_label("Write to"), 6, 0)
        grid.addWidget(self.out_name, 6, 1)
        grid.addWidget(self.out_button, 6, 2)
        grid.addWidget(self.messages["out"], 7, 0, 1, 3)
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        row.addWidget(self.bar, 1)
        row.addWidget(self.progress_text)
        row.addStretch()
        row.addWidget(self.label_button)
        row.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[spacing(3)] * 4)
        column.setSpacing(spacing(2))
        column.addWidget(plain_label(title, "title", wrap=True))
        column.addWidget(self.about)
        column.addLayout(grid)
        column.addLayout(row)
        column.addWidget(self.done_line)
        column.addWidget(self.view, 1)
        column.addStretch()
        letter = self.fontMetrics().averageCharWidth()
        self.resize(letter * 96, self.fontMetrics().height() * 30)
