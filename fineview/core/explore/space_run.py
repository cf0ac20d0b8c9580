"""What the run on display says of the points of a map."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task
from fineview.core.errors import ConfigError, RunError
from fineview.core.explore.sampled import ItemStates, find_items
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

_LEAST = 1e-30
_STORED = ("validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunView:
    """Answers of a run.

    Attributes:
        title: Its name, or "".
        note: Why it says nothing, or "".
        predictions: (M,) class of each point; -1 where it says nothing. None without an answer.
        losses: (M,) −ln of the probability of the true class, nats; NaN where it says nothing.
        layer_weights: (k,) learned weights of the layer mix; None where it has none.
    """

    title: str = ""
    note: str = ""
    predictions: NDArray[np.int64] | None = None
    losses: NDArray[np.float32] | None = None
    layer_weights: NDArray[np.float64] | None = None


def run_view(
    lab: "Laboratory",
    spec: RunSpec,
    task: Task,
    states: ItemStates,
    run_id: str,
    report: Report = SILENT,
) -> RunView:
    """Return what a run says of the points.

    What it left for its validation and test texts is taken as it stands. The texts it was trained
    on are judged by its head, where the run used the same encoder and maximum length.

    Args:
        lab: Where runs are kept.
        spec: What is looked at.
        task: Its task.
        states: Hidden states of the points.
        run_id: The run, or "".
        report: Asked between blocks of rows.
    """
    if not run_id or task.label_kind != "class":
        return RunView()
    try:
        record = lab.runs.read(run_id)
        title = record.summary.title
        if record.spec.task != spec.task:
            return RunView(note=f"{title} was trained on another task, so it colours nothing here.")
        shares = np.full((len(states), len(task.classes)), np.nan)
        _fill_stored(shares, lab.runs.tensors(run_id, "predictions"), states.items)
        same = (record.spec.encoder, record.spec.max_length) == (spec.encoder, spec.max_length)
        weights = record.result.get("layer_weights") if record.result else None
        layer_weights = np.array(weights) if weights else None
        if same:
            _fill_judged(shares, lab, run_id, record.spec, states, report)
    except RunError as error:
        return RunView(note=f"The run colours nothing: {error}")
    return _view(shares, task, states.items, title, _fitting(layer_weights, record.spec, spec))


def _fitting(
    weights: NDArray[np.float64] | None, trained: RunSpec, shown: RunSpec
) -> NDArray[np.float64] | None:
    """Return the weights where they were learned for the very layers that are looked at."""
    same = (trained.encoder, trained.pooling) == (shown.encoder, shown.pooling)
    return weights if same and shown.pooling.pair == "joint" else None  # maps read pairs jointly


def _fill_stored(
    shares: NDArray[np.float64], stored: dict[str, NDArray[np.generic]], items: NDArray[np.int64]
) -> None:
    for split in _STORED:
        judged = stored.get(f"{split}.items")
        said = stored.get(f"{split}.probabilities")
        if judged is None or said is None or len(items) == 0 or said.shape[1:] != shares.shape[1:]:
            continue
        places, known = find_items(items, judged)
        shares[places] = said[known]


def _fill_judged(
    shares: NDArray[np.float64],
    lab: "Laboratory",
    run_id: str,
    trained: RunSpec,
    states: ItemStates,
    report: Report,
) -> None:
    """Let the head judge what the run left no answer for."""
    missing = np.flatnonzero(np.isnan(shares[:, 0]))
    # The states of a map are of pairs read jointly: another head would see what it never learned.
    if len(missing) == 0 or trained.pooling.pair == "separate":
        return
    import torch

    from fineview.core.features.pooling import pool
    from fineview.core.training.heads import LinearHead

    try:
        head = LinearHead.from_arrays(lab.runs.tensors(run_id, "head"))
    except RunError:  # a head of another kind: what it left on disk is what it says
        return
    if head.linear.out_features != shares.shape[1]:
        return
    for first in range(0, len(missing), 128):
        report.check()
        some = missing[first : first + 128]
        try:
            features = pool(states.hidden.states[states.rows[some]], trained.pooling, states.level)
        except ConfigError:
            return
        with torch.no_grad():
            outputs = head(head.standardise(torch.from_numpy(features)))
            shares[some] = outputs.double().softmax(1).numpy()


def _view(
    shares: NDArray[np.float64],
    task: Task,
    items: NDArray[np.int64],
    title: str,
    layer_weights: NDArray[np.float64] | None,
) -> RunView:
    known = ~np.isnan(shares[:, 0])
    predictions = np.full(len(items), -1, dtype=np.int64)
    predictions[known] = shares[known].argmax(axis=1)
    truth = np.take(task.labels, items).astype(np.int64)
    losses = np.full(len(items), np.nan, dtype=np.float32)
    rows = np.flatnonzero(known)
    losses[rows] = -np.log(np.maximum(shares[rows, truth[rows]], _LEAST))
    return RunView(title=title, predictions=predictions, losses=losses, layer_weights=layer_weights)
