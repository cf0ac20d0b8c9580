"""The first rows of a table of data as they stand in the file, with a role for each column."""

import re
from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from fineview.ui.theme import fixed_font, font_for, spacing, theme_colours
from fineview.ui.widgets.cells import CellDelegate, set_row_height, set_up_table
from fineview.ui.widgets.format import count_text
from fineview.ui.widgets.labels import describe, plain_label, plain_tooltip
from fineview.ui.widgets.painting import LEFT, RIGHT
from fineview.ui.widgets.role_header import RoleHeader, role_tint

Index = QModelIndex | QPersistentModelIndex

SHOWN_COLUMNS = 60
"""Columns that are shown of a very wide table, besides those that are used."""
_LONGEST_CELL = 400
_LONGEST_TOOLTIP = 2000
_WIDEST_LETTERS, _WIDEST_IGNORED = 60, 24
_LEAST_LETTERS = 30
_MARGIN = "\u00a0"
_NUMBER = re.compile(r"[-+−]?\d[\d\s.,]*(?:[eE][-+]?\d+)?%?")


class PreviewModel(QAbstractTableModel):
    """Rows of cells; of the columns only those that are shown.

    Attributes:
        columns: Names of all columns.
        shown: Which of them are shown, ascending.
        roles: Role of each column, by name.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.columns: tuple[str, ...] = ()
        self.shown: tuple[int, ...] = ()
        self.roles: Mapping[str, str] = {}
        self._rows: Sequence[Sequence[str]] = ()
        self._lines: Sequence[int] = ()
        self._numeric: tuple[bool, ...] = ()
        self._letters: tuple[int, ...] = ()

    def set_table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]
    ) -> None:
        """Take other rows; no column is shown yet."""
        self.beginResetModel()
        self.columns, self.shown = tuple(columns), ()
        self._rows, self._lines = rows, lines
        self.endResetModel()

    def show_columns(self, shown: Sequence[int]) -> None:
        """Show these columns."""
        self.beginResetModel()
        self.shown = tuple(shown)
        self._numeric = tuple(self.holds_numbers(column) for column in shown)
        self._letters = tuple(
            max((len(row[place]) for row in self._rows if place < len(row)), default=0)
            for place in shown
        )
        self.endResetModel()

    def set_roles(self, roles: Mapping[str, str]) -> None:
        """Tint the columns by their roles."""
        self.roles = roles
        if self._rows and self.shown:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self._rows) - 1, len(self.shown) - 1)
            )

    def cell(self, row: int, column: int) -> str:
        """Return a cell as it stands in the file; `column` counts those that are shown."""
        cells = self._rows[row]
        place = self.shown[column]
        return cells[place] if place < len(cells) else ""

    def letters(self, column: int) -> int:
        """Return the length of the longest cell of a column that is shown."""
        return self._letters[column]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns that are shown."""
        return 0 if parent.isValid() else len(self.shown)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> object:
        """Return a column's name or a row's line."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LEFT if orientation == Qt.Orientation.Horizontal else RIGHT
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return self.columns[self.shown[section]]
            return self._place(section)
        if orientation == Qt.Orientation.Vertical:
            if role == Qt.ItemDataRole.ForegroundRole:
                return QColor(theme_colours().muted)
            if role == Qt.ItemDataRole.FontRole:
                return font_for("fixed-small")
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return what a cell shows."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return " ".join(self.cell(row, column)[:_LONGEST_CELL].split())
        if role == Qt.ItemDataRole.ToolTipRole:
            whole = self.cell(row, column)
            more = f"… ({count_text(len(whole))} letters)" if len(whole) > _LONGEST_TOOLTIP else ""
            return plain_tooltip(whole[:_LONGEST_TOOLTIP] + more)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self._numeric[column] else LEFT
        if role == Qt.ItemDataRole.FontRole:
            return fixed_font() if self._numeric[column] else None
        its = self.roles.get(self.columns[self.shown[column]], "ignore")
        if role == Qt.ItemDataRole.BackgroundRole:
            return role_tint(its)
        if role == Qt.ItemDataRole.ForegroundRole and its == "ignore":
            return QColor(theme_colours().muted)
        return None

    def _place(self, row: int) -> str:
        line = self._lines[row] if row < len(self._lines) else 0
        if not line and any(self._lines):
            return ""
        return f"{_MARGIN}{line or row + 1}{_MARGIN}"

    def holds_numbers(self, place: int) -> bool:
        """Return whether every cell of a column (of all columns) reads as a number."""
        cells = [row[place][:40].strip() for row in self._rows if place < len(row)]
        cells = [cell for cell in cells if cell]
        return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


class TablePreview(QWidget):
    """A table whose columns get roles.

    Attributes:
        view: The Qt table.
        find_edit: Brings a column of a very wide table into sight; hidden where all are shown.

    Signals:
        role_chosen(str, str): A person gave a column, by name, another role.
    """

    role_chosen = Signal(str, str)

    def __init__(self, name: str = "First rows") -> None:
        super().__init__()
        self._model = PreviewModel(self)
        self._found: set[int] = set()
        self._choices: tuple[tuple[str, str], ...] = ()
        self._fitting = self._touched = False
        # Made before the table: Tab goes from here to the boxes of the header, then to the cells.
        self.find_edit = QLineEdit()
        self.view = QTableView()
        describe(self.view, name, "The first rows as they stand in the file.")
        self.view.setToolTip("")
        self._wide = QWidget()
        self._note = plain_label("", "small", wrap=True)
        self._set_up()
        self.setAccessibleName(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns that are shown, from left to right."""
        return tuple(self._model.columns[place] for place in self._model.shown)

    @property
    def note(self) -> str:
        """Return what is said of columns that are not shown, "" where all are."""
        return self._note.text() if not self._wide.isHidden() else ""

    @property
    def header(self) -> RoleHeader:
        """Return the header with the role boxes."""
        return self._header

    def set_table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        lines: Sequence[int],
        roles: Mapping[str, str],
        choices: Sequence[tuple[str, str]],
    ) -> None:
        """Show other rows.

        Args:
            columns: Names of all columns; no two are equal.
            rows: Cells in column order; rows may be shorter.
            lines: Line in its file of each row; 0 where there is none.
            roles: Role of each column, by name.
            choices: (role, word) of each role that can be had.
        """
        self._found = set()
        self._choices = tuple(choices)
        self._model.set_table(columns, rows, lines)
        wide = len(columns) > SHOWN_COLUMNS
        self._wide.setVisible(wide)
        if wide:
            self.find_edit.setCompleter(self._completer(columns))
        self._model.roles = roles
        self._touched = False
        self._show_columns(roles)

    def set_roles(self, roles: Mapping[str, str]) -> None:
        """Show other roles without a signal."""
        if set(self._wanted(roles)) - set(self._model.shown):
            self._model.roles = roles
            self._show_columns(roles)
        else:
            self._model.set_roles(roles)
            self._header.set_roles(roles)

    def clear(self) -> None:
        """Show nothing."""
        self.set_table((), (), (), {}, ())

    def holds_numbers(self, name: str) -> bool:
        """Return whether all cells in sight of a column read as numbers."""
        return name in self._model.columns and self._model.holds_numbers(
            self._model.columns.index(name)
        )

    def reveal(self, name: str) -> None:
        """Bring a column into sight, if it is shown."""
        if name in self.names:
            self.view.scrollTo(self._model.index(0, self.names.index(name)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Fit the columns to the table until a person has set one."""
        if (
            watched is self.view.viewport()
            and event.type() == QEvent.Type.Resize
            and not self._touched
        ):
            self._fit()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            set_row_height(self.view)
            if not self._touched:
                self._fit()

    def _set_up(self) -> None:
        view = self.view
        view.setModel(self._model)
        self._cells = CellDelegate(view)
        view.setItemDelegate(self._cells)
        self._header = RoleHeader(view)
        view.setHorizontalHeader(self._header)
        set_up_table(view)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        # A header with boxes in it must scroll with the columns, pixel by pixel.
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        lines = view.verticalHeader()
        lines.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        lines.setSectionsClickable(False)
        lines.show()
        view.setCornerButtonEnabled(False)
        view.viewport().installEventFilter(self)
        self._header.sectionResized.connect(self._on_resized)
        self._header.role_chosen.connect(self._on_role)
        self.find_edit.setPlaceholderText("Find a column")
        self.find_edit.setClearButtonEnabled(True)
        self.find_edit.setMinimumWidth(self.fontMetrics().averageCharWidth() * 26)
        describe(
            self.find_edit,
            "Find a column",
            "Shows a column of a very wide table – its name – when it is not among those shown.",
        )
        self.find_edit.returnPressed.connect(self._on_find)
        row = QHBoxLayout(self._wide)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing(2))
        row.addWidget(self._note, 1)
        row.addWidget(self.find_edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing(2))
        column.addWidget(self._wide)
        column.addWidget(view, 1)
        self._wide.hide()

    def _completer(self, columns: Sequence[str]) -> QCompleter:
        completer = QCompleter(list(columns), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        return completer

    def _wanted(self, roles: Mapping[str, str]) -> list[int]:
        return [
            place
            for place, name in enumerate(self._model.columns)
            if place < SHOWN_COLUMNS
            or place in self._found
            or roles.get(name, "ignore") != "ignore"
        ]

    def _show_columns(self, roles: Mapping[str, str]) -> None:
        self._fitting = True
        self._model.show_columns(self._wanted(roles))
        self._header.set_columns(self.names, self._choices, self.find_edit)
        self._header.set_roles(roles)
        self._fitting = False
        self._fit()
        total = len(self._model.columns)
        self._note.setText(
            f"{count_text(len(self._model.shown))} of {count_text(total)} columns are shown: the "
            f"first {SHOWN_COLUMNS} and all that are used."
        )

    def _fit(self) -> None:
        """Give every column the room of its cells; texts share what is left over."""
        letter = self.view.fontMetrics().averageCharWidth()
        widths = []
        for column, name in enumerate(self.names):
            used = self._model.roles.get(name, "ignore") != "ignore"
            most = _WIDEST_LETTERS if used else _WIDEST_IGNORED
            letters = max(min(self._model.letters(column), most), min(len(name), 20))
            least = self._header.minimumSectionSize()
            widths.append(max(round(letters * letter * 1.1) + 2 * spacing(2), least))
        spare = self.view.viewport().width() - sum(widths)
        long = [
            column
            for column, name in enumerate(self.names)
            if self._model.roles.get(name) in ("text", "second")
            and self._model.letters(column) >= _WIDEST_IGNORED
        ]
        for column in long:
            most = max(widths[column] + spare // len(long), _LEAST_LETTERS * letter)
            widths[column] = most if spare > 0 else min(most, widths[column])
        fitting, self._fitting = self._fitting, True
        for column, width in enumerate(widths):
            self.view.setColumnWidth(column, width)
        self._fitting = fitting

    @Slot()
    def _on_resized(self) -> None:
        self._touched |= not (self._fitting or self._header.adjusting)

    @Slot(int, str)
    def _on_role(self, section: int, role: str) -> None:
        self.role_chosen.emit(self.names[section], role)

    @Slot()
    def _on_find(self) -> None:
        typed = self.find_edit.text().strip().casefold()
        for place, name in enumerate(self._model.columns):
            if typed and typed == name.casefold():
                self._found.add(place)
                if place not in self._model.shown:
                    self._show_columns(self._model.roles)
                column = self._model.shown.index(place)
                self.view.scrollTo(self._model.index(0, column))
                self._header.combos[column].setFocus()
                return
