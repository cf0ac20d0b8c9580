"""The derivative kernel at work: at pretrained, random and tuned weights, on a few texts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.shift import ShiftConfig
from fineview.core.data.task import Task
from fineview.core.errors import ConfigError
from fineview.core.explore.kernel import Held, KernelFigures, KernelSpec, KernelStudy, KernelWeights
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.check import check_spec
from fineview.core.runs.courses.course import Setting
from fineview.core.runs.record import RunRecord
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.tuned_encoder import begins_with, tuned_model
from fineview.core.training.strategy import StrategyConfig

if TYPE_CHECKING:
    from fineview.core.laboratory import Laboratory
    from fineview.core.models.encoder import Encoder
    from fineview.core.training.tuning.examples import Examples
    from fineview.core.training.tuning.model import TunedModel


def kernel_study(lab: "Laboratory", spec: KernelSpec, report: Report = SILENT) -> KernelStudy:
    """Compute the derivative kernel at several weights, and what it tells of the labels.

    Pretrained and random weights get a head that is trained alone on the kernel's own items, as the
    strategy `linearised` does: at W = 0 no weight of the encoder would move an output. After each
    kernel what is known so far is published.

    Args:
        lab: Tasks, encoders, runs.
        spec: What is asked.
        report: Asked before each gradient; progress counts gradients.

    Raises:
        ConfigError: A setting does not fit the task or the encoder, or the tuned run is of another
            task, split or encoder, or moved no weights of the encoder.
        RunError: There is no such run, or it is damaged.
        JobCancelled: Stop was pressed.
    """
    split = replace(spec.run.split, train_items=spec.texts, held_out_items=spec.held_out)
    strategy = replace(spec.run.strategy, kind="linearised")
    run = replace(spec.run, split=split, strategy=strategy, control="none", shift=ShiftConfig())
    task = lab.task(run.task, run.split)
    encoder = lab.encoder(run.encoder)
    check_spec(run, task.info, task.label_kind, encoder.info.layers, len(task))
    record = _tuned_run(lab, spec) if spec.tuned else None
    return _Studied(lab, spec, run, task, record, report).carry_out()


def kernel_of_run(
    lab: "Laboratory", run_id: str, asked: KernelSpec, report: Report = SILENT
) -> KernelStudy:
    """Study a run as it was asked for: its weights are the tuned ones, if it moved the encoder's.

    Args:
        lab: Tasks, encoders, runs.
        run_id: A run that has finished.
        asked: Numbers of items and the sketch; `run` and `tuned` are replaced.
        report: As in `kernel_study`.

    Raises:
        ConfigError, RunError, JobCancelled: As in `kernel_study`.
    """
    spec = lab.runs.read(run_id).spec
    moved = spec.strategy.trains_encoder and spec.strategy.kind != "linearised"
    return kernel_study(lab, replace(asked, run=spec, tuned=run_id if moved else ""), report)


def _tuned_run(lab: "Laboratory", spec: KernelSpec) -> RunRecord:
    """Return the run, if its weights can stand beside those of the spec."""
    record = lab.runs.read(spec.tuned)
    run, mine = record.spec, spec.run
    title = f"The run {record.summary.title!r}"
    if run.task != mine.task or run.encoder != mine.encoder:
        raise ConfigError(
            f"{title} has trained {run.encoder} on {run.task}: choose a run of {mine.encoder} on "
            f"{mine.task}.",
            "tuned",
        )
    whole = replace(run.split, train_items=0, held_out_items=0)
    if whole != replace(mine.split, train_items=0, held_out_items=0):
        raise ConfigError(
            f"{title} has divided the items otherwise, so that it may have learned from those that "
            "are held out here: choose a run with the same split.",
            "tuned",
        )
    if not run.strategy.trains_encoder or run.strategy.kind == "linearised":
        raise ConfigError(
            f"{title} ({run.strategy.info.title}) has moved no weight of the encoder: choose one "
            "that did.",
            "tuned",
        )
    return record


class _Onwards(Relay):
    """A report whose progress counts on from what was done before."""

    def __init__(self, report: Report, before: int, total: int) -> None:
        super().__init__(report)
        self._before, self._total = before, total

    def progress(self, done: int, total: int, text: str = "") -> None:  # noqa: ARG002
        """Count on."""
        self._report.progress(self._before + done, self._total, text)


@dataclass(slots=True, eq=False)
class _Studied:
    """A study in the making."""

    lab: "Laboratory"
    spec: KernelSpec
    run: RunSpec
    task: Task
    record: RunRecord | None
    report: Report
    began: float = field(default_factory=time.monotonic)
    examples: "Examples" = field(init=False)
    rows: NDArray[np.int64] = field(init=False)
    count: int = 0
    """Training rows; they come first."""
    total: int = 0
    found: KernelStudy = field(init=False)

    def carry_out(self) -> KernelStudy:
        """Do one set of weights after the other."""
        self._read()
        kinds: list[KernelWeights] = ["pretrained", "random"]
        if self.record is not None:
            kinds.append("tuned")
        outputs = len(self.task.classes) or 1
        each = len(self.rows) * outputs
        self.found = KernelStudy(
            spec=self.spec,
            metric="accuracy" if self.task.label_kind == "class" else "spearman",
            groups=(),
            items=self.count,
            held_out=len(self.rows) - self.count,
            outputs=outputs,
            baseline=self._baseline(),
            learned=self._learned(),
            notes=self._notes(),
        )
        for at, kind in enumerate(kinds):
            report = _Onwards(self.report, at * each, len(kinds) * each)
            model, title = self._model(kind, report)
            figures, groups = self._figures(kind, title, model, report)
            self.found = replace(
                self.found,
                groups=groups,
                kernels=(*self.found.kernels, figures),
                seconds=time.monotonic() - self.began,
                complete=at == len(kinds) - 1,
            )
            self.report.publish(self.found)
        return self.found

    def _read(self) -> None:
        """Tokenise training and test items together; training rows come first."""
        from fineview.core.training.tuning.examples import examples_of

        train, test = self.task.splits["train"], self.task.splits["test"]
        both = {**self.task.splits, "train": np.sort(np.concatenate([train, test]))}
        encoder = self.lab.encoder(self.run.encoder)
        self.examples = examples_of(
            encoder, replace(self.task, splits=both), "train", self.run.max_length, self.report
        )
        items = self.examples.items
        mine = np.flatnonzero(np.isin(items, train))[: self.spec.texts]
        held = np.flatnonzero(np.isin(items, test))[: self.spec.held_out]
        if len(mine) < 2 or len(held) == 0:
            raise ConfigError(
                f"No item of {self.task.info.title} is left within {self.run.max_length} tokens: "
                "raise the maximum length.",
                "max_length",
            )
        self.count, self.rows = len(mine), np.concatenate([mine, held])

    def _baseline(self) -> float:
        if self.task.label_kind == "number":
            return 0.0
        labels = self.examples.labels.numpy()[self.rows]
        often = np.bincount(labels[: self.count]).argmax()
        return float((labels[self.count :] == often).mean())

    def _learned(self) -> int:
        if self.record is None:
            return 0
        run = self.record.spec
        return len(self.lab.task(run.task, run.split).splits["train"])

    def _notes(self) -> tuple[str, ...]:
        error = 100 * (2 / self.spec.buckets) ** 0.5
        return (
            f"Gradients are kept as sketches: the standard error of an entry of the kernel is at "
            f"most {error:.1f} % of the product of the two gradients' lengths.",
            "Pretrained and random weights have a head that was trained alone on the same items: "
            "at W = 0 no weight of the encoder would move an output.",
        )

    def _model(self, kind: KernelWeights, report: Report) -> tuple["TunedModel", str]:
        """Return a model all weights of which count, and what people call it."""
        from fineview.core.training.tuning.building import build_model

        if kind == "tuned":
            return self._tuned_model()
        begins = replace(self.run.strategy, kind="random-features" if kind == "random" else "head")
        head = self._trained_head(replace(self.run, strategy=begins), report)
        source = self.lab.encoder(begins_with(replace(self.run, strategy=begins)))
        source.load(report)
        everything = StrategyConfig(kind="full")
        model = build_model(source, everything, self.run.pooling, head, self.task.info.level)
        return model, f"{kind.capitalize()} weights"

    def _trained_head(self, run: RunSpec, report: Report) -> Any:  # noqa: ANN401 - needs torch
        """Train the head alone, as a run's first phase does."""
        from fineview.core.runs.courses.frozen import FrozenCourse
        from fineview.core.runs.courses.tuned import head_alone

        setting = Setting(
            spec=run,
            bench=self.lab,
            task=self.task,
            encoder=self.lab.encoder(run.encoder),
            report=_Quiet(report),
            save=_nowhere,
        )
        course = FrozenCourse(head_alone(setting))
        kept = course.prepare()
        course.begin(replace(self.task, splits=dict(kept)), None)
        course.train()
        return course.head()

    def _tuned_model(self) -> tuple["TunedModel", str]:
        """Return the run's model, and keep how far it has come."""
        from fineview.core.training.tuning.moves import Moves

        assert self.record is not None
        run = self.record.spec
        model = tuned_model(self.lab, self.spec.tuned, run, self.task.info.level)
        origin: Encoder = self.lab.encoder(begins_with(run))
        weights = {name: p.detach() for name, p in origin.model.named_parameters()}
        distances = Moves(model, weights).distances()[:-1]
        for name, parameter in model.named_parameters():
            # W + BA is one weight: its derivative is W's.
            parameter.requires_grad_("lora_" not in name)
        lengths = []
        for _, part in model.groups()[:-1]:
            own = [weights.get(_plain(name)) for name, _ in part]
            squares = [float(w.square().sum()) for w in own if w is not None]
            lengths.append(sum(squares) ** 0.5)
        self.found = replace(self.found, distances=tuple(distances), lengths=tuple(lengths))
        return model, self.record.summary.title

    def _figures(
        self, kind: KernelWeights, title: str, model: "TunedModel", report: Report
    ) -> tuple[KernelFigures, tuple[str, ...]]:
        from fineview.core.training.tuning.kernel import (
            alignment,
            centred,
            label_kernel,
            tangent_kernel,
        )

        kernel = tangent_kernel(
            model,
            self.examples,
            self.rows,
            buckets=self.spec.buckets,
            seed=self.spec.seed,
            report=report,
            told=f"{title}: gradients",
        )
        mine, held = slice(0, self.count), slice(self.count, None)
        labels = self.examples.labels.numpy()[self.rows]
        of_labels = label_kernel(labels[held])
        parts = kernel.groups[:, held, held]
        traces = np.array([float(np.trace(centred(part))) for part in parts])
        ridge, penalty = self._ridge(kernel.whole, labels)
        figures = KernelFigures(
            weights=kind,
            title=title,
            alignment=alignment(parts.sum(0), of_labels),
            by_group=tuple(alignment(part, of_labels) for part in parts),
            seen=alignment(kernel.whole[mine, mine], label_kernel(labels[mine])),
            shares=tuple((traces / traces.sum()).tolist()),
            ridge=ridge,
            features=self._ridge(kernel.groups[-1], labels)[0],
            model=self._held(self._answers(model, report), labels[held]),
            penalty=penalty,
        )
        return figures, kernel.names

    def _ridge(self, kernel: NDArray[np.float64], labels: NDArray[Any]) -> tuple[Held, float]:
        """Fit training rows, predict the others."""
        from fineview.core.training.tuning.kernel import KernelRidge, label_targets

        count = self.count
        targets = label_targets(labels[:count], len(self.task.classes))
        ridge = KernelRidge.fitted(kernel[:count, :count], targets)
        return self._held(ridge.answers(kernel[count:, :count]), labels[count:]), ridge.penalty

    def _answers(self, model: "TunedModel", report: Report) -> NDArray[np.float64]:
        """Return what the model itself says of the held-out rows."""
        from fineview.core.training.tuning.judging import judged

        said = judged(model, self.examples, precision="float32", report=report)
        answers: NDArray[np.float64] = said.outputs.double().numpy()[self.rows[self.count :]]
        return answers

    def _held(self, answers: NDArray[np.float64], labels: NDArray[Any]) -> Held:
        from fineview.core.training.metrics import number_scores, wilson

        if self.task.label_kind == "number":
            of = number_scores(labels.astype(np.float64), answers[:, 0])
            return Held(value=of.spearman, low=of.interval[0], high=of.interval[1])
        right = int((answers.argmax(1) == labels).sum())
        low, high = wilson(right, len(labels))
        return Held(value=right / len(labels), low=low, high=high)


class _Quiet(Relay):
    """A report that stops, but says nothing: a head takes a moment."""

    def publish(self, event: object) -> None:
        """Drop the event."""

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Drop the figures."""


def _nowhere(step: int, arrays: Any, state: Mapping[str, Any]) -> None:  # noqa: ANN401 - as `Save`
    """Keep no checkpoint."""


def _plain(name: str) -> str:
    """Return a weight's name in the bare encoder, whatever LoRA has put around it."""
    return name.removeprefix("encoder.").replace(".base_layer.", ".")
