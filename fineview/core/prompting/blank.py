"""One gap, two objectives: what a masked and what a causal model would put there."""

from typing import TYPE_CHECKING

from fineview.core.errors import ConfigError, ModelError
from fineview.core.models.encoder import Encoder
from fineview.core.models.loading import load_masked
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.seen import Alternative, Blank, BlankSide

if TYPE_CHECKING:
    from fineview.core.prompting.decoding import Decoder

GAP = "___"


def same_blank(
    decoder: "Decoder", encoder: Encoder, text: str, report: Report = SILENT, top: int = 12
) -> Blank:
    """Fill a gap with a causal model, which sees what stands before, and with a masked one.

    Both say a distribution over single tokens: a word that either spells with several cannot win.

    Args:
        decoder: The causal model.
        encoder: The masked model, as far as it still has its head.
        text: Holds `___` once.
        report: Asked before each model.
        top: Rows of each.

    Raises:
        ConfigError: There is no gap, or more than one, or nothing before it.
        ModelError: A model cannot be loaded, or there is not enough memory.

    Source:
        Masked: Devlin et al. 2019, arXiv:1810.04805, section 3.1. Causal: Radford et al. 2018,
        "Improving language understanding by generative pre-training", section 3.1.
    """
    before, after = split(text)
    report.check()
    # A causal model's words begin with their blank: the one before the gap is theirs.
    seen = before.rstrip()
    table = decoder.read(seen, SamplingConfig(max_tokens=1), report, top).next
    if table is None:
        raise ConfigError(
            "Nothing stands before the gap: a model that reads from left to right has nothing to "
            "go on. Write a word before ___.",
            "text",
        )
    causal = BlankSide(
        title=decoder.model.info.title,
        objective="causal",
        rows=tuple(Alternative(row.token, row.text, row.before) for row in table.rows),
        rest=table.rest_before,
        seen=seen,
    )
    report.check()
    try:
        masked = _masked(encoder, before, after, top)
    except ModelError as error:
        return Blank(causal, None, str(error), ())
    words = {one.text.strip().casefold() for one in causal.rows}
    both = dict.fromkeys(
        one.text.strip() for one in masked.rows if one.text.strip().casefold() in words
    )
    return Blank(causal, masked, "", tuple(both))


def split(text: str) -> tuple[str, str]:
    """Return what stands before and behind the gap.

    Raises:
        ConfigError: There is no gap, or more than one.
    """
    parts = text.split(GAP)
    if len(parts) != 2:
        raise ConfigError(
            f"The sentence has {len(parts) - 1} gaps, and it needs one: write ___ where a word is "
            f"missing.",
            "text",
        )
    return parts[0], parts[1]


def _masked(encoder: Encoder, before: str, after: str, top: int) -> BlankSide:
    """Return what a masked model puts in the gap.

    Raises:
        ModelError: It has no head, or no mask token.
    """
    import torch

    tokenizer = encoder.tokenizer
    mask = tokenizer.mask_token
    if mask is None:
        raise ModelError(f"{encoder.info.title} has no mask token: choose a BERT-like encoder.")
    model = load_masked(encoder.folder, encoder.info.title, encoder.device)
    text = f"{before}{mask}{after}"
    given = tokenizer(text, return_tensors="pt", truncation=True)
    places = (given["input_ids"][0] == tokenizer.mask_token_id).nonzero()
    if len(places) != 1:
        raise ModelError(
            f"The gap lies beyond the {tokenizer.model_max_length} tokens that "
            f"{encoder.info.title} reads: shorten what stands before it."
        )
    with torch.inference_mode():
        logits = model(**given.to(encoder.device)).logits[0, int(places[0, 0])]
    shares = torch.softmax(logits.float(), dim=-1).cpu()
    best = shares.topk(min(top, len(shares)))
    rows = tuple(
        Alternative(token, tokenizer.decode([token]), share)
        for token, share in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
    rest = max(1.0 - sum(row.probability for row in rows), 0.0)
    return BlankSide(encoder.info.title, "masked", rows, rest, text)
