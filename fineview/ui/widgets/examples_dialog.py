"""The texts behind a cell or a bar, to read, filter and copy."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QObject,
    QSortFilterProxyModel,
    Qt,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import spacing
from fineview.ui.widgets.cells import CellDelegate, set_up_table
from fineview.ui.widgets.format import plural, share_text
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.text_model import Index, TextModel

Row = tuple[str, str, str, float | None]

HEADER = ("Text", "Label", "Predicted", "Probability")
_LONGEST_CELL = 400
_LONGEST_TOOLTIP = 2000
_SORT_ROLE = int(Qt.ItemDataRole.UserRole)


class _Model(TextModel):
    """Texts with their label, the predicted one and its probability."""

    def __init__(self, rows: Sequence[Row], parent: QObject) -> None:
        super().__init__(HEADER, parent, numbers=(3,))
        self.rows: list[Row] = list(rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        value = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words(index.row(), index.column())[:_LONGEST_CELL]
        if role == _SORT_ROLE:
            return value if value is not None else -1.0
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 0:
            return plain_tooltip(str(value)[:_LONGEST_TOOLTIP])
        return super().data(index, role)

    def words(self, row: int, column: int) -> str:
        """Return a cell as text, on one line."""
        value = self.rows[row][column]
        if isinstance(value, str):
            return " ".join(value.split())
        return share_text(value)


class ExamplesDialog(QDialog):
    """Not modal: it stays beside the plot it came from.

    Attributes:
        filter_edit: What is typed here must occur in a row.
        view: The Qt table.
    """

    def __init__(self, title: str, rows: Sequence[Row], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._model = _Model(rows, self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(_SORT_ROLE)
        self._proxy.setFilterKeyColumn(-1)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filter_edit = QLineEdit()
        self.filter_edit.setPlaceholderText("Filter")
        self.filter_edit.setClearButtonEnabled(True)
        describe(
            self.filter_edit,
            "Filter",
            "Keeps the rows that hold these letters – a word – when the list is long.",
        )
        self.filter_edit.textChanged.connect(self._on_filter)
        self._count = plain_label("", "small")
        self.copy_button = QPushButton("&Copy")
        describe(
            self.copy_button,
            "Copy rows",
            "Copies the selected rows, or all, as a table – paste it into a spreadsheet.",
        )
        self.copy_button.clicked.connect(self.copy)
        self.view = QTableView()
        self._set_up_view(title)
        QShortcut(
            QKeySequence(QKeySequence.StandardKey.Copy),
            self.view,
            activated=self.copy,  # type: ignore[call-overload]  # missing in the stubs
            context=Qt.ShortcutContext.WidgetShortcut,
        )
        top = QHBoxLayout()
        top.setSpacing(spacing(2))
        top.addWidget(self.filter_edit, 1)
        top.addWidget(self._count)
        top.addWidget(self.copy_button)
        column = QVBoxLayout(self)
        margin = spacing(3)
        column.setContentsMargins(margin, margin, margin, margin)
        column.setSpacing(spacing(2))
        heading = plain_label(title, "title", wrap=True)
        column.addWidget(heading)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        letter = self.fontMetrics().averageCharWidth()
        self.resize(letter * 110, self.fontMetrics().height() * 28)
        self._on_filter("")

    @Slot()
    def copy(self) -> None:
        """Put the selected rows, or all that are shown, on the clipboard as TSV."""
        chosen = sorted({index.row() for index in self.view.selectionModel().selectedRows()})
        places = chosen or range(self._proxy.rowCount())
        lines = ["\t".join(HEADER)]
        for place in places:
            row = self._proxy.mapToSource(self._proxy.index(place, 0)).row()
            lines.append("\t".join(self._model.words(row, c) for c in range(len(HEADER))))
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")

    def _set_up_view(self, title: str) -> None:
        view = self.view
        describe(view, title, "The texts, with their label and what the head made of them.")
        view.setToolTip("")
        view.setModel(self._proxy)
        self._cells = CellDelegate(view)
        view.setItemDelegate(self._cells)
        set_up_table(view)
        view.setSortingEnabled(True)
        header = view.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._proxy.sort(-1)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        letter = self.fontMetrics().averageCharWidth()
        for column in (1, 2, 3):
            view.setColumnWidth(column, letter * 18)

    @Slot(str)
    def _on_filter(self, words: str) -> None:
        self._proxy.setFilterFixedString(words)
        shown, total = self._proxy.rowCount(), len(self._model.rows)
        self._count.setText(
            plural(total, "text") if shown == total else f"{shown} of {plural(total, 'text')}"
        )
