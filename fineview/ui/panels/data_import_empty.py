"""What the import page shows before a file is open."""

from PySide6.QtCore import QRectF, QSize, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fineview.ui.theme import make_primary, mix, set_icon, spacing, theme_colours
from fineview.ui.widgets.empty_state import EmptyState
from fineview.ui.widgets.labels import describe
from fineview.ui.widgets.painting import box, pen
from fineview.ui.widgets.role_header import role_colour

_KINDS = (
    "CSV, TSV, JSON Lines, Parquet, Excel, CoNLL and CoNLL-U, “LABEL text” lines, or a folder: "
    "with a sub-folder of text files for each class, or with train, dev and test files."
)
_ROWS = (0.92, 0.64, 0.8, 0.5, 0.72)
"""How full the lines of the drawn table are."""


class _TablePicture(QWidget):
    """A small table: one column is the text, one the label."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(spacing(44), spacing(24))

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = theme_colours()
        text, label = role_colour("text") or colours.accent, role_colour("label") or colours.good
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect())
        box(painter, frame, fill=colours.surface, line=pen(colours.strong_line), radius=6)
        left, split, right = spacing(3), frame.width() * 0.7, frame.right() - spacing(2)
        line = frame.height() / (len(_ROWS) + 1)
        for row in range(len(_ROWS) + 1):
            top = row * line + line / 2 - spacing(0.75)
            if row == 0:
                box(painter, QRectF(left, top, split * 0.3, spacing(1.5)), fill=text, radius=2)
                head = QRectF(split + spacing(2), top, (right - split) * 0.5, spacing(1.5))
                box(painter, head, fill=label, radius=2)
                continue
            painter.setPen(pen(colours.line))
            painter.drawLine(0, round(row * line), round(frame.right()), round(row * line))
            wide = (split - left - spacing(2)) * _ROWS[row - 1]
            pale = mix(colours.surface, text, 0.4)
            box(painter, QRectF(left, top, wide, spacing(1.5)), fill=pale, radius=2)
            wide = (right - split - spacing(3)) * (0.9 if row % 2 else 0.6)
            pale = mix(colours.surface, label, 0.4)
            box(painter, QRectF(split + spacing(2), top, wide, spacing(1.5)), fill=pale, radius=2)
        painter.end()


class ImportEmpty(EmptyState):
    """Drop a file here, or press a button.

    Attributes:
        file_button, folder_button, paste_button, samples_button: From left to right.
        samples_menu: The sample files; filled when it is opened.

    Signals:
        file_wanted(), folder_wanted(), paste_wanted(): A button was pressed.
        sample_wanted(str): Save this sample file.
    """

    file_wanted = Signal()
    folder_wanted = Signal()
    paste_wanted = Signal()
    sample_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__("Drop a file or a folder here", _KINDS)
        self.file_button = QPushButton("Open file…")
        set_icon(self.file_button, "folder")
        make_primary(self.file_button)
        describe(
            self.file_button,
            "Open file",
            "Choose one file, or several that make one task, such as train, dev and test.",
        )
        self.folder_button = QPushButton("Open folder…")
        describe(
            self.folder_button,
            "Open folder",
            "Choose a folder with train, dev and test files, or with a sub-folder for each class.",
        )
        self.paste_button = QPushButton("Paste table")
        describe(
            self.paste_button,
            "Paste table",
            "Takes rows that were copied in a spreadsheet or a text editor – first row: names of "
            "columns.",
        )
        self.samples_button = QPushButton("Sample files")
        describe(
            self.samples_button,
            "Sample files",
            "Saves a small real file in one of the layouts – to see how yours should look.",
        )
        self.samples_menu = QMenu(self.samples_button)
        self.samples_menu.setToolTipsVisible(True)
        self.samples_menu.setAccessibleName("Sample files")
        self.samples_menu.aboutToShow.connect(self._fill_samples)
        self.samples_button.setMenu(self.samples_menu)
        self.file_button.clicked.connect(self.file_wanted)
        self.folder_button.clicked.connect(self.folder_wanted)
        self.paste_button.clicked.connect(self.paste_wanted)
        row = QHBoxLayout()
        row.setSpacing(spacing(2))
        row.addStretch(1)
        for button in (
            self.file_button,
            self.folder_button,
            self.paste_button,
            self.samples_button,
        ):
            row.addWidget(button)
        row.addStretch(1)
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        picture = QHBoxLayout()
        picture.addStretch(1)
        picture.addWidget(_TablePicture())
        picture.addStretch(1)
        column.insertLayout(1, picture)
        column.insertSpacing(2, spacing(4))
        column.insertSpacing(column.count() - 1, spacing(4))
        column.insertLayout(column.count() - 1, row)

    @Slot()
    def _fill_samples(self) -> None:
        from fineview.core.data.samples import SAMPLES

        if self.samples_menu.actions():
            return
        for sample in SAMPLES:
            action = self.samples_menu.addAction(f"{sample.title} ({sample.suffix})")
            action.setToolTip(sample.description)
            action.setData(sample.name)
            action.triggered.connect(self._on_sample)

    @Slot()
    def _on_sample(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.sample_wanted.emit(str(sender.data()))  # type: ignore[attr-defined]
