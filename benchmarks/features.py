"""All layers × 3 token poolings against one vector of sentence-transformers, on the same texts.

Run as `python -m benchmarks.features`; needs the extra `bench`, and texts of two catalogue entries:
`fineview fetch orange-texts movie-snippets`. Both sides read the same files, cut
at the same length and use the same number of torch threads; repetitions are interleaved and every
one of ours starts with an empty store and ends with the states on disk.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.catalogued import entry_of, load_catalogued
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Task, TaskInfo
from fineview.core.features.config import PoolingConfig
from fineview.core.features.extract import extract
from fineview.core.features.hidden import HiddenStates
from fineview.core.features.pooling import pool
from fineview.core.features.store import FeatureStore
from fineview.core.locations import Locations
from fineview.core.models import catalog
from fineview.core.models.catalog import locate
from fineview.core.models.encoder import Encoder, open_encoder
from fineview.core.models.fetch import is_stored

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_LENGTH = 128
LONG_TEXTS = 512
SHORT_TEXTS = 2000
THREADS = 2


def texts_of(task: str, count: int) -> tuple[str, ...]:
    """Draw texts of a fetched task.

    Args:
        task: Name of the task.
        count: Number of texts.

    Raises:
        SystemExit: The task is not on this machine; the message says how to fetch it.
    """
    entry = catalog.entry(entry_of(task))
    cache = Locations.find().cache
    if not is_stored(entry, cache):
        raise SystemExit(f"Fetch the texts first: fineview fetch {entry.name}")
    texts = load_catalogued(task, SplitConfig(), cache).texts
    chosen = np.random.default_rng(0).choice(len(texts), count, replace=False)
    return tuple(texts[i] for i in np.sort(chosen))


def as_task(texts: tuple[str, ...]) -> Task:
    """Wrap texts; labels and splits do not matter for extraction."""
    info = TaskInfo(
        name="benchmark", title="Benchmark", level="sentence", meaning="", source="", licence=""
    )
    every = np.arange(len(texts))
    return Task(
        info=info,
        texts=texts,
        labels=every % 2,
        classes=("even", "odd"),
        splits={"train": every, "validation": every, "test": every},
    )


def matrix_rate() -> float:
    """Return this machine's sustained float32 rate, FLOP/s, for products as in the encoder."""
    import torch

    left, right = torch.randn(2048, 384), torch.randn(384, 1536)
    products = 12

    def multiply() -> None:
        for _ in range(products):
            torch.mm(left, right)

    return products * 2 * 2048 * 384 * 1536 / min(seconds(multiply) for _ in range(6))


def work_of(encoder: Encoder, texts: tuple[str, ...]) -> float:
    """Return the FLOPs of one pass over the real tokens: weights, and attention's two products."""
    info = encoder.info
    lengths = np.array([len(e.ids) for e in encoder.encode(texts, max_length=MAX_LENGTH)])
    weights = 2 * sum(info.layer_parameters[1:]) * lengths.sum()
    return float(weights + 4 * info.layers * info.width * (lengths**2).sum())


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Outcome:
    """One comparison.

    Attributes:
        ours: Seconds of each repetition.
        theirs: Seconds of the peer's repetitions, in turn with ours.
        difference: Largest relative difference of the last layer's mean.
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    difference: float

    @property
    def ratio(self) -> float:
        """Return the peer's median time over ours."""
        return statistics.median(self.theirs) / statistics.median(self.ours)


def compare(
    encoder: Encoder, peer: "SentenceTransformer", texts: tuple[str, ...], repetitions: int
) -> Outcome:
    """Time both sides in turn, after one turn to warm up.

    Args:
        encoder: Ours, loaded.
        peer: Theirs, loaded.
        texts: For both.
        repetitions: Of each side.
    """
    task = as_task(texts)
    ours: list[float] = []
    theirs: list[float] = []
    difference = 0.0
    for turn in range(repetitions + 1):
        with tempfile.TemporaryDirectory() as folder:
            vectors: list[NDArray[np.float32]] = []
            states: list[HiddenStates] = []

            def extract_all(folder: str = folder, states: list[HiddenStates] = states) -> None:
                store = FeatureStore(Path(folder))
                states.append(extract(encoder, task, store, max_length=MAX_LENGTH))

            def encode(vectors: list[NDArray[np.float32]] = vectors) -> None:
                vectors.append(peer.encode(list(texts), show_progress_bar=False))

            pair: list[tuple[list[float], Callable[[], object]]] = [
                (ours, extract_all),
                (theirs, encode),
            ]
            for times, work in pair if turn % 2 else reversed(pair):
                times.append(seconds(work))
            mean = pool(states[0], PoolingConfig(layers=(-1,), tokens="mean"))
            mean /= np.linalg.norm(mean, axis=1, keepdims=True)  # as the peer's last module does
            gap = np.linalg.norm(mean - vectors[0], axis=1) / np.linalg.norm(vectors[0], axis=1)
            difference = max(difference, float(gap.max()))
            del states, vectors
    return Outcome(tuple(ours[1:]), tuple(theirs[1:]), difference)


def show(title: str, outcome: Outcome, count: int, flops: float, rate: float) -> None:
    """Print one comparison with the share of the machine's matrix rate that each side reached."""
    print(f"{title}: {count} texts, {flops / 1e9:.0f} GFLOP on real tokens")
    for label, times in (("fineview", outcome.ours), ("sentence_tr.", outcome.theirs)):
        middle = statistics.median(times)
        print(
            f"  {label:13s} {middle:6.2f} s ({min(times):.2f} … {max(times):.2f}), "
            f"{count / middle:6.1f} texts/s, {flops / middle / 1e9:5.1f} GFLOP/s = "
            f"{flops / middle / rate:.0%} of the matrix rate"
        )
    best = min(outcome.theirs) / min(outcome.ours)
    print(
        f"  ratio of the medians {outcome.ratio:.3f}, of the fastest {best:.3f}; "
        f"largest relative difference {outcome.difference:.1e}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, CPU, float32")
    peer = SentenceTransformer(str(locate("minilm-l6")), device="cpu")
    peer.max_seq_length = MAX_LENGTH
    long = texts_of("newsgroups-20", LONG_TEXTS)
    short = texts_of("movie-snippets", SHORT_TEXTS)
    with tempfile.TemporaryDirectory() as cache:
        encoder = open_encoder("minilm-l6", Path(cache), device="cpu")
        encoder.load()
        # Other work on the machine lowers what one measurement finds: the best of three counts.
        rates = [matrix_rate()]
        long_outcome = compare(encoder, peer, long, repetitions)
        rates.append(matrix_rate())
        short_outcome = compare(encoder, peer, short, repetitions)
        rates.append(matrix_rate())
        print(f"matrix rate {max(rates) / 1e9:.0f} GFLOP/s")
        for title, outcome, texts in (
            (f"20 Newsgroups, cut at {MAX_LENGTH} tokens", long_outcome, long),
            ("movie snippets", short_outcome, short),
        ):
            show(title, outcome, len(texts), work_of(encoder, texts), max(rates))
    result = {
        "ratio_long": round(long_outcome.ratio, 3),
        "ratio_short": round(short_outcome.ratio, 3),
        "max_rel_diff": max(long_outcome.difference, short_outcome.difference),
    }
    print(f"RESULT {json.dumps(result)}")


if __name__ == "__main__":
    main()
