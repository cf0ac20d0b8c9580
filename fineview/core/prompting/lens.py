"""Under the lid of a language model: what each layer would have said, and where a token looks."""

from typing import TYPE_CHECKING, Any

from fineview.core.errors import ModelError
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.seen import Alternative, Glance, LensRow

if TYPE_CHECKING:
    import torch

    from fineview.core.prompting.decoding import Decoder

_TOP = 5


def logit_lens(
    decoder: "Decoder", text: str, position: int, report: Report = SILENT
) -> tuple[LensRow, ...]:
    """Return what each layer would say after a token, if it were the last one.

    The final norm and the output layer are put on every layer's hidden state.

    Args:
        decoder: The model, with the text as it has last read it.
        text: The text.
        position: Place of the token among `PromptRead.tokens`.
        report: Asked before the pass.

    Returns:
        Layers 0 … L; the last row is what the model says.

    Raises:
        DataError: There is no such token.
        ModelError: The model's parts have other names than any known.

    Source:
        nostalgebraist 2020, "interpreting GPT: the logit lens" (a post on LessWrong, no paper).
    """
    import torch

    model = decoder.model.model
    norm = _final_norm(model)
    head = model.get_output_embeddings()
    if norm is None or head is None:
        raise ModelError(
            f"The layers of {decoder.model.info.title} cannot be looked into: a model of type "
            f"{decoder.model.info.model_type!r} keeps its last norm where fineview does not know."
        )
    states, _ = decoder.pass_at(text, position, report, output_hidden_states=True)
    with torch.inference_mode():
        final = states.logits[0, -1].float()
        # transformers hands over the last layer's states with the norm on them already.
        rows = [head(norm(state[:, -1]))[0].float() for state in states.hidden_states[:-1]]
    return _rows(decoder, [*rows, final])


def attention(decoder: "Decoder", text: str, position: int, report: Report = SILENT) -> Glance:
    """Return where a token looks, in every layer and head.

    Args:
        decoder: The model, with the text as it has last read it.
        text: The text.
        position: Place of the token among `PromptRead.tokens`.
        report: Asked before the pass.

    Raises:
        DataError: There is no such token.
        ModelError: The model has no attention that can be looked at.
    """
    model = decoder.model.model
    usual = model.config._attn_implementation
    # Only the plain implementation hands its weights over.
    model.set_attn_implementation("eager")
    try:
        seen, lead = decoder.pass_at(text, position, report, output_attentions=True)
    finally:
        model.set_attn_implementation(usual)
    found = seen.attentions
    if not found or any(layer is None for layer in found):
        raise ModelError(f"{decoder.model.info.title} does not hand its attention over.")
    weights = tuple(
        tuple(tuple(row) for row in layer[0, :, -1, lead:].float().cpu().tolist())
        for layer in found
    )
    return Glance(position, weights)


def _final_norm(model: Any) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return the norm before the output layer, None where it has an unknown name."""
    base = getattr(model, model.base_model_prefix, None)
    if base is None:
        return None
    base = getattr(base, "decoder", base)
    for name in ("norm", "ln_f", "final_layernorm", "final_layer_norm"):
        found = getattr(base, name, None)
        if found is not None:
            return found
    return None


def _rows(decoder: "Decoder", logits: "list[torch.Tensor]") -> tuple[LensRow, ...]:
    import torch

    spelled = decoder.model.spelled
    final = int(logits[-1].argmax())
    found = []
    for layer, scores in enumerate(logits):
        logs = torch.log_softmax(scores, dim=-1).cpu()
        shares = logs.exp()
        best = shares.topk(min(_TOP, len(shares)))
        found.append(
            LensRow(
                layer=layer,
                entropy=float(-(shares * logs).nan_to_num(0.0).sum()),
                rows=tuple(
                    Alternative(token, spelled(token), share)
                    for token, share in zip(
                        best.indices.tolist(), best.values.tolist(), strict=True
                    )
                ),
                final_rank=int((logs > logs[final]).sum()) + 1,
            )
        )
    return tuple(found)
