"""Hidden states of some items of a task: read where the store has them, else computed for those."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.split import fifths
from fineview.core.data.task import LabelKind, Level, Task
from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig, token_poolings
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.features.hidden import HiddenStates
    from fineview.core.features.store import StoreEntry
    from fineview.core.laboratory import Laboratory

_ROWS = 512
"""Rows that are read between two looks at Stop."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemStates:
    """Hidden states of some items.

    Attributes:
        hidden: Where they are read from; it may hold more items.
        rows: (M,) row of `hidden` for each item.
        items: (M,) items of the task, ascending; those that were asked for and have a state.
        truncated: Texts that were cut at the maximum length, of all that `hidden` holds.
        cached: True where nothing was computed.
        seconds: Time this took.
    """

    hidden: "HiddenStates"
    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    truncated: int
    cached: bool
    seconds: float

    def __len__(self) -> int:
        """Return M."""
        return len(self.rows)

    @property
    def depth(self) -> int:
        """Return L, blocks of the encoder."""
        return self.hidden.depth

    @property
    def level(self) -> Level:
        """Return what a row is."""
        return self.hidden.level

    def layer(self, layer: int, tokens: str, report: Report = SILENT) -> NDArray[np.float32]:
        """Return one layer with one token pooling.

        Args:
            layer: 0 … L; negative ones count from the last.
            tokens: A token pooling of the task's level.
            report: Asked between blocks of rows.

        Returns:
            (M, D) float32.

        Raises:
            ConfigError: The encoder has no such layer, or the level no such token pooling.
        """
        kinds = token_poolings(self.hidden.level)
        if tokens not in kinds:
            raise ConfigError(
                f"Token pooling {tokens!r} is not for {self.hidden.level} tasks: choose one of "
                f"{', '.join(kinds)}.",
                "tokens",
            )
        if not -self.depth - 1 <= layer <= self.depth:
            raise ConfigError(
                f"Layer {layer} is not within 0 … {self.depth} of this encoder.", "layer"
            )
        chosen: NDArray[Any] = self.hidden.states[:, layer, kinds.index(tokens)]
        taken = np.empty((len(self.rows), chosen.shape[1]), dtype=np.float32)
        for first in range(0, len(self.rows), _ROWS):
            report.check()
            taken[first : first + _ROWS] = chosen[self.rows[first : first + _ROWS]]
        return taken

    def pooled(
        self,
        pooling: PoolingConfig,
        weights: NDArray[np.floating] | None = None,
        report: Report = SILENT,
    ) -> NDArray[np.float32]:
        """Return what a head sees.

        Args:
            pooling: Token pooling, layers and mix.
            weights: (k,) weights of the layers for the mix `weighted`; None weighs all alike.
            report: Asked between blocks of rows.

        Returns:
            (M, D') float32 as `core.features.pooling.pool`; `weighted` gives (M, D).

        Raises:
            ConfigError: The encoder has no such layer, or the level no such token pooling.
        """
        choice = pooling.resolved(self.depth)
        if choice.mix == "concat":
            parts = [self.layer(layer, choice.tokens, report) for layer in choice.layers]
            return np.concatenate(parts, axis=1)
        shares = np.ones(len(choice.layers)) if choice.mix in ("single", "sum") else None
        if choice.mix == "weighted" and weights is not None:
            shares = np.asarray(weights, dtype=np.float64)
        if shares is None:
            shares = np.full(len(choice.layers), 1 / len(choice.layers))
        mixed = self.layer(choice.layers[0], choice.tokens, report)
        mixed *= np.float32(shares[0])
        for layer, share in zip(choice.layers[1:], shares[1:], strict=True):
            more = self.layer(layer, choice.tokens, report)
            more *= np.float32(share)
            mixed += more
        return mixed


def jointly(spec: RunSpec) -> RunSpec:
    """Return the spec with pairs read as [CLS] a [SEP] b [SEP], as every map reads them."""
    return replace(spec, pooling=replace(spec.pooling, pair="joint"))


def states_of_items(
    lab: "Laboratory", spec: RunSpec, items: NDArray[np.int64], report: Report = SILENT
) -> ItemStates:
    """Return the hidden states of some items of the spec's task.

    Where the store has the whole task, they are read from there. Else only the texts that are asked
    for go through the encoder. Word tasks are always taken whole, up to the cap on words.

    Args:
        lab: Encoder, task and store.
        spec: Which task, encoder and maximum length.
        items: Items of the task, ascending, each once.
        report: Asked while computing; progress counts texts.

    Raises:
        FineviewError: As `Laboratory.features`.
        JobCancelled: Stop was pressed; what was computed stays in the store.
    """
    from fineview.core.features.extract import extract

    task = lab.task(spec.task, spec.split)
    whole = task.words is not None or len(items) == len(task) or is_stored(lab, spec, task)
    if whole:
        hidden = lab.features(jointly(spec), report)
        rows, known = find_items(hidden.items, items)
        found = items[known]
    else:
        hidden = extract(
            lab.encoder(spec.encoder),
            part_of(task, items),
            lab.store,
            max_length=spec.max_length,
            report=report,
        )
        rows, found = hidden.items, items[hidden.items]
    return ItemStates(hidden, rows, found, hidden.truncated, hidden.cached, hidden.seconds)


def find_items(
    there: NDArray[np.int64], wanted: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find items among others.

    Args:
        there: (N,) items, ascending; at least one.
        wanted: (M,) items.

    Returns:
        The places in `there` of those that are there, and (M,) which they are.
    """
    places = np.searchsorted(there, wanted)
    known = there[np.minimum(places, len(there) - 1)] == wanted
    return places[known].astype(np.int64), known


def part_of(task: Task, items: NDArray[np.int64]) -> Task:
    """Return a task of some texts or pairs of another; its splits mean nothing.

    Args:
        task: Of sentence or pair level.
        items: Items of it, ascending.
    """
    every = np.arange(len(items), dtype=np.int64)
    chosen = items.tolist()
    return replace(
        task,
        info=replace(task.info, title=f"{task.info.title}, {len(items):,} sampled"),
        texts=tuple(task.texts[i] for i in chosen),
        second=None if task.second is None else tuple(task.second[i] for i in chosen),
        labels=task.labels[items],
        splits={"train": every, "validation": every, "test": every},
    )


def drawn_items(
    labels: NDArray[np.int64] | NDArray[np.float64],
    splits: NDArray[np.int8],
    candidates: NDArray[np.int64],
    count: int,
    seed: int,
    kind: LabelKind = "class",
) -> NDArray[np.int64]:
    """Draw items so that every class of every split keeps its share.

    Args:
        labels: (N,) of the whole task.
        splits: (N,) index of each item's split; -1 for none.
        candidates: (P,) items to draw from, ascending.
        count: Items wanted; all candidates where there are no more.
        seed: The same seed draws the same items.
        kind: Numbers are divided into fifths by rank instead of classes.

    Returns:
        min(count, P) items, ascending. Of every class of every split ⌊share⌋ or ⌈share⌉ (systematic
        sampling of a shuffled list that is ordered by split and class).
    """
    if len(candidates) <= count:
        return candidates
    random = np.random.default_rng(seed)
    mine = np.take(labels, candidates)
    groups = mine.astype(np.int64) if kind == "class" else fifths(mine)
    keys = np.take(splits, candidates).astype(np.int64) * (int(groups.max()) + 1) + groups
    shuffled = random.permutation(len(candidates))
    order = np.take(shuffled, np.argsort(np.take(keys, shuffled), kind="stable"))
    # Begin anywhere in the first step, so that no stratum is favoured.
    places = ((np.arange(count) + random.random()) * len(candidates) / count).astype(np.int64)
    return np.sort(np.take(candidates, np.take(order, np.minimum(places, len(order) - 1))))


def is_stored(lab: "Laboratory", spec: RunSpec, task: Task) -> bool:
    """Return whether the store has the whole task (of words: up to their cap)."""
    from fineview.core.features.extract import feature_key

    stored = {entry.key for entry in lab.store.entries() if _may_be(entry, task)}
    if not stored:
        return False  # the name of an entry is a sum over all texts: slow where it helps nobody
    key = feature_key(lab.encoder(spec.encoder), task, max_length=spec.max_length)
    return key in stored


def _may_be(entry: "StoreEntry", task: Task) -> bool:
    return entry.complete and (task.words is not None or entry.rows == len(task))
