"""Which weights should move? Eight strategies side by side on two real tasks and a task of pairs.

Run as `python -m benchmarks.strategies --rte DIR --out DIR`; needs `fineview fetch movie-snippets
orange-texts`, and for RTE a folder with `train.jsonl` and `val.jsonl`, a labelled pair a line.
1,000 training rows, three seeds, and budgets (tokens, epochs, held-out rows) that keep all three
comparisons together under 25 minutes on two cores; `--rows`, `--seeds`, `--epochs` and
`--held-out` ask for others. For each task there is a table (CSV and Markdown), a picture (SVG, PNG)
and the whole comparison as JSON in the folder; one that was stopped goes on where it was.

`TASK.best`: accuracy of the best strategy. `TASK.pretrained_gain`: full fine-tuning from the
pretrained weights minus the same from random ones. `TASK.minutes`: time of all its runs together.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fineview.cli import TerminalReport
from fineview.cli_compare import Teller, draw
from fineview.core.data.reading import inspect, read
from fineview.core.laboratory import Laboratory
from fineview.core.locations import Locations
from fineview.core.runs.compare import compare, go_on
from fineview.core.runs.compare_choice import CompareChoice, base_of
from fineview.core.runs.compare_rows import Comparison
from fineview.core.runs.compare_study import comparison_of, question_of
from fineview.core.runs.compare_table import csv_of, json_of, markdown_of
from fineview.core.runs.spec import RunSpec
from fineview.core.training.strategy import StrategyKind

THREADS = 2
ROWS, SEEDS = 1000, 3
STRATEGIES: tuple[StrategyKind, ...] = (
    "head",
    "last-k",
    "full",
    "lp-ft",
    "lora",
    "random-init",
    "linearised",
    "classical",
)
RTE = "rte"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a task may take.

    Attributes:
        max_length: Tokens per text.
        epochs: Where the encoder is trained.
        held_out: Most rows of validation and of test.
    """

    max_length: int
    epochs: int
    held_out: int


BUDGETS = {
    "movie-snippets": Budget(max_length=32, epochs=1, held_out=300),
    "reuters-r8": Budget(max_length=24, epochs=1, held_out=300),
    RTE: Budget(max_length=32, epochs=1, held_out=200),
}


def rte(lab: Laboratory, folder: Path) -> str:
    """Import RTE as an own task, once; return its name."""
    for info in lab.shelf.library.infos():
        if info.title == "RTE":
            return info.name
    plan = replace(inspect([folder]).plan, title="RTE")
    with lab.shelf.library.staging() as staging:
        return lab.shelf.library.keep(read(plan, staging)).name


def compared(lab: Laboratory, spec: RunSpec, choice: CompareChoice) -> Comparison:
    """Carry out a comparison; one that was asked before is read, or goes on."""
    report = TerminalReport()
    asked = (base_of(spec), choice)
    for study in lab.studies.list("compare"):
        if question_of(study) == asked:
            return comparison_of(go_on(lab, study.study_id, Teller(report)))
    return comparison_of(compare(lab, spec, choice, Teller(report)))


def minutes_of(found: Comparison) -> float:
    """Return how long all runs took together, in minutes."""
    runs = [run for row in found.rows for run in row.runs]
    return sum((run.seconds or 0.0) + run.features_seconds for run in runs) / 60


def keep(found: Comparison, folder: Path, name: str) -> None:
    """Write table and pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"strategies-{name}.csv").write_text(csv_of(found), encoding="utf-8")
    (folder / f"strategies-{name}.md").write_text(markdown_of(found), encoding="utf-8")
    (folder / f"strategies-{name}.json").write_bytes(json_of(found))
    for ending in ("svg", "png"):
        draw(found, folder / f"strategies-{name}.{ending}", axis="bytes", tasks=10)


def main() -> None:
    """Compare, write, print, and end with a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--rte", type=Path, metavar="DIR", help="folder of RTE; left out without")
    parser.add_argument("--out", type=Path, default=Path("strategies"), metavar="DIR")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="by default OUT/workspace")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--epochs", type=int, help="by default the task's")
    parser.add_argument("--held-out", type=int, help="by default the task's")
    options = parser.parse_args()
    workspace = options.workspace or options.out / "workspace"
    lab = Laboratory(replace(Locations.find(), workspace=workspace), "cpu")
    torch.set_num_threads(THREADS)
    print(f"{THREADS} threads, torch {torch.__version__}")
    result: dict[str, float] = {}
    try:
        for task in options.tasks:
            if task == RTE and options.rte is None:
                print("RTE is left out: name its folder by --rte.")
                continue
            budget = BUDGETS[task]
            choice = CompareChoice(
                strategies=STRATEGIES,
                seeds=options.seeds,
                epochs=options.epochs or budget.epochs,
                train_items=options.rows,
                held_out_items=options.held_out or budget.held_out,
                max_length=budget.max_length,
            )
            name = rte(lab, options.rte) if task == RTE else task
            found = compared(lab, RunSpec(task=name), choice)
            minutes = minutes_of(found)
            keep(found, options.out, task)
            print(f"\n{found.title}, {minutes:.1f} min\n\n{markdown_of(found)}\n{found.text}\n")
            sys.stdout.flush()
            result[f"{task}.best"] = max(row.test.value for row in found.measured if row.test)
            test = {row.arm.strategy: row.test for row in found.measured}
            full, random = test.get("full"), test.get("random-init")
            if full is not None and random is not None:
                result[f"{task}.pretrained_gain"] = full.value - random.value
            result[f"{task}.minutes"] = minutes
    finally:
        lab.close()
    print("RESULT", json.dumps({name: round(value, 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
