"""The layer map at work: sample, pass, probes, controls; what is solved is published at once."""

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError, DataError
from fineview.core.explore.choices import MapChoice
from fineview.core.explore.layer_map import LayerMap, MapCell, MapLine, MapPass
from fineview.core.explore.layer_map_rows import MapRows, draw_rows, states_of_rows
from fineview.core.explore.layer_map_scores import Judge
from fineview.core.features.config import (
    PoolingConfig,
    presets,
    stored_tokens,
    token_poolings,
)
from fineview.core.progress import SILENT, Report
from fineview.core.runs.spec import RunSpec

if TYPE_CHECKING:
    from fineview.core.explore.sampled import ItemStates
    from fineview.core.features.probes import Probe
    from fineview.core.laboratory import Laboratory


def compute_map(
    lab: "Laboratory", spec: RunSpec, choice: MapChoice, report: Report = SILENT
) -> LayerMap:
    """Probe every single layer × token pooling and every preset, within the training split.

    After each cell the map so far is published, so that nothing is lost by Stop. Presets use the
    spec's token pooling, or the mean where that is learned. `last`, `second-to-last` and
    `embeddings` are single layers, and a sum is the same as an average once features are
    standardised: these are not solved twice.

    Args:
        lab: Tasks, encoders and the store.
        spec: Task, encoder, maximum length, token pooling.
        choice: Folds, items, C, controls, further encoders, seed.
        report: Asked at every step; progress counts cells.

    Returns:
        The complete map.

    Raises:
        ConfigError: The level has no such token pooling.
        DataError: The task has numbers for labels, too few rows, or equal texts only.
        ModelError: An encoder cannot be opened.
        JobCancelled: Stop was pressed.
    """
    task = lab.task(spec.task, spec.split)
    if task.label_kind != "class":
        raise DataError(
            f"The labels of {task.info.title} are numbers; the layer map measures classes so far: "
            f"choose a task with classes."
        )
    kinds, tokens = token_poolings(task.info.level), stored_tokens(spec.pooling.tokens)
    if tokens not in kinds:
        raise ConfigError(
            f"Token pooling {tokens!r} is not for {task.info.level} tasks: choose one of "
            f"{', '.join(kinds)}.",
            "tokens",
        )
    report.check()
    mapper = _Mapper(lab, spec, choice, draw_rows(task, choice), report)
    if tokens != spec.pooling.tokens:
        mapper.spec = replace(spec, pooling=PoolingConfig(tokens=tokens))
        mapper.notes.append("Learned token weights belong to a head; the presets use the mean.")
    return mapper.run()


@dataclass(slots=True, eq=False)
class _Mapper:
    """A map in the making."""

    lab: "Laboratory"
    spec: RunSpec
    choice: MapChoice
    rows: MapRows
    report: Report
    cells: list[MapCell] = field(default_factory=list)
    lines: list[MapLine] = field(default_factory=list)
    passes: list[MapPass] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    judge: Judge = field(init=False)

    def run(self) -> LayerMap:
        """Do one encoder after the other; the random twin comes last."""
        from fineview.core.models.encoder import random_name

        spec, lab = self.spec, self.lab
        names = list(dict.fromkeys((spec.encoder, *self.choice.others)))
        twin = random_name(spec.encoder, self.choice.seed) if self.choice.controls else ""
        depths = [lab.encoder_info(name).layers for name in names]
        singles = [3 * (depth + 1) for depth in depths]
        self.total = sum(singles) + 9 * len(names) + (singles[0] if twin else 0)
        # All encoders are read before the first probe: their rows must be the same. The twin cuts
        # texts as its original does, so that its pass need not hold the first cells up.
        states = {name: self._states(name) for name in names}
        self._agree(states)
        began = time.monotonic()
        self._majority()
        self._tfidf()
        self.seconds += time.monotonic() - began
        for name, of_encoder in states.items():
            self._probe_encoder(name, of_encoder, control=False)
        if twin:
            self._probe_encoder(twin, self._states(twin), control=True)
            self._random_line(twin)
        return self._snapshot(complete=True)

    def _states(self, name: str) -> "ItemStates":
        info = self.lab.encoder_info(name)
        states = states_of_rows(self.lab, replace(self.spec, encoder=name), self.rows, self.report)
        control = name not in (self.spec.encoder, *self.choice.others)
        self.passes.append(
            MapPass(
                encoder=name,
                title=info.title,
                depth=info.layers,
                seconds=states.seconds,
                cached=states.cached,
                control=control,
            )
        )
        if states.truncated and not control:
            self.notes.append(
                f"{states.truncated:,} texts are longer than {self.spec.max_length} tokens and "
                f"were cut for {info.title}."
            )
        return states

    def _agree(self, states: "dict[str, ItemStates]") -> None:
        """Keep the rows that every encoder has: words may be cut off in one and not in another."""
        kept = self.rows.items
        for of_encoder in states.values():
            kept = kept[np.isin(kept, of_encoder.items)]
        lost = len(self.rows.items) - len(kept)
        if lost:
            self.notes.append(f"{lost:,} words lie behind the cut and are left out.")
        self.rows = self.rows.only(kept)
        self.judge = Judge.over(self.rows, self.choice)
        self.notes = [*self.rows.notes, *self.judge.notes, *self.notes]

    def _majority(self) -> None:
        """Answer the commonest class of each fold's training rows."""
        labels, folds = self.judge.labels, self.judge.folds
        answers = np.empty_like(labels)
        for fold in range(folds.count):
            held = folds.of == fold
            answers[held] = np.bincount(labels[~held]).argmax()
        note = "always guessing the commonest class of the other folds"
        self.lines.append(self.judge.line("majority", "Majority", answers, note))
        self._publish()

    def _tfidf(self) -> None:
        from fineview.core.features.controls import DIMENSIONS, tfidf_probabilities

        title = "TF-IDF → SVD"
        try:
            shares = tfidf_probabilities(
                self.rows.sides(),
                self.judge.labels,
                self.judge.folds,
                self.choice.penalty,
                self.judge.classes,
                self.report,
            )
        except DataError as error:
            self.lines.append(
                MapLine(name="tfidf", title=title, accuracy=None, macro_f1=None, note=str(error))
            )
            return
        note = f"TF-IDF, truncated SVD to {DIMENSIONS} dimensions at most, the same probe"
        self.lines.append(self.judge.line("tfidf", title, _answers(shares), note))
        self._publish()

    def _probe_encoder(self, name: str, states: "ItemStates", *, control: bool) -> None:
        places = np.searchsorted(states.items, self.rows.items)
        states = replace(states, rows=states.rows[places], items=self.rows.items)
        kinds = token_poolings(states.level)
        first = sorted(kinds, key=lambda kind: kind != self.spec.pooling.tokens)
        for tokens in first:
            for layer in range(states.depth + 1):
                pooling = PoolingConfig(layers=(layer,), tokens=tokens)
                self._probe(name, states, pooling, "", f"Layer {layer} · {tokens}", control)
        if control:
            return
        for preset in presets(states.depth):
            mix = preset.mix if len(preset.layers) > 1 or preset.mix == "single" else "single"
            pooling = PoolingConfig(
                layers=preset.layers, mix=mix, tokens=self.spec.pooling.tokens
            ).resolved(states.depth)
            title = f"{preset.title} · {pooling.tokens}"
            self._probe(name, states, pooling, preset.key, title, control)

    def _probe(
        self,
        name: str,
        states: "ItemStates",
        pooling: PoolingConfig,
        preset: str,
        title: str,
        control: bool,
    ) -> None:
        began = time.monotonic()
        known = self._known(name, pooling)
        if known is not None:
            cell = replace(known, preset=preset, title=title, pooling=pooling)
            self.judge.repeat(_key(known), _key(cell), control)
        else:
            probe = self._solved(states, pooling)
            accuracy, macro_f1, boots = self.judge.scores(_answers(probe.probabilities))
            weighted = pooling.mix == "weighted"
            cell = MapCell(
                encoder=name,
                preset=preset,
                title=title,
                pooling=pooling,
                accuracy=accuracy,
                macro_f1=macro_f1,
                weights=tuple(probe.shares.mean(0).tolist()) if weighted else (),
            )
            self.judge.keep(_key(cell), boots, control)
        self.cells.append(cell)
        self.done += 1
        self.seconds += time.monotonic() - began
        self._publish()

    def _known(self, name: str, pooling: PoolingConfig) -> MapCell | None:
        """Return a solved cell with the same features up to the scale that standardising takes."""
        wanted = replace(pooling, mix="mean") if pooling.mix == "sum" else pooling
        for cell in self.cells:
            if cell.encoder == name and cell.pooling == wanted:
                return cell
        return None

    def _solved(self, states: "ItemStates", pooling: PoolingConfig) -> "Probe":
        from fineview.core.features.probes import solve_probe

        if pooling.mix == "weighted":
            layers = [states.layer(n, pooling.tokens, self.report) for n in pooling.layers]
            features = np.stack(layers, axis=1)
        else:
            features = states.pooled(pooling, report=self.report)
        return solve_probe(
            features,
            self.judge.labels,
            self.judge.folds,
            self.choice.penalty,
            self.judge.classes,
            self.report,
        )

    def _random_line(self, twin: str) -> None:
        cells = [cell for cell in self.cells if cell.encoder == twin]
        best = max(cells, key=lambda cell: cell.score(self.choice.metric).value)
        pass_s = next(one for one in self.passes if one.control)
        said = "from the store" if pass_s.cached else f"{pass_s.seconds:.1f} s, not counted above"
        self.lines.append(
            MapLine(
                name="random",
                title="Random initialisation",
                accuracy=max((c.accuracy for c in cells), key=lambda score: score.value),
                macro_f1=max((c.macro_f1 for c in cells), key=lambda score: score.value),
                note=f"the same architecture with random weights, the best of its {len(cells)} "
                f"single layers × token poolings ({best.title}); its pass: {said}",
            )
        )

    def _snapshot(self, *, complete: bool) -> LayerMap:
        return LayerMap(
            spec=self.spec,
            choice=self.choice,
            level=self.rows.task.info.level,
            tokens=token_poolings(self.rows.task.info.level),
            rows=len(self.rows.items),
            folds=self.judge.folds.count,
            cells=self.judge.marked(self.cells, _key),
            lines=tuple(self.lines),
            passes=tuple(self.passes),
            notes=tuple(self.notes),
            seconds=self.seconds,
            complete=complete,
        )

    def _publish(self) -> None:
        self.report.check()
        self.report.progress(self.done, self.total, "Probing layers")
        self.report.publish(self._snapshot(complete=False))


def _key(cell: MapCell) -> str:
    return f"{cell.encoder}\n{cell.preset}\n{cell.pooling}"


def _answers(shares: NDArray[np.float32]) -> NDArray[np.int64]:
    answers: NDArray[np.int64] = shares.argmax(1).astype(np.int64)
    return answers
