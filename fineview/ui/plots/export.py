"""One way to take a figure or its numbers out of the program: clipboard, PNG, SVG, PDF, CSV."""

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QMarginsF,
    QObject,
    QPoint,
    QRect,
    QSize,
    QSizeF,
    Qt,
    Slot,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QGuiApplication,
    QImage,
    QImageWriter,
    QKeySequence,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
)
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QScrollArea, QWidget

from fineview.core.files import spreadsheet_cell
from fineview.ui.theme import LIGHT, Colours, painted_in, theme_colours

Cell = str | int | float | None
Table = tuple[Sequence[str], Sequence[Sequence[Cell]]]
DataSource = Callable[[], Table]
Format = Literal["png", "svg", "pdf", "csv", "tsv"]

FIGURE_FORMATS: tuple[Format, ...] = ("png", "svg", "pdf")
_SCALE = 2
_DPI = 96
_HIDDEN_PROPERTY = "fineviewLeftOutOfExports"
_TALLEST = 4000
"""Pixels to which a figure grows so that a legend that scrolls is drawn whole."""


def leave_out_of_exports(widget: QWidget) -> None:
    """Mark a child, such as a slider, that is not part of the figure."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)
    widget.setProperty(_HIDDEN_PROPERTY, True)


def export_widget(widget: QWidget, path: Path, *, colours: Colours | None = None) -> None:
    """Write a widget as PNG (twice the size), SVG or PDF; texts stay texts in the last two.

    Args:
        widget: What is drawn.
        path: The file; its ending says which format. It is replaced whole or not at all.
        colours: Theme to draw in; by default LIGHT, on white.

    Raises:
        ValueError: The ending is none of .png, .svg, .pdf.
        OSError: The file cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FIGURE_FORMATS:
        raise ValueError(f"“{path.name}” ends in none of .png, .svg, .pdf: choose one of these.")
    with _as_figure(widget, colours, _SCALE if kind == "png" else 1):
        data = {"png": _png, "svg": _svg, "pdf": _pdf}[kind](widget)
    write_atomically(path, data)


def export_table(table: Table, path: Path) -> None:
    """Write numbers as CSV, or as TSV where the path ends so.

    Raises:
        OSError: The file cannot be written.
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    write_atomically(path, table_text(table, separator).encode("utf-8"))


def table_text(table: Table, separator: str = "\t") -> str:
    """Return a table as text; what a spreadsheet would run as a formula is quoted with '."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    header, rows = table
    writer.writerow([_harmless(cell) for cell in header])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return stream.getvalue()


def copy_image(widget: QWidget, *, colours: Colours | None = None) -> None:
    """Put a picture of a widget on the clipboard, twice the size."""
    with _as_figure(widget, colours, _SCALE):
        QGuiApplication.clipboard().setImage(_image(widget))


def copy_table(table: Table) -> None:
    """Put numbers on the clipboard, ready to be pasted into a spreadsheet."""
    QGuiApplication.clipboard().setText(table_text(table))


def add_export_menu(widget: QWidget, data: DataSource, *, name: str = "figure") -> QMenu:
    """Give a widget the menu that all figures share.

    Args:
        widget: What is drawn; a right click opens the menu, Ctrl+C copies the picture.
        data: Asked for the numbers when they are wanted.
        name: Suggested name of the file.

    Returns:
        The menu, to which a figure may add its own actions.
    """
    menu = QMenu(widget)
    menu.setAccessibleName("Export")
    exporter = _Exporter(menu, widget, data, name)
    copy = QAction("Copy image", menu)
    copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    copy.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    copy.triggered.connect(exporter.copy_image)
    widget.addAction(copy)
    numbers = QAction("Copy data", menu)
    numbers.triggered.connect(exporter.copy_data)
    menu.addActions([copy, numbers])
    menu.addSeparator()
    for kind in ("PNG", "SVG", "PDF", "CSV"):
        action = QAction(f"Save as {kind}…", menu)
        action.setData(kind.lower())
        action.triggered.connect(exporter.save)
        menu.addAction(action)
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    widget.customContextMenuRequested.connect(exporter.open_at)
    return menu


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody sees half of it.

    Raises:
        OSError: The file cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would keep colleagues from reading it
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


class _Exporter(QObject):
    """What the menu of one figure does."""

    def __init__(self, menu: QMenu, widget: QWidget, data: DataSource, name: str) -> None:
        super().__init__(menu)
        self._menu = menu
        self._widget = widget
        self._data = data
        self._name = name

    @Slot()
    def copy_image(self) -> None:
        copy_image(self._widget)

    @Slot()
    def copy_data(self) -> None:
        copy_table(self._data())

    @Slot(QPoint)
    def open_at(self, position: QPoint) -> None:
        self._menu.popup(self._widget.mapToGlobal(position))

    @Slot()
    def save(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.save_as(str(action.data()))

    def save_as(self, kind: str) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self._widget,
            f"Save as {kind.upper()}",
            f"{self._name}.{kind}",
            f"{kind.upper()} (*.{kind})",
        )
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() != f".{kind}":
            path = path.with_name(f"{path.name}.{kind}")
        try:
            if kind in FIGURE_FORMATS:
                export_widget(self._widget, path)
            else:
                export_table(self._data(), path)
        except OSError as error:
            self._complain(f"{path.name} was not saved: {error.strerror or error}.")

    def _complain(self, sentence: str) -> None:
        question = QMessageBox(self._widget)
        question.setIcon(QMessageBox.Icon.Warning)
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setText(sentence)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.open()


@contextmanager
def _as_figure(widget: QWidget, colours: Colours | None, ratio: float) -> Iterator[None]:
    """Hide what is no part of the figure and paint the rest in other colours."""
    hidden = [
        child
        for child in widget.findChildren(QWidget)
        if child.property(_HIDDEN_PROPERTY) and not child.isHidden()
    ]
    for child in hidden:
        child.hide()
    size = widget.size()
    widget.resize(size.width(), max(size.height(), min(_unscrolled(widget), _TALLEST)))
    try:
        # All of them: under a style sheet children do not inherit the palette of their parent.
        parts = [widget, *widget.findChildren(QWidget)]
        with painted_in(colours or LIGHT, parts, ratio=ratio):
            yield
    finally:
        widget.resize(size)
        for child in hidden:
            child.show()


def _unscrolled(widget: QWidget) -> int:
    """Return the height at which nothing inside needs to be scrolled."""
    missing = [0]
    for area in widget.findChildren(QScrollArea):
        inside = area.widget()
        if inside is not None and area.isVisibleTo(widget):
            missing.append(inside.sizeHint().height() - area.viewport().height())
    return widget.height() + max(missing)


def _ground() -> QColor:
    colours = theme_colours()
    return QColor(colours.surface)


def _image(widget: QWidget) -> QImage:
    image = QImage(widget.size() * _SCALE, QImage.Format.Format_RGB32)
    image.fill(_ground())
    image.setDevicePixelRatio(_SCALE)
    painter = QPainter(image)
    _render(widget, painter)
    painter.end()
    return image


def _render(widget: QWidget, painter: QPainter) -> None:
    """Draw the widget without the ground of the window, which is not white."""
    widget.render(painter, QPoint(), renderFlags=QWidget.RenderFlag.DrawChildren)


def _png(widget: QWidget) -> bytes:
    buffer = _buffer()
    # QImage.save(device, format) cannot be called in PySide6 6.11 as its stubs have it.
    if not QImageWriter(buffer, QByteArray(b"png")).write(_image(widget)):
        raise OSError("the picture could not be encoded")
    return _bytes(buffer)


def _svg(widget: QWidget) -> bytes:
    buffer = _buffer()
    # 1.1 knows clip paths; in 1.2 Tiny a curve would run out of its axes.
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size())
    generator.setViewBox(QRect(QPoint(), widget.size()))
    generator.setResolution(_DPI)
    generator.setTitle(widget.accessibleName() or "fineview")
    generator.setDescription(widget.accessibleDescription())
    painter = QPainter(generator)
    painter.fillRect(QRect(QPoint(), widget.size()), _ground())
    _render(widget, painter)
    painter.end()
    return _bytes(buffer)


def _pdf(widget: QWidget) -> bytes:
    buffer = _buffer()
    writer = QPdfWriter(buffer)
    size: QSize = widget.size()
    points = QSizeF(size.width() * 72 / _DPI, size.height() * 72 / _DPI)
    writer.setResolution(_DPI)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(points, QPageSize.Unit.Point),
            QPageLayout.Orientation.Portrait,
            QMarginsF(0, 0, 0, 0),
        )
    )
    writer.setTitle(widget.accessibleName() or "fineview")
    writer.setCreator("fineview")
    painter = QPainter(writer)
    painter.fillRect(QRect(QPoint(), size), _ground())
    _render(widget, painter)
    painter.end()
    return _bytes(buffer)


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer


def _bytes(buffer: QBuffer) -> bytes:
    buffer.close()
    data: QByteArray = buffer.data()
    return bytes(data.data())


def _harmless(cell: Cell) -> Cell:
    return spreadsheet_cell(cell) if isinstance(cell, str) else cell
