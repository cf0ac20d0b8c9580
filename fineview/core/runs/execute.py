"""One run from spec to result: the same function for the window, the command line, a cluster."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fineview.core.data.split import SplitConfig
from fineview.core.data.task import ITEM_NAMES, SPLITS, Split, Task
from fineview.core.errors import ConfigError, FineviewError, JobCancelled
from fineview.core.features.config import describe
from fineview.core.progress import SILENT, Relay, Report
from fineview.core.runs.check import check_spec
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.store import RunStore
from fineview.core.runs.writer import RunWriter
from fineview.core.training.events import (
    Event,
    FeaturesReady,
    LayerWeights,
    Reference,
    RunEnded,
    RunStarted,
    RunStatus,
)

if TYPE_CHECKING:  # heavy: imported when a run starts, not when the window does
    from fineview.core.features.extract import HiddenStates
    from fineview.core.features.token_states import TokenStates
    from fineview.core.models.encoder import Encoder
    from fineview.core.training.loop import HeadTraining, Trained

# Up to this many multiply-adds an evaluation L-BFGS is done within a second on one core, and up to
# this many items TF-IDF: such lines are drawn before the first step, others at the end.
_EARLY_OPTIMUM = 10_000_000
_EARLY_TFIDF = 2_000


class Bench(Protocol):
    """What a run needs around it; `core.laboratory.Laboratory` is one."""

    @property
    def runs(self) -> RunStore:
        """Where the run is kept."""

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return the labelled texts."""

    def encoder(self, name: str) -> "Encoder":
        """Return the encoder; its weights need not be loaded."""

    def features(self, spec: RunSpec, report: Report) -> "HiddenStates":
        """Return the hidden states of the spec's texts, from the store if they are there."""

    def token_states(self, spec: RunSpec, report: Report) -> "TokenStates":
        """Return every token of the spec's layer, for attention pooling."""

    def environment(self) -> Mapping[str, str | int | float | None]:
        """Return versions, device and threads, to be kept with the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """What a run that came to its end brought.

    Attributes:
        run_id: Name of its folder.
        status: `finished` or `diverged`.
        text: One sentence for people.
        result: The run's result.json.
    """

    run_id: str
    status: RunStatus
    text: str
    result: Mapping[str, Any]


class Recorder(Relay):
    """A report that keeps every event in the run's folder before anybody sees it."""

    def __init__(self, report: Report, writer: RunWriter) -> None:
        super().__init__(report)
        self._writer = writer

    def publish(self, event: object) -> None:
        """Write the event; only what is on disk is shown."""
        if isinstance(event, Event):
            self._writer.append(event)
        super().publish(event)

    def show(self, event: Event) -> None:
        """Pass on an event that the store has written itself."""
        self._report.publish(event)


def execute(
    spec: RunSpec, bench: Bench, report: Report = SILENT, *, resume: str | None = None
) -> RunOutcome:
    """Carry out one run and keep it.

    Args:
        spec: What to do.
        bench: Task, encoder, features and the run store.
        report: Receives every event after it is on disk; stops, pauses and changes the run.
        resume: A stopped or interrupted run to go on with; `spec` must be its own.

    Returns:
        The outcome of a run that finished or diverged.

    Raises:
        JobCancelled: Stopped; the run is kept and can be resumed.
        FineviewError: The run cannot be carried out; if it had begun it is kept as failed.
    """
    begun = time.monotonic()
    task = bench.task(spec.task, spec.split)
    encoder = bench.encoder(spec.encoder)
    check_spec(spec, task.info, task.label_kind, encoder.info.layers, len(task))
    if resume is None:
        title = describe(spec.pooling, encoder.info.layers)
        writer = bench.runs.create(spec, environment=bench.environment(), title=title)
    else:
        writer = bench.runs.resume(resume)
    run = _Run(spec, bench, task, encoder, writer, Recorder(report, writer), begun)
    try:
        return run.carry_out()
    except JobCancelled:
        run.end("stopped", f"Stopped after {run.step} steps; it can go on from there.")
        raise
    except FineviewError as error:
        run.end_quietly("failed", str(error))
        raise
    except Exception as error:
        run.end_quietly("failed", f"Failed: {error}")
        raise
    finally:
        writer.close()


class _Run:
    """The state of one run in flight."""

    def __init__(
        self,
        spec: RunSpec,
        bench: Bench,
        task: Task,
        encoder: "Encoder",
        writer: RunWriter,
        report: Recorder,
        begun: float,
    ) -> None:
        self.spec = spec
        self.bench = bench
        self.task = task
        self.encoder = encoder
        self.writer = writer
        self.report = report
        self.begun = begun
        self.step = 0
        self.references: list[Reference] = []
        self.training: HeadTraining | None = None
        # What an earlier part of a resumed run took counts too.
        self.earlier = bench.runs.summary(writer.run_id).seconds or 0.0

    @property
    def seconds(self) -> float:
        """Time of the run so far."""
        return self.earlier + time.monotonic() - self.begun

    def carry_out(self) -> RunOutcome:
        found = self.writer.latest_checkpoint()
        self.step = found[0] if found else 0
        size = math.ceil(len(self.task.splits["train"]) / self.spec.training.batch_size)
        total = size * self.spec.training.epochs
        self.report.publish(
            RunStarted(run_id=self.writer.run_id, resumed_from=self.step, total_steps=total)
        )
        parts = self._features()
        # References learn from and are measured on the very items that the head has: of a long
        # word-level task that is a sample.
        kept = {split: parts[split][2] for split in SPLITS}
        self.task = replace(self.task, splits=kept)
        self._refer(majority_of(self.task))
        trained = self._train(parts, found)
        return self._conclude(trained, parts)

    def _features(self) -> dict[Split, tuple[Any, Any, Any]]:
        """Return features (a tensor of raw pooled ones, or tokens), labels and items by split."""
        import torch

        from fineview.core.features.pooling import pool
        from fineview.core.training.tokens import TokenFeatures

        found: HiddenStates | TokenStates
        features: Any
        if self.spec.pooling.tokens == "attention":
            found = self.bench.token_states(self.spec, self.report)
            features = TokenFeatures.of(found)
        else:
            found = self.bench.features(self.spec, self.report)
            features = torch.from_numpy(pool(found, self.spec.pooling))
        items = found.items
        self.report.publish(
            FeaturesReady(
                cached=found.cached,
                items=len(items),
                seconds=found.seconds,
                truncated=found.truncated,
                dropped_words=found.dropped_words,
            )
        )
        labels = torch.from_numpy(self.task.labels[items].astype(np.int64))
        parts = {}
        for split in SPLITS:
            rows = np.flatnonzero(np.isin(items, self.task.splits[split]))
            if len(rows) == 0:
                raise ConfigError(
                    f"No {split} item of {self.task.info.title} is left within "
                    f"{self.spec.max_length} tokens: raise the maximum length.",
                    "max_length",
                )
            chosen = torch.from_numpy(rows)
            parts[split] = (features[chosen], labels[chosen], items[rows])
        return parts

    def _train(
        self, parts: Mapping[Split, tuple[Any, Any, Any]], found: tuple[int, Any, Any] | None
    ) -> "Trained":
        from fineview.core.device import one_thread
        from fineview.core.training.loop import HeadTraining, TrainData

        data = TrainData(
            train=parts["train"][:2],
            validation=parts["validation"][:2],
            classes=len(self.task.classes),
            layers=self._mixed_layers(),
        )
        with one_thread():
            training = HeadTraining(
                data,
                self.spec.training,
                seed=self.spec.seed,
                report=self.report,
                save=self.writer.checkpoint,
            )
            if found is not None:
                training.restore(*found)
            self.training = training
            try:
                trained = self._train_among_references(training)
            except JobCancelled:
                training.checkpoint()  # keep this very step
                raise
            finally:
                self.step = training.step
        return trained

    def _mixed_layers(self) -> tuple[int, ...]:
        """Return the layers of a learned mix, ascending; empty without one."""
        choice = self.spec.pooling.resolved(self.encoder.info.layers)
        return choice.layers if choice.mix == "weighted" else ()

    def _train_among_references(self, training: "HeadTraining") -> "Trained":
        """Draw the lines that are quickly found before the first step, the others at the end."""
        from fineview.core.training.references import tfidf

        features = training.train[0]
        cost = features.shape[0] * features.shape[-1] * len(self.task.classes)
        lines: list[tuple[bool, Callable[[], Reference]]] = [
            (cost <= _EARLY_OPTIMUM, lambda: self._optimum(training)),
            (
                sum(len(self.task.splits[s]) for s in SPLITS) <= _EARLY_TFIDF,
                lambda: tfidf(self.task),
            ),
        ]
        training.begin()  # the first point comes before anything that takes time
        for early, line in lines:
            if early:
                self._refer(line())
        trained = training.run()
        for early, line in lines:
            if not early and not trained.diverged:
                self.report.progress(training.step, training.total, "reference lines")
                self._refer(line())
        return trained

    def _optimum(self, training: "HeadTraining") -> Reference:
        from fineview.core.training.references import optimum

        if training.config.optimiser == "adamw":
            return Reference(
                name="optimum",
                note="No optimum is drawn: AdamW's decoupled decay minimises no penalised loss.",
            )
        return optimum(
            training.head,
            training.train,
            training.validation,
            training.config.weight_decay,
            training.class_weights,
            self.report,
        )

    def _refer(self, reference: Reference) -> None:
        self.references.append(reference)
        self.report.publish(reference)

    def _conclude(
        self, trained: "Trained", parts: Mapping[Split, tuple[Any, Any, Any]]
    ) -> RunOutcome:
        head = {"head": trained.head.to_arrays()}
        result = self._describe(trained)
        if trained.diverged:
            text = (
                f"Diverged after {trained.steps} step{'s' * (trained.steps != 1)} at rate "
                f"{self.spec.training.learning_rate:g}: the head kept is the last sound one; "
                "train again with a tenth of the rate."
            )
            return self._finish("diverged", text, result, head)
        from fineview.core.training.metrics import confusion

        tensors: dict[str, Any] = dict(head)
        predictions: dict[str, Any] = {}
        for split in ("validation", "test"):
            measured, probabilities = _measure(trained, parts[split])
            result[split] = measured
            labels = parts[split][1].numpy()
            predictions[f"{split}.items"] = parts[split][2]
            predictions[f"{split}.probabilities"] = probabilities.astype(np.float32)
            if split == "validation":
                answers = probabilities.argmax(1)
                counts = confusion(labels, answers, len(self.task.classes))
                result["confusion"] = counts.tolist()
        tensors["predictions"] = predictions
        # What the table of runs shows stands at the top.
        result["test_accuracy"] = result["test"]["accuracy"]
        result["interval"] = result["test"]["interval"]
        return self._finish("finished", self._sentence(result), result, tensors)

    def _describe(self, trained: "Trained") -> dict[str, Any]:
        info = self.encoder.info
        weights = trained.head.parameters_count()
        return {
            "task": self.task.info.title,
            "level": self.task.info.level,
            "classes": list(self.task.classes),
            "pooling": describe(self.spec.pooling, info.layers),
            "dimension": int(trained.head.linear.in_features),
            "steps": trained.steps,
            "stopped_early": trained.early,
            "train": {"loss": trained.last.train_loss, "accuracy": trained.last.train_accuracy},
            "penalised_loss": trained.last.penalised_loss,
            **self._learned_mix(trained),
            "head_parameters": weights,
            "head_bytes": 4 * weights,
            "frozen_parameters": info.parameters,
            "references": {r.name: asdict(r) for r in self.references},
            "metrics_seed": self.spec.seed,
        }

    def _learned_mix(self, trained: "Trained") -> dict[str, Any]:
        layers, weights = self._mixed_layers(), trained.head.layer_weights()
        if not layers:
            return {"layer_weights": []}
        told = LayerWeights(step=trained.steps, layers=layers, weights=tuple(weights))
        return {
            "layer_weights": weights,
            "mixed_layers": list(layers),
            "expected_layer": told.expected_layer,
        }

    def _sentence(self, result: Mapping[str, Any]) -> str:
        test = result["test"]
        low, high = test["interval"]
        guess = next(r.test_accuracy for r in self.references if r.name == "majority")
        return (
            f"Accuracy {test['accuracy']:.2f} on {test['items']} unseen "
            f"{ITEM_NAMES[self.task.info.level]} (95 % interval {low:.2f}–{high:.2f}); always "
            f"guessing the commonest: {guess or 0:.2f}; {self.seconds:.1f} s."
        )

    def _finish(
        self,
        status: RunStatus,
        text: str,
        result: dict[str, Any],
        tensors: Mapping[str, Mapping[str, Any]],
    ) -> RunOutcome:
        result |= {"status": status, "text": text, "seconds": self.seconds}
        end = RunEnded(status=status, text=text, step=self.step, seconds=self.seconds)
        self.writer.finish(end, result=result, tensors=tensors)
        self.report.show(end)
        return RunOutcome(run_id=self.writer.run_id, status=status, text=text, result=result)

    def end(self, status: RunStatus, text: str) -> None:
        """Close the run without a result."""
        # A stopped run's head may be tried before it goes on.
        trained = self.training is not None and self.training.step > 0
        tensors = {"head": self.training.head.to_arrays()} if trained and self.training else {}
        end = RunEnded(status=status, text=text, step=self.step, seconds=self.seconds)
        self.writer.finish(end, result=None, tensors=tensors)
        self.report.show(end)

    def end_quietly(self, status: RunStatus, text: str) -> None:
        """Close the run; where even that fails, the first error is the one to be told."""
        try:
            self.end(status, text)
        except FineviewError:
            return


def majority_of(task: Task) -> Reference:
    """Return the majority reference; imported late because its module needs torch."""
    from fineview.core.training.references import majority

    return majority(task)


def _measure(trained: "Trained", part: tuple[Any, Any, Any]) -> tuple[dict[str, Any], Any]:
    import torch

    from fineview.core.training.metrics import scores

    with torch.no_grad():
        outputs = trained.head(trained.head.standardise(part[0]))
        probabilities = outputs.double().softmax(1).numpy()
    measured = asdict(scores(part[1].numpy(), probabilities))
    measured["interval"] = list(measured["interval"])
    return measured, probabilities
