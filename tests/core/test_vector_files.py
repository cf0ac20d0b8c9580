"""Files of word vectors: every format as gensim writes it, and all that is wrong with them."""

import gzip
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from fineview.core.analogies.opening import open_vectors
from fineview.core.analogies.vector_files import read_vectors
from fineview.core.errors import ConfigError, DataError, JobCancelled, StoreError
from tests.core.features_support import StopAt
from tests.core.words_support import gensim_of, random_table

ROWS = b"".join(b"w%d %d %d 3\n" % (i, i + 1, i * i % 977) for i in range(9000))


def read(file, **options):
    """Return words, matrix and notes of a file."""
    notes = []
    blocks = list(read_vectors(file, notes=notes, **options))
    words = [word for block, _ in blocks for word in block]
    return words, np.concatenate([values for _, values in blocks]), notes


def raw(vectors):
    return vectors.units * vectors.lengths[:, None]


@pytest.fixture
def table():
    return random_table(9000, 7)


@pytest.mark.parametrize("kind", ["text", "binary", "glove", "vec"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_what_others_write_is_read(tmp_path, table, kind, packed):
    file = tmp_path / "vectors"
    if kind in ("text", "binary"):
        gensim_of(table).save_word2vec_format(str(file), binary=kind == "binary")
    else:
        rows = [
            f"{word} "
            + " ".join(repr(float(v)) for v in values)
            + (" \n" if kind == "vec" else "\n")
            for word, values in zip(table.words, raw(table), strict=True)
        ]
        file.write_text((f"{len(rows)} 7\n" if kind == "vec" else "") + "".join(rows))
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    words, matrix, notes = read(file)
    assert words == table.words
    np.testing.assert_allclose(matrix, raw(table), rtol=1e-5)
    assert notes == []
    some, values, _ = read(file, limit=5000)
    assert some == table.words[:5000]
    assert values.shape == (5000, 7)


def test_safetensors_have_their_words_beside_them(tmp_path, table):
    save_file({"embeddings": raw(table)}, tmp_path / "v.safetensors")
    with pytest.raises(DataError, match=r"put them beside it as v\.txt or words\.txt"):
        read(tmp_path / "v.safetensors")
    (tmp_path / "words.txt").write_text("\n".join(table.words) + "\n")
    words, matrix, _ = read(tmp_path / "v.safetensors")
    assert words == table.words
    np.testing.assert_array_equal(matrix, raw(table))
    (tmp_path / "v.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"has 9,000 rows, but v\.txt has 2 words"):
        read(tmp_path / "v.safetensors")


def test_rows_nobody_can_calculate_with_are_left_out_and_told(tmp_path):
    lines = [f"w{i} {i + 1} 2 3" for i in range(3000)]
    lines[10] = "w10 nan 2 3"
    lines[20] = "w20 0 0 0"
    lines[30] = "w5 1 1 1"
    lines[40] = "w40 1 2"
    lines[50] = "w50 1 2 3 4"
    lines[60] = "w60 1 x 3"
    lines[70] = "two words 1 2 3"
    lines[80] = "w80 inf 2 3"
    file = tmp_path / "v.txt"
    file.write_text("\n".join(lines) + "\n")
    words, matrix, notes = read(file)
    assert len(words) == 3000 - 7 == len(matrix)
    assert "two words" in words
    told = "\n".join(notes)
    assert "2 rows, a value that is no number: line 11, 81" in told
    assert "1 row, all values 0: line 21" in told
    assert "1 row, the word stood there before: line 31" in told
    assert "3 rows, another number of values: line 41, 51, 61" in told


def test_a_wrong_dimension_far_down_is_told_by_its_line(tmp_path):
    lines = [f"w{i} {i + 1} 2 3" for i in range(70_100)]
    lines[70_000] = "w70000 1 2"
    (tmp_path / "v.txt").write_text("\n".join(lines))
    words, _, notes = read(tmp_path / "v.txt")
    assert len(words) == 70_099
    assert notes == ["Left out 1 row, another number of values: line 70,001."]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"3000000000 300\n" + b"a" * 2000, r"3,000,000,000 words of 300 numbers, which take at "
         r"least .* TB, but it has 2.0 KB: it is cut off or damaged"),
        (b"0 50\n", "there must be words"),
        (b"10 900000\nw 1\n", "1 to 4,096 numbers"),
        (b"hello world\n", "does not look like word vectors"),
        (b"\xff\xfe\x00\x01\n" * 50, "does not look like word vectors"),
        (b"word\n" * 50, "does not look like word vectors"),
        (b"a 1 2 3\n" + b"b 1\n" * 5000, "rows cannot be read, the last of them line"),
        (b"a 1 2 3\n" + b"b" * 300_000, "characters, too many for a word with 3 numbers"),
        (b"\x80\x04\x95\x0f" + bytes(7) + b"}\x94.", "is a pickle.*save_word2vec_format"),
        (b"4 3\na 1 2 3\nb 1 2 3\n", "ends after 2 of 4 words|cut off or damaged"),
        (gzip.compress(ROWS)[:-200], "cut off or damaged"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_vectors_is_refused_in_a_sentence(tmp_path, content, says):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read(tmp_path / "v")
    assert "\n" not in str(caught.value)


def binary(words, width, cut=0):
    rows = b"".join(
        w.encode() + b" " + struct.pack(f"<{width}f", *range(1, width + 1)) for w in words
    )
    data = f"{len(words)} {width}\n".encode() + rows
    return data[: len(data) - cut]


def test_a_truncated_binary_says_how_far_it_goes(tmp_path):
    words = [f"w{i}" for i in range(100)]
    file = tmp_path / "v.bin"
    file.write_bytes(binary(words, 5))
    assert read(file)[0] == words
    file.write_bytes(binary(words, 5, cut=130))
    with pytest.raises(DataError, match="ends after 94 of 100 words"):
        read(file)
    file.write_bytes(gzip.compress(binary(words, 5, cut=130)))
    with pytest.raises(DataError, match="ends after 94 of 100 words"):
        read(file)


def test_a_file_is_converted_once_and_mapped(tmp_path, table):
    file, cache = tmp_path / "own.txt", tmp_path / "cache"
    gensim_of(table).save_word2vec_format(str(file))
    first = open_vectors(str(file), cache)
    assert list(first.words) == table.words
    np.testing.assert_allclose(first.units, table.units, atol=1e-5)
    np.testing.assert_allclose(first.lengths, table.lengths, rtol=1e-5)
    assert first.info.title == "own.txt"
    assert isinstance(first.units, np.memmap)
    report = StopAt(10_000)
    again = open_vectors(str(file), cache, report)
    assert 10_000 - report.left < 20  # nothing was read anew
    assert again.info.fingerprint == first.info.fingerprint
    assert len(open_vectors(str(file), cache, limit=100)) == 100
    (kept,) = (f for f in (cache / "vectors").iterdir() if f.is_dir() and f.name.endswith("-0"))
    with (kept / "units.bin").open("r+b") as damaged:
        damaged.truncate(1000)
    with pytest.raises(StoreError, match="are damaged: delete that folder"):
        open_vectors(str(file), cache)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_stopping_leaves_nothing_half_written(tmp_path, table, after):
    file, cache = tmp_path / "own.txt", tmp_path / "cache"
    gensim_of(table).save_word2vec_format(str(file))
    with pytest.raises(JobCancelled):
        open_vectors(str(file), cache, StopAt(after))
    assert not [f for f in cache.glob("vectors/*") if f.is_dir()]
    assert len(open_vectors(str(file), cache)) == 9000


def test_a_refused_file_leaves_nothing(tmp_path):
    (tmp_path / "v").write_bytes(b"a 1 2 3\n" + b"b 1\n" * 5000)
    with pytest.raises(DataError):
        open_vectors(str(tmp_path / "v"), tmp_path / "cache")
    assert not [f for f in (tmp_path / "cache/vectors").iterdir() if f.is_dir()]


def test_a_name_that_is_nothing_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"neither a file nor one of .*glove-50d"):
        open_vectors("nothing", tmp_path)


def test_words_with_strange_characters_come_back_as_they_were(tmp_path):
    words = ["e\u0301", "a\u2028b", "👑", "ملك", "x\u00a0y", "#tag"]
    rows = "".join(f"{word} {i + 1} 2\n" for i, word in enumerate(words))
    (tmp_path / "v.txt").write_text(rows, encoding="utf-8")
    found = open_vectors(str(tmp_path / "v.txt"), tmp_path / "cache")
    assert list(found.words) == words
    assert found.find("É".casefold()) == 0


@pytest.mark.slow
def test_the_bundled_table_is_gloves(tmp_path):
    found = open_vectors("glove-50d", tmp_path)
    assert (len(found), found.width) == (400_000, 50)
    assert list(found.words[:3]) == ["the", ",", "."]
    np.testing.assert_allclose(np.linalg.norm(found.units[:1000], axis=1), 1, atol=1e-6)
    assert found.vector(found.index["king"])[:2] == pytest.approx([0.50451, 0.68607], abs=1e-4)
