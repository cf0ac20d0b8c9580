"""All layers × 3 token poolings against one vector of sentence-transformers, on the same texts.

Run as `python -m benchmarks.features`; needs the extra `bench`. Both sides read the same files, cut
at the same length and use the same number of torch threads; repetitions are interleaved and every
one of ours starts with an empty store and ends with the states on disk.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task, TaskInfo
from fineview.core.features.config import PoolingConfig
from fineview.core.features.extract import extract
from fineview.core.features.hidden import HiddenStates
from fineview.core.features.pooling import pool
from fineview.core.features.store import FeatureStore
from fineview.core.models.catalog import locate
from fineview.core.models.encoder import Encoder, open_encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_LENGTH = 128
LONG_TEXTS = 512
SHORT_TEXTS = 2000
THREADS = 2


def texts_of_words(count: int, least: int, most: int, seed: int) -> tuple[str, ...]:
    """Draw texts: runs of the Lee corpus with a word of the analogy questions here and there.

    Args:
        count: Number of texts.
        least: Fewest words of a text.
        most: Most words of a text.
        seed: Of the draw.
    """
    running = locate("lee-news").read_text(encoding="utf-8").split()
    questions = locate("google-analogies").read_text(encoding="utf-8").split()
    rng = np.random.default_rng(seed)
    texts = []
    for length in rng.integers(least, most, endpoint=True, size=count):
        start = int(rng.integers(0, len(running) - length))
        words = running[start : start + length]
        for place in rng.integers(0, length, size=length // 10):
            words[place] = questions[int(rng.integers(0, len(questions)))]
        texts.append(" ".join(words))
    return tuple(texts)


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
    """Return this machine's float32 rate, FLOP/s: the best product as large as the encoder's."""
    import torch

    left, right = torch.randn(2048, 384), torch.randn(384, 1536)
    best = 0.0
    for _ in range(60):
        began = time.perf_counter()
        torch.mm(left, right)
        best = max(best, 2 * 2048 * 384 * 1536 / (time.perf_counter() - began))
    return best


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


def compare(
    name: str,
    encoder: Encoder,
    peer: "SentenceTransformer",
    texts: tuple[str, ...],
    rate: float,
    repetitions: int,
) -> tuple[float, float]:
    """Time both sides in turn and print the figures.

    Args:
        name: Printed in front.
        encoder: Ours, loaded.
        peer: A SentenceTransformer.
        texts: For both.
        rate: This machine's float32 FLOP/s.
        repetitions: Of each side.

    Returns:
        Peer's median time over ours, and the largest relative difference of the last layer's mean.
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

            pair = [(ours, extract_all), (theirs, encode)]
            for times, work in pair if turn % 2 else reversed(pair):
                times.append(seconds(work))
            mean = pool(states[0], PoolingConfig(layers=(-1,), tokens="mean"))
            mean /= np.linalg.norm(mean, axis=1, keepdims=True)  # as the peer's last module does
            gap = np.linalg.norm(mean - vectors[0], axis=1) / np.linalg.norm(vectors[0], axis=1)
            difference = max(difference, float(gap.max()))
            del states, vectors
    fineview, others = (statistics.median(times[1:]) for times in (ours, theirs))  # first: warm-up
    flops = work_of(encoder, texts)
    print(f"{name}: {len(texts)} texts, {flops / 1e9:.0f} GFLOP on real tokens")
    for label, taken, times in (("fineview", fineview, ours), ("sentence_tr.", others, theirs)):
        spread = f"{min(times[1:]):.2f} … {max(times[1:]):.2f}"
        print(
            f"  {label:13s} {taken:6.2f} s ({spread}), {len(texts) / taken:6.1f} texts/s, "
            f"{flops / taken / 1e9:5.1f} GFLOP/s = {flops / taken / rate:.0%} of the matrix rate"
        )
    print(f"  ratio {others / fineview:.3f}, largest relative difference {difference:.1e}")
    return others / fineview, difference


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, CPU, float32")
    rate = matrix_rate()
    print(f"matrix rate {rate / 1e9:.0f} GFLOP/s")
    peer = SentenceTransformer(str(locate("minilm-l6")), device="cpu")
    peer.max_seq_length = MAX_LENGTH
    with tempfile.TemporaryDirectory() as cache:
        encoder = open_encoder("minilm-l6", Path(cache), device="cpu")
        encoder.load()
        long, gap_long = compare(
            "long", encoder, peer, texts_of_words(LONG_TEXTS, 160, 200, 1), rate, repetitions
        )
        short, gap_short = compare(
            "short", encoder, peer, texts_of_words(SHORT_TEXTS, 2, 24, 2), rate, repetitions
        )
    result = {
        "ratio_long": round(long, 3),
        "ratio_short": round(short, 3),
        "max_rel_diff": max(gap_long, gap_short),
    }
    print(f"RESULT {json.dumps(result)}")


if __name__ == "__main__":
    main()
