"""Files as people really have them: titles, nested values, texts of several encodings."""

import pytest

from tests.core.readers_support import LABELS, TEXTS, jsonl, look, read_all, reviews, write, xlsx


@pytest.mark.parametrize("title", ["Reviews of 2023\r\n\r\n", "Reviews of 2023;;\r\nsecret;;\r\n"])
def test_a_title_above_the_header_is_passed_over(tmp_path, title):
    rows = [
        f"{i};{text};{label}" for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    ]
    content = title + "\r\n".join(["Nr.;Bewertungstext;Stimmung", *rows, "Summe;;"])
    found = look(write(tmp_path / "a.csv", content.replace("joy", "größte Freude"), "cp1252"))
    assert found.plan.roles == {"Nr.": "id", "Bewertungstext": "text", "Stimmung": "label"}
    assert any("there is a title" in reason for reason in found.reasons)
    assert found.lines[0] == 4 - title.count(";") % 2
    got, table = read_all(found, tmp_path / "out")
    assert (got.kept, got.classes) == (10, ("bad", "good"))
    assert "größte Freude" in table["text"][0]


def test_a_title_above_the_header_of_a_spreadsheet_is_passed_over(tmp_path):
    rows = [["Course reviews", "", ""], ["Nr", "Review", "Label"]]
    rows += [[i, text, label] for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
    found = look(xlsx(tmp_path / "a.xlsx", {"one": rows}))
    assert found.plan.roles == {"Nr": "id", "Review": "text", "Label": "label"}
    got, _ = read_all(found, tmp_path / "out")
    assert got.kept == 10


def test_a_header_with_one_name_is_no_title(tmp_path):
    found = look(write(tmp_path / "a.csv", reviews(header="text,")), header=True)
    assert list(found.plan.roles) == ["text", "column 2"]
    got, _ = read_all(found, tmp_path / "out", roles={"text": "text", "column 2": "label"})
    assert got.kept == 10


def test_a_survey_has_a_header_though_no_name_is_known_and_times_are_no_texts(tmp_path):
    rows = [
        f'R_{i:04},2023-10-{i % 28 + 1:02} 09:30,"{TEXTS[i % 10]}\n({i})",{LABELS[i % 10]},'
        for i in range(60)
    ]
    header = "Respondent,Submitted on,Q: What do you think of the course?,Q coded,"
    found = look(write(tmp_path / "a.csv", "\n".join([header, *rows])))
    assert found.plan.header
    assert found.plan.column("text") == "Q: What do you think of the course?"
    assert found.plan.column("label") == "Q coded"
    assert found.plan.column("second") == ""


def test_values_in_nested_objects_are_columns_of_their_own(tmp_path):
    rows = [
        {"ticket": {"body": text}, "meta": {"agent": None, "category": {"name": label}}}
        for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    rows.insert(3, {"ticket": {"body": "of no category"}, "meta": {"agent": "x"}})
    rows.insert(5, {"meta": {"category": {"name": "bad"}}})
    found = look(write(tmp_path / "a.jsonl", jsonl(rows)))
    assert found.plan.roles == {
        "ticket.body": "text",
        "meta.agent": "ignore",
        "meta.category.name": "label",
    }
    got, table = read_all(found, tmp_path / "out")
    assert table == {"text": list(TEXTS), "label": list(LABELS)}
    assert dict(got.reasons) == {"the label is empty": 1, "the text is empty": 1}


def test_a_key_with_a_dot_and_an_object_of_many_keys_stay_as_they_are(tmp_path):
    rows = [
        {"my.text": text, "label": label, "counts": {f"w{i}.{j}": j for j in range(9)}}
        for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    ]
    found = look(write(tmp_path / "a.jsonl", jsonl(rows)))
    assert list(found.plan.roles) == ["my.text", "label", "counts"]
    assert found.plan.column("text") == "my.text"
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == list(TEXTS)


def test_texts_of_several_encodings_are_each_read_by_their_own(tmp_path):
    kinds = ("utf-8", "cp1252", "utf-16", "utf-8-sig")
    for i in range(16):
        content = f"Das Café über der Straße, Nummer {i}".encode(kinds[i % 4])
        write(tmp_path / "essays" / "ab"[i // 8] / f"{i:02}.txt", content)
    write(tmp_path / "essays" / "a" / ".DS_Store", b"\0\0\0\1Bud1")
    write(tmp_path / "essays" / "a" / "scan.pdf", b"%PDF-1.4\n\0")
    found = look(tmp_path / "essays")
    assert "The texts have several encodings" in " ".join(found.reasons)
    assert "1 other file is passed over, such as 'scan.pdf'" in " ".join(found.reasons)
    assert [row[0][:13] for row in found.rows] == ["Das Café über"] * 16
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == [f"Das Café über der Straße, Nummer {i}" for i in range(16)]


def test_classes_that_may_be_one_or_none_are_told(tmp_path):
    labels = ["Yes", "yes ", "YES", "no", "N/A"] * 4
    rows = "".join(f"{i} {TEXTS[i % 10]}\t{label}\n" for i, label in enumerate(labels))
    found = look(write(tmp_path / "a.tsv", "TEXT\tLABEL\n" + rows))
    got, _ = read_all(found, tmp_path / "out")
    notes = " ".join(got.notes)
    assert "Only capitals or blanks tell apart the classes 'YES', 'Yes', 'yes'" in notes
    assert "There is the class 'N/A', which may stand for a missing label" in notes
    clean = look(write(tmp_path / "b.csv", reviews()))
    assert read_all(clean, tmp_path / "out2")[0].notes == ()


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [("utf-8", "cp1252", "cp1252"), ("utf-16", "ascii", "utf-8"), ("utf-16", "cp1252", "cp1252")],
)
def test_splits_of_class_folders_may_have_different_encodings(tmp_path, one, other, found):
    word = "cafe" if other == "ascii" else "café"
    for split, kind in (("train", one), ("test", other)):
        for i in range(8):
            path = tmp_path / "set" / split / "ab"[i % 2] / f"{i}.txt"
            write(path, f"le {word} {split} {i}", kind)
    inspection = look(tmp_path / "set")
    assert inspection.plan.encoding == found
    got, table = read_all(inspection, tmp_path / "out")
    assert (got.kept, got.given) == (16, {"train": 8, "test": 8})
    assert sorted(table["text"]) == sorted(
        f"le {word} {s} {i}" for s in ("train", "test") for i in range(8)
    )
