"""Word analogies against gensim: the whole Google set, single questions, and the window.

Run as `python -m benchmarks.analogy` (some four minutes, most of them gensim's). GloVe 50d, 400,000
words, both sides with the same number of threads.

`same_as_gensim`: 1 where every section has as many right answers as gensim's, to the question.
`ratio`: gensim's seconds over ours, both variants (with and without the words of the question)
answered. `second_variant_cost`: that over the same with no look for the second variant's answers.
`cosmul_cost`: 3CosMul over 3CosAdd. `solver_ratio`: gensim's `most_similar` over one query of ours.
`query_p99_ms`, `query_training_p99_ms`: from a key press to the painted answers, idle and during
full fine-tuning.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from fineview.core.analogies import benchmark
from fineview.core.analogies.benchmark import BenchmarkResult, evaluate
from fineview.core.analogies.expression import read
from fineview.core.analogies.opening import open_vectors
from fineview.core.analogies.questions import load_questions
from fineview.core.analogies.solver import solve
from fineview.core.analogies.vectors import WordVectors
from fineview.core.locations import Locations
from fineview.core.models.catalog import locate

THREADS, QUERIES, KEYS = 2, 60, 150
TYPED = ("man : woman :: king : ?", "france - paris + rome", "big : bigger :: small : ?")


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def whole_set(vectors: WordVectors, repetitions: int) -> dict[str, float]:
    """Answer all 19,544 questions, and let gensim do so once."""
    from gensim.models import KeyedVectors

    questions = load_questions("google", Locations.find().cache)
    results: list[BenchmarkResult] = []
    adds, ones, muls = [], [], []
    for _ in range(repetitions):
        adds.append(seconds(lambda: results.append(evaluate(vectors, questions))))
        with one_variant():
            ones.append(seconds(lambda: evaluate(vectors, questions)))
        muls.append(seconds(lambda: evaluate(vectors, questions, method="mul")))
    peer = KeyedVectors(vectors.width)
    peer.add_vectors(list(vectors.words), vectors.units * vectors.lengths[:, None])
    began = time.perf_counter()
    _, sections = peer.evaluate_word_analogies(
        str(locate("google-analogies")), restrict_vocab=len(vectors)
    )
    theirs = time.perf_counter() - began
    result = results[0]
    pairs = zip(result.sections, sections[:-1], strict=True)
    same = [(one.right, one.covered) == _counts(other) for one, other in pairs]
    for one in (*result.sections, *result.totals):
        print(
            f"{one.name:28s} {one.covered:6,} of {one.asked:6,}: "
            f"{one.accuracy(one.right):6.1%}, five {one.accuracy(one.right_in_five):6.1%}; inputs "
            f"allowed {one.accuracy(one.right_allowed):6.1%}"
        )
    mine = statistics.median(adds)
    print(f"{mine:.1f} s, 3CosMul {statistics.median(muls):.1f} s, gensim {theirs:.1f} s")
    single, query = solver_times(vectors, peer)
    return {
        "same_as_gensim": float(all(same)),
        "ratio": theirs / mine,
        "second_variant_cost": statistics.median(adds) / statistics.median(ones),
        "cosmul_cost": statistics.median(muls) / mine,
        "solver_ratio": single / query,
        "solver_ms": 1000 * query,
    }


@contextmanager
def one_variant() -> Iterator[None]:
    """Let `evaluate` look only for answers that are no words of the question."""
    leader, made = benchmark._Leader, []

    def make(*values: np.ndarray) -> object:
        made.append(leader(*values))  # of each pair, the second is the variant
        if len(made) % 2 == 0:
            made[-1] = _Deaf(*values)
        return made[-1]

    class _Deaf(leader):  # type: ignore[misc, valid-type]
        def offer(self, *_: np.ndarray) -> None:
            return

    benchmark._Leader = make  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        benchmark._Leader = leader  # type: ignore[misc]


def _counts(section: dict[str, list[object]]) -> tuple[int, int]:
    right = len(section["correct"])
    return right, right + len(section["incorrect"])


def solver_times(vectors: WordVectors, peer: object) -> tuple[float, float]:
    """Return the median seconds of one query: gensim's, and ours with every method."""
    known = {word: word for word in vectors.words}
    dice = np.random.default_rng(0)
    theirs, mine = [], []
    asked = [
        tuple(vectors.words[i] for i in dice.choice(20_000, 3, replace=False))
        for _ in range(QUERIES)
    ]
    # In turns of many: the threads of one library spin on and would hold up the other's.
    for _ in range(3):
        for a, b, c in asked:
            theirs.append(
                seconds(lambda a=a, b=b, c=c: peer.most_similar(positive=[b, c], negative=[a]))  # type: ignore[attr-defined, misc]
            )
        for a, b, c in asked:
            expression = read(f'"{c}" - "{a}" + "{b}"', known.get)
            mine.append(seconds(lambda e=expression: solve(vectors, e)))  # type: ignore[misc]
    print(
        f"one query: {1000 * statistics.median(mine):.1f} ms, gensim "
        f"{1000 * statistics.median(theirs):.1f} ms"
    )
    return statistics.median(theirs), statistics.median(mine)


def in_the_window() -> dict[str, float]:
    """Type into the real window; wait after each letter until its answer is painted."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt
    from PySide6.QtTest import QTest

    from fineview.app import build, make_qt, start

    with tempfile.TemporaryDirectory() as scratch:
        qt = make_qt(["fineview"])
        application = build(qt, Locations(Path(scratch) / "w", Locations.find().cache))
        window = application.window
        start(application)

        def wait(ready: Callable[[], bool], limit: float = 300.0) -> None:
            until = time.perf_counter() + limit
            # Asleep until something happens, as a window is: a loop that never sleeps would take
            # the interpreter away from the thread that answers. A timer of the window wakes it.
            while not ready() and time.perf_counter() < until:
                qt.processEvents(
                    QEventLoop.ProcessEventsFlag.AllEvents
                    | QEventLoop.ProcessEventsFlag.WaitForMoreEvents
                )

        wait(lambda: "training" in window.panels and not window.runner.jobs)
        window.show_panel("analogies")
        panel = window.panel("analogies").page("calculator")
        wait(lambda: panel.reply is not None)
        painted: list[object] = []

        class Painted(QObject):
            def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint:
                    painted.append(panel.reply)
                return False

        watcher = Painted()
        panel.answers.excluded.installEventFilter(watcher)

        def typed(count: int) -> list[float]:
            times = []
            letters = "".join(TYPED)
            for at in range(count):
                if at % len(letters) == 0:
                    panel.ask("")
                    wait(lambda: panel.reply.choice.expression == "")
                letter = letters[at % len(letters)]
                before = panel.field.text()
                began = time.perf_counter()
                QTest.keyClick(panel.field, letter)
                wanted = panel.field.text()
                wait(
                    lambda wanted=wanted: (
                        panel.reply is not None
                        and panel.reply.choice.expression == wanted
                        and (panel.reply.solution is None or panel.reply in painted)
                    ),
                    5,
                )
                assert wanted != before
                if panel.reply.solution is not None:
                    times.append(1000 * (time.perf_counter() - began))
                painted.clear()
            return times

        panel.field.setFocus(Qt.FocusReason.OtherFocusReason)
        found = {"query_p99_ms": typed(KEYS)}
        training = window.panel("training")
        window.session.edit_strategy("full", 384)
        window.session.edit_training("x", epochs=1000)
        training.train()
        wait(lambda: training.steps_done > 2)
        found["query_training_p99_ms"] = typed(KEYS)
        training.stop()
        wait(lambda: not training.busy)
        application.close()
    for name, times in found.items():
        median, slow = statistics.median(times), float(np.percentile(times, 99))
        print(f"{name}: median {median:.0f} ms, 99 % within {slow:.0f} ms")
    return {name: float(np.percentile(times, 99)) for name, times in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--part", choices=("all", "set", "window"), default="all")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {THREADS} threads")
    found: dict[str, float] = {}
    if options.part != "window":
        cache = Locations.find().cache
        first = seconds(lambda: open_vectors("glove-50d", cache))
        began = time.perf_counter()
        vectors = open_vectors("glove-50d", cache)
        found["open_s"] = time.perf_counter() - began
        print(f"opened in {found['open_s']:.2f} s, the first time {first:.1f} s")
        found |= whole_set(vectors, options.repetitions)
    if options.part != "set":
        found |= in_the_window()
    print("RESULT " + json.dumps({name: float(f"{value:.4g}") for name, value in found.items()}))


if __name__ == "__main__":
    main()
