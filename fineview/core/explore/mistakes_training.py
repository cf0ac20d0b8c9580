"""Training texts that a run finds hard, and those whose label may be wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.items import TaskItems
from fineview.core.data.sample import with_shuffled_labels
from fineview.core.data.task import ITEM_NAMES, Task
from fineview.core.errors import DataError
from fineview.core.explore.choices import MapChoice, MistakesChoice
from fineview.core.explore.layer_map_rows import MapRows, draw_rows, states_of_rows
from fineview.core.explore.mistakes_noise import Noise, confident
from fineview.core.explore.sampled import ItemStates, drawn_items, find_items
from fineview.core.features.config import PoolingConfig, describe
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.tuned_encoder import begins_with

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory

Floats = NDArray[np.float64]

_LEAST = 1e-30
_CHUNK = 256
_PENALTIES = (1.0, 0.1, 0.01, 1e-3)
"""C of the probes that are tried: one that has learned its texts by heart is always sure."""
_ROWS = 2048
"""Rows that a stored head judges at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingTexts:
    """Training items judged by the run, and their labels by a probe that has not seen them.

    Attributes:
        run_id: The run.
        index: Looks up texts.
        items: (N,) items of the task, ascending.
        labels: (N,) the labels that the run was given: int64 classes or float64 numbers.
        classes: Class names; empty for numbers.
        answers: (N,) what the run says, of the same kind.
        shares: (N, C) float64 probabilities of the run; (N, 0) for numbers.
        unseen: (N, C) float32 probabilities of the probes, out of fold; None where there are none.
        losses: (N,) −ln of the probability of the label, nats; for numbers the squared error, in
            the labels' unit squared.
        noise: What the probes say of the labels; None where they say nothing.
        notes: What was left out, which features were used: sentences.
        noise_note: Why there are no probes, or "".
    """

    run_id: str
    index: TaskItems
    items: NDArray[np.int64]
    labels: NDArray[np.int64] | NDArray[np.float64]
    classes: tuple[str, ...]
    answers: NDArray[np.int64] | NDArray[np.float64]
    shares: Floats
    unseen: NDArray[np.float32] | None
    losses: Floats
    noise: Noise | None
    notes: tuple[str, ...]
    noise_note: str = ""

    def __len__(self) -> int:
        """Return N."""
        return len(self.items)


def training_texts(
    lab: "Laboratory", run_id: str, choice: MistakesChoice, report: Report = SILENT
) -> TrainingTexts:
    """Let a run judge its own training texts, and probes their labels out of fold.

    Args:
        lab: Runs, tasks, features.
        run_id: A run that has left a head.
        choice: Items, folds, seed.
        report: Asked between batches; progress counts texts.

    Raises:
        RunError: The run has no head, or is damaged.
        DataError: There are too few training texts.
        FineviewError: Its encoder or its task cannot be had.
        JobCancelled: Stop was pressed.
    """
    record = lab.runs.read(run_id)
    spec = record.spec
    task = lab.task(spec.task, spec.split)
    if spec.control == "shuffled-labels":
        task = with_shuffled_labels(task, spec.seed)
    rows = _drawn(task, choice)
    judging = _Judging(lab, run_id, spec, task, report)
    rows, said = judging.answers(rows)
    labels: NDArray[Any] = task.labels[rows.items]
    answers: NDArray[Any]
    unseen, why = None, ""
    if task.label_kind == "number":
        answers, said = said[:, 0], said[:, :0]
        losses = np.square(answers - labels)
        why = "Confident learning judges classes; this task's labels are numbers."
    else:
        labels = labels.astype(np.int64)
        answers = said.argmax(1).astype(np.int64)
        losses = -np.log(np.maximum(said[np.arange(len(labels)), labels], _LEAST))
        try:
            unseen = judging.unseen(rows, labels, choice)
        except DataError as error:  # one class only, or fewer texts than folds
            why = str(error)
    return TrainingTexts(
        run_id=run_id,
        index=TaskItems(task),
        items=rows.items,
        labels=labels,
        classes=task.classes,
        answers=answers,
        shares=said,
        unseen=unseen,
        losses=losses,
        noise=None if unseen is None else confident(labels, unseen),
        notes=(*rows.notes, *judging.notes),
        noise_note=why,
    )


def ranked_hardest(texts: TrainingTexts) -> NDArray[np.int64]:
    """Return the rows, the greatest loss first."""
    return np.argsort(-texts.losses, kind="stable").astype(np.int64)


def ranked_candidates(noise: Noise, rank: str) -> NDArray[np.int64]:
    """Return the rows that are candidates of label noise, the likeliest first.

    Args:
        noise: What the probes say.
        rank: `margin` or `confidence`.
    """
    rows = np.flatnonzero(noise.candidate)
    keys = noise.margin if rank == "margin" else noise.confidence
    return rows[np.argsort(keys[rows], kind="stable")].astype(np.int64)


def _drawn(task: Task, choice: MistakesChoice) -> MapRows:
    if task.label_kind == "class":
        return draw_rows(task, MapChoice(items=choice.items, folds=choice.folds, seed=choice.seed))
    train = task.splits["train"]
    items = drawn_items(
        task.labels, TaskItems(task).splits, train, choice.items, choice.seed, "number"
    )
    notes: tuple[str, ...] = ()
    if len(items) < len(train):
        what = ITEM_NAMES[task.info.level]
        notes = (
            f"{len(items):,} of {len(train):,} training {what} were drawn with seed "
            f"{choice.seed}; {len(train) - len(items):,} are left out.",
        )
    return MapRows(task, items, items, notes)


class _Judging:
    """Answers and features of a run's training texts.

    Attributes:
        notes: Which features were used, and what is missing.
    """

    def __init__(
        self, lab: "Laboratory", run_id: str, spec: RunSpec, task: Task, report: Report
    ) -> None:
        self._lab = lab
        self._run_id = run_id
        self._spec = spec
        self._task = task
        self._report = report
        self._kept: NDArray[np.float32] | None = None  # features of the run's own head
        self.notes: list[str] = []

    def answers(self, rows: MapRows) -> tuple[MapRows, Floats]:
        """Return the rows that the run can judge, and (N, C) or (N, 1) of what it says."""
        spec = self._spec
        if spec.strategy.trains_encoder or spec.pooling.tokens == "attention":
            return self._by_texts(rows)
        rows, self._kept = self._own_features(rows)
        return rows, self._by_features(self._kept)

    def unseen(
        self, rows: MapRows, labels: NDArray[np.int64], choice: MistakesChoice
    ) -> NDArray[np.float32]:
        """Return (N, C) probabilities of probes that have not seen the item, out of fold."""
        from fineview.core.features.probes import make_folds, solve_probe

        features = self._kept
        if features is None:
            features, there = self._pretrained(rows)
            # The same texts, cut at the same length.
            assert len(there.items) == len(rows.items)
        groups = rows.units if self._task.words is not None else None
        folds = make_folds(labels, choice.folds, choice.seed, groups)
        names, known = np.unique(labels, return_inverse=True)
        best, least, chosen = None, np.inf, 0.0
        for done, penalty in enumerate(_PENALTIES):
            self._report.progress(done, len(_PENALTIES), f"Probes in {folds.count} folds")
            found = solve_probe(
                features, known.astype(np.int64), folds, penalty, len(names), self._report
            ).probabilities
            loss = -np.log(np.maximum(found[np.arange(len(known)), known], _LEAST)).mean()
            if best is None or loss < least:
                best, least, chosen = found, loss, penalty
        assert best is not None
        shares = np.zeros((len(labels), len(self._task.classes)), dtype=np.float32)
        shares[:, names] = best
        self.notes.append(self._said_of_features())
        agree = float((shares.argmax(1) == labels).mean())
        guess = float(np.bincount(labels).max() / len(labels))
        self.notes.append(
            f"Out of fold they agree with {agree:.1%} of the labels, the commonest class with "
            f"{guess:.1%} (C = {chosen:g}, the best of {len(_PENALTIES)})."
        )
        return shares

    def _by_texts(self, rows: MapRows) -> tuple[MapRows, Floats]:
        """Let the whole model read the texts."""
        from fineview.core.runs.judge import Judge

        judge = Judge(self._run_id, self._lab)
        quiet, task, units = _Quiet(self._report), self._task, np.unique(rows.units)
        lengths = None if task.words is None else np.array([len(words) for words in task.words])
        starts = None if lengths is None else np.concatenate([[0], np.cumsum(lengths)])
        items, said = [], []
        for first in range(0, len(units), _CHUNK):
            self._report.check()
            self._report.progress(first, len(units), "The run judges its training texts")
            some = units[first : first + _CHUNK].tolist()
            shares, places, _ = judge.shares(
                [task.texts[i] for i in some],
                None if task.second is None else [task.second[i] for i in some],
                None if task.words is None else [task.words[i] for i in some],
                quiet,
            )
            whole = np.array(some, dtype=np.int64)
            if starts is not None:
                whole = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in some])
            items.append(whole[places])
            said.append(shares)
        found, every = np.concatenate(said), np.concatenate(items)
        places, known = find_items(every, rows.items)
        return self._without(rows, rows.items[known]), found[places]

    def _by_features(self, features: NDArray[np.float32]) -> Floats:
        """Let the stored head judge features."""
        import torch

        arrays = self._lab.runs.tensors(self._run_id, "head")
        judge: Callable[[Any], Any]
        if "skops" in arrays:
            from fineview.core.training.shallow import ShallowHead

            judge = ShallowHead.from_arrays(arrays).judge
        else:
            from fineview.core.training.heads import head_of

            head = head_of(arrays)

            def judge(some: Any) -> Any:  # noqa: ANN401 - torch is imported late
                with torch.no_grad():
                    return head.answers(head(head.standardise(some))).numpy()

        said = []
        for first in range(0, len(features), _ROWS):
            self._report.check()
            self._report.progress(first, len(features), "The head judges its training texts")
            said.append(judge(torch.from_numpy(features[first : first + _ROWS])))
        return np.concatenate(said).astype(np.float64)

    def _own_features(self, rows: MapRows) -> tuple[MapRows, NDArray[np.float32]]:
        """Return what the run's head saw."""
        spec = self._spec
        if spec.strategy.kind == "classical":
            from fineview.core.features.classical import Terms

            terms = Terms.from_arrays(self._lab.runs.tensors(self._run_id, "terms"))
            return rows, terms.transform(rows.sides())
        features, rows = self._pooled(rows, begins_with(spec), spec.pooling)
        return rows, features

    def _pretrained(self, rows: MapRows) -> tuple[NDArray[np.float32], MapRows]:
        """Return features of the encoder before training: they have not seen the labels."""
        pooling = self._spec.pooling
        if pooling.tokens == "attention":
            pooling = replace(pooling, tokens="mean")
        return self._pooled(rows, self._spec.encoder, pooling)

    def _pooled(
        self, rows: MapRows, encoder: str, pooling: PoolingConfig
    ) -> tuple[NDArray[np.float32], MapRows]:
        spec = replace(self._spec, encoder=encoder, pooling=pooling)
        if pooling.pair == "separate" and self._task.second is not None:
            from fineview.core.features.pooling import pool

            hidden = self._lab.features(spec, self._report)
            places, known = find_items(hidden.items, rows.items)
            return pool(hidden, pooling)[places], self._without(rows, rows.items[known])
        states = states_of_rows(self._lab, spec, rows, self._report)
        return _mixed(states, pooling, self._report), self._without(rows, states.items)

    def _without(self, rows: MapRows, there: NDArray[np.int64]) -> MapRows:
        missing = len(rows.items) - len(there)
        if not missing:
            return rows
        self.notes.append(
            f"{missing:,} lie behind the maximum length of {self._spec.max_length} tokens."
        )
        return rows.only(there)

    def _said_of_features(self) -> str:
        spec = self._spec
        if spec.strategy.kind == "classical":
            return "The probes that judge labels read the run's TF-IDF directions."
        name = spec.encoder
        own = describe(spec.pooling, self._lab.encoder(name).info.layers)
        if spec.strategy.trains_encoder:
            return (
                f"The probes that judge labels read {own} of {name} as it was before this run: the "
                "run's own features have seen the labels."
            )
        if spec.pooling.tokens == "attention":
            return (
                f"The probes that judge labels read the mean over tokens of {name}: the run's own "
                "token weights have seen the labels."
            )
        random = " with random weights" if spec.strategy.kind == "random-features" else ""
        return f"The probes that judge labels read the run's own features, {own} of {name}{random}."


class _Quiet(Relay):
    """A report of a part of the work: it stops, but how far the part is helps nobody."""

    def publish(self, event: object) -> None:
        """Drop the event."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Drop the figures."""


def _mixed(states: ItemStates, pooling: PoolingConfig, report: Report) -> NDArray[np.float32]:
    """Return features as a head takes them; layers whose weights are learned stay apart."""
    choice = pooling.resolved(states.depth)
    if choice.mix != "weighted":
        return states.pooled(choice, report=report)
    layers: Sequence[int] = choice.layers
    return np.stack([states.layer(layer, choice.tokens, report) for layer in layers], axis=1)
