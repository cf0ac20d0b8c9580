"""Writes a table of word vectors as a file that other programs read."""

from pathlib import Path

from fineview.core.analogies.vectors import WordVectors
from fineview.core.files import atomic_stream
from fineview.core.progress import SILENT, Report

_AT_ONCE = 500


def save_text(vectors: WordVectors, path: Path, report: Report = SILENT) -> None:
    """Write word2vec's text form: V and D, then a word and its numbers a line, common words first.

    Args:
        vectors: The table; a blank within a word is written as "_".
        path: The file; what stood there is replaced once all is written.
        report: Asked between blocks of words.

    Raises:
        StoreError: It cannot be written; what stood there stays.
        JobCancelled: Stop was pressed; likewise.

    Source:
        Mikolov et al. 2013, word2vec 0.1c, `word2vec.c`, output without `-binary`; gensim's
        `KeyedVectors.load_word2vec_format` reads it.
    """
    with atomic_stream(path) as file:
        file.write(f"{len(vectors)} {vectors.width}\n")
        for first in range(0, len(vectors), _AT_ONCE):
            report.check()
            report.progress(first, len(vectors), "Saving word vectors")
            stop = min(first + _AT_ONCE, len(vectors))
            block = vectors.units[first:stop] * vectors.lengths[first:stop, None]
            lines = [
                f"{'_'.join(word.split())} {' '.join(f'{value:.9g}' for value in row)}\n"
                for word, row in zip(vectors.words[first:stop], block.tolist(), strict=True)
            ]
            file.write("".join(lines))
