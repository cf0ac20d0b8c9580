"""Fine-tuning against the Trainer of transformers, and the window while an encoder is trained.

Run as `python -m benchmarks.finetune`; needs the extra `bench`, and `fineview fetch orange-texts
movie-snippets`. Both sides train the same architecture from the same weights on the same texts with
the same settings (AdamW, one rate, linear decay, clipping at 1, dropout) and number of torch
threads; runs are interleaved, the first of each side warms up.

`full_ratio`: texts/s on 320 texts of 20 Newsgroups, all of 128 tokens, batches of 16.
`mixed_ratio`: on 1,000 movie snippets of mixed length; ours in batches of like length with as many
tokens as an average batch of 16 texts has, the peer's drawn and padded as the Trainer does by
default.
`head_ratio`: a linear head, 5 epochs; ours extracts features once, the peer runs its frozen
backbone in each.
`stall_p99_ms`: lateness of a 10 ms timer of the window during full fine-tuning.
`cancel_p99_ms`: from Stop until nothing is computed any more; the position is then saved.
"""

import argparse
import copy
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.features import MAX_LENGTH, THREADS, matrix_rate, seconds
from fineview.core.data.catalogued import load_catalogued
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Task
from fineview.core.features.config import PoolingConfig
from fineview.core.features.extract import extract
from fineview.core.features.pooling import pool
from fineview.core.features.store import FeatureStore
from fineview.core.locations import Locations
from fineview.core.models.encoder import Encoder, open_encoder
from fineview.core.progress import Silent
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.events import TrainStep
from fineview.core.training.loop import HeadTraining, TrainData
from fineview.core.training.objectives import CrossEntropy
from fineview.core.training.strategy import StrategyConfig
from fineview.core.training.tuning.building import build_model, new_head
from fineview.core.training.tuning.examples import Examples, unlabelled
from fineview.core.training.tuning.judging import judged
from fineview.core.training.tuning.loop import FineTuning
from fineview.core.training.tuning.phases import TuneData

LONG, MIXED, BATCH, HEAD_EPOCHS = 320, 1000, 16, 5
RATE = 5e-5
STALL_S, CANCELS = 20.0, 30


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts that both sides train on.

    Attributes:
        examples: Tokenised, with labels.
        classes: C.
    """

    examples: Examples
    classes: int


class Clock(Silent):
    """Keeps the time of each step."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def publish(self, event: object) -> None:
        """Take note of a step."""
        if isinstance(event, TrainStep):
            self.times.append(time.perf_counter())


class Peer(nn.Module):
    """What a user of transformers would write: encoder, mean pooling, linear."""

    def __init__(self, encoder: nn.Module, width: int, classes: int, frozen: bool = False) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder)
        self.encoder.requires_grad_(not frozen)
        self.linear = nn.Linear(width, classes)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, labels: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
        """Return loss and logits."""
        states = self.encoder(**inputs).last_hidden_state
        keep = inputs["attention_mask"].unsqueeze(2)
        logits = self.linear((states * keep).sum(1) / keep.sum(1))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def texts_of(encoder: Encoder, task: str, count: int, *, full: bool) -> Texts:
    """Draw texts of a fetched task; `full` takes only those of MAX_LENGTH tokens."""
    loaded: Task = load_catalogued(task, SplitConfig(), Locations.find().cache)
    order = np.random.default_rng(0).permutation(len(loaded))
    chosen: list[int] = []
    for item in order.tolist():
        if len(chosen) == count:
            break
        if not full or len(encoder.encode([loaded.texts[item]])[0].ids) == MAX_LENGTH:
            chosen.append(item)
    found = unlabelled(encoder, [loaded.texts[i] for i in chosen], None, None, MAX_LENGTH)
    labels = torch.from_numpy(loaded.labels[chosen].astype(np.int64))
    return Texts(replace(found, labels=labels), len(loaded.classes))


def ours(
    encoder: Encoder,
    texts: Texts,
    budget: int,
    seed: int,
    *,
    size: int = BATCH,
    checkpointing: bool = False,
) -> tuple[float, float]:
    """Fine-tune everything for an epoch; return texts/s after two steps, and the final loss."""
    info, pooling = encoder.info, PoolingConfig()
    head = new_head(pooling, info.width, info.layers, texts.classes, HeadConfig(), seed)
    strategy = StrategyConfig(kind="full", encoder_rate=RATE)
    model = build_model(encoder, strategy, pooling, head, "sentence")
    few = Texts(_part(texts.examples, 8), texts.classes)  # measured before and after: not timed
    clock = Clock()
    tuning = FineTuning(
        model,
        TuneData(texts.examples, few.examples),
        strategy=strategy,
        config=TrainConfig(
            optimiser="adamw", learning_rate=RATE, batch_size=size, token_budget=budget,
            weight_decay=0.01, clip=1.0, epochs=1, schedule="linear", checkpointing=checkpointing,
        ),
        objective=CrossEntropy(texts.classes),
        origin={n: p.detach() for n, p in encoder.model.named_parameters()},
        seed=seed,
        report=clock,
    )  # fmt: skip
    tuning.run()
    done = len(texts.examples) * (len(clock.times) - 2) / len(clock.times)
    rate = done / (clock.times[-1] - clock.times[1])
    said = judged(model, texts.examples)
    return rate, float(nn.functional.cross_entropy(said.outputs, said.labels))


def theirs(
    encoder: Encoder,
    texts: Texts,
    seed: int,
    *,
    epochs: int = 1,
    frozen: bool = False,
    size: int = BATCH,
) -> tuple[float, float, float]:
    """Train with the Trainer; return texts/s after two steps, the final loss, and seconds."""
    from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments

    times: list[float] = []

    class Steps(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: object, **__: object) -> None:
            times.append(time.perf_counter())

    rows = [
        {"input_ids": one.ids.tolist(), "attention_mask": [1] * len(one.ids), "labels": label}
        for one, label in zip(texts.examples.encoded, texts.examples.labels.tolist(), strict=True)
    ]
    model = Peer(encoder.model, encoder.info.width, texts.classes, frozen)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder, per_device_train_batch_size=size, num_train_epochs=epochs,
                learning_rate=RATE if not frozen else 1e-3, weight_decay=0.01, max_grad_norm=1.0,
                lr_scheduler_type="linear", report_to=[], save_strategy="no", seed=seed,
                use_cpu=encoder.device == "cpu", bf16=encoder.device == "cuda",
                disable_tqdm=True, logging_strategy="no", remove_unused_columns=False,
            ),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(encoder.tokenizer),
            callbacks=[Steps()],
        )  # fmt: skip
        took = seconds(trainer.train)
    done = len(rows) * epochs * (len(times) - 2) / len(times)
    model.eval()
    loss = 0.0
    with torch.no_grad():
        for first in range(0, len(rows), size):
            batch = trainer.data_collator(rows[first : first + size]).to(encoder.device)
            loss += float(model(**batch)["loss"]) * len(batch["labels"])
    return done / (times[-1] - times[1]), loss / len(rows), took


def head_only(encoder: Encoder, texts: Texts) -> float:
    """Extract once and train a head for some epochs; return the seconds of both."""
    from benchmarks.features import as_task

    loaded = load_catalogued("newsgroups-20", SplitConfig(), Locations.find().cache)
    raw = tuple(loaded.texts[i] for i in texts.examples.items)
    task, labels = as_task(raw), texts.examples.labels

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            hidden = extract(encoder, task, FeatureStore(Path(folder)), max_length=MAX_LENGTH)
            features = torch.from_numpy(pool(hidden, PoolingConfig()))
            part = (features, labels)
            config = TrainConfig(epochs=HEAD_EPOCHS, batch_size=BATCH)
            HeadTraining(TrainData(part, part, texts.classes), config).run()

    return seconds(work)


def _part(examples: Examples, count: int) -> Examples:
    return replace(
        examples,
        encoded=examples.encoded[:count],
        items=examples.items[:count],
        labels=examples.labels[:count],
        first=examples.first[: count + 1],
        lengths=examples.lengths[:count],
    )


def training_flops(encoder: Encoder, examples: Examples) -> float:
    """Return the FLOPs a text of training on real tokens: three times those of a pass."""
    info, lengths = encoder.info, examples.lengths.astype(np.float64)
    weights = 2 * sum(info.layer_parameters[1:]) * lengths.sum()
    return float(3 * (weights + 4 * info.layers * info.width * (lengths**2).sum()) / len(lengths))


def speeds(repetitions: int) -> dict[str, float]:
    """Compare training speeds and losses."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as cache:
        encoder = open_encoder("minilm-l6", Path(cache), device="cpu")
        encoder.load()
        rate = max(matrix_rate() for _ in range(3))
        long = texts_of(encoder, "newsgroups-20", LONG, full=True)
        mixed = texts_of(encoder, "movie-snippets", MIXED, full=False)
        budget = round(BATCH * float(mixed.examples.lengths.mean()))
        for name, texts, tokens in (("full", long, 0), ("mixed", mixed, budget)):
            mine, peer = [], []
            for turn in range(repetitions + 1):
                mine.append(ours(encoder, texts, tokens, turn))
                peer.append(theirs(encoder, texts, turn))
            flops = training_flops(encoder, texts.examples)
            medians = [statistics.median(r[0] for r in side[1:]) for side in (mine, peer)]
            losses = [[r[1] for r in side[1:]] for side in (mine, peer)]
            for label, median, loss in zip(("fineview", "Trainer"), medians, losses, strict=True):
                print(
                    f"{name}: {label:9s} {median:6.1f} texts/s, {flops * median / rate:.0%} of "
                    f"{rate / 1e9:.0f} GFLOP/s; loss on the training texts "
                    f"{statistics.mean(loss):.3f} ({min(loss):.3f} … {max(loss):.3f})"
                )
            found[f"{name}_ratio"] = medians[0] / medians[1]
            found[f"{name}_loss"] = statistics.mean(losses[0])
            found[f"{name}_peer_loss"] = statistics.mean(losses[1])
        heads: list[tuple[float, float]] = []
        for turn in range(repetitions + 1):
            with_trainer = theirs(encoder, long, turn, epochs=HEAD_EPOCHS, frozen=True)[2]
            heads.append((head_only(encoder, long), with_trainer))
        times = [statistics.median(pair[side] for pair in heads[1:]) for side in (0, 1)]
        print(f"head: fineview {times[0]:.1f} s, Trainer {times[1]:.1f} s, {HEAD_EPOCHS} epochs")
        found["head_ratio"] = times[1] / times[0]
    return found


def in_the_window() -> dict[str, float]:
    """Train fully in the real window; measure stalls, then press Stop at all sorts of moments."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEvent, QEventLoop, QObject

    from fineview.app import build, make_qt, start
    from fineview.core.runs.spec import RunSpec
    from fineview.core.training.strategy import default_strategy, default_training

    sys.setswitchinterval(0.001)  # as app.main does
    stopping, stopped, saved = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        qt = make_qt(["fineview"])
        application = build(qt, Locations(Path(scratch) / "w", Locations.find().cache))
        window = application.window
        start(application)

        def wait(ready: Callable[[], bool], limit: float = 600.0) -> float:
            began = time.perf_counter()
            while not ready() and time.perf_counter() - began < limit:
                qt.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            return time.perf_counter() - began

        wait(lambda: "training" in window.panels and not window.runner.jobs)
        spec = RunSpec(
            task="newsgroups-20",
            max_length=MAX_LENGTH,
            split=SplitConfig(train_items=LONG, held_out_items=20),
            strategy=default_strategy("full"),
            training=replace(default_training("full", 384), epochs=1000),
        )
        window.session.edit("x", spec=spec)
        wait(lambda: window.context.task is not None and window.context.task.items < 1000)
        wait(lambda: not window.runner.jobs)
        panel = window.panel("training")

        class Painted(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint and watched.text() == "Stopping…":  # type: ignore[attr-defined]
                    painted.append(time.perf_counter())
                return False

        painted: list[float] = []
        watcher = Painted()
        panel.settings.train_button.installEventFilter(watcher)
        random = np.random.default_rng(0)
        panel.train()
        wait(lambda: panel.steps_done > 2)
        window.heartbeat.reset()
        wait(lambda: False, STALL_S)
        stalls = (window.heartbeat.p99_ms(), window.heartbeat.worst_ms)
        for _ in range(CANCELS):
            moment = panel.steps_done
            wait(lambda moment=moment: panel.steps_done > moment)
            wait(lambda: False, float(random.uniform(0, 1.2)))
            painted.clear()
            job = panel._job
            said: list[float] = []
            job.progressed.connect(
                lambda _done, _total, text, said=said: (
                    said.append(time.perf_counter()) if text.startswith("Saving") else None
                )
            )
            began = time.perf_counter()
            panel.stop()
            wait(lambda: bool(painted))
            stopping.append(1000 * (painted[0] - began))
            wait(lambda: not panel.busy)
            ended = time.perf_counter()
            at = said[0] if said else ended
            stopped.append(1000 * (at - began))
            saved.append(ended - at)
            panel.resume_run(panel.run_id)
            wait(lambda: panel.busy)
        panel.stop()
        wait(lambda: not panel.busy)
        application.close()
    print(f"stall p99 {stalls[0]:.1f} ms, longest {stalls[1]:.0f} ms")
    print(
        f"Stopping painted after {_p99(stopping):.0f} ms, computing stopped after "
        f"{statistics.median(stopped):.0f} ms (p99 {_p99(stopped):.0f}), saved after "
        f"{max(saved):.2f} s at most; {CANCELS} times, the poll of 33 ms included"
    )
    return {
        "stall_p99_ms": stalls[0],
        "stopping_p99_ms": _p99(stopping),
        "cancel_p99_ms": _p99(stopped),
        "saved_max_s": max(saved),
    }


def _p99(values: Sequence[float]) -> float:
    return float(np.percentile(values, 99))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--part", choices=("all", "speed", "window"), default="all")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {THREADS} threads, CPU, float32")
    found: dict[str, Any] = {}
    if options.part != "window":
        found |= speeds(options.repetitions)
    if options.part != "speed":
        found |= in_the_window()
    print("RESULT " + json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
