"""Full fine-tuning of an encoder of BERT-base size on a GPU, in bfloat16 against its matrix rate.

Run as `python -m benchmarks.finetune_gpu` where torch finds CUDA; needs the extra `bench`. Weights
and texts are random, which changes nothing about speed; all texts have the same length. Both sides
have float32 weights, products in bfloat16, AdamW, clipping and dropout.

`share_128`, `share_512`: FLOP/s of training over those of as many tokens × 768 × 3072 products,
measured in the same run, with steps of 32,768 tokens; `small_share_…` the same with 8,192, where
the processor cannot start kernels as fast as the GPU ends them. `ratio_…`: texts/s against the
Trainer of transformers.
`checkpointing_memory`, `checkpointing_time`: gradient checkpointing against none, at 512 tokens.
`cancel_p99_ms`: from asking to stop until nothing is computed any more, asked at random moments.
`memory_parts`: tokens at once after memory was limited to half of what a step of 512-token texts
takes; `memory_loss`: how far the loss that this training ends with differs from the whole one's.
`float32_diff`: largest relative difference of a layer's states between GPU and processor.
"""

import argparse
import gc
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from benchmarks.finetune import RATE, Clock, Texts, ours, theirs, training_flops
from fineview.core.errors import JobCancelled
from fineview.core.features.config import PoolingConfig
from fineview.core.models.encoder import Encoded, Encoder, open_encoder
from fineview.core.training.config import HeadConfig, TrainConfig
from fineview.core.training.events import Notice
from fineview.core.training.objectives import CrossEntropy
from fineview.core.training.strategy import StrategyConfig
from fineview.core.training.tuning.building import build_model, new_head
from fineview.core.training.tuning.examples import Examples
from fineview.core.training.tuning.judging import judged
from fineview.core.training.tuning.loop import FineTuning
from fineview.core.training.tuning.phases import TuneData

SMALL, LARGE = 8192, 32_768
STEPS, CLASSES, CANCELS = 30, 20, 40


def base_encoder(folder: Path) -> Path:
    """Write BERT-base with random weights and a vocabulary of as many pieces."""
    config = BertConfig()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [f"w{i}" for i in range(config.vocab_size - len(pieces))]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def random_texts(count: int, length: int) -> Texts:
    """Draw texts of random pieces, whose class is told by the first of them."""
    dice = np.random.default_rng(0)
    ids = dice.integers(5, 30_000, (count, length))
    labels = dice.integers(0, CLASSES, count)
    ids[:, 0], ids[:, 1], ids[:, -1] = 2, 5 + labels, 3
    every = np.arange(count)
    examples = Examples(
        encoded=[Encoded(row, np.zeros(length, np.int64), truncated=False) for row in ids],
        items=every,
        labels=torch.from_numpy(labels),
        first=np.arange(count + 1),
        lengths=np.full(count, length),
        truncated=0,
        dropped=0,
    )
    return Texts(examples, CLASSES)


def bfloat16_rate(tokens: int) -> float:
    """Return the GPU's rate, FLOP/s, for a feed-forward product of a step: median of 50."""
    left = torch.randn(tokens, 768, device="cuda", dtype=torch.bfloat16)
    right = torch.randn(768, 3072, device="cuda", dtype=torch.bfloat16)
    times = []
    for turn in range(60):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(10):
            torch.mm(left, right)
        end.record()
        torch.cuda.synchronize()
        if turn >= 10:
            times.append(begin.elapsed_time(end) / 10_000)
    return 2 * tokens * 768 * 3072 / statistics.median(times)


def peak_of(work: Callable[[], object]) -> int:
    """Return the most bytes that were held during one call, beyond those before it."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    work()
    return torch.cuda.max_memory_allocated() - held


def speeds(encoder: Encoder, repetitions: int) -> dict[str, float]:
    """Compare training with the matrix rate and with the peer, at both lengths and sizes."""
    found: dict[str, float] = {}
    for tokens, length in itertools.product((SMALL, LARGE), (128, 512)):
        size, key = tokens // length, "small_" if tokens == SMALL else ""
        texts = random_texts(STEPS * size, length)
        rate = bfloat16_rate(tokens)
        mine, peer = [], []
        for turn in range(repetitions + 1):
            mine.append(ours(encoder, texts, 0, turn, size=size))
            peer.append(theirs(encoder, texts, turn, size=size))
        medians = [statistics.median(r[0] for r in side[1:]) for side in (mine, peer)]
        work = training_flops(encoder, texts.examples)
        for label, median, side in zip(("fineview", "Trainer"), medians, (mine, peer), strict=True):
            loss = statistics.mean(r[1] for r in side[1:])
            print(
                f"{size:3d} × {length} tokens: {label:9s} {median:6.0f} texts/s, "
                f"{work * median / rate:.0%} of {rate / 1e12:.0f} TFLOP/s; loss {loss:.3f}"
            )
        found[f"{key}share_{length}"] = work * medians[0] / rate
        found[f"{key}ratio_{length}"] = medians[0] / medians[1]
    return found


def checkpointing(encoder: Encoder) -> dict[str, float]:
    """Measure what it saves in memory and costs in time."""
    size = LARGE // 512
    texts = random_texts(STEPS * size, 512)
    rates: list[float] = []
    peaks = []
    for on in (False, True):
        train = partial(ours, encoder, texts, 0, 1, size=size, checkpointing=on)
        peaks.append(peak_of(lambda train=train: rates.append(train()[0])))  # type: ignore[misc]
    print(
        f"peak {peaks[0] / 2**30:.2f} GiB, with gradient checkpointing {peaks[1] / 2**30:.2f} GiB"
    )
    return {
        "checkpointing_memory": peaks[1] / peaks[0],
        "checkpointing_time": rates[0] / rates[1],
    }


class Stopper(Clock):
    """A report that can be told to stop from another thread, and keeps notices."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.notices: list[str] = []

    def publish(self, event: object) -> None:
        """Take note of steps and notices."""
        super().publish(event)
        if isinstance(event, Notice):
            self.notices.append(event.text)

    def check(self) -> None:
        """Stop between steps."""
        self.ask_stop()

    def ask_stop(self) -> None:
        """Stop within a step."""
        if self.stop.is_set():
            raise JobCancelled


def tuning_of(encoder: Encoder, texts: Texts, size: int, report: Stopper) -> FineTuning:
    """Prepare an epoch, of plain SGD without dropout: what is learned hangs on no draw."""
    pooling, info = PoolingConfig(), encoder.info
    strategy = StrategyConfig(kind="full", encoder_rate=RATE)
    head = new_head(pooling, info.width, info.layers, texts.classes, HeadConfig(), 0)
    model = build_model(encoder, strategy, pooling, head, "sentence")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return FineTuning(
        model,
        TuneData(texts.examples, texts.examples),
        strategy=strategy,
        config=TrainConfig(optimiser="sgd", learning_rate=0.1, batch_size=size, epochs=1),
        objective=CrossEntropy(texts.classes),
        origin={n: p.detach() for n, p in encoder.model.named_parameters()},
        report=report,
    )


def cancels(encoder: Encoder) -> dict[str, float]:
    """Ask to stop at random moments within steps."""
    dice = np.random.default_rng(0)
    texts = random_texts(STEPS * 8, 512)
    waited = []
    for _ in range(CANCELS):
        report = Stopper()
        tuning = tuning_of(encoder, texts, 64, report)
        asked: list[float] = []

        def ask(report: Stopper = report, asked: list[float] = asked) -> None:
            while not report.times:
                time.sleep(0.001)
            time.sleep(float(dice.uniform(0, 0.1)))
            asked.append(time.perf_counter())
            report.stop.set()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            tuning.run()
        except JobCancelled:
            torch.cuda.synchronize()
            waited.append(1000 * (time.perf_counter() - asked[0]))
        thread.join()
    print(f"stopped {len(waited)} times, after {statistics.median(waited):.0f} ms (median)")
    return {"cancel_p99_ms": float(np.percentile(waited, 99))}


def short_of_memory(encoder: Encoder) -> dict[str, float]:
    """Train where half the memory of a step is missing, and compare with a whole training."""
    texts = random_texts(128, 512)
    losses, reports = [], [Stopper(), Stopper()]
    tunings = [tuning_of(encoder, texts, 32, report) for report in reports]

    def train(tuning: FineTuning) -> None:
        tuning.run()
        said = judged(tuning.model, texts.examples)
        losses.append(float(torch.nn.functional.cross_entropy(said.outputs, said.labels)))

    peak = peak_of(lambda: train(tunings[0]))
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + peak / 2) / total)
    try:
        train(tunings[1])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    for text in reports[1].notices:
        print(text)
    return {
        "memory_parts": float(tunings[1]._gradients.tokens_that_fit or 0),
        "memory_loss": abs(losses[0] - losses[1]),
    }


def float32_difference(encoder: Encoder, processor: Encoder) -> float:
    """Compare what both compute without bfloat16."""
    ids = torch.from_numpy(np.stack([one.ids for one in random_texts(8, 64).examples.encoded]))
    with torch.inference_mode():
        states = [
            one.model(input_ids=ids.to(one.device), output_hidden_states=True).hidden_states
            for one in (encoder, processor)
        ]
    pairs = zip(*states, strict=True)
    return max(float((a.cpu() - b).norm() / b.norm()) for a, b in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device here: run this on a machine with one.")
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}")
    with tempfile.TemporaryDirectory() as scratch:
        name, cache = str(base_encoder(Path(scratch) / "base")), Path(scratch) / "cache"
        encoder, processor = (open_encoder(name, cache, device=d) for d in ("cuda", "cpu"))
        encoder.load()
        processor.load()
        found = {"float32_diff": float32_difference(encoder, processor)}
        found |= speeds(encoder, options.repetitions)
        found |= checkpointing(encoder)
        found |= cancels(encoder)
        found |= short_of_memory(encoder)
    print("RESULT " + json.dumps({name: float(f"{value:.4g}") for name, value in found.items()}))


if __name__ == "__main__":
    main()
