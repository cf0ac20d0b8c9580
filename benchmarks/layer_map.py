"""The layer map against re-encoding per configuration, on 1,000 texts of 20 Newsgroups.

Run as `python -m benchmarks.layer_map`; needs the extra `bench`, and `fineview fetch orange-texts`.
7 layers × 3 token poolings and 9 presets, 5 folds, with the TF-IDF line, no random control.
The peer encodes the same texts anew for a configuration with sentence-transformers and fits
scikit-learn's LogisticRegression once per fold; three configurations (layers 6, 4, 2, near the mean
depth of all) are timed and their mean is multiplied by 30. Its accuracies come from fits run to
convergence, which are not timed. Both sides use the same number of torch threads.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.features import MAX_LENGTH, THREADS, seconds
from fineview.core.explore.choices import MapChoice
from fineview.core.explore.layer_map import LayerMap
from fineview.core.explore.layer_map_rows import draw_rows
from fineview.core.explore.layer_map_scores import Judge
from fineview.core.explore.layer_map_work import compute_map
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.models.catalog import locate
from fineview.core.runs.spec import RunSpec

CELLS = 30
PEERS = ((6, "mean"), (4, "cls"), (2, "max"))
SPEC = RunSpec(task="newsgroups-20", max_length=MAX_LENGTH)
CHOICE = MapChoice(controls=False)


def out_of_fold(
    features: NDArray[np.float32], judge: Judge, tolerance: float, iterations: int
) -> float:
    """Return scikit-learn's accuracy over the folds, one fit each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    answers = np.empty_like(judge.labels)
    for fold in range(judge.folds.count):
        held = judge.folds.of == fold
        scaler = StandardScaler().fit(features[~held])
        model = LogisticRegression(tol=tolerance, max_iter=iterations)
        model.fit(scaler.transform(features[~held]), judge.labels[~held])
        answers[held] = model.predict(scaler.transform(features[held]))
    return float((answers == judge.labels).mean())


def encoded(texts: list[str], layer: int, pooling: str) -> NDArray[np.float32]:
    """Return the peer's vectors of one configuration, from a model cut behind its layer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    body = Transformer(str(locate("minilm-l6")), max_seq_length=MAX_LENGTH)
    blocks = body.auto_model.encoder.layer
    body.auto_model.encoder.layer = blocks[:layer]
    width = body.auto_model.config.hidden_size
    peer = SentenceTransformer(modules=[body, Pooling(width, pooling_mode=pooling)], device="cpu")
    vectors: NDArray[np.float32] = peer.encode(texts, show_progress_bar=False)
    return vectors


def ours(folder: str, repetitions: int) -> tuple[LayerMap, list[float], list[float], list[float]]:
    """Return a map, and seconds of the cold maps, their passes, and the cached maps."""
    cold, passes, cached = [], [], []
    found: list[LayerMap] = []
    for turn in range(repetitions + 1):
        home = Locations.find()
        lab = Laboratory(replace(home, workspace=Path(folder) / f"workspace-{turn}"), "cpu")
        lab.store.folder = Path(folder) / f"store-{turn}"  # the texts' cache stays
        lab.encoder(SPEC.encoder).load()
        lab.task(SPEC.task, SPEC.split)
        first = seconds(lambda lab=lab: found.append(compute_map(lab, SPEC, CHOICE)))
        second = seconds(lambda lab=lab: found.append(compute_map(lab, SPEC, CHOICE)))
        if turn:
            cold.append(first)
            passes.append(found[-2].passes[0].seconds)
            cached.append(second)
        lab.close()
    return found[-1], cold, passes, cached


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    repetitions = parser.parse_args().repetitions
    import torch

    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        found, cold, passes, cached = ours(folder, repetitions)
        lab = Laboratory(replace(Locations.find(), workspace=Path(folder) / "peer"), "cpu")
        rows = draw_rows(lab.task(SPEC.task, SPEC.split), CHOICE)
        lab.close()
    judge, (texts,) = Judge.over(rows, CHOICE), rows.sides()
    times, gaps = [], []
    for layer, pooling in PEERS:
        kept: list[NDArray[np.float32]] = []

        def loop(layer: int = layer, pooling: str = pooling, kept: list = kept) -> None:  # type: ignore[type-arg]
            kept.append(encoded(texts, layer, pooling))
            out_of_fold(kept[0], judge, 1e-4, 1000)

        times.append(seconds(loop))
        theirs = out_of_fold(kept[0], judge, 1e-7, 50_000)
        cell = next(
            c.accuracy.value
            for c in found.cells
            if not c.preset and c.pooling.layers == (layer,) and c.pooling.tokens == pooling
        )
        gaps.append(100 * abs(cell - theirs))
        print(f"layer {layer} {pooling}: ours {cell:.4f}, peer {theirs:.4f}, {times[-1]:.1f} s")
    one_pass = statistics.median(passes)
    peer = CELLS * statistics.mean(times)
    print(f"pass {one_pass:.2f} s, map with it {cold}, map of cached states {cached}")
    print(f"peer, extrapolated from {len(times)} to {CELLS} configurations: {peer:.0f} s")
    result = {
        "passes": round(statistics.median(cold) / one_pass, 2),
        "passes_cached": round(statistics.median(cached) / one_pass, 2),
        "peer_ratio": round(peer / statistics.median(cold), 1),
        "max_points_diff": round(max(gaps), 2),
    }
    print(f"RESULT {json.dumps(result)}")


if __name__ == "__main__":
    main()
