"""How fast a head is there: against scikit-learn, and from a click to the first point.

`head_ratio`: seconds of scikit-learn's LogisticRegression (L-BFGS, its own tolerance) over the
seconds until fineview's default SGD is within 1 % of the optimum's validation loss, on the same
standardised matrix with the same penalty and threads. `head_ratio_oracle` is stricter: there
scikit-learn stops at the first iteration that is within that 1 %, which nobody knows beforehand.

`first_point_ms`: from "train with another pooling" to the first point of the curves on disk, for
5,000 texts whose hidden states are in the store.
"""

import json
import statistics
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch.nn import functional

from fineview.core.data.split import SplitConfig, make_splits
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import JobCancelled
from fineview.core.features.config import PoolingConfig, presets
from fineview.core.features.pooling import pool
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.models.catalog import locate
from fineview.core.progress import Silent
from fineview.core.runs.spec import RunSpec
from fineview.core.training.config import TrainConfig, default_rate
from fineview.core.training.events import Evaluation
from fineview.core.training.loop import HeadTraining, TrainData
from fineview.core.training.references import optimum

THREADS = 1
ROUNDS = 5
WITHIN = 1.01
PEER_TOLERANCE = 1e-4  # scikit-learn's default


class FirstPoint(Silent):
    """Notes when the curves may be drawn and ends the run there."""

    def __init__(self, target: float = float("inf")) -> None:
        self.target = target
        self.at: float | None = None

    def publish(self, event: object) -> None:
        """Look at evaluations."""
        if self.at is None and isinstance(event, Evaluation) and event.loss <= self.target:
            self.at = time.perf_counter()

    def check(self) -> None:
        """Stop once there."""
        if self.at is not None:
            raise JobCancelled


def data_of(lab: Laboratory, spec: RunSpec) -> TrainData:
    """Pool a task's features as a run does."""
    task = lab.task(spec.task)
    hidden = lab.features(spec)
    pooled = torch.from_numpy(pool(hidden, spec.pooling))
    labels = torch.from_numpy(task.labels[hidden.items])
    parts = []
    for split in ("train", "validation"):
        rows = np.flatnonzero(np.isin(hidden.items, task.splits[split]))
        parts.append((pooled[rows], labels[rows]))
    return TrainData(parts[0], parts[1], len(task.classes))


def ours(data: TrainData, config: TrainConfig, target: float) -> float:
    """Return the seconds until the validation loss is at the target; infinity where it never is."""
    watch = FirstPoint(target)
    begun = time.perf_counter()
    with suppress(JobCancelled):
        HeadTraining(data, config, report=watch).run()
    return (watch.at or float("inf")) - begun


def enough_iterations(data: HeadTraining, penalty: float, target: float) -> int:
    """Return the fewest iterations with which scikit-learn is at the target."""
    low, high = 1, 2
    while fit(data, penalty, high)[1] > target and high < 2_000:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fit(data, penalty, middle)[1] <= target else (middle, high)
    return high


def fit(
    training: HeadTraining, penalty: float, iterations: int, tolerance: float = 1e-12
) -> tuple[float, float]:
    """Fit scikit-learn's; return seconds and validation loss."""
    features, labels = (part.numpy() for part in training.train)
    # Of two classes scikit-learn keeps one row of weights, w; softmax keeps ±w/2, half its penalty.
    share = 0.5 if training.head.linear.out_features == 2 else 1.0
    model = LogisticRegression(
        C=1 / (share * penalty * len(labels)), max_iter=iterations, tol=tolerance, solver="lbfgs"
    )
    begun = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
    seconds = time.perf_counter() - begun
    outputs = torch.from_numpy(model.decision_function(training.validation[0].numpy()))
    if outputs.dim() == 1:
        outputs = torch.stack([torch.zeros_like(outputs), outputs], 1)
    return seconds, float(functional.cross_entropy(outputs, training.validation[1]))


def compare(lab: Laboratory, spec: RunSpec) -> tuple[float, float]:
    """Return scikit-learn's median seconds over ours: as people call it, and with an oracle."""
    data = data_of(lab, spec)
    config = spec.training
    prepared = HeadTraining(data, config)
    best = optimum(prepared.head, prepared.train, prepared.validation, config.weight_decay)
    assert best.loss is not None
    target = WITHIN * best.loss
    iterations = enough_iterations(prepared, config.weight_decay, target)
    times: dict[str, list[float]] = {"ours": [], "peer": [], "oracle": []}
    for _ in range(ROUNDS):
        times["ours"].append(ours(data, config, target))
        times["peer"].append(fit(prepared, config.weight_decay, 5_000, PEER_TOLERANCE)[0])
        times["oracle"].append(fit(prepared, config.weight_decay, iterations)[0])
    mine, peer, oracle = (1e3 * statistics.median(times[name]) for name in times)
    shape = tuple(prepared.train[0].shape)
    print(
        f"{spec.task:>16} {spec.pooling.mix:>7} {shape[0]:>6} x {shape[1]:<5} optimum "
        f"{best.loss:.3f}: fineview {mine:5.0f} ms, scikit-learn {peer:5.0f} ms, ratio "
        f"{peer / mine:.2f}; stopped after {iterations} iterations {oracle:5.0f} ms, ratio "
        f"{oracle / mine:.2f}"
    )
    return peer / mine, oracle / mine


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


class FiveThousand(Laboratory):
    """A laboratory with one task of 5,000 short texts."""

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return it, whatever the name."""
        if not hasattr(self, "_made"):
            texts = texts_of_words(5_000, 4, 30, seed=1)
            labels = np.array([len(text) % 4 for text in texts])
            info = TaskInfo(
                name=name,
                title="5,000 texts",
                level="sentence",
                meaning="Length modulo 4: only the time matters here.",
                source="generated",
                licence="none",
            )
            self._made = Task(
                info=info,
                texts=texts,
                labels=labels,
                classes=tuple("abcd"),
                splits=make_splits(labels, split).items,
            )
        return self._made


def first_point(lab: Laboratory) -> float:
    """Return the median ms from asking for another pooling to the first point."""
    spec = RunSpec(task="five-thousand", max_length=64)
    begun = time.perf_counter()
    lab.features(spec)
    print(f"hidden states of 5,000 texts: {time.perf_counter() - begun:.1f} s, once")
    times = []
    for preset in presets(6):
        pooling = PoolingConfig(layers=preset.layers, mix=preset.mix)
        watch = FirstPoint()
        begun = time.perf_counter()
        try:
            lab.execute(replace(spec, pooling=pooling), watch)
        except JobCancelled:
            assert watch.at is not None
            times.append(1e3 * (watch.at - begun))
            print(f"{preset.title:>20}: first point after {times[-1]:5.0f} ms")
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(THREADS)
    threadpool_limits(THREADS)  # scikit-learn's products are NumPy's, not torch's
    print(f"torch {torch.__version__}, {THREADS} thread on both sides, medians of {ROUNDS}")
    with tempfile.TemporaryDirectory() as scratch:
        locations = Locations(Path(scratch) / "w", Path(scratch) / "c")
        lab = Laboratory(locations)
        lab.warm_up()
        torch.set_num_threads(THREADS)
        four = PoolingConfig(layers=(3, 4, 5, 6), mix="concat")
        default = compare(lab, RunSpec())
        rate = default_rate("sgd", 4 * 384)
        wide = compare(lab, RunSpec(pooling=four, training=TrainConfig(learning_rate=rate)))
        larger = compare(lab, RunSpec(task="capitals"))
        lab.close()
        lab = FiveThousand(locations)
        point = first_point(lab)
        lab.close()
    result = {
        "head_ratio": round(default[0], 2),
        "head_ratio_oracle": round(default[1], 2),
        "head_ratio_concat": round(wide[0], 2),
        "head_ratio_capitals": round(larger[0], 2),
        "first_point_ms": round(point),
        "threads": THREADS,
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
