"""Everything the program can do, in one object: the window and the command line hold one each."""

import platform
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineview import __version__
from fineview.core.data.shelf import Shelf
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import SPLITS, Task
from fineview.core.device import apply_threads, choose_device
from fineview.core.errors import DataError, RunError
from fineview.core.features.store import FeatureStore
from fineview.core.locations import Locations
from fineview.core.models.info import EncoderInfo, Token
from fineview.core.progress import SILENT, Report
from fineview.core.runs.execute import RunOutcome, execute
from fineview.core.runs.spec import RunSpec
from fineview.core.runs.store import RunStore
from fineview.core.runs.studies import StudyStore
from fineview.core.runs.workspace import Workspace
from fineview.core.views import Prediction, TaskView

if TYPE_CHECKING:
    from pathlib import Path

    from fineview.core.analogies.asking import Dictionary
    from fineview.core.data.plan import ImportPlan, Inspection
    from fineview.core.features.extract import HiddenStates
    from fineview.core.features.token_states import TokenStates
    from fineview.core.models.encoder import Encoder
    from fineview.core.prompting.desk import PromptDesk
    from fineview.core.runs.judge import Judge
    from fineview.core.runs.labelling import Labelled
    from fineview.core.runs.record import RunSummary

_EXAMPLES = 100
_TUNED_KEPT = 2
"""Encoders of runs that stay in memory; each is as large as the one it was trained from."""
_TASKS_KEPT = 3
"""Two splits of a task side by side, and one more; a million texts are some 300 MB each."""


class Laboratory:
    """Models, tasks, features and runs of one workspace.

    Methods that load or compute belong on the compute thread; `tokens` on the lookup thread.
    torch, transformers and scikit-learn are imported when first needed.

    Attributes:
        locations: Workspace and cache.
        workspace: The open workspace.
        device: `auto`, `cpu`, `cuda` or `mps`.
        shelf: Every task there is.
    """

    def __init__(self, locations: Locations, device: str = "auto") -> None:
        """Open the workspace.

        Raises:
            StoreError: Another fineview uses it, or it cannot be written.
        """
        self.locations = locations
        self.device = device
        self.workspace = Workspace.open(locations.workspace)
        self.shelf = Shelf(locations)
        # Two threads that import transformers at once may each see half of it.
        self._imports = threading.RLock()
        self._encoders: dict[str, Encoder] = {}
        self._readers: dict[str, Encoder] = {}
        self._tasks: dict[tuple[str, SplitConfig], Task] = {}
        self._features: tuple[tuple[object, ...], HiddenStates] | None = None
        self._tokens: tuple[tuple[object, ...], TokenStates] | None = None
        self._judge: tuple[RunSummary, Judge] | None = None
        self._dictionary: tuple[str, Dictionary] | None = None

    def close(self) -> None:
        """Let the workspace go, and at once all that is large: no collector need find it."""
        self.workspace.close()
        for kept in (self._encoders, self._readers, self._tasks):
            kept.clear()
        self._features = self._tokens = self._judge = self._dictionary = None

    @property
    def runs(self) -> RunStore:
        """The workspace's runs."""
        return self.workspace.runs

    @property
    def studies(self) -> StudyStore:
        """What several runs together tell."""
        return self.workspace.studies

    @cached_property
    def store(self) -> FeatureStore:
        """The hidden states on disk."""
        return FeatureStore(self.locations.cache)

    @cached_property
    def prompts(self) -> "PromptDesk":
        """The language model in memory, and what it is asked."""
        from fineview.core.prompting.desk import PromptDesk

        return PromptDesk(self.locations.cache, self.device)

    def warm_up(self, report: Report = SILENT) -> None:
        """Import what the first run needs and let every library do its first-time work."""
        steps = ("PyTorch", "the encoder library", "scikit-learn", "optimisers")
        for done, name in enumerate(steps):
            report.check()
            report.progress(done, len(steps), f"Loading {name}…")
            with self._imports:
                self._load(name)
        report.progress(len(steps), len(steps), "Ready")

    def _load(self, name: str) -> None:
        if name == "PyTorch":
            apply_threads()
        elif name == "the encoder library":
            from transformers import AutoModel, AutoTokenizer  # noqa: F401
        elif name == "scikit-learn":
            import sklearn.linear_model
            import sklearn.model_selection  # noqa: F401
        else:
            import torch

            # The first optimiser of a process imports half of torch's compiler: seconds.
            weight = torch.nn.Parameter(torch.zeros(2, 2))
            optimiser = torch.optim.AdamW([weight])
            loss = torch.nn.functional.cross_entropy(weight, torch.tensor([0, 1]))
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    def task(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Return a task; the last few are kept in memory."""
        key = (name, split)
        with self._imports:
            task = self._tasks.pop(key, None) or self.shelf.load(name, split)
            self._tasks[key] = task
            while len(self._tasks) > _TASKS_KEPT:
                del self._tasks[next(iter(self._tasks))]
        return task

    def forget_task(self, name: str) -> None:
        """Let go of a task that was removed."""
        with self._imports:
            self._tasks = {key: task for key, task in self._tasks.items() if key[0] != name}

    def task_view(self, name: str, split: SplitConfig = SplitConfig()) -> TaskView:
        """Return what the window shows of a task."""
        task = self.task(name, split)
        every = np.sort(np.concatenate([task.splits[split] for split in SPLITS]))
        # Spread over the whole task, so that all its classes are met.
        asked = every[np.linspace(0, len(every) - 1, min(_EXAMPLES, len(every))).astype(int)]
        return TaskView(
            info=task.info,
            items=len(every),
            label_kind=task.label_kind,
            classes=task.classes,
            sizes=(
                len(task.splits["train"]),
                len(task.splits["validation"]),
                len(task.splits["test"]),
            ),
            given_splits=task.given_splits,
            balance=tuple(int(n) for n in np.sum([task.balance(part) for part in SPLITS], axis=0))
            if task.label_kind == "class"
            else (),
            examples=tuple((task.example(int(i)), task.label(int(i))) for i in asked),
            notes=task.notes,
        )

    def encoder(self, name: str) -> "Encoder":
        """Return an encoder; its weights are loaded when first used.

        Args:
            name: As `open_encoder` takes it, or `run:` and the id of a run that trained one.

        Raises:
            ModelError: There is none of this name.
            RunError: The run has trained no encoder, or what it left is damaged.
        """
        from fineview.core.models.encoder import open_encoder
        from fineview.core.models.tuned import RUN

        with self._imports:
            if name not in self._encoders:
                if name.startswith(RUN):
                    from fineview.core.runs.tuned_encoder import encoder_of_run

                    found = encoder_of_run(self, name.removeprefix(RUN))
                    of_runs = [known for known in self._encoders if known.startswith(RUN)]
                    for known in of_runs[: len(of_runs) + 1 - _TUNED_KEPT]:
                        del self._encoders[known]
                    self._encoders[name] = found
                else:
                    self._encoders[name] = open_encoder(name, self.locations.cache, self.device)
        return self._encoders[name]

    def encoder_info(self, name: str) -> EncoderInfo:
        """Return layers, sizes and the removed surrogate head of an encoder."""
        return self.encoder(name).info

    def dictionary(self, name: str, report: Report = SILENT) -> "Dictionary":
        """Return word vectors ready to be calculated with; the last table is kept in memory.

        Raises:
            FineviewError: They cannot be had; see `core.analogies.opening`, `.encoder_vectors`.
        """
        from fineview.core.analogies.asking import Dictionary
        from fineview.core.analogies.choice import ENCODER_PREFIX
        from fineview.core.analogies.completion import Completion
        from fineview.core.analogies.encoder_vectors import vectors_of_encoder
        from fineview.core.analogies.opening import open_vectors

        if self._dictionary is None or self._dictionary[0] != name:
            self._dictionary = None  # both at once may be too much
            if name.startswith(ENCODER_PREFIX):
                vectors = vectors_of_encoder(name, self.encoder, self.task, report)
            else:
                vectors = open_vectors(name, self.locations.cache, report)
            self._dictionary = (name, Dictionary(vectors, Completion(vectors)))
        return self._dictionary[1]

    def features(self, spec: RunSpec, report: Report = SILENT) -> "HiddenStates":
        """Return the hidden states of all layers for the spec's texts, computed at most once."""
        from dataclasses import replace

        from fineview.core.features.extract import extract
        from fineview.core.features.pairs import extract_apart

        key = (spec.task, spec.split, spec.encoder, spec.max_length, spec.pooling.pair)
        if self._features is not None and self._features[0] == key:
            return replace(self._features[1], cached=True, seconds=0.0)
        task = self.task(spec.task, spec.split)
        apart = spec.pooling.pair == "separate" and task.second is not None
        hidden = (extract_apart if apart else extract)(
            self.encoder(spec.encoder),
            task,
            self.store,
            max_length=spec.max_length,
            report=report,
        )
        self._features = (key, hidden)
        return hidden

    def token_states(self, spec: RunSpec, report: Report = SILENT) -> "TokenStates":
        """Return every token of the spec's layer; the last ones are kept in memory."""
        from dataclasses import replace

        from fineview.core.features.token_states import token_states

        encoder = self.encoder(spec.encoder)
        layer = spec.pooling.resolved(encoder.info.layers).layers[-1]
        key = (spec.task, spec.split, spec.encoder, spec.max_length, layer)
        if self._tokens is not None and self._tokens[0] == key:
            return replace(self._tokens[1], cached=True, seconds=0.0)
        self._tokens = None  # both at once may be too much
        task = self.task(spec.task, spec.split)
        states = token_states(
            encoder, task.texts, task.second, layer, max_length=spec.max_length, report=report
        )
        self._tokens = (key, states)
        return states

    def forget_features(self) -> None:
        """Empty the store of hidden states; they are computed again when needed."""
        self._features = self._tokens = None
        self.store.clear()

    def execute(
        self, spec: RunSpec, report: Report = SILENT, *, resume: str | None = None
    ) -> RunOutcome:
        """Carry out one run; see `core.runs.execute`."""
        return execute(spec, self, report, resume=resume)

    def resume(self, run_id: str, report: Report = SILENT) -> RunOutcome:
        """Go on with a stopped or interrupted run."""
        return execute(self.runs.read(run_id).spec, self, report, resume=run_id)

    def branch(self, run_id: str, step: int, spec: RunSpec, report: Report = SILENT) -> RunOutcome:
        """Begin a new run at a checkpoint of another; see `core.runs.execute`."""
        return execute(spec, self, report, branch=(run_id, step))

    def tokens(
        self, encoder: str, text: str, second: str | None = None, max_length: int = 128
    ) -> tuple[Token, ...]:
        """Return the tokens the encoder makes of a text or a pair.

        Has a tokenizer of its own: the compute thread's may be at work.
        """
        from fineview.core.models.encoder import open_encoder

        with self._imports:
            if encoder not in self._readers:
                self._readers[encoder] = open_encoder(encoder, self.locations.cache, "cpu")
            return self._readers[encoder].tokens(text, second, max_length)

    def predict(
        self, run_id: str, text: str, second: str | None = None, report: Report = SILENT
    ) -> Prediction:
        """Let a run's head judge a typed example.

        Args:
            run_id: A run that left a head.
            text: A text, the first of a pair, or (word level) a sentence whose words are judged.
            second: The second text of a pair.
            report: Asked between batches.

        Raises:
            DataError: Nothing to judge was typed.
            RunError: The run has no head, or it is damaged.
        """
        judge = self.judge(run_id)
        if not text.strip() or (judge.level == "pair" and not (second or "").strip()):
            wanted = "both texts of the pair" if judge.level == "pair" else "a text"
            raise DataError(f"Type {wanted} to see what the head says.")
        words = tuple(text.split()) if judge.level == "word" else None
        shares, items, truncated, attention = judge.explain(
            text, (second or "") if judge.level == "pair" else None, words, report
        )
        if len(items) == 0:
            raise DataError("None of these words fits within the run's maximum length.")
        ranked = [
            tuple(sorted(zip(judge.classes, row, strict=True), key=lambda pair: -pair[1]))
            for row in (shares.tolist() if judge.classes else [])
        ]
        return Prediction(
            run_id=run_id,
            items=tuple(words[i] for i in items) if words else (text,),
            probabilities=tuple(ranked),
            truncated=bool(truncated),
            attention=attention,
            numbers=() if judge.classes else tuple(shares[:, 0].tolist()),
            usual=judge.usual,
        )

    def judge(self, run_id: str) -> "Judge":
        """Return a run's head at work; the last one is kept in memory, read for every letter typed.

        Raises:
            RunError: The run has no head, or it is damaged.
            FineviewError: Its encoder or its task cannot be had.
        """
        from fineview.core.runs.judge import Judge

        summary, kept = self.runs.summary(run_id), self._judge
        if kept is not None and kept[0] == summary:  # a run that went on has another head
            return kept[1]
        self._judge = kept = None  # both at once may be too much
        judge = Judge(run_id, self)
        self._judge = (summary, judge)
        return judge

    def labelling_plan(self, run_id: str, inspection: "Inspection") -> "ImportPlan":
        """Return how to read a file that a run's head is to label: the columns it was trained on.

        Raises:
            RunError: There is no such run.
        """
        from fineview.core.runs.labelling import columns_for

        judge = self.judge(run_id)
        return columns_for(judge.level, inspection, self.shelf.columns(judge.spec.task))

    def label_file(
        self, run_id: str, plan: "ImportPlan", out: "Path", report: Report = SILENT
    ) -> "Labelled":
        """Write a CSV with what a run's head says of every row; see `core.runs.labelling`."""
        from fineview.core.runs.labelling import label_file

        return label_file(run_id, self, plan, out, report)

    def examples_behind(
        self, run_id: str, true: int, predicted: int
    ) -> tuple[tuple[str, str, str, float], ...]:
        """Return the validation examples of one confusion cell.

        Returns:
            (text, true class, answered class, probability of the answer), surest first.

        Raises:
            RunError: The run has left no predictions of classes.
        """
        spec = self.runs.read(run_id).spec
        task = self.task(spec.task, spec.split)
        stored = self.runs.tensors(run_id, "predictions")
        judged = stored.get("validation.probabilities")
        if judged is None:
            raise RunError(f"The run {run_id} tells numbers, not classes: it has no confusion.")
        rows = []
        for item, shares in zip(stored["validation.items"], judged, strict=True):
            if int(task.labels[item]) == true and int(shares.argmax()) == predicted:
                rows.append((int(item), float(shares[predicted])))
        rows.sort(key=lambda row: -row[1])
        return tuple(
            (task.example(item), task.classes[true], task.classes[predicted], share)
            for item, share in rows
        )

    def numbers_behind(
        self, run_id: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
        """Return labels and answers of the validation examples of a run on numbers.

        Returns:
            (n,) labels, (n,) answers, and the n examples as a person reads them.

        Raises:
            RunError: The run has left no predictions of numbers.
        """
        spec = self.runs.read(run_id).spec
        task = self.task(spec.task, spec.split)
        stored = self.runs.tensors(run_id, "predictions")
        items, answers = stored["validation.items"], stored.get("validation.numbers")
        if answers is None:
            raise RunError(f"The run {run_id} tells classes, not numbers: look at its confusion.")
        texts = tuple(task.example(int(item)) for item in items)
        return task.labels[items].astype(np.float64), answers[:, 0].astype(np.float64), texts

    def environment(self) -> Mapping[str, str | int | float | None]:
        """Return what, besides the spec, a run's figures may depend on."""
        import torch
        import transformers

        return {
            "fineview": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "numpy": np.__version__,
            "device": choose_device(self.device),
            "threads": torch.get_num_threads(),
        }
