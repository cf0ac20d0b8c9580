"""A trained head at work on texts that nobody has labelled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import ITEM_NAMES, Level
from fineview.core.errors import RunError
from fineview.core.features.classical import Terms
from fineview.core.models.info import Token
from fineview.core.progress import SILENT, Report
from fineview.core.runs.execute import Bench
from fineview.core.runs.tuned_encoder import begins_with, tuned_model

if TYPE_CHECKING:
    from fineview.core.training.heads import LinearHead
    from fineview.core.training.shallow import ShallowHead
    from fineview.core.training.tuning.examples import Examples
    from fineview.core.training.tuning.model import TunedModel


class Judge:
    """The head of one run with its encoder.

    Attributes:
        level: What one label belongs to.
        classes: Class names in index order; empty where the head answers with numbers.
    """

    def __init__(self, run_id: str, bench: Bench) -> None:
        """Read the head.

        Raises:
            RunError: The run has no head, or it is damaged.
            FineviewError: Its encoder or its task cannot be had.
        """
        record = bench.runs.read(run_id)
        self.spec = record.spec
        self.run_id = run_id
        result = record.result or {}
        level, classes = result.get("level"), result.get("classes")
        if level in ITEM_NAMES and isinstance(classes, list):
            # The task itself may be gone; the head needs its names only.
            self.level: Level = level
            self.classes = tuple(str(name) for name in classes)
        else:
            task = bench.task(self.spec.task, self.spec.split)
            self.level, self.classes = task.info.level, task.classes
        self._encoder = bench.encoder(begins_with(self.spec))
        self._head: LinearHead | ShallowHead = self._stored_head(bench)
        outputs = len(self.classes) or 1
        if self._head.outputs != outputs:
            raise RunError(
                f"The head of run {run_id} has {self._head.outputs} outputs, but its task asks for "
                f"{outputs}: train again."
            )

    @property
    def usual(self) -> tuple[float, float] | None:
        """Mean and deviation of the numbers that the head was trained on; None for classes."""
        mean, scale = self._head.label_mean, self._head.label_scale
        return None if mean is None or scale is None else (float(mean), float(scale))

    def _stored_head(self, bench: Bench) -> "LinearHead | ShallowHead":
        """Read the head, and the weights of the encoder where they moved."""
        from fineview.core.training.heads import head_of

        arrays = bench.runs.tensors(self.run_id, "head")
        self._model: TunedModel | None = None
        self._terms: Terms | None = None
        if self.spec.strategy.kind == "classical":
            self._terms = Terms.from_arrays(bench.runs.tensors(self.run_id, "terms"))
        if not self.spec.head.by_gradient:
            from fineview.core.training.shallow import ShallowHead

            return ShallowHead.from_arrays(arrays)
        if not self.spec.strategy.trains_encoder:
            return head_of(arrays)
        self._model = tuned_model(bench, self.run_id, self.spec, self.level)
        return self._model.head

    def shares(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None = None,
        words: Sequence[Sequence[str]] | None = None,
        report: Report = SILENT,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
        """Return what the head says.

        Args:
            texts: S texts.
            second: Pair level: S second texts.
            words: Word level: S sentences as words.
            report: Asked between batches.

        Returns:
            (M, C) probabilities, or (M, 1) numbers in the labels' units; (M,) items, counted over
            texts or over all words (those beyond the maximum length are missing); the number of
            texts that were cut.
        """
        if self._model is not None:
            from fineview.core.training.tuning.judging import answers_of

            examples = self._examples(texts, second, words, report)
            answers, items = answers_of(self._model, examples, report=report)
            return answers, items, examples.truncated
        features, items, truncated = self._features(texts, second, words, report)
        return self._said(features), items, truncated

    def _examples(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None,
        words: Sequence[Sequence[str]] | None,
        report: Report,
    ) -> "Examples":
        from fineview.core.training.tuning.examples import unlabelled

        return unlabelled(self._encoder, texts, second, words, self.spec.max_length, report)

    def explain(
        self,
        text: str,
        second: str | None = None,
        words: Sequence[str] | None = None,
        report: Report = SILENT,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], int, tuple[tuple[Token, float], ...]]:
        """Return what `shares` does of one text, and where the head looked.

        Returns:
            Each token with its share of 1 comes last; empty where the head does not weigh tokens.
        """
        from fineview.core.training.heads import AttentionHead

        whole = (
            [text],
            None if second is None else [second],
            None if words is None else [words],
            report,
        )
        looked: tuple[tuple[Token, float], ...] = ()
        weights: list[float] = []
        if self._model is not None:
            said, items, truncated = self.shares(*whole)
            if isinstance(self._head, AttentionHead):
                examples = self._examples(*whole)
                batch = examples.batch(np.array([0]), self._model.padding)
                (weights,) = self._model.token_weights(batch)
        else:
            features, items, truncated = self._features(*whole)
            said = self._said(features)
            if isinstance(self._head, AttentionHead):
                (weights,) = self._head.token_weights(features)
        if weights:
            tokens = self._encoder.tokens(text, second, self.spec.max_length)
            looked = tuple(zip(tokens, weights, strict=True))
        return said, items, truncated, looked

    def _said(self, features: Any) -> NDArray[np.float64]:  # noqa: ANN401 - see `_features`
        import torch

        with torch.no_grad():
            shares: NDArray[np.float64] = self._head.answers(self._head(features)).numpy()
        return shares

    def _features(
        self,
        texts: Sequence[str],
        second: Sequence[str] | None,
        words: Sequence[Sequence[str]] | None,
        report: Report,
    ) -> tuple[Any, NDArray[np.int64], int]:
        """Return what the head takes (a tensor, or tokens), the items, and the texts cut."""
        import torch

        from fineview.core.features.extract import states_of
        from fineview.core.features.pairs import states_apart
        from fineview.core.features.pooling import pool
        from fineview.core.features.token_states import token_states
        from fineview.core.training.tokens import TokenFeatures

        pooling, longest = self.spec.pooling, self.spec.max_length
        everything = np.arange(len(texts), dtype=np.int64)
        if self._terms is not None:
            sides: list[Sequence[str]] = [texts] if second is None else [texts, second]
            if words is not None:
                sides = [[word for sentence in words for word in sentence]]
            counted = torch.from_numpy(self._terms.transform(sides))
            return self._head.standardise(counted), np.arange(len(counted), dtype=np.int64), 0
        if pooling.tokens == "attention":
            layer = pooling.resolved(self._encoder.info.layers).layers[-1]
            found = token_states(
                self._encoder, texts, second, layer, max_length=longest, report=report
            )
            tokens: Any = TokenFeatures.of(found)
            return self._head.standardise(tokens), everything, found.truncated
        if pooling.pair == "separate" and second is not None:
            states, apart, truncated = states_apart(
                self._encoder, texts, second, max_length=longest, report=report
            )
            pooled = pool(states, pooling, self.level, apart)
            return self._head.standardise(torch.from_numpy(pooled)), everything, truncated
        states, items, truncated = states_of(
            self._encoder, self.level, texts, second, words, max_length=longest, report=report
        )
        pooled = pool(states, pooling, self.level)
        return self._head.standardise(torch.from_numpy(pooled)), items, truncated
