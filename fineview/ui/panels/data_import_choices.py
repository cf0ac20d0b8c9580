"""The left column of the import sheet: what the task is, and how its files are read."""

from dataclasses import replace
from typing import cast

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from fineview.core.data.plan import Format, ImportPlan, Inspection, ReadSettings
from fineview.core.data.task import LabelKind, Level
from fineview.ui.theme import spacing
from fineview.ui.widgets.calm_combo import CalmCombo
from fineview.ui.widgets.labels import describe, plain_label
from fineview.ui.widgets.message_line import MessageLine
from fineview.ui.widgets.number_field import NumberField
from fineview.ui.widgets.section import Section
from fineview.ui.widgets.segmented import Segmented

FORMATS: dict[Format, str] = {
    "delimited": "CSV, TSV",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "conll": "CoNLL, CoNLL-U",
    "lines": "LABEL text",
    "folder": "Class folders",
    "xlsx": "Excel",
}
ENCODINGS: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "utf-32": "UTF-32",
    "cp1252": "cp1252, Western",
    "latin-1": "Latin-1, Western",
    "cp1250": "cp1250, Central European",
    "cp1251": "cp1251, Cyrillic",
    "mac_roman": "Mac Roman",
    "shift_jis": "Shift JIS, Japanese",
    "gb18030": "GB 18030, Chinese",
    "big5": "Big5, Chinese",
    "euc_kr": "EUC-KR, Korean",
}
DELIMITERS: dict[str, str] = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    " ": "space",
    ":": "colon",
}
LEVELS: dict[Level, str] = {
    "sentence": "Sentence: one text and one label.",
    "pair": "Pair: two texts and one label.",
    "word": "Word: each word of a sentence has a label.",
}
SAMPLE_ROWS = 20_000
_ENCODED: tuple[Format, ...] = ("delimited", "jsonl", "conll", "lines", "folder")


class ImportChoices(QWidget):
    """Fields of the plan that are no column's, and the settings of the reader.

    Attributes:
        title, label_kind, sample, sample_rows, sample_seed: Fields of the plan.
        format, encoding, delimiter, header, sheet: Settings; the first entry of each box says
            what was found out.
        meaning, source, licence: About the task; may stay empty.
        sample_message, settings_message: Beside the fields that they are about.

    Signals:
        plan_changed(): A person changed what the plan says.
        settings_changed(ReadSettings): A person wants the files read another way.
    """

    plan_changed = Signal()
    settings_changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._settings = self._fit = ReadSettings()
        self._inspection: Inspection | None = None
        self._kind_chosen = self._title_typed = False
        self.title = QLineEdit()
        self.label_kind = Segmented(
            (("class", "Classes"), ("number", "Numbers")),
            "Labels",
            "Whether a label is one of a few names or a number – classes – choose numbers for "
            "ratings and scores.",
        )
        self.level = plain_label("", "small", wrap=True)
        self.sample = QCheckBox("Use a random sample")
        self.sample_rows = NumberField(
            "Rows of the sample",
            "How many rows are drawn – 20 000 – fewer are faster, more are surer.",
            value=SAMPLE_ROWS,
            minimum=5,
            maximum=100_000_000,
            integer=True,
        )
        self.sample_seed = NumberField(
            "Seed of the sample",
            "The same seed draws the same rows – 0 – change it to see another sample.",
            value=0,
            minimum=0,
            maximum=2**31 - 1,
            integer=True,
        )
        self.sample_message = MessageLine("Sample")
        self.format = CalmCombo(
            "Layout",
            "How the file is laid out – found out from its beginning – change it where the table "
            "looks wrong.",
        )
        self.encoding = CalmCombo(
            "Encoding",
            "Which bytes make which letters – UTF-8 – change it where letters look wrong.",
        )
        self.delimiter = CalmCombo(
            "Delimiter",
            "What stands between two cells – comma or tab – change it where cells run together.",
        )
        self.header = Segmented(
            (("yes", "Names"), ("no", "Data")),
            "First row",
            "Whether the first row names the columns – names – choose data where it is a row like "
            "the others.",
        )
        self.sheet = CalmCombo(
            "Sheet", "Which sheet of the spreadsheet – the first – change it to read another one."
        )
        self.settings_message = MessageLine("How the file is read")
        self.reasons = plain_label("", "small", wrap=True)
        self.about = Section("About this task", folded=True)
        self.meaning, self.source, self.licence = QLineEdit(), QLineEdit(), QLineEdit()
        self._rows: dict[str, tuple[QLabel, QWidget]] = {}
        self._lay_out()
        self._connect()

    def settings(self) -> ReadSettings:
        """Return what a person has fixed of how the files are read."""
        return self._settings

    def apply(self, plan: ImportPlan) -> ImportPlan:
        """Return a plan with what these fields say."""
        return replace(
            plan,
            title=self.title.text().strip() or plan.title,
            label_kind=cast("LabelKind", self.label_kind.value),
            sample=int(self.sample_rows.value) if self.sample.isChecked() else None,
            sample_seed=int(self.sample_seed.value),
        )

    def reset(self) -> None:
        """Forget everything: other files are coming."""
        self._settings = self._fit = ReadSettings()
        self._inspection = None
        self._kind_chosen = self._title_typed = False
        self.sample.setChecked(False)
        self.sample_rows.set_value(SAMPLE_ROWS)
        self.sample_seed.set_value(0)
        self._on_ticked(False)
        self.label_kind.set_choice_enabled("number", True)
        for field in (self.title, self.meaning, self.source, self.licence):
            field.clear()
        self.about.set_folded(True)
        self.reasons.clear()
        self.level.clear()
        self.sample_message.clear()
        self.settings_message.clear()
        self._show_settings(None)

    def show_inspection(self, inspection: Inspection) -> None:
        """Show what was found out; what a person has typed stays."""
        plan = inspection.plan
        self._inspection, self._fit = inspection, self._settings
        if not self._title_typed:
            self.title.setText(plan.title)
            self.title.setCursorPosition(0)
        if not self._kind_chosen or plan.words:
            self.label_kind.set_value(plan.label_kind)
        self.label_kind.set_choice_enabled(
            "number", not plan.words, "Labels of words are always classes."
        )
        self.reasons.setText("\n".join(inspection.reasons))
        self.reasons.setVisible(bool(inspection.reasons))
        self.settings_message.clear()
        self._show_settings(inspection)

    def show_misfit(self, words: str) -> None:
        """Say that the settings do not fit the files, and go back to the last that did."""
        self._settings = self._fit
        self._show_settings(self._inspection)
        self.settings_message.show_message("bad", words)

    def show_plan(self, plan: ImportPlan) -> None:
        """Show the level that the roles make."""
        self.level.setText(LEVELS[plan.level])

    def tick_sample(self, rows: int = SAMPLE_ROWS) -> None:
        """Choose a sample, as a press on the box does."""
        self.sample_rows.set_value(rows)
        self.sample.setChecked(True)
        self._on_ticked(True)
        self.plan_changed.emit()

    def choose_kind(self, kind: LabelKind) -> None:
        """Choose what labels are, as a press on the segment does."""
        self.label_kind.set_value(kind)
        self._on_kind()

    def _lay_out(self) -> None:
        for field, name, tip in (
            (self.title, "Name", "What the task is called on screen – the file's name."),
            (self.meaning, "Meaning", "What the label means – one sentence – for your readers."),
            (self.source, "Source", "Where the texts come from – a paper, an address."),
            (self.licence, "Licence", "The terms of the texts – CC BY 4.0 – if you know them."),
        ):
            describe(field, name, tip)
        describe(
            self.sample,
            "Use a random sample",
            "Draws so many rows evenly from all over the files – off – tick it for large files.",
        )
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(spacing(2))
        grid.setVerticalSpacing(spacing(2))
        grid.setColumnStretch(1, 1)
        self._heading(grid, "Task")
        self._row(grid, "title", "Name", self.title)
        self._row(grid, "kind", "Labels", self.label_kind)
        self._span(grid, self.level)
        self._span(grid, self.sample)
        self._row(grid, "rows", "Rows", self.sample_rows)
        self._row(grid, "seed", "Seed", self.sample_seed)
        self._span(grid, self.sample_message)
        self._heading(grid, "How it is read")
        for key, label in (
            ("format", "Layout"),
            ("encoding", "Encoding"),
            ("delimiter", "Delimiter"),
            ("header", "First row"),
            ("sheet", "Sheet"),
        ):
            self._row(grid, key, label, getattr(self, key))
        self._span(grid, self.settings_message)
        self._span(grid, self.reasons)
        about = QGridLayout()
        about.setContentsMargins(0, 0, 0, 0)
        about.setHorizontalSpacing(spacing(2))
        about.setVerticalSpacing(spacing(2))
        for key in ("meaning", "source", "licence"):
            self._row(about, key, key.capitalize(), getattr(self, key))
        self.about.body.addLayout(about)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, spacing(1), 0)
        column.setSpacing(spacing(2))
        column.addLayout(grid)
        column.addWidget(self.about)
        column.addStretch(1)
        self.sample_message.clear()
        self.settings_message.clear()

    def _heading(self, grid: QGridLayout, words: str) -> None:
        self._span(grid, plain_label(words, "title"))

    def _span(self, grid: QGridLayout, widget: QWidget) -> None:
        grid.addWidget(widget, grid.rowCount(), 0, 1, 2)

    def _row(self, grid: QGridLayout, key: str, words: str, field: QWidget) -> None:
        label = plain_label(words)
        label.setBuddy(field)
        row = grid.rowCount()
        grid.addWidget(label, row, 0)
        grid.addWidget(field, row, 1)
        self._rows[key] = (label, field)

    def _connect(self) -> None:
        self.title.textEdited.connect(self._on_title)
        self.label_kind.changed.connect(self._on_kind)
        self.sample.clicked.connect(self._on_sample)
        self.sample_rows.changed.connect(self._on_number)
        self.sample_seed.changed.connect(self._on_number)
        self.header.changed.connect(lambda value: self._set(header=value == "yes"))
        self.format.chosen.connect(lambda value: self._set(format=value or None))
        self.encoding.chosen.connect(lambda value: self._set(encoding=value or None))
        self.delimiter.chosen.connect(lambda value: self._set(delimiter=value or None))
        self.sheet.chosen.connect(lambda value: self._set(sheet=value or None))

    def _set(self, **changes: object) -> None:
        settings = replace(self._settings, **changes)  # type: ignore[arg-type]
        if settings != self._settings:
            if "format" in changes:  # what was fixed of another layout says nothing of this one
                settings = ReadSettings(format=settings.format, encoding=settings.encoding)
            self._settings = settings
            self.settings_changed.emit(settings)

    def _show_settings(self, inspection: Inspection | None) -> None:
        plan = inspection.plan if inspection is not None else None
        settings = self._settings
        found = plan.format if plan is not None else None
        self._offer(self.format, FORMATS, settings.format, found)
        self._offer(self.encoding, ENCODINGS, settings.encoding, plan.encoding if plan else None)
        self._offer(
            self.delimiter, DELIMITERS, settings.delimiter, plan.delimiter if plan else None
        )
        sheets = inspection.sheets if inspection is not None else ()
        self._offer(
            self.sheet,
            {name: name for name in sheets},
            settings.sheet,
            plan.sheet if plan else None,
        )
        if plan is not None:
            self.header.set_value("yes" if plan.header else "no")
        shown = found or settings.format
        for key, there in (
            ("encoding", shown is None or shown in _ENCODED),
            ("delimiter", shown is None or shown == "delimited"),
            ("header", shown in ("delimited", "xlsx")),
            ("sheet", bool(sheets)),
        ):
            for widget in self._rows[key]:
                widget.setVisible(there)

    @staticmethod
    def _offer(
        combo: CalmCombo,
        names: dict[str, str] | dict[Format, str],
        fixed: str | None,
        found: str | None,
    ) -> None:
        known = cast("dict[str, str]", names)
        found_out = bool(found) and fixed is None
        first = f"Found: {known.get(found or '', found)}" if found_out else "Find out"
        more = {} if not fixed or fixed in known else {fixed: fixed}
        combo.set_choices([("", first), *known.items(), *more.items()], fixed or "")

    @Slot()
    def _on_title(self) -> None:
        self._title_typed = True

    @Slot()
    def _on_kind(self) -> None:
        self._kind_chosen = True
        self.plan_changed.emit()

    @Slot(bool)
    def _on_sample(self, ticked: bool) -> None:
        self._on_ticked(ticked)
        self.plan_changed.emit()

    def _on_ticked(self, ticked: bool) -> None:
        for key in ("rows", "seed"):
            for widget in self._rows[key]:
                widget.setVisible(ticked)
        self.sample_message.clear()

    @Slot()
    def _on_number(self) -> None:
        self.sample_message.clear()
        self.plan_changed.emit()
