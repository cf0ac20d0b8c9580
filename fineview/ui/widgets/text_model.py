"""What tables of texts have in common: titles with room around them, numbers in digits."""

from collections.abc import Sequence, Sized

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from fineview.ui.theme import fixed_font
from fineview.ui.widgets.cells import HEADER_MARGIN
from fineview.ui.widgets.labels import plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT

Index = QModelIndex | QPersistentModelIndex


class TextModel(QAbstractTableModel):
    """Cells are made by `words` when they come into sight; subclasses add tooltips of cells.

    Attributes:
        rows: What the rows are.
    """

    rows: Sized = ()

    def __init__(
        self, header: Sequence[str], parent: QObject | None = None, *,
        numbers: Sequence[int] = (), tips: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Name the columns.

        Args:
            header: Titles.
            parent: Owner.
            numbers: Columns that are written in digits, at the right.
            tips: What each column is, said where the mouse rests on its title; or none.
        """
        super().__init__(parent)
        self._header = header
        self._numbers = numbers
        self._tips = tips

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._header)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> object:
        """Return a title, aligned as its column, or what the column is."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(self._tips[section]) if self._tips else None
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{HEADER_MARGIN}{self._header[section]}{HEADER_MARGIN}"
        return self.alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a cell."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        if role == Qt.ItemDataRole.FontRole and index.column() in self._numbers:
            return fixed_font()
        return None

    def words(self, row: int, column: int) -> str:
        """Return a cell as text, on one line."""
        raise NotImplementedError

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Return where the texts of a column stand."""
        return RIGHT if column in self._numbers else LEFT
