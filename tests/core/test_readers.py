"""Well-made files: what is guessed from their beginning, and what reading them gives."""

import json
import random

import pyarrow as pa
import pytest
from pyarrow import parquet

from fineview.core.data.plan import ReadSettings
from fineview.core.data.reading import inspect
from fineview.core.errors import ImportProblem
from tests.core.readers_support import (
    LABELS,
    TEXTS,
    conll,
    jsonl,
    look,
    read_all,
    reviews,
    write,
    xlsx,
)

ROWS = [{"text": text, "label": label} for text, label in zip(TEXTS, LABELS, strict=True)]
TAGGED = [[("Anna", "PER"), ("sees", "O"), ("Rome", "LOC")], [("It", "O"), ("rains", "O")]] * 5


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_found_though_texts_hold_commas(tmp_path, delimiter):
    found = look(write(tmp_path / "reviews.csv", reviews(delimiter)))
    assert found.plan.delimiter == delimiter
    assert found.plan.roles == {"text": "text", "label": "label"}
    got, table = read_all(found, tmp_path / "out")
    assert table == {"text": list(TEXTS), "label": list(LABELS)}
    assert (got.classes, got.counts, got.kept, got.items) == (("bad", "good"), (5, 5), 10, 10)


def test_a_delimiter_of_ones_own_is_taken(tmp_path):
    found = look(write(tmp_path / "a.txt", reviews("^")), format="delimited", delimiter="^")
    assert found.plan.roles == {"text": "text", "label": "label"}


def test_quotes_that_quote_nothing_are_left_in_the_text(tmp_path):
    lines = [f'"{text}\t{i % 2}' for i, text in enumerate(TEXTS)]
    found = look(write(tmp_path / "cola.tsv", "\n".join(lines)))
    assert (found.plan.delimiter, found.plan.quote, found.plan.header) == ("\t", "", False)
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == [f'"{text}' for text in TEXTS]


def test_lines_are_those_where_records_start_even_after_quoted_newlines(tmp_path):
    content = 'text,label\n"one\ntwo\nthree",a\n\nplain,b\n"x\ny",a\nz,b\nw,a\n'
    found = look(write(tmp_path / "a.csv", content))
    assert found.lines == (2, 6, 7, 9, 10)
    got, _ = read_all(found, tmp_path / "out")
    assert got.kept == 5
    broken = write(tmp_path / "b.csv", content + "too,many,cells\n")
    got, _ = read_all(look(broken), tmp_path / "out2")
    assert [(d.line, d.reason) for d in got.dropped] == [
        (11, "the row has 3 cells where 2 are expected")
    ]


@pytest.mark.parametrize(
    ("first", "header"),
    [
        ("text,label", True),
        ("Satz,Klasse", True),
        ("review body,stars", True),
        ("", False),
    ],
)
def test_the_header_is_found_by_comparing_the_first_row_with_the_others(tmp_path, first, header):
    found = look(write(tmp_path / "a.csv", reviews(header=first, rows=40)))
    assert found.plan.header is header
    assert list(found.plan.roles.values()) == ["text", "label"]
    if not header:
        assert list(found.plan.roles) == ["column 1", "column 2"]


def test_the_users_word_on_the_header_counts(tmp_path):
    path = write(tmp_path / "a.csv", reviews())
    found = look(path, header=False)
    assert found.rows[0] == ("text", "label")
    assert list(found.plan.roles) == ["column 1", "column 2"]


def test_names_that_repeat_or_lack_get_names_of_their_own(tmp_path):
    path = write(tmp_path / "a.csv", "text,label,label,\n" + "some words,a,b,c\nmore words,d,e,f\n")
    assert list(look(path).plan.roles) == ["text", "label", "label (2)", "column 4"]


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("sentence1,sentence2,label,idx", "text,second,label,id"),
        ("idx,question,sentence,label", "id,text,second,label"),
        ("text,split,label", "text,split,label"),
        ("id,Review,Stars", "id,text,label"),
        ("label,text,label_text", "label,text,ignore"),
        ("title,foo,content,category", "ignore,ignore,text,label"),
    ],
)
def test_roles_follow_known_names(tmp_path, names, roles):
    made = {"idx": "{i}", "id": "{i}", "split": "train"}
    short = dict.fromkeys(("label", "Stars", "label_text", "category", "foo"), "c{two}")
    cells = [{**short, **made}.get(name, "some longer text {i}") for name in names.split(",")]
    lines = [",".join(cells).format(i=i, two=i % 2) for i in range(12)]
    found = look(write(tmp_path / "a.csv", "\n".join([names, *lines])))
    assert list(found.plan.roles.values()) == roles.split(",")


def test_roles_follow_values_where_names_tell_nothing(tmp_path):
    lines = [f"{i},{('train', 'dev', 'test')[i % 3]},{LABELS[i]},{TEXTS[i]!r}" for i in range(10)]
    path = write(tmp_path / "a.tsv", "\n".join(lines).replace(",", "\t", -1))
    found = look(write(path, "\n".join("\t".join(line.split(",", 3)) for line in lines)))
    assert list(found.plan.roles.values()) == ["id", "split", "label", "text"]
    got, table = read_all(found, tmp_path / "out")
    assert table["split"][:3] == ["train", "validation", "test"]
    assert got.given == {"train": 4, "validation": 3, "test": 3}


def test_two_columns_of_texts_without_names_make_a_pair(tmp_path):
    lines = [f"{TEXTS[i]}\t{TEXTS[-i - 1]}\t{i % 2}" for i in range(10)]
    found = look(write(tmp_path / "a.tsv", "\n".join(lines)))
    assert list(found.plan.roles.values()) == ["text", "second", "label"]
    assert found.plan.level == "pair"
    _, table = read_all(found, tmp_path / "out")
    assert table["second"][0] == TEXTS[-1]


def test_a_column_of_texts_alone_has_no_label_and_a_reason_says_so(tmp_path):
    found = look(write(tmp_path / "texts.txt", "\n".join(TEXTS)))
    assert found.plan.delimiter == ""
    assert list(found.plan.roles.values()) == ["text"]
    assert [row[0] for row in found.rows] == list(TEXTS)
    assert any("No column looks like a label" in reason for reason in found.reasons)


def test_many_numbers_are_numbers_and_a_few_are_classes(tmp_path):
    scores = "\n".join(f"text number {i},{i / 7:.2f}" for i in range(60))
    assert look(write(tmp_path / "a.csv", f"text,score\n{scores}")).plan.label_kind == "number"
    stars = "\n".join(f"text number {i},{i % 5 + 1}" for i in range(60))
    found = look(write(tmp_path / "b.csv", f"text,stars\n{stars}"))
    assert found.plan.label_kind == "class"
    got, table = read_all(found, tmp_path / "out", label_kind="number")
    assert table["label"][:3] == [1.0, 2.0, 3.0]
    assert (got.classes, got.items) == ((), 60)


def test_numbers_with_a_decimal_comma_are_numbers_where_semicolons_stand_between(tmp_path):
    scores = "".join(f"text number {i};{i},5\n" for i in range(60))
    found = look(write(tmp_path / "a.csv", f"text;score\n{scores}"))
    assert found.plan.label_kind == "number"
    _, table = read_all(found, tmp_path / "out")
    assert table["label"][:2] == [0.5, 1.5]
    thousands = "".join(f'text number {i},"{i},500"\n' for i in range(60))
    assert look(write(tmp_path / "b.csv", f"text,score\n{thousands}")).plan.label_kind == "class"


def test_rows_that_will_be_left_out_are_announced(tmp_path):
    found = look(write(tmp_path / "a.csv", reviews() + "a,b,c\n"))
    assert found.reasons[-1] == (
        "1 of the first 11 rows will be left out "
        "(line 12: the row has 3 cells where 2 are expected)."
    )
    assert found.rows[-1] == ("a", "b")


def test_well_known_files_without_useful_names_are_understood(tmp_path):
    spam = "v1,v2,,,\n" + "".join(
        f'{"ham" if i % 3 else "spam"},"{TEXTS[i % 10]} {i}",,,\n' for i in range(30)
    )
    found = look(write(tmp_path / "spam.csv", spam, "latin-1"))
    assert list(found.plan.roles.items())[:2] == [("v1", "label"), ("v2", "text")]
    cola = "".join(
        f"{'gj04' if i < 20 else 'rhl07'}\t{i % 2}\t{'' if i % 2 else '*'}\t{TEXTS[i % 10]} {i}\n"
        for i in range(40)
    )
    found = look(write(tmp_path / "in_domain_train.tsv", cola))
    assert list(found.plan.roles.values())[-1] == "text"
    news = "".join(
        f'"{i % 4 + 1}","Title {i}","{TEXTS[i % 10]} and {TEXTS[-i % 10]} {i}"\n' for i in range(40)
    )
    found = look(write(tmp_path / "train.csv", news))
    assert list(found.plan.roles.values()) == ["label", "ignore", "text"]
    emotion = "".join(
        f"{TEXTS[i % 10]} {i};{('joy', 'anger', 'fear')[i % 3]}\n".replace(", ", " ")
        for i in range(30)
    )
    found = look(write(tmp_path / "val.txt", emotion))
    assert list(found.plan.roles.values()) == ["text", "label"]
    ham = "".join(f"{'ham' if i % 3 else 'spam'}\t{TEXTS[i % 10]} {i}\n" for i in range(30))
    found = look(write(tmp_path / "SMSSpamCollection", ham))
    assert (found.plan.delimiter, list(found.plan.roles.values())) == ("\t", ["label", "text"])


def test_classes_that_are_numbers_are_ordered_by_value_and_stay_apart_as_written(tmp_path):
    labels = ["10", "9", "1", "1.0", "-2"] * 3
    body = "".join(f"some text {i},{label}\n" for i, label in enumerate(labels))
    got, _ = read_all(look(write(tmp_path / "a.csv", "text,label\n" + body)), tmp_path / "out")
    assert got.classes == ("-2", "1", "1.0", "9", "10")


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found(tmp_path, encoding, named):
    text = "text,label\n" + "".join(
        f"Ein schöner Satz über Bücher, Äpfel und Öl: Größe {i};,{'ab'[i % 2]}\n".replace(", ", " ")
        for i in range(20)
    )
    found = look(write(tmp_path / "a.csv", text, encoding))
    assert found.plan.encoding == named
    assert list(found.plan.roles) == ["text", "label"]
    _, table = read_all(found, tmp_path / "out")
    assert table["text"][3] == "Ein schöner Satz über Bücher Äpfel und Öl: Größe 3;"
    assert any("not UTF-8" in reason for reason in found.reasons) is (named == "cp1252")


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("shift_jis", "これは日本語の文章です。今日は天気がいいですね"),
        ("gb18030", "这是一个中文句子。今天天气很好。我们去公园吧"),
        ("euc_kr", "이것은 한국어 문장입니다. 오늘 날씨가 좋네요"),
        ("cp1251", "Привет, как дела? Это предложение на русском языке"),
    ],
)
def test_older_encodings_of_other_scripts_are_found(tmp_path, encoding, line):
    body = "".join(f"{line}\t{'ab'[i % 2]}\n" for i in range(12))
    found = look(write(tmp_path / "a.tsv", body, encoding))
    assert found.rows[0][0] == line


def test_mixed_newlines_right_to_left_and_emoji_are_no_trouble(tmp_path):
    content = "text,label\r\nשלום עולם,a\nمرحبا بالعالم,b\r\n👩‍👩‍👧 family 🎉,a\rplain,b\nlast,a"
    folder = tmp_path / "a folder with 🎈 and  spaces"
    found = look(write(folder / "my 📄 file.csv", content))
    assert found.lines == (2, 3, 4, 5, 6)
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == ["שלום עולם", "مرحبا بالعالم", "👩‍👩‍👧 family 🎉", "plain", "last"]


def test_one_byte_of_an_old_encoding_is_told_with_its_line(tmp_path):
    body = b"".join(b"LOC:city Which city is number %d ?\n" % i for i in range(30))
    path = write(tmp_path / "train.txt", body + b"NUM:date When was Caf\xe9 Noir built ?\n" * 3)
    found = look(path)
    assert found.plan.encoding == "cp1252"
    assert any("0xE9 in line 31" in reason for reason in found.reasons)
    assert found.rows[-1] == ("NUM", "date", "When was Café Noir built ?")


def test_files_named_for_splits_make_one_task(tmp_path):
    for name in ("en-ud-train", "en-ud-dev", "en-ud-test"):
        write(tmp_path / "set" / f"{name}.csv", reviews())
    write(tmp_path / "set" / "README.md", "nothing to read")
    found = look(tmp_path / "set")
    assert [(f.path.name, f.split) for f in found.plan.files] == [
        ("en-ud-train.csv", "train"),
        ("en-ud-dev.csv", "validation"),
        ("en-ud-test.csv", "test"),
    ]
    assert found.plan.title == "set"
    got, table = read_all(found, tmp_path / "out")
    assert got.given == {"train": 10, "validation": 10, "test": 10}
    assert table["split"] == ["train"] * 10 + ["validation"] * 10 + ["test"] * 10


def test_files_of_different_columns_or_layouts_are_refused(tmp_path):
    train = write(tmp_path / "train.csv", reviews(rows=20))
    other = write(tmp_path / "test.csv", reviews(header="text,klass"))
    with pytest.raises(ImportProblem, match=r"test\.csv: its columns are 'text', 'klass', but"):
        inspect([train, other])
    layout = write(tmp_path / "dev.jsonl", jsonl(ROWS))
    with pytest.raises(ImportProblem, match=r"dev\.jsonl.* is laid out as jsonl, but train\.csv"):
        inspect([train, layout])
    wide = write(tmp_path / "dev.csv", reviews(), "utf-16")
    with pytest.raises(ImportProblem, match=r"train\.csv: the file is utf-8, but dev\.csv is utf"):
        inspect([train, wide])


@pytest.mark.parametrize("suffix", ["jsonl", "json", "txt"])
def test_jsonl_is_read_whatever_the_file_is_called(tmp_path, suffix):
    found = look(write(tmp_path / f"a.{suffix}", jsonl(ROWS)))
    assert (found.plan.format, found.lines[:2]) == ("jsonl", (1, 2))
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == list(TEXTS)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_read_on_one_line_or_many(tmp_path, indent):
    found = look(write(tmp_path / "a.json", json.dumps(ROWS, indent=indent)))
    assert found.plan.roles == {"text": "text", "label": "label"}
    assert found.lines[:2] == ((1, 1) if indent is None else (2, 6))
    _, table = read_all(found, tmp_path / "out")
    assert table["label"] == list(LABELS)


def test_a_json_array_larger_than_any_piece_of_it_is_read(tmp_path):
    rows = [{"text": f"{i} " + "word " * 300, "label": i % 3} for i in range(1500)]
    path = write(tmp_path / "a.json", json.dumps(rows))
    assert path.stat().st_size > 2 << 20
    got, table = read_all(look(path), tmp_path / "out")
    assert (got.kept, got.classes) == (1500, ("0", "1", "2"))
    assert table["text"][-1].startswith("1499 word")


def test_lists_of_words_and_labels_make_a_task_of_words(tmp_path):
    rows = [{"id": i, "tokens": ["a", "b", "c"], "tags": ["X", "Y", "X"]} for i in range(6)]
    found = look(write(tmp_path / "a.jsonl", jsonl(rows)))
    assert (found.plan.words, found.plan.level) == (True, "word")
    assert found.plan.roles == {"id": "id", "tokens": "text", "tags": "label"}
    assert found.rows[:5] == (
        ("0", "a", "X"),
        ("0", "b", "Y"),
        ("0", "c", "X"),
        (),
        ("1", "a", "X"),
    )
    got, table = read_all(found, tmp_path / "out")
    assert table == {"words": [["a", "b", "c"]] * 6, "labels": [["X", "Y", "X"]] * 6}
    assert (got.kept, got.items, got.counts) == (6, 18, (12, 6))


def hugging_face(features: dict, columns: dict) -> pa.Table:
    info = json.dumps({"info": {"features": features}}).encode()
    return pa.table(columns).replace_schema_metadata({b"huggingface": info})


def test_parquet_turns_class_labels_into_their_names(tmp_path):
    names = {"_type": "ClassLabel", "names": ["negative", "positive"]}
    table = hugging_face(
        {"text": {"_type": "Value"}, "label": names},
        {"text": list(TEXTS), "label": [1, 0] * 4 + [-1, None]},
    )
    parquet.write_table(table, tmp_path / "train-00000-of-00001.parquet")
    found = look(tmp_path)
    assert (found.plan.format, found.plan.files[0].split) == ("parquet", "train")
    assert found.rows[0] == (TEXTS[0], "positive")
    got, rows = read_all(found, tmp_path / "out")
    assert got.classes == ("negative", "positive")
    assert rows["label"] == ["positive", "negative"] * 4
    assert got.reasons == (("the label is empty", 2),)


def test_parquet_words_with_class_names_make_a_task_of_words(tmp_path):
    feature = {"_type": "Sequence", "feature": {"_type": "ClassLabel", "names": ["O", "LOC"]}}
    table = hugging_face(
        {"ner_tags": feature}, {"tokens": [["in", "Rome"]] * 5, "ner_tags": [[0, 1]] * 5}
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    found = look(tmp_path / "a.parquet")
    assert (found.plan.words, found.plan.column("label")) == (True, "ner_tags")
    _, rows = read_all(found, tmp_path / "out")
    assert rows["labels"] == [["O", "LOC"]] * 5


def test_whole_floats_of_parquet_are_whole_classes_and_many_row_groups_are_one_task(tmp_path):
    table = pa.table(
        {"text": list(TEXTS) * 300, "label": [1.0, 2.0] * 1500, "meta": [{"a": 1}] * 3000}
    )
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=700)
    found = look(tmp_path / "a.parquet")
    assert found.plan.roles == {"text": "text", "label": "label", "meta": "ignore"}
    got, _ = read_all(found, tmp_path / "out")
    assert (got.kept, got.classes) == (3000, ("1", "2"))


def test_parquet_with_columns_of_megabytes_is_read(tmp_path):
    texts = [f"{i} {random.Random(i).randbytes(300).hex()}" for i in range(4000)]
    parquet.write_table(
        pa.table({"text": texts, "label": ["a", "b"] * 2000}), tmp_path / "a.parquet"
    )
    assert (tmp_path / "a.parquet").stat().st_size > 1 << 20
    _, table = read_all(look(tmp_path / "a.parquet"), tmp_path / "out")
    assert table["text"] == texts


CONLL_U_NAMES = ["ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"]
CONLL_U = """# newdoc id = first
# sent_id = 1
1\tI\tI\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_
2\tca\tcan\tAUX\tMD\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_

# sent_id = 2
1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_

# newdoc id = second
# sent_id = 3
1\tNo\tno\tINTJ\tUH\t_\t0\troot\t_\t_
"""


def test_conll_u_skips_ranges_and_empty_nodes_and_keeps_documents(tmp_path):
    found = look(
        write(tmp_path / "en-dev.conllu", CONLL_U + "\n" + CONLL_U.replace("id = f", "id = g"))
    )
    plan = found.plan
    assert list(plan.roles) == [
        *CONLL_U_NAMES,
        "document",
    ]
    assert [plan.column(role) for role in ("text", "label", "group")] == [
        "FORM",
        "UPOS",
        "document",
    ]
    assert [row[1] if row else "" for row in found.rows[:5]] == ["I", "ca", "n't", "", "Yes"]
    assert found.lines[:5] == (3, 5, 6, 0, 10)
    got, table = read_all(found, tmp_path / "out")
    assert table["words"][:3] == [["I", "ca", "n't"], ["Yes"], ["No"]]
    assert table["group"] == ["first", "first", "second", "girst", "girst", "second"]
    assert (got.kept, got.items, got.given) == (6, 10, {"validation": 6})


@pytest.mark.parametrize("between", [" ", "\t"])
def test_conll_of_columns_without_names_takes_the_last_as_label(tmp_path, between):
    rows = [[(word, "X", "Y", tag) for word, tag in sentence] for sentence in TAGGED]
    head = between.join(["-DOCSTART-", "-X-", "-X-", "O"])
    found = look(write(tmp_path / "eng.txt", f"{head}\n\n{conll(rows, between)}"))
    assert found.plan.format == "conll"
    assert found.plan.roles == {
        "c1": "text", "c2": "ignore", "c3": "ignore", "c4": "label", "document": "group"
    }  # fmt: skip
    got, table = read_all(found, tmp_path / "out")
    assert table["labels"][0] == ["PER", "O", "LOC"]
    assert (got.classes, got.items) == (("LOC", "O", "PER"), 25)


def test_lines_with_a_coarse_and_a_fine_label_give_two_columns(tmp_path):
    body = "".join(
        f"{'NUM:date' if i % 2 else 'LOC:city'} What is it , number {i} ?\n" for i in range(10)
    )
    found = look(write(tmp_path / "test.txt", body))
    assert found.plan.roles == {"coarse": "label", "fine": "ignore", "text": "text"}
    got, table = read_all(found, tmp_path / "out")
    assert (got.classes, table["text"][0]) == (("LOC", "NUM"), "What is it , number 0 ?")


def test_fasttext_lines_lose_their_marks_and_several_labels_are_told(tmp_path):
    body = "".join(f"__label__{label} {text}\n" for label, text in zip(LABELS, TEXTS, strict=True))
    found = look(write(tmp_path / "a.txt", body + "__label__a __label__b two labels\n"))
    assert (found.plan.format, found.rows[0]) == ("lines", ("good", TEXTS[0]))
    got, _ = read_all(found, tmp_path / "out")
    assert got.classes == ("bad", "good")
    assert [(d.line, d.reason) for d in got.dropped] == [
        (11, "the text has several labels where one is expected")
    ]


def test_a_plain_label_before_each_text_is_found(tmp_path):
    body = "".join(f"{LABELS[i % 10]} {TEXTS[i % 10]}\n" for i in range(40))
    found = look(write(tmp_path / "a.txt", body))
    assert found.plan.roles == {"label": "label", "text": "text"}
    prose = "".join(f"{text}\n" for text in TEXTS)
    assert look(write(tmp_path / "b.txt", prose)).plan.format == "delimited"


def test_a_folder_for_each_class_makes_a_task_with_its_splits(tmp_path):
    for split in ("train", "test"):
        for i, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True)):
            write(tmp_path / "imdb" / split / label / f"{i}.txt", f"{text}\nsecond line é")
    write(tmp_path / "imdb" / "README.txt", "about")
    found = look(tmp_path / "imdb")
    assert (found.plan.format, found.plan.title) == ("folder", "imdb")
    assert [file.split for file in found.plan.files] == ["train", "test"]
    assert found.plan.roles == {"text": "text", "label": "label", "file": "id"}
    got, table = read_all(found, tmp_path / "out")
    assert got.given == {"train": 10, "test": 10}
    assert table["text"][0] == f"{TEXTS[1]}\nsecond line é"
    flat = look(tmp_path / "imdb" / "train")
    assert (len(flat.plan.files), flat.plan.files[0].split) == (1, "train")


def test_a_spreadsheet_is_read_from_its_first_filled_sheet(tmp_path):
    rows = [["text", "label", "checked"]] + [[t, i % 2, True] for i, t in enumerate(TEXTS)]
    path = xlsx(tmp_path / "a.xlsx", {"empty": [], "données": rows})
    found = look(path)
    assert (found.plan.sheet, found.sheets) == ("données", ("empty", "données"))
    assert found.lines[:2] == (2, 3)
    got, table = read_all(found, tmp_path / "out")
    assert (got.classes, table["text"]) == (("0", "1"), list(TEXTS))
    with pytest.raises(ImportProblem, match="there is no sheet 'x': choose one of 'empty', 'donn"):
        inspect([path], ReadSettings(sheet="x"))


def test_the_beginning_may_end_within_a_long_quoted_text(tmp_path):
    document = "\n".join(TEXTS * 100)
    rows = "".join(f'"{i} {document}",{"ab"[i % 2]}\n' for i in range(60))
    path = write(tmp_path / "a.csv", "text,label\n" + rows)
    assert path.stat().st_size > 2 << 20
    found = look(path)
    assert found.plan.roles == {"text": "text", "label": "label"}
    got, table = read_all(found, tmp_path / "out")
    assert (got.kept, table["text"][59]) == (60, f"59 {document}")


def test_keys_that_only_some_files_have_change_no_column(tmp_path):
    small = [{"label": row["label"], "text": row["text"], "more": "x"} for row in ROWS[:6]]
    write(tmp_path / "set" / "a.jsonl", jsonl(small))
    write(tmp_path / "set" / "b.jsonl", jsonl(ROWS * 3))
    found = look(tmp_path / "set")
    assert found.plan.roles == {"text": "text", "label": "label", "more": "ignore"}
    assert found.rows[0] == (TEXTS[0], LABELS[0], "")
    _, table = read_all(found, tmp_path / "out")
    assert table["text"] == [*TEXTS[:6], *TEXTS * 3]


def test_only_the_beginning_of_a_large_file_is_looked_at(tmp_path):
    line = b"some words of a text,a\nsome other words,b\n"
    path = write(tmp_path / "a.csv", b"text,label\n" + line * 60_000 + b"\xff\x00\xff")
    found = look(path)
    assert found.bytes == path.stat().st_size
    assert (len(found.rows), found.plan.encoding) == (200, "utf-8")
