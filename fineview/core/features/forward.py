"""One batch through the encoder, all layers, tokens pooled within each layer."""

import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import ModelError
from fineview.core.features.batches import Batch, TokenPooler
from fineview.core.models.blocks import blocks_of
from fineview.core.models.encoder import Encoder
from fineview.core.models.info import EncoderInfo
from fineview.core.progress import Report

if TYPE_CHECKING:
    import torch

    _Read = Callable[[Sequence[torch.Tensor], TokenPooler], torch.Tensor]


class Forward:
    """A loaded encoder, ready to compute; used in a `with` block.

    While it is open, the encoder asks the report before each of its blocks, since one batch of a
    large encoder may take longer than Stop may wait.

    Attributes:
        padding: Token id for places behind a text. Some encoders count positions by it.
    """

    def __init__(self, encoder: Encoder, report: Report) -> None:
        encoder.load(report)
        self._encoder = encoder
        self._report = report
        self._model: Any = encoder.model
        self._device = encoder.device
        self._tokens_that_fit: int | None = None
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        # Of the model, which knows a default where config.json is silent.
        padding = getattr(self._model.config, "pad_token_id", None)
        self.padding: int = padding if type(padding) is int else 0
        self._segments = has_segments(encoder, self._model)

    def __enter__(self) -> Self:
        """Let the blocks ask the report."""
        thread = threading.get_ident()

        def ask(*_: object) -> None:
            # Another thread that uses the same encoder has a report of its own.
            if threading.get_ident() == thread:
                self._report.check()

        blocks = blocks_of(self._model, self._encoder.info.layers)
        self._hooks = [block.register_forward_pre_hook(ask) for block in blocks or ()]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the encoder as it was."""
        for hook in self._hooks:
            hook.remove()

    def block(self, batch: Batch) -> NDArray[np.float32]:
        """Compute one batch; where memory does not suffice, in halves, now and from now on.

        Returns:
            (n, L+1, 3, D) float32: n texts of the batch, or its words, in order.

        Raises:
            ModelError: Not even one text fits into memory.
            JobCancelled: Stop was pressed.
        """
        return self._within_memory(batch, _pooled)

    def tokens(self, batch: Batch, layer: int) -> NDArray[np.float32]:
        """Compute one batch and keep every token of one layer.

        Returns:
            (sum of the lengths, D) float32: the real tokens of the batch's texts, in order.

        Raises:
            ModelError: Not even one text fits into memory.
            JobCancelled: Stop was pressed.
        """

        def read(layers: "Sequence[torch.Tensor]", pooler: TokenPooler) -> "torch.Tensor":
            states = layers[layer]
            return states.flatten(0, 1) if pooler.mask is None else states[pooler.mask]

        return self._within_memory(batch, read)

    def _within_memory(self, batch: Batch, read: "_Read") -> NDArray[np.float32]:
        self._report.check()
        fits = self._tokens_that_fit is None or batch.ids.size <= self._tokens_that_fit
        if fits or len(batch.texts) == 1:
            result = self._try(batch, read)
            if result is not None:
                return result
            # Here the exception, and with it the tensors of the failed attempt, is gone.
            free_memory(self._device)
            if len(batch.texts) == 1:
                raise ModelError(
                    f"{self._encoder.info.title} ran out of memory on {self._device} with a text "
                    f"of {batch.ids.shape[1]} tokens: choose a smaller maximum length, or the "
                    f"device cpu."
                )
            self._tokens_that_fit = batch.ids.size // 2
        return np.concatenate([self._within_memory(half, read) for half in batch.halves()])

    def _try(self, batch: Batch, read: "_Read") -> NDArray[np.float32] | None:
        """Return the block, or None where memory did not suffice."""
        try:
            return self._run(batch, read)
        except RuntimeError as error:  # torch.OutOfMemoryError is one; CPU and MPS have no own
            if not is_memory(error):
                raise
        return None

    def _run(self, batch: Batch, read: "_Read") -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            pooler = TokenPooler(batch, self._device)
            inputs = model_inputs(batch, pooler, self._device, self._segments)
            layers = hidden_states(self._model, inputs, self._encoder.info)
            found: NDArray[np.float32] = read(layers, pooler).float().cpu().numpy()
        return found


def _pooled(layers: "Sequence[torch.Tensor]", pooler: TokenPooler) -> "torch.Tensor":
    import torch

    return torch.stack([pooler(layer) for layer in layers], dim=1)


def model_inputs(
    batch: Batch, pooler: TokenPooler, device: str, segments: bool
) -> "dict[str, torch.Tensor]":
    """Return what a transformers encoder is called with.

    Args:
        batch: The texts.
        pooler: The pooler of the same batch, which has its mask.
        device: Where the encoder is.
        segments: Whether the encoder tells the texts of a pair apart.
    """
    import torch

    inputs = {"input_ids": torch.from_numpy(batch.ids).to(device)}
    if segments:
        inputs["token_type_ids"] = torch.from_numpy(batch.segments).to(device)
    if pooler.mask is not None:
        inputs["attention_mask"] = pooler.mask.long()
    return inputs


def hidden_states(
    model: Any,  # noqa: ANN401 - transformers is untyped
    inputs: "Mapping[str, torch.Tensor]",
    info: EncoderInfo,
) -> "Sequence[torch.Tensor]":
    """Return the outputs of layers 0 … L, (B, T, D) each.

    Raises:
        ModelError: The model gives none.
    """
    layers: Sequence[torch.Tensor] | None = model(**inputs, output_hidden_states=True).hidden_states
    if layers is None or len(layers) != info.layers + 1:
        raise ModelError(
            f"{info.title} does not give the hidden states of its {info.layers} layers: choose a "
            f"BERT-like encoder."
        )
    return layers


def has_segments(encoder: Encoder, model: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return True where the encoder learned to tell the first text of a pair from the second."""
    if "token_type_ids" not in inspect.signature(model.forward).parameters:
        return False
    if "token_type_ids" in encoder.tokenizer.model_input_names:
        return True
    # transformers 5 forgets the segments of AlbertTokenizer; a folder that declares its inputs
    # without them means it.
    declared = "model_input_names" in encoder.tokenizer.init_kwargs
    return not declared and getattr(model.config, "type_vocab_size", 0) > 1


def free_memory(device: str) -> None:
    """Give memory that nothing uses any more back to the device."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def is_memory(error: RuntimeError) -> bool:
    """Return True where memory did not suffice; CPU and MPS have no error of their own for it."""
    import torch

    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in text
        or "can't allocate memory" in text
    )
