"""Prompting or fine-tuning? Shots curves of two tasks, and the capitals that a prompt recalls.

Run as `python -m benchmarks.shots` (some twenty minutes; `fineview fetch smollm2-135m
movie-snippets` before). With `--workspace DIR` the curves are kept there and can be looked at in
the window (Prompts ▸ Shots curve). One JSON object a line of standard output:

- `capitals`: for 0, 1, 2, 4, 8 examples, the share of the other states whose capital is said, mean,
  least and greatest over five draws.
- `curve`: for each task, curve (prompt, calibrated, head) and number of examples, mean, least and
  greatest accuracy over draws and orders, the commonest label's, and what the page says of it.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.prompting.asked import items_of
from fineview.core.prompting.choices import (
    AnswerConfig,
    EvaluateChoice,
    ModelChoice,
    PromptConfig,
    ShotsChoice,
)
from fineview.core.prompting.evaluation import evaluate
from fineview.core.prompting.shots_lesson import band, lesson
from fineview.core.prompting.tables import presets, table
from fineview.core.runs.prompt_studies import measure_shots, prompt_study_of
from fineview.core.runs.spec import RunSpec

COUNTS, DRAWS = (0, 1, 2, 4, 8), 5
SPOKEN = {
    "capital-common-countries": ("well-known capital",),
    "capital-world": ("capital",),
    "city-in-state": ("city in state",),
    "adjective-to-adverb": ("adverb",),
    "present-participle": ("participle",),
    "nationality-adjective": ("nationality",),
    "past-tense": ("past tense",),
    "plural-verbs": ("verb with s",),
}
SNIPPETS = PromptConfig(
    example="Review: {input}\nSentiment: {label}",
    separator="\n\n",
    shots=(),
    query=("",),
)
RELATIONS = PromptConfig(
    example="{input} and {second} are an example of: {label}",
    separator="\n",
    columns=("input", "second", "label"),
    shots=(),
    query=("", ""),
)


def capitals(lab: Laboratory) -> None:
    """Print how many capitals are recalled with more and more examples."""
    preset = next(one for one in presets() if one.name == "state-capitals")
    items, choice = items_of(table("us-states")), ModelChoice()
    lab.prompts.load(choice)
    model = lab.prompts.model(choice)
    for count in COUNTS:
        asked = EvaluateChoice(shots=count, most=50, seeds=DRAWS if count else 1)
        found = [
            one.accuracy for one in evaluate(model, preset.prompt, preset.answer, asked, items)
        ]
        print(
            json.dumps(
                {
                    "capitals": count,
                    "mean": round(statistics.mean(found), 3),
                    "least": round(min(found), 3),
                    "greatest": round(max(found), 3),
                }
            ),
            flush=True,
        )


def curve(
    lab: Laboratory, task: str, prompt: PromptConfig, answer: AnswerConfig, most: int
) -> None:
    """Measure and print one shots curve."""
    spec = replace(RunSpec(), task=task)
    choice = ShotsChoice(counts=(0, 1, 2, 4, 8, 16), seeds=3, orders=2, most=most)
    study = measure_shots(lab, spec, ModelChoice(), prompt, answer, choice)
    found = prompt_study_of(study).curve
    assert found is not None
    for name in ("prompt", "calibrated", "head"):
        for count, middle, low, high, _ in band(found, name):
            print(
                json.dumps(
                    {
                        "curve": task,
                        "kind": name,
                        "examples": count,
                        "mean": round(middle, 3),
                        "least": round(low, 3),
                        "greatest": round(high, 3),
                    }
                )
            )
    print(
        json.dumps(
            {"curve": task, "majority": round(found.majority, 3), "says": lesson(found)},
            ensure_ascii=False,
        ),
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="keep the curves here")
    parser.add_argument("--part", choices=("all", "capitals", "curves"), default="all")
    parser.add_argument("--task", choices=("movie-snippets", "word-relations"), help="only this")
    parser.add_argument("--most", type=int, default=200, help="test items of a curve")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = Locations.find().cache
        lab = Laboratory(Locations(given.workspace or Path(scratch), cache))
        try:
            if given.part != "curves":
                capitals(lab)
            if given.part != "capitals":
                scored = AnswerConfig(reading="score")
                named = replace(scored, words=tuple(SPOKEN.items()))
                if given.task != "word-relations":
                    curve(lab, "movie-snippets", SNIPPETS, scored, given.most)
                if given.task != "movie-snippets":
                    curve(lab, "word-relations", RELATIONS, named, given.most)
        finally:
            lab.close()


if __name__ == "__main__":
    main()
