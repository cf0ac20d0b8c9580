"""What reading leaves out and tells, how it samples, stops, and hands rows to a trained head."""

from dataclasses import replace

import pyarrow as pa
import pytest
from pyarrow import parquet

from fineview.core.data.library import TaskLibrary
from fineview.core.data.reading import inspect, read, records
from fineview.core.errors import ImportProblem, JobCancelled, StoreError
from fineview.core.progress import Silent
from tests.core.readers_support import TEXTS, conll, jsonl, look, read_all, reviews, write


class Watch(Silent):
    """Counts what is asked and told; stops at the given check."""

    def __init__(self, stop_at: int = 0) -> None:
        self.checks = 0
        self.told: list[tuple[int, int]] = []
        self._stop_at = stop_at

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.told.append((done, total))

    def check(self) -> None:
        self.checks += 1
        if self.checks == self._stop_at:
            raise JobCancelled


def large(path, rows=30_000):
    body = "".join(f"a text of some words {i},{'ab'[i % 2]}\n" for i in range(rows))
    return write(path, "text,label\n" + body)


def test_every_row_left_out_is_told_with_line_and_reason(tmp_path):
    body = 'good text,a\n ,a\nlonely,\n"two\nlines",b,more\nfine,b\n,\n' + reviews(header="")
    found = look(write(tmp_path / "a.csv", "text,label\n" + body))
    got, table = read_all(found, tmp_path / "out")
    assert [(d.file, d.line, d.reason) for d in got.dropped] == [
        ("a.csv", 3, "the text is empty"),
        ("a.csv", 4, "the label is empty"),
        ("a.csv", 5, "the row has 3 cells where 2 are expected"),
        ("a.csv", 8, "the text is empty"),
    ]
    assert got.reasons[0] == ("the text is empty", 2)
    assert (got.rows, got.kept, len(table["text"])) == (16, 12, 12)
    assert got.notes[0].startswith("4 of 16 rows were left out (the text is empty: 2; ")


def test_an_empty_second_text_leaves_the_pair_out(tmp_path):
    lines = [f"premise {i},{'' if i == 3 else f'hypothesis {i}'},{'ab'[i % 2]}" for i in range(9)]
    found = look(write(tmp_path / "a.csv", "premise,hypothesis,label\n" + "\n".join(lines)))
    got, table = read_all(found, tmp_path / "out")
    assert [(d.line, d.reason) for d in got.dropped] == [(5, "the second text is empty")]
    assert list(table) == ["text", "second", "label"]


def test_labels_that_are_no_finite_numbers_are_left_out_one_by_one(tmp_path):
    labels = ["1.5", "2", "x", "nan", "-inf", "1e999", "1_0", "", "3", "-4e-1", "0"]
    body = "".join(f"text {i},{label}\n" for i, label in enumerate(labels))
    found = look(write(tmp_path / "a.csv", "text,score\n" + body))
    got, table = read_all(found, tmp_path / "out", label_kind="number")
    assert table["label"] == [1.5, 2.0, 3.0, -0.4, 0.0]
    assert [(d.line, d.reason) for d in got.dropped] == [
        (4, "the label is not a number ('x')"),
        (5, "the label is not a finite number ('nan')"),
        (6, "the label is not a finite number ('-inf')"),
        (7, "the label is not a finite number ('1e999')"),
        (8, "the label is not a number ('1_0')"),
        (9, "the label is empty"),
    ]
    assert got.reasons[0] == ("the label is not a finite number", 3)


@pytest.mark.slow
def test_a_broken_json_line_at_the_end_of_a_million_is_named(tmp_path):
    row = '{"text":"some words","label":"a"}\n{"text":"other words","label":"b"}\n'
    path = write(tmp_path / "a.jsonl", row * 500_000 + '{"text": "cut of')
    watch = Watch()
    found = look(path)
    (tmp_path / "out").mkdir()
    got = read(found.plan, tmp_path / "out", watch)
    assert got.kept == 1_000_000
    [left] = got.dropped
    assert left.line == 1_000_001
    assert left.reason == "broken JSON (unterminated string starting at)"
    assert watch.told[-1][0] == watch.told[-1][1] == path.stat().st_size


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a", "label": NaN}', "NaN is not a JSON number"),
        ('{"text": "a", "label": -Infinity}', "-Infinity is not a JSON number"),
        ('{"text": "a", "label": "b", "text": "c"}', "the key 'text' stands twice"),
        ('{"text": "a", "label": ' + "9" * 5000 + "}", "number with too many digits"),
        ('{"text": ' + "[" * 50_000, "the JSON is nested too deeply"),
        ('{"text": ["a"], "label": "b"}', "'text' holds a list or an object, not a text"),
        ('{"text": {"a": 1}, "label": "b"}', "'text' holds a list or an object, not a text"),
        ('["a", "b"]', "the line is not a JSON object"),
        ('{"text": null, "label": "b"}', "the text is empty"),
        ('{"text": "a"}', "the label is empty"),
    ],
)
def test_json_that_breaks_a_rule_is_left_out_with_its_line(tmp_path, line, reason):
    rows = [{"text": text, "label": i % 2} for i, text in enumerate(TEXTS)]
    path = write(tmp_path / "a.jsonl", jsonl(rows[:4]) + line + "\n" + jsonl(rows[4:]))
    got, table = read_all(look(path), tmp_path / "out")
    [left] = got.dropped
    assert left.line == 5
    assert reason in left.reason
    assert (table["text"], got.classes) == (list(TEXTS), ("0", "1"))


def test_half_a_surrogate_pair_is_replaced_and_told(tmp_path):
    rows = "".join(
        f'{{"text": "broken \\ud83d {i}", "label": "\\udc00{i % 2}"}}\n' for i in range(6)
    )
    got, table = read_all(look(write(tmp_path / "a.jsonl", rows)), tmp_path / "out")
    assert table["text"][0] == "broken � 0"
    assert got.classes == ("�0", "�1")
    assert "6 texts held half of a surrogate pair; � stands in its place." in got.notes


def test_a_ragged_conll_line_drops_its_sentence_with_the_line(tmp_path):
    good = conll([[("a", "X"), ("b", "Y")]] * 6)
    path = write(tmp_path / "a.conll", good + "\nc X\nd\ne Y\n\nf  \n")
    got, table = read_all(look(path), tmp_path / "out")
    assert len(table["words"]) == 6
    assert [(d.line, d.reason) for d in got.dropped] == [
        (20, "a line has 1 columns where 2 are expected"),
        (23, "a line has 1 columns where 2 are expected"),
    ]


def test_words_and_labels_of_different_number_are_left_out(tmp_path):
    rows = [{"tokens": ["a", "b"], "tags": ["X", "Y"]}] * 6
    odd = [{"tokens": ["a"], "tags": ["X", "Y"]}, {"tokens": "a", "tags": []}, {"tags": ["X"]}]
    missing = [{"tokens": ["a", ""], "tags": ["X", "Y"]}, {"tokens": ["a"], "tags": [None]}]
    path = write(tmp_path / "a.jsonl", jsonl([*rows, *odd, *missing]))
    got, _ = read_all(look(path), tmp_path / "out")
    assert [(d.line, d.reason) for d in got.dropped] == [
        (7, "there are 1 words but 2 labels"),
        (8, "'tokens' is not a list of words"),
        (9, "'tokens' is not a list of words"),
        (10, "a word is empty (word 2)"),
        (11, "a word has no label (word 1: a)"),
    ]


def test_a_class_only_in_the_test_split_and_a_rare_one_are_noted(tmp_path):
    write(tmp_path / "set" / "train.csv", reviews(rows=20) + "seldom seen,rare\n")
    write(tmp_path / "set" / "test.csv", reviews() + "a surprise,new\n" * 3)
    got, _ = read_all(look(tmp_path / "set"), tmp_path / "out")
    assert got.notes == (
        "Only the test split has the class 'new': no head can learn that.",
        "Fewer than 3 times there is the class 'rare'.",
    )
    assert (got.classes, got.counts) == (("bad", "good", "new", "rare"), (15, 15, 3, 1))


def test_a_split_column_wins_over_the_files_name(tmp_path):
    lines = [f"{text},{'ab'[i % 2]},{('dev', 'other', '')[i % 3]}" for i, text in enumerate(TEXTS)]
    path = write(tmp_path / "train.csv", "text,label,split\n" + "\n".join(lines).replace(", ", " "))
    found = look(path)
    plan = found.plan.with_role("split", "split")
    (tmp_path / "out").mkdir()
    got = read(plan, tmp_path / "out")
    assert got.given == {"train": 6, "validation": 4}


def test_a_sample_is_seeded_keeps_the_order_and_forgets_no_place(tmp_path):
    found = look(large(tmp_path / "a.csv"))
    drawn = []
    for number, seed in enumerate((1, 1, 2)):
        got, table = read_all(found, tmp_path / f"{number}", sample=3_000, sample_seed=seed)
        assert (got.rows, got.kept, sum(got.counts)) == (30_000, 3_000, 3_000)
        drawn.append([int(text.rsplit(" ", 1)[1]) for text in table["text"]])
    assert drawn[0] == drawn[1] == sorted(drawn[0])
    assert drawn[0] != drawn[2]
    assert all(220 < sum(1 for i in drawn[0] if i // 3_000 == part) < 380 for part in range(10))
    assert "3,000 of 30,000 rows were drawn at random (seed 2)." in got.notes


def test_a_sample_larger_than_the_file_keeps_all(tmp_path):
    got, _ = read_all(look(write(tmp_path / "a.csv", reviews())), tmp_path / "o", sample=1_000)
    assert (got.kept, got.notes) == (10, ())


@pytest.mark.parametrize("stop_at", [1, 2, 3, 10, 40])
def test_a_cancelled_reading_leaves_nothing(tmp_path, stop_at):
    found = look(large(tmp_path / "a.csv", 150_000))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(JobCancelled):
        read(found.plan, out, Watch(stop_at))
    assert list(out.iterdir()) == []


def test_looking_can_be_cancelled(tmp_path):
    with pytest.raises(JobCancelled):
        inspect([large(tmp_path / "a.csv")], report=Watch(1))


def test_a_disk_that_is_full_is_told_and_nothing_is_left(tmp_path, monkeypatch):
    found = look(large(tmp_path / "a.csv", 100_000))
    out = tmp_path / "out"
    out.mkdir()

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(StoreError, match="The disk is full"):
        read(found.plan, out)
    assert list(out.iterdir()) == []


def test_reading_asks_often_and_tells_how_far_it_is(tmp_path):
    path = large(tmp_path / "a.csv", 100_000)
    watch = Watch()
    (tmp_path / "out").mkdir()
    read(look(path).plan, tmp_path / "out", watch)
    assert watch.checks >= path.stat().st_size // (1 << 16)
    assert [done for done, _ in watch.told] == sorted(done for done, _ in watch.told)
    assert {total for _, total in watch.told} == {path.stat().st_size}
    assert watch.told[-1][0] == path.stat().st_size


def test_the_schema_is_the_one_agreed_upon(tmp_path):
    lines = [f"first {i},second {i},{i % 2},train,g{i % 3}" for i in range(8)]
    head = "sentence1,sentence2,label,split,group\n"
    found = look(write(tmp_path / "a.csv", head + "\n".join(lines)))
    read_all(found, tmp_path / "pair")
    assert parquet.read_schema(tmp_path / "pair" / "rows.parquet") == pa.schema(
        [
            ("text", pa.large_string()),
            ("second", pa.large_string()),
            ("label", pa.large_string()),
            ("split", pa.string()),
            ("group", pa.large_string()),
        ]
    )
    read_all(found, tmp_path / "number", label_kind="number")
    assert parquet.read_schema(tmp_path / "number" / "rows.parquet").field("label").type == "double"
    words = look(write(tmp_path / "b.conll", conll([[("a", "X"), ("b", "Y")]] * 6)))
    read_all(words, tmp_path / "word")
    assert parquet.read_schema(tmp_path / "word" / "rows.parquet") == pa.schema(
        [("words", pa.list_(pa.large_string())), ("labels", pa.list_(pa.large_string()))]
    )


@pytest.mark.parametrize("kind", ["csv", "conll"])
def test_what_was_read_becomes_a_task_of_the_library(tmp_path, kind):
    if kind == "csv":
        path = write(tmp_path / "my texts.csv", reviews(rows=40))
    else:
        path = write(tmp_path / "tags.conll", conll([[("a", "X"), ("b", "Y")]] * 20))
    library = TaskLibrary(tmp_path / "library")
    with library.staging() as staging:
        info = library.keep(read(look(path).plan, staging))
    task = library.load(info.name)
    assert len(task) == 40
    assert task.classes == (("bad", "good") if kind == "csv" else ("X", "Y"))


def test_records_give_every_row_of_a_file_in_order(tmp_path):
    body = 'text,extra\nfirst,1\n,2\ntoo,many,cells\n"of\ntwo lines",4\nshort\nlast,6\n'
    found = look(write(tmp_path / "a.csv", body))
    plan = replace(found.plan, roles={"text": "text", "extra": "ignore"})
    made = list(records(plan))
    assert [(r.line, r.text, r.cells) for r in made] == [
        (2, "first", ("first", "1")),
        (3, "", ("", "2")),
        (4, "", ("too", "many")),
        (5, "of\ntwo lines", ("of\ntwo lines", "4")),
        (7, "", ("short", "")),
        (8, "last", ("last", "6")),
    ]


def test_records_of_other_layouts_come_whole(tmp_path):
    rows = [{"q": f"why {i}", "meta": {"n": i}, "text": f"because {i}"} for i in range(5)]
    found = look(write(tmp_path / "a.jsonl", jsonl(rows) + "{broken\n"))
    plan = found.plan.with_role("q", "second")
    made = list(records(plan))
    assert (made[1].text, made[1].second) == ("because 1", "why 1")
    assert (list(plan.roles)[1], made[1].cells[1]) == ("meta.n", "1")
    assert (made[5].line, made[5].text, made[5].cells) == (6, "", ("", "", ""))
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    made = list(records(look(tmp_path / "a.parquet").plan.with_role("text", "text")))
    assert made[4].cells == ("why 4", '{"n": 4}', "because 4")


def test_records_of_words_are_whole_sentences(tmp_path):
    path = write(tmp_path / "a.conll", conll([[("a", "X"), ("b", "Y")]] * 3) + "\nc\nd Y\n\n")
    made = list(records(look(path).plan))
    assert [(r.line, r.words) for r in made] == [
        (1, ("a", "b")),
        (4, ("a", "b")),
        (7, ("a", "b")),
        (10, ()),
    ]
    assert made[0].word_cells == (("a", "X"), ("b", "Y"))
    assert made[0].text == "a b"


def test_records_take_one_file(tmp_path):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / "set" / name, reviews())
    with pytest.raises(ImportProblem, match="2 files were chosen, and one is labelled at a time"):
        next(records(look(tmp_path / "set").plan))
