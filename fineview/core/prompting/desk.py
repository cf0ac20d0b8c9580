"""The language model in memory, and what the prompts panel asks of it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fineview.core.models.encoder import Encoder
from fineview.core.models.language_model import (
    LanguageModel,
    LanguageModelInfo,
    open_language_model,
)
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.choices import ModelChoice, SamplingConfig
from fineview.core.prompting.seen import Blank, Generated, Glance, LensRow, PromptRead

if TYPE_CHECKING:
    from fineview.core.prompting.decoding import Decoder

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Whether weights are in memory, and what that takes.

    Attributes:
        name: The model's name, or "" where none is in memory.
        bytes: What its weights take.
        process: What the whole program takes (resident set).
    """

    name: str
    bytes: int
    process: int


class PromptDesk:
    """Holds one language model at a time: two at once may be more than the machine has.

    Its methods compute and belong on one thread, except `info` and `loaded`.
    """

    def __init__(self, cache: Path, device: str = "auto") -> None:
        self._cache = cache
        self._device = device
        self._models: dict[ModelChoice, LanguageModel] = {}
        self._decoder: Decoder | None = None
        self._lock = threading.RLock()

    def model(self, choice: ModelChoice, report: Report = SILENT) -> LanguageModel:
        """Return a model, opened and not yet loaded; the weights of any other are let go.

        Raises:
            ModelError: As `open_language_model`.
        """
        with self._lock:
            for other, model in self._models.items():
                if other != choice and model.is_loaded:
                    self._decoder = None
                    model.unload()
            if choice not in self._models:
                self._models[choice] = open_language_model(
                    choice.name, self._cache, self._device, choice.dtype, report
                )
            return self._models[choice]

    def info(self, choice: ModelChoice, report: Report = SILENT) -> LanguageModelInfo:
        """Return what a model is, without loading it, and without touching another.

        Raises:
            ModelError: As `open_language_model`.
        """
        if choice in self._models:
            return self._models[choice].info
        return open_language_model(
            choice.name, self._cache, self._device, choice.dtype, report
        ).info

    def opened(self, choice: ModelChoice) -> LanguageModelInfo | None:
        """Return what a model is, if that is known without reading a file."""
        model = self._models.get(choice)
        return None if model is None else model.info

    def load(self, choice: ModelChoice, report: Report = SILENT) -> Loaded:
        """Load a model's weights.

        Raises:
            ModelError: As `open_language_model` and `LanguageModel.load`.
        """
        self.model(choice, report).load(report)
        return self.loaded()

    def unload(self) -> Loaded:
        """Let all weights go."""
        with self._lock:
            self._decoder = None
            for model in self._models.values():
                model.unload()
        return self.loaded()

    def loaded(self) -> Loaded:
        """Return what is in memory now."""
        import psutil

        process = psutil.Process().memory_info().rss
        for choice, model in list(self._models.items()):
            if model.is_loaded:
                return Loaded(choice.name, model.info.memory_bytes(choice.dtype), process)
        return Loaded("", 0, process)

    def read(
        self, choice: ModelChoice, text: str, sampling: SamplingConfig, report: Report = SILENT
    ) -> PromptRead:
        """Read a text; see `Decoder.read`."""
        return self._with(choice, report, lambda decoder: decoder.read(text, sampling, report))

    def generate(
        self, choice: ModelChoice, text: str, sampling: SamplingConfig, report: Report = SILENT
    ) -> Generated:
        """Go on from a text; see `Decoder.generate`."""
        return self._with(choice, report, lambda decoder: decoder.generate(text, sampling, report))

    def lens(
        self, choice: ModelChoice, text: str, position: int, report: Report = SILENT
    ) -> tuple[LensRow, ...]:
        """Return what each layer would have said; see `lens.logit_lens`."""
        from fineview.core.prompting.lens import logit_lens

        return self._with(choice, report, lambda d: logit_lens(d, text, position, report))

    def attention(
        self, choice: ModelChoice, text: str, position: int, report: Report = SILENT
    ) -> Glance:
        """Return where a token looks; see `lens.attention`."""
        from fineview.core.prompting.lens import attention

        return self._with(choice, report, lambda d: attention(d, text, position, report))

    def blank(
        self, choice: ModelChoice, encoder: Encoder, text: str, report: Report = SILENT
    ) -> Blank:
        """Fill a gap with two kinds of models; see `blank.same_blank`."""
        from fineview.core.prompting.blank import same_blank

        return self._with(choice, report, lambda d: same_blank(d, encoder, text, report))

    def _with(self, choice: ModelChoice, report: Report, ask: Callable[["Decoder"], _T]) -> _T:
        """Load the model and ask its decoder, which keeps what it has read."""
        from fineview.core.prompting.decoding import Decoder

        model = self.model(choice, report)
        model.load(report)
        if self._decoder is None or self._decoder.model is not model:
            self._decoder = Decoder(model)
        return ask(self._decoder)
