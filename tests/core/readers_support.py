"""Files that the tests of the readers make."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from fineview.core.data.plan import Imported, Inspection, ReadSettings
from fineview.core.data.reading import inspect, read

TEXTS = (
    "the film was a joy from beginning to end",
    "nobody should have to sit through this again",
    "a warm and quiet story about two old friends",
    "the plot falls apart after the first half hour",
    "she plays the part with great care and wit",
    "a dull and noisy mess, without a single idea",
    "I laughed, I cried, I went to see it twice",
    "they forgot to write an ending for it",
    "beautifully shot and very well acted",
    "the jokes are older than the cinema itself",
)
LABELS = ("good", "bad") * 5
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def reviews(delimiter: str = ",", header: str = "text,label", rows: int = 10) -> str:
    lines = [header.replace(",", delimiter)] if header else []
    lines += [f'"{TEXTS[i % 10]}"{delimiter}{LABELS[i % 10]}' for i in range(rows)]
    return "\n".join(lines) + "\n"


def look(path: Path, **settings: object) -> Inspection:
    return inspect([path], ReadSettings(**settings))


def read_all(found: Inspection, folder: Path, **changes: object) -> tuple[Imported, dict]:
    """Read by a plan; returns what came of it and the columns of rows.parquet."""
    from dataclasses import replace

    from pyarrow import parquet

    folder.mkdir(exist_ok=True)
    got = read(replace(found.plan, **changes), folder)
    return got, parquet.read_table(folder / "rows.parquet").to_pydict()


def jsonl(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def xlsx(
    path: Path, sheets: Mapping[str, Sequence[Sequence[object]]], extra: str | None = None
) -> Path:
    """Write a spreadsheet; `extra` replaces the XML of the first sheet's rows."""
    kinds = [
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="application/vnd.'
        f'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for i in range(1, len(sheets) + 1)
    ]
    names = [
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>'
        for i, name in enumerate(sheets, 1)
    ]
    links = [
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
            f'"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f"{''.join(kinds)}</Types>",
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets>{"".join(names)}</sheets>'
            f"</workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}</Relationships>',
        )
        for i, rows in enumerate(sheets.values(), 1):
            body = extra if extra is not None and i == 1 else "".join(_row(*row) for row in rows)
            book.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'<worksheet xmlns="{_SHEETS}"><sheetData>{body}</sheetData></worksheet>',
            )
    return path


def _row(*cells: object) -> str:
    made = []
    for value in cells:
        if isinstance(value, bool):
            made.append(f'<c t="b"><v>{int(value)}</v></c>')
        elif isinstance(value, int | float):
            made.append(f"<c><v>{value}</v></c>")
        else:
            made.append(f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>')
    return f"<row>{''.join(made)}</row>"


def conll(sentences: Sequence[Sequence[tuple[str, ...]]], between: str = " ") -> str:
    return "\n".join("".join(between.join(word) + "\n" for word in s) for s in sentences)
