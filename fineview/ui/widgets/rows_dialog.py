"""Rows that were left out: where they stand, and why."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QTableView, QVBoxLayout, QWidget

from fineview.ui.theme import spacing
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

Row = tuple[str, int, str]

HEADER = ("File", "Line", "Reason")


class _Model(TextModel):
    """File, line and reason of each row."""

    def __init__(self, rows: Sequence[Row], parent: QObject) -> None:
        super().__init__(HEADER, parent, numbers=(1,))
        self.rows: tuple[Row, ...] = tuple(rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.ToolTipRole and index.column() != 1:
            return plain_tooltip(self.words(index.row(), index.column())[:2000])
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell as text, on one line."""
        value = self.rows[row][column]
        if isinstance(value, int):
            return str(value) if value else ""
        return " ".join(value.split())


class RowsDialog(QDialog):
    """Not modal: it stays beside the sheet it came from.

    Attributes:
        view: The Qt table.
        copy_button: Copies the selected rows, or all.
    """

    def __init__(
        self, title: str, sentence: str, rows: Sequence[Row], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(False)
        self._model = _Model(rows, self)
        self.copy_button = QPushButton("&Copy")
        describe(
            self.copy_button,
            "Copy rows",
            "Copies the selected rows, or all, as a table – paste it into a spreadsheet.",
        )
        self.copy_button.clicked.connect(self.copy)
        self.view = QTableView()
        describe(self.view, title, sentence)
        self.view.setToolTip("")
        self.view.setModel(self._model)
        self._cells = CellDelegate(self.view)
        self.view.setItemDelegate(self._cells)
        set_up_table(self.view)
        letter = self.fontMetrics().averageCharWidth()
        self.view.setColumnWidth(0, letter * 26)
        self.view.setColumnWidth(1, letter * 12)
        self.view.horizontalHeader().setStretchLastSection(True)
        QShortcut(
            QKeySequence(QKeySequence.StandardKey.Copy),
            self.view,
            activated=self.copy,  # type: ignore[call-overload]  # missing in the stubs
            context=Qt.ShortcutContext.WidgetShortcut,
        )
        top = QHBoxLayout()
        top.setSpacing(spacing(2))
        top.addWidget(plain_label(sentence, wrap=True), 1)
        top.addWidget(self.copy_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[spacing(3)] * 4)
        column.setSpacing(spacing(2))
        column.addWidget(plain_label(title, "title", wrap=True))
        column.addLayout(top)
        column.addWidget(self.view, 1)
        self.resize(letter * 96, self.fontMetrics().height() * 26)

    @Slot()
    def copy(self) -> None:
        """Put the selected rows, or all, on the clipboard as TSV."""
        chosen = sorted({index.row() for index in self.view.selectionModel().selectedRows()})
        lines = ["\t".join(HEADER)]
        lines += [
            "\t".join(self._model.words(row, column) for column in range(len(HEADER)))
            for row in chosen or range(len(self._model.rows))
        ]
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
