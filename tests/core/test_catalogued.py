"""Fetched tasks, read from small files in the exact layout of the real ones."""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fineview.core.data import catalogued, catalogued_brown, catalogued_spam, catalogued_texts
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import SPLITS
from fineview.core.errors import ConfigError, DataError, ModelError
from fineview.core.models import catalog

ROOT = Path(__file__).parents[2]
RANDOM = SplitConfig(source="random")


def npm_archive(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def everything(task):
    return sorted(np.concatenate([task.splits[split] for split in SPLITS]).tolist())


@pytest.fixture
def snippets(tmp_path):
    """Write the layout of Hutto & Gilbert: number, rating, text; tabs, and CRLF at the end."""
    ratings = [2.26666666667, -0.6, 0.5, -0.5, 0.49, -0.49, 0.0, 3.94, -3.875, 1.0, -1.0, 0.7, -0.7]
    lines = [f"{i}\t{rating}\t  Snippet {i},  naïve. " for i, rating in enumerate(ratings, 1)]
    lines.append("99\t-0.6875\tEh.")
    lines.append("100\t-0.7\tEH.")
    text = "".join(f"{line}\r\n" for line in lines)
    (tmp_path / "movieReviewSnippets_GroundTruth.txt").write_bytes(text.encode())
    return tmp_path


def test_snippets_keep_what_people_were_clear_about(snippets):
    task = catalogued_texts.load_snippets(snippets, SplitConfig())
    assert task.classes == ("negative", "positive")
    assert task.texts[0] == "Snippet 1, naïve."
    assert [task.label(i)[:3] for i in range(len(task))] == [
        *("pos", "neg", "pos", "neg", "pos", "neg", "pos", "neg", "pos", "neg", "neg", "neg")
    ]
    assert task.notes[0].startswith("3 of 15 snippets have a mean rating within")
    assert everything(task) == list(range(12))
    assert not task.given_splits


def test_ratings_are_numbers_and_keep_every_snippet(snippets):
    task = catalogued_texts.load_ratings(snippets, SplitConfig(stratify=False))
    assert task.label_kind == "number"
    assert task.labels.dtype == np.float64
    assert task.labels[:3].tolist() == [2.26666666667, -0.6, 0.5]
    assert len(task) == 15
    assert task.classes == ()


@pytest.mark.parametrize("seed", range(8))
def test_equal_texts_never_cross_splits(snippets, seed):
    task = catalogued_texts.load_snippets(snippets, SplitConfig(seed=seed))
    where = [split for split in SPLITS for item in task.splits[split] if task.texts[item] == "Eh."]
    also = [split for split in SPLITS for item in task.splits[split] if task.texts[item] == "EH."]
    assert where == also


@pytest.mark.parametrize("line", ["1\tgood\ttext", "1\t2.0", "", "1\t2.0\ttext\tmore"])
def test_a_snippet_that_is_not_as_published_is_named_by_its_line(tmp_path, line):
    file = tmp_path / "movieReviewSnippets_GroundTruth.txt"
    file.write_text(f"1\t1.0\tgood\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^movieReviewSnippets_GroundTruth.txt, line 2: "):
        catalogued_texts.load_snippets(tmp_path, SplitConfig())


def orange_tables(folder, stem):
    rows = {
        "train": [("sci.med", f"health {i}") for i in range(20)]
        + [("rec.autos", f"car {i}") for i in range(20)]
        + [("sci.med", "")],
        "test": [("rec.autos", f"wheel {i}") for i in range(5)],
    }
    for part, lines in rows.items():
        text = "Category\tText\nd\tstring\nclass\t\n"
        text += "".join(f"{name}\t{words}\n" for name, words in lines)
        (folder / f"{stem}-{part}.tab").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("stem", "load"),
    [
        ("20newsgroups", catalogued_texts.load_newsgroups),
        ("reuters-r8", catalogued_texts.load_reuters),
    ],
)
def test_prepared_texts_keep_their_test_split_and_lend_some_training_texts(tmp_path, stem, load):
    task = load(orange_tables(tmp_path, stem), SplitConfig())
    assert task.classes == ("rec.autos", "sci.med")
    assert task.given_splits
    assert [task.texts[i] for i in task.splits["test"]] == [f"wheel {i}" for i in range(5)]
    assert len(task.splits["validation"]) == 8
    assert len(task.splits["train"]) == 32
    assert task.notes[0] == "1 rows without a text are left out."
    assert "names no validation split" in task.notes[1]
    assert task.label(0) == "sci.med"
    drawn = load(tmp_path, RANDOM)
    assert len(drawn.splits["test"]) == 9


def test_a_table_without_a_tab_is_named_by_its_line(tmp_path):
    orange_tables(tmp_path, "reuters-r8")
    with (tmp_path / "reuters-r8-test.tab").open("a") as file:
        file.write("no tab here\n")
    with pytest.raises(DataError, match=r"^reuters-r8-test.tab, line 9: "):
        catalogued_texts.load_reuters(tmp_path, SplitConfig())
    (tmp_path / "reuters-r8-test.tab").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        catalogued_texts.load_reuters(tmp_path, SplitConfig())


BROWN = b"""

\tThe/at Fulton/np-tl County/nn-tl Jury/nn-tl said/vbd ``/`` no/at evidence/nn ''/'' ./.


\tHe'll/pps+md n't/* take/vb 1/2/cd an/at +/nil joie/fw-nn ,/,-hl that's/dt+bez ./.
"""


@pytest.fixture
def brown(tmp_path):
    """Write the layout of the npm package, with the pickle that is never touched."""
    members = {f"package/c{letter}01": BROWN for letter in "abcdefg"}
    poison = {"package/categories.pickle": b"cos\nsystem\n", "package/cats.txt": b"ca01 news\n"}
    return npm_archive(tmp_path / "brown.tgz", {**poison, **members, "package/README": b"a/b c"})


def test_brown_gives_whole_sentences_with_coarse_tags(brown):
    task = catalogued_brown.load(brown, SplitConfig())
    assert task.words is not None
    assert len(task.words) == 14
    assert len(task) == 14 * 10
    assert task.words[0][:3] == ("The", "Fulton", "County")
    assert task.words[1][3] == "1/2"
    assert [task.label(i) for i in range(20)] == [
        *("DET", "NOUN", "NOUN", "NOUN", "VERB", "PUNCT", "DET", "NOUN", "PUNCT", "PUNCT"),
        *("PRT", "ADV", "VERB", "NUM", "DET", "X", "X", "PUNCT", "PRT", "PUNCT"),
    ]
    assert everything(task) == list(range(140))


def test_words_of_one_text_of_brown_stay_together(brown):
    task = catalogued_brown.load(brown, SplitConfig(seed=3))
    for split in SPLITS:
        texts, counts = np.unique(task.splits[split] // 20, return_counts=True)
        assert len(texts) >= 1
        assert set(counts.tolist()) == {20}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        *[("nn-tl-hl", "NOUN"), ("np$", "NOUN"), ("pn", "NOUN"), ("cd$", "NOUN"), ("nr", "NOUN")],
        *[("abn", "PRT"), ("abx", "DET"), ("pp$", "DET"), ("pp$$", "PRON"), ("od", "ADJ")],
        *[("cs", "ADP"), ("*-hl", "ADV"), ("---hl", "PUNCT"), ("ex", "PRT"), ("md*", "VERB")],
        *[("ppss+ber-n", "PRT"), ("wrb+dod*", "PRT"), ("np+hvz", "PRT"), ("to+vb", "PRT")],
        *[("vb+ppo", "VERB"), ("md+ppss", "VERB"), ("vbg+to", "VERB"), ("in+ppo", "ADP")],
        *[("jjr+cs", "ADJ"), ("rbr+cs", "ADV"), ("nn+nn-nc", "NOUN"), ("wrb+in", "PRT")],
        *[("fw-in+at-t", "X"), ("fw-*", "X"), ("do+ppss", "X"), ("wdt+ber+pp", "X"), ("nil", "X")],
    ],
)
def test_tags_are_reduced_as_petrov_das_and_mcdonald_do(tag, expected):
    assert catalogued_brown.coarse(tag) == expected


def test_a_tag_that_brown_does_not_have_is_said(tmp_path):
    file = npm_archive(tmp_path / "x.tgz", {"package/ca01": b"\tword/zz another/nn\n"})
    with pytest.raises(DataError, match="a tag that Brown does not have: 'zz'"):
        catalogued_brown.load(file, SplitConfig())
    npm_archive(file, {"package/ca01": b"\n\tword\n"})
    with pytest.raises(DataError, match="ca01, line 2: a word has no tag"):
        catalogued_brown.load(file, SplitConfig())
    file.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"cannot be read .*fetch it again"):
        catalogued_brown.load(file, SplitConfig())


MAIL = b"""From someone@example.org  Thu Aug 22 13:17:22 2002
Received: from a by b; secret
Subject: %b
Content-Type: %b

%b
"""


@pytest.mark.parametrize(
    ("subject", "kind", "body", "expected"),
    [
        (b"Hello", b"text/plain", b"one\n two", "Hello one two"),
        (
            b"=?iso-8859-1?Q?Gr=FC=DFe?=",
            b"text/plain; charset=utf-8",
            b"na\xc3\xafve",
            "Grüße naïve",
        ),
        (b"=?x-none?B?aGFsbG8=?=", b'text/plain; charset="x-none"', b"\x93q\x94", "hallo “q”"),
        (b"=?utf-8?B?broken", b"text/plain; charset=ascii", b"caf\xe9", "=?utf-8?B?broken café"),
        (b"", b"text/html", b"<style>p{}</style><p>Buy&nbsp;<b>now</b>!<br>It", "Buy now ! It"),
        (b"x", b"text/html", b"<head><title>t</title><body>seen</body>", "x seen"),
        (b"x", b"text/html; charset=nonsense", b"<p>1 &lt; 2 & 3", "x 1 < 2 & 3"),
        (b"x", b"image/png", b"\x89PNG", "x"),
        (b"x", b"multipart/mixed", b"no boundary at all", "x"),
        (b"\xff\xfe", b"text/plain", b"\x00a", "ÿþ a"),
    ],
)
def test_mails_become_plain_text_however_they_are_written(subject, kind, body, expected):
    found = catalogued_spam.plain_text(MAIL % (subject, kind, body))
    assert found == expected
    assert "secret" not in found


def test_the_plain_part_wins_and_attachments_are_left_out():
    body = b"""--=x
Content-Type: text/plain
Content-Transfer-Encoding: base64

cGxhaW4=
--=x
Content-Type: text/html

<p>marked</p>
--=x
Content-Type: text/plain
Content-Disposition: attachment; filename="a.txt"

attached
--=x--"""
    kind = b'multipart/alternative; boundary="=x"'
    assert catalogued_spam.plain_text(MAIL % (b"Hi", kind, body)) == "Hi plain"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\xff" * 1000,
        b"Subject",
        b"<html>" * 1000,
        MAIL % (b"", b"text/html", b"<![foo <!-- <b"),
    ],
)
def test_no_bytes_break_the_reader_of_mails(raw):
    assert isinstance(catalogued_spam.plain_text(raw), str)


def test_spam_has_its_classes_from_the_folders(tmp_path):
    members = {}
    for number in range(30):
        name = f"{number:05d}.{hashlib.md5(str(number).encode()).hexdigest()}"
        group = ("easy-ham-1", "hard-ham-1", "spam-2")[number % 3]
        text = MAIL % (b"Offer", b"text/plain", b"body %d" % (number // 2))
        members[f"package/data/{group}/{name}.txt"] = text
        members[f"package/data/{group}/{name}.json"] = b"{}"
    members["package/data/file_list.json"] = b"[]"
    file = npm_archive(tmp_path / "spam.tgz", members)
    task = catalogued_spam.load(file, SplitConfig())
    assert task.classes == ("ham", "spam")
    assert np.bincount(task.labels).tolist() == [20, 10]
    assert everything(task) == list(range(30))
    for split in SPLITS:  # two mails each have the same text
        texts = [task.texts[i] for i in task.splits[split]]
        assert all(texts.count(text) == task.texts.count(text) for text in texts)


def test_every_task_belongs_to_an_entry_and_says_where_it_comes_from():
    infos = catalogued.catalogued_infos()
    assert [info.name for info in infos] == [
        *("movie-snippets", "movie-ratings", "newsgroups-20", "reuters-r8", "brown-pos", "spam")
    ]
    for info in infos:
        assert catalog.entry(catalogued.entry_of(info.name)).kind == "data"
        assert info.meaning.endswith(".")
        assert info.source.endswith(".")
        assert re.search(r"[A-Z]", info.licence)


def test_a_task_that_was_not_fetched_says_what_to_type(tmp_path):
    with pytest.raises(ModelError, match="`fineview fetch orange-texts`"):
        catalogued.load_catalogued("reuters-r8", SplitConfig(), tmp_path)
    with pytest.raises(ConfigError, match="no task 'sst2' to fetch: choose one of movie-snippets"):
        catalogued.entry_of("sst2")


def test_files_are_held_to_their_sums_before_they_are_read(snippets, tmp_path):
    entry = catalog.entry("movie-snippets")
    folder = tmp_path / "cache" / "fetched" / entry.name
    folder.mkdir(parents=True)
    name = entry.members[0].name
    (folder / name).write_bytes((snippets / name).read_bytes())
    with pytest.raises(ModelError, match="is not the expected one"):
        catalogued.load_catalogued("movie-snippets", SplitConfig(), tmp_path / "cache")


@pytest.mark.parametrize("module", ["core.data.catalogued", "core.models.fetch"])
def test_what_the_window_asks_of_fetched_things_loads_no_compute_library(module):
    heavy = ("torch", "transformers", "sklearn", "pyarrow", "huggingface_hub")
    code = f"import fineview.{module}, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"
