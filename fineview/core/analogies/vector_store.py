"""Word vectors in the cache: converted once, then mapped from disk.

A folder holds `units.bin` (V × D float32, rows of length 1), `lengths.bin` (V float32), `words.txt`
(UTF-8, a word a line) and `about.json`, which is written last: without it nothing is there.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fineview.core.analogies.vectors import VectorsInfo, WordVectors
from fineview.core.errors import DataError, StoreError
from fineview.core.files import atomic_write, write_error
from fineview.core.progress import SILENT, Report

ABOUT, WORDS, UNITS, LENGTHS = "about.json", "words.txt", "units.bin", "lengths.bin"
_FORMAT = 1
_BLOCK = 8192


class VectorWriter:
    """Takes words with their vectors, block by block, into a folder that is not finished yet."""

    def __init__(self, folder: Path, width: int) -> None:
        self._folder = folder
        self._width = width
        self._digest = hashlib.sha256()
        self._count = 0
        self._files = [(folder / name).open("xb") for name in (UNITS, LENGTHS, WORDS)]

    @property
    def count(self) -> int:
        """Words so far."""
        return self._count

    def add(self, words: Iterable[str], block: NDArray[np.float32]) -> None:
        """Append words, none of which was there before, with finite vectors (n, D) that are not 0.

        Raises:
            StoreError: The disk is full.
        """
        block = np.ascontiguousarray(block, dtype=np.float32)
        lengths = np.linalg.norm(block, axis=1)
        text = "".join(f"{word}\n" for word in words).encode()
        self._digest.update(text)
        self._digest.update(block.tobytes())
        self._count += len(block)
        parts = ((block / lengths[:, None]).tobytes(), lengths.tobytes(), text)
        try:
            for file, data in zip(self._files, parts, strict=True):
                file.write(data)
        except OSError as error:
            raise write_error(error, self._folder.parent, len(parts[0])) from error

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def finish(self, info: VectorsInfo) -> VectorsInfo:
        """Write what is known of the table; return it with its sizes and sum."""
        self.close()
        values = {
            "format": _FORMAT,
            "title": info.title,
            "words": self._count,
            "width": self._width,
            "source": info.source,
            "licence": info.licence,
            "fingerprint": self._digest.hexdigest(),
            "notes": list(info.notes),
        }
        atomic_write(self._folder / ABOUT, json.dumps(values, ensure_ascii=False).encode())
        return _info(info.name, values)


def is_kept(folder: Path) -> bool:
    """Whether a finished table lies in a folder."""
    return (folder / ABOUT).is_file()


def open_kept(folder: Path, name: str, report: Report = SILENT) -> WordVectors:
    """Open a finished table.

    Args:
        folder: Written by `VectorWriter`.
        name: Name in sessions.
        report: Asked on the way.

    Raises:
        StoreError: A file is missing or has another size than it should.
    """
    try:
        values = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        info = _info(name, values)
        shape = (info.words, info.width)
        if values["format"] != _FORMAT or (folder / UNITS).stat().st_size != 4 * math.prod(shape):
            raise _damaged(folder)
        report.check()
        words = (folder / WORDS).read_bytes().decode().split("\n")[:-1]
        report.check()
        # "c": nothing is ever written to the file, and torch takes only what may be written to.
        units = np.memmap(folder / UNITS, dtype=np.float32, mode="c", shape=shape)
        lengths = np.fromfile(folder / LENGTHS, dtype=np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder) from error
    if len(words) != info.words or len(lengths) != info.words:
        raise _damaged(folder)
    lengths.flags.writeable = False
    return WordVectors(info, words, units, lengths)


def _damaged(folder: Path) -> StoreError:
    return StoreError(
        f"The word vectors in {folder} are damaged: delete that folder, and open them anew."
    )


def _info(name: str, values: dict[str, object]) -> VectorsInfo:
    notes = values["notes"]
    assert isinstance(notes, list)
    return VectorsInfo(
        name=name,
        title=str(values["title"]),
        words=int(str(values["words"])),
        width=int(str(values["width"])),
        source=str(values["source"]),
        licence=str(values["licence"]),
        fingerprint=str(values["fingerprint"]),
        notes=tuple(str(note) for note in notes),
    )


def blocks_of(
    words: list[str], matrix: NDArray[np.float32], report: Report = SILENT, told: str = ""
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Cut words and vectors into blocks, without the rows no one can calculate with.

    Raises:
        DataError: There are not as many words as rows.
    """
    if len(words) != len(matrix):
        raise DataError(f"There are {len(words):,} words for {len(matrix):,} vectors.")
    seen: set[str] = set()
    for first in range(0, len(words), _BLOCK):
        report.check()
        report.progress(first, len(words), told)
        block = np.asarray(matrix[first : first + _BLOCK], dtype=np.float32)
        norms = np.linalg.norm(block, axis=1)
        good = np.isfinite(norms) & (norms > 0)
        chosen = words[first : first + _BLOCK]
        keep = []
        for place, word in enumerate(chosen):
            if good[place] and word not in seen and word and "\n" not in word:
                seen.add(word)
                keep.append(place)
        yield [chosen[place] for place in keep], block[keep]
