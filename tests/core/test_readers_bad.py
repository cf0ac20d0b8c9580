"""Files that are broken, or hold no task: each gives one sentence with the place and the remedy."""

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from fineview.core.data.plan import ReadSettings
from fineview.core.data.reading import inspect, read, records
from fineview.core.errors import ConfigError, ImportProblem, StoreError
from tests.core.readers_support import TEXTS, conll, jsonl, look, reviews, write, xlsx

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(200))
GOOD = [{"text": text, "label": "ab"[i % 2]} for i, text in enumerate(TEXTS)]


def refusal(path: Path, tmp_path: Path, **changes: object) -> ImportProblem:
    """Return what looking at a file, or else reading it, is refused with; nothing is left."""
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ImportProblem) as caught:
        read(replace(look(path).plan, **changes), out)
    assert list(out.iterdir()) == []
    problem = caught.value
    assert problem.remedy
    assert problem.remedy in str(problem)
    assert "\n" not in str(problem)
    assert len(str(problem)) < 600
    return problem


CASES = {  # name: (content, line, column, part of what, part of the remedy)
    "empty.csv": (b"", 0, "", "the file is empty", "choose a file that holds texts"),
    "blank.csv": (b" \n\n \n", 0, "", "nothing but white space", "choose a file"),
    "header.csv": (b"text,label\n", 0, "", "there are no rows but the header", "choose a file"),
    "one-row.csv": (b"text,label\nhello there,a\n", 0, "", "1 of 1 rows can be used", "add texts"),
    "one-class.csv": (
        reviews().replace(",bad", ",good").encode(),
        0,
        "label",
        "every label is 'good'",
        "choose another label column",
    ),
    "all-differ.csv": (
        ("text,label\n" + "".join(f"text {i},c{i}\n" for i in range(12))).encode(),
        0,
        "label",
        "all 12 labels differ",
        "treat the labels as numbers",
    ),
    "too-many-classes.csv": (
        ("text,label\n" + "".join(f"text {i},c{i // 2}\n" for i in range(4000))).encode(),
        0,
        "label",
        "more than 1,000 classes",
        "choose another label column",
    ),
    "no-labels.csv": (
        b"text,label\n" + b"".join(b"text %d,\n" % i for i in range(8)) + b"x,a\n",
        2,
        "label",
        "1 of 9 rows can be used (8 were left out because the label is empty)",
        "choose other columns",
    ),
    "nul.csv": (b"text,label\nabc,a\nd\x00ef,b\n", 3, "", "a NUL byte", "utf-16"),
    "picture.csv": (PNG, 0, "", "seems to be a PNG image", "choose a file of text"),
    "archive.csv": (b"PK\x03\x04" + b"\0" * 60, 0, "", "a zip archive", "unpack it"),
    "document.txt": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 0, "", "a PDF document", "choose a file"),
    "program.tsv": (b"MZ\x90\x00\x03\x00\x00\x00", 0, "", "a program for Windows", "choose"),
    "old.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, 0, "", "encrypted", "save it"),
    "old.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, 0, "", "Office", "save it as"),
    "gzip.jsonl": (b"\x1f\x8b\x08\x00\x00\x00", 0, "", "a gzip archive", "unpack it first"),
    "magic.parquet": (b"PAR1" + b"\x07" * 90 + b"PAR1", 0, "", "damaged", "get the whole file"),
    "broken.xlsx": (b"PK\x03\x04" + b"xl/" * 60, 0, "", "the spreadsheet is broken", "save it"),
    "lists.jsonl": (b"[1, 2]\n[3, 4]\n", 1, "", "no line holds a JSON object", "write one object"),
    "half.json": (json.dumps(GOOD)[:-1].encode(), 1, "", "the array is not closed", "whole file"),
    "crash.json": (
        json.dumps(GOOD, indent=1).replace('"text": "a dull', '"text" "a dull').encode(),
        23,
        "",
        "the array is broken (expecting ':' delimiter)",
        "mend that value",
    ),
    "deep.json": (b"[" * 200_000, 1, "", "nested too deeply", "one flat object"),
    "deep.jsonl": (b'{"a":' * 100_000 + b"\n", 1, "", "nested too deeply", "write one object"),
    "words.conll": (b"a\nb\nc\n\nd\n", 0, "", "the lines have one column", "a word and its label"),
    "comments.conllu": (b"# text = a\n# newdoc\n", 0, "", "no sentence", "a word and its label"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_refused_with_its_place_and_a_remedy(tmp_path, name):
    content, line, column, what, remedy = CASES[name]
    problem = refusal(write(tmp_path / name, content), tmp_path)
    assert (problem.file, problem.line, problem.column) == (name, line, column)
    assert what in problem.what
    assert remedy in problem.remedy


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    found = look(write(tmp_path / "a.csv", reviews()))
    write(tmp_path / "a.csv", reviews(header="text,klass"))
    with pytest.raises(ImportProblem) as caught:
        read(found.plan, tmp_path)
    problem = caught.value
    assert (problem.file, problem.line, problem.column) == ("a.csv", 1, "label")
    assert "there are 'text', 'klass'" in problem.what


def test_a_plan_without_label_or_text_is_refused_before_anything_is_read(tmp_path):
    found = look(write(tmp_path / "a.txt", "\n".join(TEXTS)))
    with pytest.raises(ConfigError, match="Choose the column that holds the label"):
        read(found.plan, tmp_path)


def test_names_of_kilobytes_do_not_make_sentences_of_kilobytes(tmp_path):
    name = "label" * 500
    path = write(tmp_path / "a.csv", reviews(header=f"text,{name}").replace(",bad", ",good"))
    problem = refusal(path, tmp_path, roles={"text": "text", name: "label"}, header=True)
    assert len(str(problem)) < 250


def test_rows_are_never_written_over(tmp_path):
    found = look(write(tmp_path / "a.csv", reviews()))
    write(tmp_path / "rows.parquet", b"mine")
    with pytest.raises(StoreError, match="is there already"):
        read(found.plan, tmp_path)
    assert (tmp_path / "rows.parquet").read_bytes() == b"mine"


def test_a_byte_that_is_not_utf8_far_behind_is_told_with_line_and_other_encoding(tmp_path):
    rows = b"some words of a text,a\nsome other words,b\n" * 40_000
    path = write(tmp_path / "a.csv", b"text,label\n" + rows + b"caf\xe9,a\n")
    problem = refusal(path, tmp_path)
    assert problem.line == 80_002
    assert problem.what == "the byte 0xE9 is not utf-8"
    assert "cp1252" in problem.remedy
    (tmp_path / "again").mkdir()
    got = read(look(path, encoding="cp1252").plan, tmp_path / "again")
    assert got.kept == 80_001


def test_utf8_with_one_damaged_letter_stays_utf8_and_is_told_before_and_while_reading(tmp_path):
    rows = "".join(f"schöne Größe für Äpfel {i},{'ab'[i % 2]}\n" for i in range(30)).encode()
    path = write(tmp_path / "a.csv", b"text,label\n" + rows + b"damaged \xc3 letter,a\n")
    found = look(path)
    assert found.plan.encoding == "utf-8"
    assert any("UTF-8 but for the byte 0xC3 in line 32" in reason for reason in found.reasons)
    problem = refusal(path, tmp_path)
    assert (problem.line, problem.what) == (32, "the byte 0xC3 is not utf-8")


def test_a_cell_of_ten_megabytes_is_refused_where_it_begins(tmp_path):
    long = "x" * 10_000_001
    path = write(tmp_path / "a.csv", reviews() + f"{long},a\n")
    problem = refusal(path, tmp_path)
    assert (problem.line, problem.remedy) == (12, "shorten its text, or remove the line")
    path = write(tmp_path / "b.csv", reviews() + f'"{"x" * 9_999_000}\n{"y" * 5_000}",a\n')
    with pytest.raises(ImportProblem, match="line 12: a cell that begins here is longer than 10,0"):
        read(look(path).plan, tmp_path)
    rows = jsonl([*GOOD, {"text": long, "label": "a"}])
    with pytest.raises(ImportProblem, match=r"a\.jsonl, line 11: one line is longer than 10,000,0"):
        read(look(write(tmp_path / "a.jsonl", rows)).plan, tmp_path)


def test_a_quote_that_is_never_closed_is_told_where_it_opens(tmp_path):
    path = write(tmp_path / "a.csv", reviews() + '"open,a\nnext,b\n')
    out = tmp_path / "out"
    out.mkdir()
    got = read(replace(look(path).plan, quote='"'), out)
    assert [(d.line, d.reason) for d in got.dropped] == [(12, "a quote in the row is never closed")]
    long = write(tmp_path / "b.csv", reviews(rows=2000) + '"open,a\n' + "next,b\n" * 200)
    with pytest.raises(ImportProblem, match="line 2,002: a quote that is opened here is never clo"):
        read(replace(look(long).plan, quote='"'), tmp_path)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_a_million_columns_are_refused_quickly(tmp_path, name):
    if name == "a.jsonl":
        content = jsonl([{f"column {i}": 1 for i in range(11_000)}] * 5)
    else:
        between = "," if name == "a.csv" else "\t"
        line = between.join(f"c{i}" for i in range(1_000_000)) + "\n"
        content = line if name == "a.csv" else line[: len(line) // 8] + "\n" + "a\tb\n" * 9
    problem = refusal(write(tmp_path / name, content), tmp_path)
    assert "columns, and 10,000 are the most" in problem.what


def test_a_table_that_is_mostly_broken_is_another_layout(tmp_path):
    body = "text,label\n" + "one,a\n" * 3 + "a,b,c\n" * 700
    path = write(tmp_path / "a.csv", body)
    plan = look(write(tmp_path / "good.csv", reviews())).plan
    plan = replace(plan, files=(replace(plan.files[0], path=path),))
    with pytest.raises(ImportProblem) as caught:
        read(plan, tmp_path)
    assert "501 of the first 504 rows cannot be read" in caught.value.what
    assert "the row has 3 cells where 2 are expected" in caught.value.what
    assert caught.value.line == 5


def test_parquet_that_is_cut_or_nested_is_refused(tmp_path):
    table = pa.table({"text": list(TEXTS), "label": ["a", "b"] * 5, "more": [{"x": 1}] * 10})
    parquet.write_table(table, tmp_path / "a.parquet")
    plan = look(tmp_path / "a.parquet").plan
    with pytest.raises(ImportProblem, match=r"column 'more': the column holds a list or nested"):
        read(plan.with_role("more", "label"), tmp_path)
    whole = (tmp_path / "a.parquet").read_bytes()
    write(tmp_path / "a.parquet", whole[: len(whole) // 2])
    with pytest.raises(ImportProblem, match="cut short or damaged") as caught:
        read(plan, tmp_path)
    assert caught.value.remedy == "get the whole file again"
    damaged = bytearray(whole)
    damaged[20:120] = b"\xff" * 100
    write(tmp_path / "a.parquet", bytes(damaged))
    with pytest.raises(ImportProblem, match=r"a\.parquet"):
        read(plan, tmp_path)
    parquet.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "empty.parquet")
    with pytest.raises(ImportProblem, match="the file has no rows"):
        look(tmp_path / "empty.parquet")
    with pytest.raises(ImportProblem, match=r"a\.csv: this is no Parquet file but something else"):
        look(write(tmp_path / "a.csv", reviews()), format="parquet")


def test_a_spreadsheet_that_would_unpack_to_gigabytes_is_not_unpacked(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", {"one": [["text", "label"]]})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
        book.open("xl/media/a.bin", "w", force_zip64=True) as part,
    ):
        for _ in range(520):
            part.write(bytes(1 << 20))
    assert path.stat().st_size < 4 << 20
    problem = refusal(path, tmp_path)
    assert "unpacks to more than 512 MB" in problem.what
    assert "CSV" in problem.remedy


def test_a_spreadsheet_with_a_cell_at_the_far_corner_is_not_held_in_memory(tmp_path):
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    far = f'{first}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    problem = refusal(xlsx(tmp_path / "a.xlsx", {"one": []}, extra=far), tmp_path)
    assert "1,048,576 rows and 16,384 columns" in problem.what


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        (
            "long",
            '<row r="2"><c r="DDDDDDDDDDDD2"><v>1</v></c></row>',
            "'DDDDDDDDDDDD2' is nowhere",
        ),
        ("high", '<row r="4000000000"><c><v>1</v></c></row>', "the cell '4000000000' is nowhere"),
        ("spaced", '<row><c r\n = \n "XFD1000000"><v>1</v></c></row>', "16,384 columns"),
        ("entity", '<row><c r="&#88;FD1000000"><v>1</v></c></row>', "16,384 columns"),
        ("prefixed", '<row><x:c xmlns:x="y" r="XFD1000000"><v>1</v></x:c></row>', "16,384 columns"),
        ("open", "<row><c><v>1</v></c>" * 9, "broken"),
    ],
)
def test_no_way_of_writing_a_far_cell_gets_through(tmp_path, name, body, what):
    path = xlsx(tmp_path / f"{name}.xlsx", {"one": []}, extra=body)
    assert what in refusal(path, tmp_path).what


def test_a_sheet_that_hides_among_the_pictures_is_checked_as_well(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", {"one": []})
    far = b'<worksheet><sheetData><row><c r="XFD1000000"/></row></sheetData></worksheet>'
    late = b"<a><sheetData>" + b" " * 200_000 + b"<br>&" + far
    unsound = "is not sound XML"
    endless = b'<a b="' + b"c" * (9 << 20)
    for content, what in (
        (far, "16,384 columns"),
        (b"<br>& <sheetData>", unsound),
        (late, unsound),
        (endless, "no end"),
    ):
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as book:
            for part in old.namelist():
                book.writestr(part, old.read(part))
            book.writestr("xl/media/picture.png", content)
        with pytest.raises(ImportProblem, match=what):
            look(tmp_path / "b.xlsx")


def test_a_spreadsheet_of_broken_or_missing_parts_is_refused(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", {"one": []}, extra="<row><c><v>1</row></c>")
    assert "broken" in refusal(path, tmp_path).what
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as book:
        book.writestr("xl/nothing.txt", "")
    with pytest.raises(ImportProblem, match=r"b\.xlsx: the spreadsheet is broken"):
        look(tmp_path / "b.xlsx")
    with zipfile.ZipFile(tmp_path / "c.xlsx", "w") as book:
        book.writestr("word/document.xml", "")
    with pytest.raises(ImportProblem, match=r"c\.xlsx: .*zip archive"):
        look(tmp_path / "c.xlsx")


def test_an_encoding_or_delimiter_that_is_none_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", reviews())
    for encoding in ("klingon", "rot13", "base64", "undefined", "ä", ""):
        with pytest.raises(ImportProblem, match=r"a\.csv: there is no encoding .*utf-8"):
            inspect([path], ReadSettings(encoding=encoding))
    for delimiter in ("ab", "\n", '"'):
        with pytest.raises(ImportProblem, match=r"cannot stand between cells: choose one char"):
            inspect([path], ReadSettings(delimiter=delimiter))
    with pytest.raises(ImportProblem, match=r"a\.csv"):
        inspect([path], ReadSettings(encoding="utf-16"))


def test_files_that_went_away_or_may_not_be_read_are_told(tmp_path):
    path = write(tmp_path / "a.csv", reviews())
    plan = look(path).plan
    path.unlink()
    with pytest.raises(ImportProblem, match=r"a\.csv: the file is not there any more"):
        read(plan, tmp_path)
    with pytest.raises(ImportProblem, match=r"a\.csv: there is no such file"):
        look(path)
    with pytest.raises(ImportProblem, match="no file was chosen"):
        inspect([])
    path.mkdir()
    with pytest.raises(ImportProblem, match=r"a\.csv: a folder cannot be read as this layout"):
        read(plan, tmp_path)


def test_a_file_without_permission_is_told(tmp_path, monkeypatch):
    path = write(tmp_path / "a.csv", reviews())
    plan = look(path).plan
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: let the system refuse by itself
        opened = Path.open

        def refuse(self, *args, **kwargs):
            if self == path:
                raise PermissionError(13, "Permission denied", str(self))
            return opened(self, *args, **kwargs)

        monkeypatch.setattr(Path, "open", refuse)
    for attempt in (lambda: look(path), lambda: read(plan, tmp_path)):
        with pytest.raises(ImportProblem, match=r"a\.csv: the file may not be read: change its"):
            attempt()


def test_a_file_that_disappears_while_a_folder_is_read_is_told(tmp_path):
    for label in "ab":
        for i in range(5):
            write(tmp_path / "set" / label / f"{i}.txt", TEXTS[i])
    plan = look(tmp_path / "set").plan
    rows = records(plan)
    assert next(rows).text == TEXTS[0]
    (tmp_path / "set" / "a" / "3.txt").unlink()
    with pytest.raises(ImportProblem, match="set: the file is not there any more"):
        list(rows)


def test_a_folder_with_nothing_usable_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty" / "README.md", "hello")
    with pytest.raises(ImportProblem, match="empty: the folder holds nothing that can be read"):
        look(tmp_path / "empty")
    write(tmp_path / "two" / "a.csv", reviews())
    write(tmp_path / "two" / "b.jsonl", jsonl(GOOD))
    with pytest.raises(ImportProblem, match=r"files of several kinds \(\.csv, \.jsonl\)"):
        look(tmp_path / "two")


def test_a_layout_that_does_not_fit_is_refused_in_one_sentence(tmp_path):
    paths = [
        write(tmp_path / "a.csv", reviews()),
        write(tmp_path / "b.jsonl", jsonl(GOOD)),
        write(tmp_path / "c.conll", conll([[("a", "B"), ("c", "D")]] * 4)),
        xlsx(tmp_path / "d.xlsx", {"one": [["text", "label"], ["a", "b"]]}),
    ]
    parquet.write_table(pa.table({"text": ["a"]}), tmp_path / "e.parquet")
    (tmp_path / "f").mkdir()
    for path in [*paths, tmp_path / "e.parquet", tmp_path / "f"]:
        for layout in ("delimited", "jsonl", "parquet", "conll", "lines", "folder", "xlsx"):
            try:
                found = inspect([path], ReadSettings(format=layout))
            except ImportProblem:
                continue
            assert found.plan.format == layout
