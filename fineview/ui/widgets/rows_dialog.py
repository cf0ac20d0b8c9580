"""Rows that were left out: where they stand, and why."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QTableView, QVBoxLayout, QWidget

from fineview.ui.theme import fixed_font, spacing
from fineview.ui.widgets.cells import HEADER_MARGIN, CellDelegate, set_up_table
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT

Index = QModelIndex | QPersistentModelIndex
Row = tuple[str, int, str]

HEADER = ("File", "Line", "Reason")


class _Model(QAbstractTableModel):
    """File, line and reason of each row."""

    def __init__(self, rows: Sequence[Row], parent: QObject) -> None:
        super().__init__(parent)
        self.rows = tuple(rows)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(HEADER)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{HEADER_MARGIN}{HEADER[section]}{HEADER_MARGIN}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if section == 1 else LEFT
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words(index.row(), index.column())
        if role == Qt.ItemDataRole.ToolTipRole and index.column() != 1:
            return plain_tooltip(self.words(index.row(), index.column())[:2000])
        if role == Qt.ItemDataRole.FontRole and index.column() == 1:
            return fixed_font()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() == 1 else LEFT
        return None

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
