"""A prompt held against labelled rows: accuracy, confusion, what was said and how sure."""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting import calibration
from fineview.core.prompting.asked import Items, Row, draw, queries, relabelled, verbalizer
from fineview.core.prompting.batched import Answer, answers, label_scores
from fineview.core.prompting.choices import AnswerConfig, EvaluateChoice, PromptConfig
from fineview.core.prompting.matching import first_line, label_said, says
from fineview.core.prompting.seen import AnswerRow, Evaluation
from fineview.core.prompting.shared_prefix import Meter
from fineview.core.prompting.template import premise, render
from fineview.core.training.metrics import wilson


@dataclass(frozen=True, slots=True)
class Answered:
    """Published for each answer as soon as it is there; the order is not that of the queries.

    Attributes:
        model: Title of the language model.
        seed: Which draw of examples.
        place: Of the row in `Evaluation.rows`.
        row: Query and answer.
    """

    model: str
    seed: int
    place: int
    row: AnswerRow


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Labels scored behind prompts.

    Attributes:
        scores: (B, C) log-probabilities.
        free: (C) the labels' probabilities on content-free input.
        premise: (C) log-probabilities behind the premise of the domain; None where not asked for.
        cuts: (B) tokens cut from the start of each prompt.
    """

    scores: NDArray[np.float64]
    free: NDArray[np.float64]
    premise: NDArray[np.float64] | None
    cuts: tuple[int, ...]


def evaluate(
    model: LanguageModel,
    prompt: PromptConfig,
    answer: AnswerConfig,
    choice: EvaluateChoice,
    items: Items,
    report: Report = SILENT,
    *,
    seeds: Iterable[int] | None = None,
) -> tuple[Evaluation, ...]:
    """Ask rows with examples that are not among them, once for each seed.

    Where `choice.shots` is −1 the examples are the prompt's own: as they stand for the first
    seed, in another order for each further one. A label in an example is the first of its words.

    Args:
        model: The language model.
        prompt: Instruction, format and separator; its query is not used.
        answer: How answers are read. Calibration is for scored labels only.
        choice: Examples, queries, seeds.
        items: The rows.
        report: Told of each answer (`Answered`) and of progress; asked within each forward pass.
        seeds: Which draws; all that `choice` has by default.

    Raises:
        ConfigError: The prompt and the rows do not go together, or there are too few rows.
        ModelError: The model cannot be loaded, or memory is short for a single prompt.
        JobCancelled: Stop was pressed.
    """
    return tuple(
        _Pass(model, prompt, answer, choice, items, seed, report).run()
        for seed in (range(choice.seeds) if seeds is None else seeds)
    )


def examples(
    prompt: PromptConfig, choice: EvaluateChoice, items: Items, seed: int
) -> tuple[Row, ...]:
    """Return the examples of one seed with true labels: drawn, or the prompt's own.

    Raises:
        ConfigError: There are too few rows.
    """
    if choice.shots >= 0:
        return draw(items, choice.shots, seed)
    own = prompt.shots
    if seed == 0:
        return own
    return tuple(own[i] for i in np.random.default_rng([seed, 3]).permutation(len(own)))


def spoken(shots: Sequence[Row], items: Items, words: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    """Return examples with the first word of each label in the label's place."""
    first = dict(zip(items.labels(), (group[0] for group in words), strict=True))
    return tuple((*row[:-1], first.get(row[-1], row[-1])) for row in shots)


@dataclass(frozen=True, slots=True)
class Judged:
    """A generated answer, read.

    Attributes:
        said: The answer proper.
        pick: Which class it says, or None; always None for free answers.
        correct: Whether it counts as right.
    """

    said: str
    pick: int | None
    correct: bool


def judged(
    text: str, stop: Sequence[str], right: str, items: Items, words: Sequence[Sequence[str]]
) -> Judged:
    """Hold a generated text against the right label or the right answer.

    Args:
        text: What was generated.
        stop: Strings that end the answer.
        right: The label wanted.
        items: Whose labels they are.
        words: (C) words of each label.
    """
    said, labels = first_line(text, stop), items.labels()
    if items.classes:
        pick = label_said(said, words)
        return Judged(said, pick, pick is not None and labels[pick] == right)
    return Judged(said, None, any(says(said, word) for word in words[labels.index(right)]))


def scored(
    model: LanguageModel,
    prompt: PromptConfig,
    shots: Sequence[Row],
    asked: Sequence[Row],
    words: Sequence[Sequence[str]],
    answer: AnswerConfig,
    report: Report,
    *,
    meter: Meter | None = None,
    told: Callable[[int, NDArray[np.float64], int], None] | None = None,
) -> Scored:
    """Score the labels behind each query, behind content-free input, and behind the premise.

    Args:
        model: The language model.
        prompt: Instruction, format and separator.
        shots: (k, columns) examples as the prompt shows them.
        asked: (B, columns) rows; their labels are not looked at.
        words: (C) words of each label.
        answer: Whether tokens are averaged, and whether the premise is needed.
        report: Asked within each forward pass.
        meter: Counts tokens.
        told: Told the probabilities (C), calibrated where asked, of each query by its number, and
            how many tokens of its prompt were cut.

    Raises:
        ConfigError: The prompt cannot be rendered, or a word has no token.
    """
    empty = [(text,) * (len(prompt.columns) - 1) for text in calibration.CONTENT_FREE]
    rendered = [render(prompt, row[:-1], shots) for row in asked]
    rendered += [render(prompt, row, shots, empty=True) for row in empty]
    lead = rendered[0].lead
    full = [[lead + word for word in group] for group in words]
    before = premise(prompt)
    behind = None
    if answer.calibration == "pmi" and before:
        behind = label_scores(model, [before], full, answer.mean, report, meter=meter)[0]

    count, cuts = len(asked), list[int]()
    waiting: dict[int, NDArray[np.float64]] = {}
    nothing: dict[int, NDArray[np.float64]] = {}

    def say(place: int, found: NDArray[np.float64]) -> None:
        """Hold answers back until it is known what the prompt says without content."""
        (waiting if place < count else nothing)[place] = found
        if told is None or len(nothing) < len(empty):
            return
        free = calibration.bias(np.array(list(nothing.values())))
        for at, scores in waiting.items():
            told(at, calibrated(scores, free, behind, answer), cuts[at])
        waiting.clear()

    texts = [one.text for one in rendered]
    scores = label_scores(model, texts, full, answer.mean, report, meter=meter, cuts=cuts, done=say)
    return Scored(scores[:count], calibration.bias(scores[count:]), behind, tuple(cuts[:count]))


def calibrated(
    scores: NDArray[np.float64],
    free: NDArray[np.float64],
    behind: NDArray[np.float64] | None,
    answer: AnswerConfig,
) -> NDArray[np.float64]:
    """Return the labels' probabilities (…, C), held against what `answer.calibration` says.

    A prompt that has nothing between query and label has no premise; what it says on content-free
    input stands for it.
    """
    if answer.calibration == "none":
        return calibration.probabilities(scores)
    if answer.calibration == "pmi" and behind is not None:
        return calibration.pmi(scores, behind)
    return calibration.contextual(scores, free)


class _Pass:
    """All queries of one seed."""

    def __init__(
        self,
        model: LanguageModel,
        prompt: PromptConfig,
        answer: AnswerConfig,
        choice: EvaluateChoice,
        items: Items,
        seed: int,
        report: Report,
    ) -> None:
        self._model, self._answer, self._items = model, answer, items
        self._seed, self._seeds, self._report = seed, choice.seeds, report
        self._words = verbalizer(items, answer)
        true = examples(prompt, choice, items, seed)
        self._shots = spoken(relabelled(true, items, choice.labels, seed), items, self._words)
        self._asked = queries(items, true, choice.most)
        self._prompt = dataclasses.replace(prompt, columns=items.columns)
        rendered = [render(self._prompt, row[:-1], self._shots) for row in self._asked]
        self._texts, self._stop = [one.text for one in rendered], rendered[0].stop
        self._labels = items.labels()
        self._rows: dict[int, AnswerRow] = {}
        self._picks: dict[int, int | None] = {}
        """Which label each answer says."""
        self._meter = Meter()

    def run(self) -> Evaluation:
        """Ask all."""
        began = time.perf_counter()
        self._progress()
        free: tuple[float, ...] = ()
        if self._answer.reading == "score":
            found = scored(
                self._model,
                self._prompt,
                self._shots,
                self._asked,
                self._words,
                self._answer,
                self._report,
                meter=self._meter,
                told=self._scores,
            )
            free = tuple(found.free.tolist())
        else:
            answers(
                self._model,
                self._texts,
                self._answer.max_tokens,
                self._stop,
                self._report,
                meter=self._meter,
                done=self._text,
            )
        return self._result(free, time.perf_counter() - began)

    def _scores(self, place: int, shares: NDArray[np.float64], cut: int) -> None:
        best = int(shares.argmax())
        self._picks[place] = best
        right = self._labels[best] == self._asked[place][-1]
        self._add(place, self._labels[best], right, float(shares[best]), shares.tolist(), cut)

    def _text(self, place: int, given: Answer) -> None:
        right = self._asked[place][-1]
        found = judged(given.text, self._stop, right, self._items, self._words)
        if self._items.classes:
            self._picks[place] = found.pick
        sure = float(np.exp(given.logprob))
        self._add(place, found.said, found.correct, sure, (), given.cut)

    def _add(
        self, place: int, said: str, correct: bool, sure: float, shares: Sequence[float], cut: int
    ) -> None:
        self._rows[place] = AnswerRow(
            query=self._asked[place][:-1],
            prompt=self._texts[place],
            answer=said,
            right=self._asked[place][-1],
            correct=correct,
            sure=sure,
            probabilities=tuple(shares),
            cut=cut,
        )
        self._report.publish(Answered(self._model.info.title, self._seed, place, self._rows[place]))
        self._progress()

    def _progress(self) -> None:
        done, total = len(self._rows), len(self._asked)
        text = f"{self._items.title}: {done:,} of {total:,} asked"
        if self._seeds > 1:
            text += f", seed {self._seed + 1} of {self._seeds}"
        self._report.progress(done, total, text)

    def _result(self, free: tuple[float, ...], seconds: float) -> Evaluation:
        rows = tuple(self._rows[place] for place in range(len(self._asked)))
        right = sum(row.correct for row in rows)
        low, high = wilson(right, len(rows))
        few = bool(self._picks)
        return Evaluation(
            model=self._model.info.title,
            seed=self._seed,
            shots=len(self._shots),
            labels=self._labels if few else (),
            rows=rows,
            accuracy=right / len(rows),
            low=low,
            high=high,
            majority=max(Counter(row.right for row in rows).values()) / len(rows),
            bias=free,
            confusion=self._confusion() if few else (),
            unread=sum(pick is None for pick in self._picks.values()),
            tokens=self._meter.tokens,
            computed=self._meter.computed,
            seconds=seconds,
        )

    def _confusion(self) -> tuple[tuple[int, ...], ...]:
        """Count right label × answer; answers that say no label are left out."""
        counts = [[0] * len(self._labels) for _ in self._labels]
        for place, pick in self._picks.items():
            if pick is not None:
                counts[self._labels.index(self._asked[place][-1])][pick] += 1
        return tuple(map(tuple, counts))
