"""Few-shot evaluation and label scoring in batches, against transformers one prompt at a time.

Run as `python -m benchmarks.prompting_batches` (some four minutes). SmolLM2-135M on the processor,
both sides with the same number of threads.

`identical`: 1 where every greedy answer is that of `generate`, token by token; answers that part
where the two likeliest tokens are within 0.001 of each other are listed and excused.
`evaluation_ratio`: seconds of `generate` over ours, 50 states × 4 examples × 12 tokens.
`evaluation_ratio_stopped`: the same where both stop at the end of the answer.
`scoring_ratio`: a loop of one forward pass for each label and question over ours, 200 questions × 6
labels; the loop answers every tenth question, and its time counts ten times. `scoring_max_diff`:
greatest difference of a log-probability.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fineview.core.locations import Locations
from fineview.core.models.language_model import DEFAULT, LanguageModel, open_language_model
from fineview.core.prompting.batched import Answer, answers, label_scores
from fineview.core.prompting.choices import PromptConfig
from fineview.core.prompting.tables import presets, table
from fineview.core.prompting.template import render

THREADS, ROUNDS, TOKENS, QUESTIONS, EVERY, NEAR = 2, 2, 12, 200, 10, 1e-3


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def capitals() -> tuple[list[str], tuple[str, ...]]:
    """Return 50 prompts with the same 4 examples, and what stops an answer."""
    rows = table("us-states").rows
    prompt = PromptConfig(shots=rows[4:44:10])
    rendered = [render(prompt, row[:-1]) for row in rows]
    return [one.text for one in rendered], rendered[0].stop


def one_by_one(
    model: LanguageModel, prompts: Sequence[str], stop: Sequence[str]
) -> list[list[int]]:
    """Let `generate` continue one prompt after the other."""
    extra = {"stop_strings": list(stop), "tokenizer": model.tokenizer} if stop else {}
    found = []
    for text in prompts:
        ids = torch.tensor([model.ids(text)])
        out = model.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=0,
            **extra,
        )
        found.append(out[0, ids.shape[1] :].tolist())
    return found


def evaluation(model: LanguageModel, rounds: int) -> dict[str, float]:
    """Ask for the capitals of all states, with and without a stop string."""
    prompts, stop = capitals()
    figures: dict[str, float] = {}
    for name, stops in (("evaluation_ratio", ()), ("evaluation_ratio_stopped", stop)):
        mine, theirs = [], []
        found: list[tuple[Answer, ...]] = []
        peers: list[list[list[int]]] = []
        for _ in range(rounds):
            mine.append(seconds(lambda: found.append(answers(model, prompts, TOKENS, stops))))  # noqa: B023
            theirs.append(seconds(lambda: peers.append(one_by_one(model, prompts, stops))))  # noqa: B023
        figures[name] = statistics.median(theirs) / statistics.median(mine)
        same = [list(one.tokens) for one in found[0]]
        parted = [i for i, ids in enumerate(same) if ids != peers[0][i]]
        near = [i for i in parted if gap(model, prompts[i], same[i], peers[0][i]) < NEAR]
        print(
            f"{name}: {50 / statistics.median(mine):.1f} queries/s, generate "
            f"{50 / statistics.median(theirs):.1f}; {50 - len(parted)} of 50 identical, of the "
            f"others {len(near)} within {NEAR} of a tie: {[prompts[i][-30:] for i in near]}"
        )
        figures["identical"] = min(figures.get("identical", 1.0), float(len(near) == len(parted)))
    return figures


def gap(model: LanguageModel, text: str, mine: list[int], theirs: list[int]) -> float:
    """Return by how much the two likeliest logits differ where two answers part."""
    pairs = zip(mine, theirs, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
    if at is None:
        return np.inf
    with torch.inference_mode():
        logits = model.model(torch.tensor([[*model.ids(text), *mine[:at]]])).logits[0, -1]
    first, second = logits.topk(2).values.tolist()
    return float(first - second)


def questions() -> tuple[list[str], list[list[str]]]:
    """Return 200 prompts that ask for the kind of a question, and the words of the 6 kinds."""
    preset = next(one for one in presets() if one.name == "question-type")
    asked = [row[0] for row in table("question-type").rows]
    asked += [f"What is the capital of {row[0]}?" for row in table("country-capitals").rows]
    asked += [f"Which city is the capital of {row[0]}?" for row in table("us-states").rows]
    asked += [f"What is the opposite of {row[0]}?" for row in table("opposites").rows]
    asked += [f"How much is {row[0]}?" for row in table("arithmetic").rows]
    rendered = [render(preset.prompt, (text,)) for text in asked[:QUESTIONS]]
    words = [[rendered[0].lead + label] for label in table("question-type").classes]
    return [one.text for one in rendered], words


def naive(
    model: LanguageModel, prompts: Sequence[str], words: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Score each label behind each prompt by a forward pass over both."""
    found = np.zeros((len(prompts), len(words)))
    with torch.inference_mode():
        for at, text in enumerate(prompts):
            start = len(model.ids(text))
            for label, (word,) in enumerate(words):
                ids = torch.tensor([model.ids(text + word)])
                logits = model.model(ids).logits[0].log_softmax(-1)
                steps = logits[range(start - 1, ids.shape[1] - 1), ids[0, start:]]
                found[at, label] = float(steps.sum())
    return found


def scoring(model: LanguageModel, rounds: int) -> dict[str, float]:
    """Score 200 questions × 6 labels."""
    prompts, words = questions()
    found: list[NDArray[np.float64]] = []
    mine = [
        seconds(lambda: found.append(label_scores(model, prompts, words))) for _ in range(rounds)
    ]
    few = prompts[::EVERY]
    peers: list[NDArray[np.float64]] = []
    theirs = EVERY * seconds(lambda: peers.append(naive(model, few, words)))
    print(
        f"scoring: {len(prompts) / statistics.median(mine):.1f} questions/s, one by one "
        f"{len(prompts) / theirs:.2f}"
    )
    return {
        "scoring_ratio": theirs / statistics.median(mine),
        "scoring_max_diff": float(np.abs(found[0][::EVERY] - peers[0]).max()),
    }


def measure(model: LanguageModel, rounds: int = ROUNDS) -> dict[str, float]:
    """Return all figures."""
    model.load()
    answers(model, capitals()[0][:2], 2, ())  # what the first pass imports is nobody's time
    return {**scoring(model, rounds), **evaluation(model, rounds)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median is taken")
    parser.add_argument("--cache", type=Path, default=None, help="folder of fetched things")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    cache = options.cache or Locations.find().cache
    model = open_language_model(DEFAULT, cache, "cpu")
    print(f"{model.info.title}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        json.dumps({key: round(value, 6) for key, value in measure(model, options.rounds).items()})
    )


if __name__ == "__main__":
    main()
