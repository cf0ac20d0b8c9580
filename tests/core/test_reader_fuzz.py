"""Damaged files: whatever is flipped, put in or cut off, a reader refuses or reads, and ends.

FINEVIEW_FUZZ sets how many files each reader gets (400 unless set); FINEVIEW_FUZZ_SEED which.
"""

import io
import json
import logging
import os
import random
import time
import zipfile
from collections import Counter

import pyarrow as pa
import pytest
from pyarrow import parquet

from fineview.core.data.plan import ReadSettings
from fineview.core.data.reading import inspect, read, records
from fineview.core.errors import ConfigError, ImportProblem
from tests.core.readers_support import TEXTS, conll, jsonl, reviews, write, xlsx

LOG = logging.getLogger(__name__)
FILES = int(os.environ.get("FINEVIEW_FUZZ", "400"))
SEED = int(os.environ.get("FINEVIEW_FUZZ_SEED", "0"))
KINDS = ("delimited", "jsonl", "conll", "lines", "parquet", "xlsx")
SLOWEST = 10.0
"""Seconds that no file of a few kilobytes may take, even on a busy machine."""
ROWS = [{"text": text, "label": i % 2, "more": {"a": [1, None]}} for i, text in enumerate(TEXTS)]
WORDS = [{"tokens": ["a", "é", "c"], "tags": ["X", "Y", "X"]} for _ in range(6)]
PIECES = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b'""', b"\r", b"\n\n", b"\t", b",,", b"{", b"]",
    b"[" * 50, b"NaN", b"1e999", b"9" * 40, b"\\ud800", b"\\u0000", b"# ", b"-DOCSTART-\n",
    b"__label__", b"\xc3", b"\xed\xa0\x80", b"\x85", b"\xe2\x80\xa8", b"PK\x03\x04", b"PAR1",
    b"\x7f\xff\xff\xff", b"3-4\t", b"8.1\t", b": ", b"\xf0\x9f\x8e\x88", b"\x80" * 9, b"\x1f",
    b"\x1a",
]  # fmt: skip


def seeds(kind: str, folder) -> tuple[str, list[bytes]]:
    """Return a file name and whole files of one layout."""
    if kind == "delimited":
        made = [reviews(), reviews("\t"), reviews(";", rows=30), reviews(header="")]
        latin = "text,label\n" + "".join(f"schöne Größe {i},{'ab'[i % 2]}\n" for i in range(20))
        wide = [reviews().encode("utf-16"), reviews().encode("utf-16-le"), latin.encode("cp1252")]
        return "a.csv", [text.encode() for text in made] + wide
    if kind == "jsonl":
        return "a.jsonl", [jsonl(ROWS).encode(), jsonl(WORDS).encode(), json.dumps(ROWS).encode()]
    if kind == "conll":
        u = "".join(
            f"# newdoc id = {i}\n# text = x\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n"
            f"1\tde\tde\tADP\t_\t_\t0\troot\t_\t_\n2\tle\tle\tDET\t_\t_\t1\tdet\t_\t_\n\n"
            for i in range(8)
        )
        plain = "-DOCSTART- O\n\n" + conll([[("a", "X"), ("b", "Y")]] * 8)
        return "a.conll", [u.encode(), plain.encode(), plain.encode("utf-16")]
    if kind == "lines":
        coarse = "".join(f"{'NUM:date' if i % 2 else 'LOC:x'} What is {i} ?\n" for i in range(12))
        fast = "".join(f"__label__{'ab'[i % 2]} {text}\n" for i, text in enumerate(TEXTS))
        return "a.txt", [coarse.encode(), fast.encode(), fast.replace("__label__", "").encode()]
    if kind == "folder":
        for i, text in enumerate(TEXTS):
            write(folder / "set" / "ab"[i % 2] / f"{i}.txt", text)
        return "set/a/0.txt", [text.encode(how) for text in TEXTS for how in ("utf-8", "cp1252")]
    if kind == "parquet":
        info = {"label": {"_type": "ClassLabel", "names": ["no", "yes"]}}
        about = {b"huggingface": json.dumps({"info": {"features": info}}).encode()}
        plain = pa.Table.from_pylist(ROWS[:6] + [{"text": "x", "label": None}] * 4)
        words = pa.Table.from_pylist(WORDS)
        made = []
        for i, table in enumerate((plain.replace_schema_metadata(about), words)):
            for how in ("zstd", "none"):
                path = folder / f"{i}.parquet"
                parquet.write_table(table, path, compression=how, row_group_size=4)
                made.append(path.read_bytes())
        return "a.parquet", made
    rows = [["text", "label"]] + [[text, i % 2] for i, text in enumerate(TEXTS)]
    path = xlsx(folder / "seed.xlsx", {"empty": [], "one": rows})
    placed = "".join(
        f'<row r="{i}"><c r="B{i}" t="str"><v>{TEXTS[i]}</v></c>'
        f'<c r="D{i}"><v>{i % 2}</v></c></row>'
        for i in range(1, 9)
    )
    return "a.xlsx", [
        path.read_bytes(),
        xlsx(folder / "far.xlsx", {"one": []}, extra=placed).read_bytes(),
    ]


def laid(folder, name: str, data: bytes):
    """Write a file and return what to open: for a text of a class folder, what holds that."""
    path = write(folder / name, data)
    return path if path.parent == folder else path.parent.parent


def damaged(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return a file with one to eight things wrong."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(made) + 1)
        size = chance.choice((1, 2, 8, 64))
        what = chance.randrange(7)
        if what == 0 and made:
            made[at % len(made)] ^= 1 << chance.randrange(8)
        elif what == 1:
            made[at:at] = chance.choice(PIECES)
        elif what == 2:
            del made[at : at + size]
        elif what == 3:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            made[at : at + size] = other[start : start + size * 4]
        elif what == 4 and chance.random() < 0.3:
            del made[at:]
        elif what == 5:
            made[at : at + size] = chance.randbytes(size)
        else:
            made[at:at] = made[max(0, at - size) : at] * chance.choice((1, 2, 30))
    return bytes(made)


@pytest.mark.timeout(0 if FILES > 400 else 300)
@pytest.mark.parametrize("kind", [*KINDS, "folder", "any"])
def test_no_damaged_file_does_more_than_be_refused(tmp_path, kind):
    """Kinds keep their own layout fixed in half of the trials; `any` has every suffix and seed."""
    chance = random.Random(f"{kind}-{SEED}")
    files = dict(seeds(each, tmp_path) for each in (KINDS if kind == "any" else [kind]))
    everything = [data for each in files.values() for data in each]
    out = tmp_path / "out"
    out.mkdir()
    ends: Counter[str] = Counter()
    for name, each in files.items():
        for data in each:
            assert attempt(laid(tmp_path, name, data), None, out, chance) == "read"
    begun_all = time.perf_counter()
    for number in range(FILES):
        name = chance.choice(list(files))
        # Under a name of another layout everything is looked at with other eyes.
        data = chance.choice(everything if kind == "any" else files[name])
        if name.endswith("xlsx") and data.startswith(b"PK") and chance.random() < 0.7:
            broken = damaged_inside(data, everything, chance)
        else:
            broken = damaged(data, everything, chance)
        path = laid(tmp_path, name, broken)
        fixed = None if kind == "any" or chance.random() < 0.5 else kind
        begun = time.perf_counter()
        try:
            ends[attempt(path, fixed, out, chance)] += 1
        except BaseException:
            (tmp_path / "failed").write_bytes(broken)
            LOG.info("file %d of %s, seed %d: %s", number, kind, SEED, tmp_path / "failed")
            raise
        assert time.perf_counter() - begun < SLOWEST, f"file {number} of {kind}"
        assert list(out.iterdir()) == []
    LOG.info("%s: %s in %.0f s", kind, dict(ends), time.perf_counter() - begun_all)
    assert ends["read"] > 0
    assert ends["refused"] > 0


def damaged_inside(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return a sound zip file with one damaged part: its sums would hide all that is wrong."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = chance.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, damaged(part, others, chance) if name == chosen else part)
    return out.getvalue()


def refused(problem: ImportProblem) -> str:
    """Return "refused" where the sentence is fit to be shown."""
    assert problem.remedy
    assert len(str(problem)) < 1_000
    return "refused"


def attempt(path, layout, out, chance) -> str:
    """Look, read and take records as a person would; return how it ended."""
    try:
        found = inspect([path], ReadSettings(format=layout))
    except ImportProblem as problem:
        return refused(problem)
    plan = found.plan
    assert len(found.rows) == len(found.lines) <= 200
    assert all(len(row) in (0, len(plan.roles)) for row in found.rows)
    names = list(plan.roles)
    if not plan.column("text"):
        plan = plan.with_role(names[0], "text")
    if not plan.column("label") and len(names) > 1:
        plan = plan.with_role(next(n for n in names if n != plan.column("text")), "label")
    try:
        for row in records(plan):
            assert len(row.cells) in (0, len(names))
        got = read(plan, out)
    except ImportProblem as problem:
        return refused(problem)
    except ConfigError:
        return "not labelled"
    finally:
        (out / "rows.parquet").unlink(missing_ok=True)
    assert got.kept == got.rows - sum(count for _, count in got.reasons)
    return "read"
