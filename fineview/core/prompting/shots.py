"""Prompting or fine-tuning: accuracy against the number of examples, with a trained head beside."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.asked import Items, Row, draw, queries, relabelled, verbalizer
from fineview.core.prompting.batched import Answer, answers
from fineview.core.prompting.calibration import contextual
from fineview.core.prompting.choices import AnswerConfig, PromptConfig, ShotsChoice
from fineview.core.prompting.evaluation import judged, scored, spoken
from fineview.core.prompting.seen import ShotsCurve, ShotsPoint
from fineview.core.prompting.template import render

if TYPE_CHECKING:
    from fineview.core.models.encoder import Encoder

LEAST_ASKED = 5
"""Below so many test items an accuracy says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadSide:
    """What stands under the trained head.

    Attributes:
        title: Of the encoder.
        features: Turns N rows (without their labels) into (N, D) features.
    """

    title: str
    features: Callable[[Sequence[Row], Report], NDArray[np.float32]]


def encoder_side(
    encoder: "Encoder", pooling: PoolingConfig | None = None, max_length: int = 128
) -> HeadSide:
    """Return a frozen encoder's features of rows of one text, or of two (a pair).

    Args:
        encoder: The encoder.
        pooling: Tokens and layers, without learned weights; None for the mean of the last block's.
        max_length: Tokens per text.

    Raises:
        ConfigError: The pooling is learned, which a few examples cannot do.
    """
    pooling = pooling or PoolingConfig()
    if pooling.mix == "weighted" or pooling.tokens == "attention":
        raise ConfigError(
            "The head beside the prompts stands on fixed features: choose a pooling without "
            "learned weights, for instance the mean of tokens of one layer.",
            "mix" if pooling.mix == "weighted" else "tokens",
        )

    def features(rows: Sequence[Row], report: Report) -> NDArray[np.float32]:
        from fineview.core.features.extract import states_of
        from fineview.core.features.pairs import states_apart
        from fineview.core.features.pooling import pool

        first = [row[0] for row in rows]
        if len(rows[0]) == 1:
            states, _, _ = states_of(
                encoder, "sentence", first, max_length=max_length, report=report
            )
            return pool(states, pooling)
        other = [row[1] for row in rows]
        if pooling.pair == "joint":
            states, _, _ = states_of(
                encoder, "pair", first, other, max_length=max_length, report=report
            )
            return pool(states, pooling, "pair")
        one, two, _ = states_apart(encoder, first, other, max_length=max_length, report=report)
        return pool(one, pooling, "pair", two)

    return HeadSide(encoder.info.title, features)


def shots_curve(
    model: LanguageModel,
    prompt: PromptConfig,
    answer: AnswerConfig,
    choice: ShotsChoice,
    items: Items,
    head: HeadSide | None = None,
    report: Report = SILENT,
) -> ShotsCurve:
    """Measure a prompt with more and more examples, and a head trained on the same ones.

    The examples of one seed are balanced over the classes and nested: those of k are the first k
    of more. Labels that are not true are those of the head's examples too. The calibrated curve is
    contextual calibration of the same scores; it and the head are there for classes only, the
    former where labels are scored. Without an example, and with one, there is only one order;
    without one also one draw and no head. A head with examples of one class answers that class.

    Args:
        model: The language model.
        prompt: Instruction, format and separator; its examples and its query are not used.
        answer: How answers are read.
        choice: Numbers of examples, draws, orders, test items.
        items: The rows.
        head: The encoder's side, or None.
        report: Told of each `ShotsPoint` and of progress; asked within each forward pass.

    Raises:
        ConfigError: The prompt and the rows do not go together, or there are too few rows.
        ModelError: A model cannot be loaded, or memory is short for a single prompt.
        JobCancelled: Stop was pressed.

    Source:
        Head: softmax regression on standardised features with scikit-learn's penalty (C = 1).
        Order sensitivity: Lu et al. 2022, arXiv:2104.08786. Labels: Min et al. 2022,
        arXiv:2202.12837, section 4.
    """
    if not (choice.head and items.classes):
        head = None
    prompt = dataclasses.replace(prompt, columns=items.columns)
    work = _Curve(model, prompt, answer, choice, items, report)
    for count in choice.counts:
        for seed in range(choice.seeds if count else 1):
            for order in range(min(choice.orders, math.factorial(min(count, 10)))):
                work.ask(count, seed, order)
            if head is not None and count:
                work.train(head, count, seed)
    rights = Counter(row[-1] for row in work.asked[0])
    return ShotsCurve(
        task=items.title,
        model=model.info.title,
        encoder=head.title if head is not None else "",
        points=tuple(work.points),
        majority=max(rights.values()) / len(work.asked[0]),
        most=len(work.asked[0]),
        labels=choice.labels,
    )


class _Curve:
    """The points of one curve."""

    def __init__(
        self,
        model: LanguageModel,
        prompt: PromptConfig,
        answer: AnswerConfig,
        choice: ShotsChoice,
        items: Items,
        report: Report,
    ) -> None:
        self._model, self._prompt, self._answer = model, prompt, answer
        self._choice, self._items, self._report = choice, items, report
        self._words = verbalizer(items, answer)
        self._labels = items.labels()
        most = max(choice.counts)
        draws = [draw(items, most, seed) for seed in range(choice.seeds)]
        self.asked = [queries(items, drawn, choice.most) for drawn in draws]
        """Test items of each seed: no example of any of its prompts is among them."""
        if min(map(len, self.asked)) < LEAST_ASKED:
            raise ConfigError(
                f"{items.title} has {len(items.rows):,} rows: with {most} of them as examples too "
                f"few are left to ask. Use fewer examples.",
                "counts",
            )
        self._shown = [
            relabelled(drawn, items, choice.labels, seed) for seed, drawn in enumerate(draws)
        ]
        self.points: list[ShotsPoint] = []
        self._features: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        self._done = 0
        self._total = sum(
            len(self.asked[0])
            * (choice.seeds if count else 1)
            * min(choice.orders, math.factorial(min(count, 10)))
            for count in choice.counts
        )

    def ask(self, count: int, seed: int, order: int) -> None:
        """Ask all test items of one seed with one number of examples in one order."""
        asked = self.asked[seed]
        ordered = [self._shown[seed][at] for at in arrangement(count, seed, order)]
        shots = spoken(ordered, self._items, self._words)
        self._progress(count, seed, order)
        if self._answer.reading == "score":
            found = scored(
                self._model,
                self._prompt,
                shots,
                asked,
                self._words,
                dataclasses.replace(self._answer, calibration="contextual"),
                self._report,
                told=lambda *_: self._step(count, seed, order),
            )
            right = np.array([self._labels.index(row[-1]) for row in asked])
            cut = sum(one > 0 for one in found.cuts)
            share = float((found.scores.argmax(1) == right).mean())
            self._add("prompt", count, seed, order, share, cut)
            if self._choice.calibrated and self._items.classes:
                best = contextual(found.scores, found.free).argmax(1)
                share = float((best == right).mean())
                self._add("calibrated", count, seed, order, share, cut)
            return
        rendered = [render(self._prompt, row[:-1], shots) for row in asked]

        def heard(_: int, __: Answer) -> None:
            self._step(count, seed, order)

        stop = rendered[0].stop
        said = answers(
            self._model,
            [one.text for one in rendered],
            self._answer.max_tokens,
            stop,
            self._report,
            done=heard,
        )
        correct = [
            judged(one.text, stop, row[-1], self._items, self._words).correct
            for one, row in zip(said, asked, strict=True)
        ]
        cut = sum(one.cut > 0 for one in said)
        self._add("prompt", count, seed, order, sum(correct) / len(correct), cut)

    def train(self, head: HeadSide, count: int, seed: int) -> None:
        """Train the head on the same examples, and ask it the same test items."""
        from fineview.core.features.probes import fit_probe

        self._report.check()
        train, test = self._of_rows(head)[seed]
        shown = [self._labels.index(row[-1]) for row in self._shown[seed][:count]]
        right = np.array([self._labels.index(row[-1]) for row in self.asked[seed]])
        if len(set(shown)) == 1:
            given = np.full(len(right), shown[0])
        else:
            labels = np.array(shown, dtype=np.int64)
            given = fit_probe(train[:count], labels, test, classes=len(self._labels)).argmax(1)
        self._add("head", count, seed, 0, float((given == right).mean()), 0)

    def _of_rows(self, head: HeadSide) -> Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return the features of the examples and the test items of each seed, computed once."""
        if not self._features:
            parts = list(zip(self._shown, self.asked, strict=True))
            every = dict.fromkeys(row[:-1] for both in parts for part in both for row in part)
            self._report.progress(0, 0, f"{head.title} reads {len(every):,} rows")
            place = {row: at for at, row in enumerate(every)}
            found = head.features(list(every), self._report)
            self._features = [
                (
                    found[[place[row[:-1]] for row in shown]],
                    found[[place[row[:-1]] for row in asked]],
                )
                for shown, asked in parts
            ]
        return self._features

    def _add(
        self,
        curve: Literal["prompt", "calibrated", "head"],
        count: int,
        seed: int,
        order: int,
        accuracy: float,
        cut: int,
    ) -> None:
        point = ShotsPoint(curve, count, seed, order, accuracy, cut)
        self.points.append(point)
        self._report.publish(point)

    def _step(self, count: int, seed: int, order: int) -> None:
        self._done += 1
        self._progress(count, seed, order)

    def _progress(self, count: int, seed: int, order: int) -> None:
        text = f"{count} examples, draw {seed + 1}, order {order + 1}"
        self._report.progress(min(self._done, self._total), self._total, text)


def arrangement(count: int, seed: int, order: int) -> list[int]:
    """Return the places of k examples in one order; the first is as drawn, no two are alike.

    Args:
        count: k.
        seed: Of the draw.
        order: 0 … k! − 1; all lower ones are drawn before it.
    """
    dice = np.random.default_rng([seed, count, 5])
    found = [tuple(range(count))]
    while len(found) <= order:
        another = tuple(dice.permutation(count).tolist())
        if another not in found:
            found.append(another)
    return list(found[order])
