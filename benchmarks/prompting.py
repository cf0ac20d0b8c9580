"""The prompt playground in numbers: one stream of tokens, and (`prompting_batches`) many prompts.

Run as `python -m benchmarks.prompting` (some six minutes). SmolLM2-135M on the processor, both
sides with the same number of threads, each after the other in every round, medians over rounds.

`stream_ratio`: tokens per second of `Decoder.generate` in float32, with probability, rank, entropy,
alternatives and next-token table of every token, over those of `generate` of transformers, which
says only the tokens; both read the prompt anew. `stream_same`: 1 where the tokens are the same.
`light_ratio`: the same with our weights in bfloat16, against `generate` in float32.
`light_perplexity_change`: by which share bfloat16 changes the perplexity of news it has not seen
(0.001 is 0.1 %). `bandwidth_share`, `light_bandwidth_share`: every token reads every weight once;
bytes of the weights × tokens per second, over what the memory delivers to a plain sum.
`stop_tokens`: tokens that still come after Stop. `reload_s`: from the converted files to a model
in memory, in the same process. The other keys are those of `prompting_batches`.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from math import exp, log
from pathlib import Path

import torch

from benchmarks import prompting_batches
from fineview.core.errors import JobCancelled
from fineview.core.locations import Locations
from fineview.core.models.catalog import locate
from fineview.core.models.language_model import (
    DEFAULT,
    DTYPES,
    DType,
    LanguageModel,
    open_language_model,
)
from fineview.core.progress import Silent
from fineview.core.prompting.choices import FIRST_PROMPT, SamplingConfig
from fineview.core.prompting.decoding import Decoder

THREADS, ROUNDS, TOKENS = 2, 5, 48
TEXTS, LETTERS = 12, 1200
"""News whose perplexity is measured: how many, and how much of each."""
SUM_BYTES = 2**29


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def opened(cache: Path, dtype: DType) -> LanguageModel:
    """Return the model with its weights in memory."""
    model = open_language_model(DEFAULT, cache, "cpu", dtype)
    model.load()
    return model


def stream(cache: Path) -> dict[str, float]:
    """Let three go on from the lecture's prompt: transformers, ours, and ours in bfloat16."""
    plain, light = opened(cache, "float32"), opened(cache, "bfloat16")
    peer = opened(cache, "float32")  # its weights are as transformers lays them out
    ours, theirs = Decoder(plain), Decoder(light)
    ids = torch.tensor([plain.ids(FIRST_PROMPT)])
    sampling = SamplingConfig(max_tokens=TOKENS)
    said: dict[str, list[int]] = {}

    def generated() -> None:
        out = peer.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=TOKENS,
            min_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
        said["peer"] = out[0, ids.shape[1] :].tolist()

    def streamed(decoder: Decoder) -> None:
        decoder.forget()
        answer = decoder.generate(FIRST_PROMPT, sampling)
        said[decoder.model.dtype] = [one.token for one in answer.tokens]

    turns = {
        "peer": generated,
        "float32": lambda: streamed(ours),
        "bfloat16": lambda: streamed(theirs),
    }
    speeds: dict[str, list[float]] = {name: [] for name in turns}
    for turn in turns.values():
        turn()  # what the first pass imports is nobody's time
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            speeds[name].append(seconds(turn))
            speeds[name][-1] = len(said[name]) / speeds[name][-1]
    rate = {name: statistics.median(found) for name, found in speeds.items()}
    memory = bandwidth()
    changed = exp(surprisal(theirs) - surprisal(ours)) - 1
    print(
        f"stream: generate {rate['peer']:.1f} tokens/s, ours {rate['float32']:.1f}, in bfloat16 "
        f"{rate['bfloat16']:.1f}; memory {memory / 1e9:.1f} GB/s"
    )
    pairs = list(zip(speeds["float32"], speeds["bfloat16"], speeds["peer"], strict=True))
    weights = {name: plain.info.parameters * size for name, size in DTYPES.items()}
    return {
        # Ratios within a round: the machine's other work then weighs on both sides.
        "stream_ratio": statistics.median(mine / peers for mine, _, peers in pairs),
        "stream_same": float(said["float32"] == said["peer"]),
        "light_ratio": statistics.median(mine / peers for _, mine, peers in pairs),
        "light_perplexity_change": changed,
        "bandwidth_share": weights["float32"] * rate["float32"] / memory,
        "light_bandwidth_share": weights["bfloat16"] * rate["bfloat16"] / memory,
        "stop_tokens": float(after_stop(ours)),
    }


def surprisal(decoder: Decoder) -> float:
    """Return the mean surprisal, in nats, of the tokens of some news."""
    lines = locate("lee-news").read_text(encoding="utf-8", errors="replace").splitlines()
    texts = [line[:LETTERS] for line in lines[:TEXTS]]
    reads = [decoder.read(text) for text in texts]
    tokens = [len(read.tokens) - 1 for read in reads]
    sums = [n * log(r.perplexity or 1) for n, r in zip(tokens, reads, strict=True)]
    print(f"perplexity in {decoder.model.dtype}: {exp(sum(sums) / sum(tokens)):.3f}")
    return sum(sums) / sum(tokens)


def bandwidth() -> float:
    """Return the bytes per second that the memory delivers to a sum over much more than caches."""
    numbers = torch.ones(SUM_BYTES // 4)
    return SUM_BYTES / min(seconds(numbers.sum) for _ in range(10))


class Stop(Silent):
    """Presses Stop after some tokens and counts those that come all the same."""

    def __init__(self, after: int) -> None:
        self.count = 0
        self._after = after

    def publish(self, _event: object) -> None:
        """Count the token."""
        self.count += 1

    def check(self) -> None:
        """Stop.

        Raises:
            JobCancelled: There were enough tokens.
        """
        if self.count >= self._after:
            raise JobCancelled


def after_stop(decoder: Decoder) -> int:
    """Return the most tokens that came after Stop."""
    late = []
    for after in (1, 3, 7):
        report = Stop(after)
        try:
            decoder.generate(FIRST_PROMPT, SamplingConfig(max_tokens=TOKENS), report)
        except JobCancelled:
            late.append(report.count - after)
        else:
            late.append(TOKENS)
    return max(late)


def reload(cache: Path) -> dict[str, float]:
    """Open and load the converted model anew."""
    times = [seconds(lambda: opened(cache, "float32")) for _ in range(4)]
    print("reload: " + ", ".join(f"{one:.2f} s" for one in times))
    return {"reload_s": statistics.median(times[1:])}


def batches(cache: Path) -> dict[str, float]:
    """Many prompts at once; see `prompting_batches`."""
    return prompting_batches.measure(opened(cache, "float32"))


PARTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "stream": stream,
    "reload": reload,
    "batches": batches,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--part", choices=("all", *PARTS), default="all")
    parser.add_argument("--cache", type=Path, default=None, help="folder of fetched things")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {THREADS} threads")
    cache = options.cache or Locations.find().cache
    found: dict[str, float] = {}
    for name, part in PARTS.items():
        if options.part in ("all", name):
            found |= part(cache)
    print("RESULT " + json.dumps({name: float(f"{value:.4g}") for name, value in found.items()}))


if __name__ == "__main__":
    main()
