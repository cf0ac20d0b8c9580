"""The same gap, two objectives: what a masked and a causal model put in it."""

from pathlib import Path
from typing import TYPE_CHECKING

from fineview.core.errors import ConfigError, ModelError
from fineview.core.models.language_model import LanguageModel
from fineview.core.progress import SILENT, Report
from fineview.core.prompting.matching import normalised
from fineview.core.prompting.seen import Alternative, Blank, BlankSide
from fineview.core.prompting.shared_prefix import first_token

if TYPE_CHECKING:
    import torch

GAP = "___"
LIKELIEST = 12
"""Tokens of each side."""


def same_blank(
    model: LanguageModel,
    masked: Path | None,
    text: str,
    report: Report = SILENT,
    *,
    title: str = "",
    device: str = "cpu",
) -> Blank:
    """Fill a gap with a causal model, which sees what stands before, and a masked one.

    Both give their distribution over one token of their own vocabulary. The space before the gap
    belongs to the causal model's token.

    Args:
        model: The causal model.
        masked: Folder of an encoder with its head for masked words, or None.
        text: Holds the gap `___` once.
        report: Asked between the models.
        title: Of the encoder; its folder's name where empty.
        device: Of the masked model.

    Raises:
        ConfigError: The text has no gap, or several; or nothing stands before it and the causal
            model has no token to begin with; or the text is too long for the masked model.
        ModelError: The causal model cannot be loaded.
        JobCancelled: Stop was pressed.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, section 3.1 (masked); Radford et al. 2019, section 2
        (causal).
    """
    if text.count(GAP) != 1:
        raise ConfigError(
            f"The text has {text.count(GAP)} gaps: write {GAP} once, where the word belongs.",
            "text",
        )
    causal = _causal(model, text.split(GAP)[0], report)
    report.check()
    found, why_not = None, "No masked language model is chosen."
    if masked is not None:
        report.progress(0, 0, "Loading the masked language model")
        try:
            found, why_not = _masked(masked, text, title or masked.name, device), ""
        except ModelError as error:
            why_not = str(error)
    common: tuple[str, ...] = ()
    if found is not None:
        others = {normalised(row.text) for row in found.rows}
        words = dict.fromkeys(normalised(row.text) for row in causal.rows)
        common = tuple(word for word in words if word and word in others)
    return Blank(causal, found, why_not, common)


def _causal(model: LanguageModel, before: str, report: Report) -> BlankSide:
    import torch

    model.load(report)
    seen = before.removesuffix(" ")
    ids = (model.ids(seen) or first_token(model))[-(model.window - 1) :]
    report.check()
    with torch.inference_mode():
        logits = model.model(torch.tensor([ids], device=model.device)).logits[0, -1]
    start = model.text(ids)

    def added(token: int) -> str:
        """Some tokenizers leave out the first space of a text, so tokens are read behind it."""
        whole = model.text([*ids, token])
        return whole[len(start) :] if whole.startswith(start) else model.text([token])

    rows = tuple(Alternative(token, added(token), p) for token, p in _likeliest(logits))
    rest = max(0.0, 1 - sum(row.probability for row in rows))
    return BlankSide(model.info.title, "causal", rows, rest, seen)


def _masked(path: Path, text: str, title: str, device: str) -> BlankSide:
    import torch

    from fineview.core.models.anatomy import position_limit
    from fineview.core.models.encoder import tokenizer_settings
    from fineview.core.models.loading import load_masked, load_tokenizer
    from fineview.core.models.vetting import vet

    folder = vet(path)
    tokenizer = load_tokenizer(folder)
    mask = tokenizer.mask_token
    if mask is None:
        raise ModelError(
            f"The tokenizer of {path} has no token for masked words: choose a BERT-like encoder."
        )
    before = text.split(GAP)[0]
    seen = text.replace(GAP, mask)
    inputs = tokenizer(seen, return_tensors="pt", truncation=False)
    limit = position_limit(folder.config, tokenizer_settings(path))
    length = inputs["input_ids"].shape[1]
    if length > limit:
        raise ConfigError(
            f"The text has {length:,} tokens, but {title} takes {limit:,}: shorten it.", "text"
        )
    # A mask that the user typed stays one of the text; ours is counted from the start.
    places = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero()[:, 0].tolist()
    place = places[before.count(mask)]
    model = load_masked(folder, device)
    with torch.inference_mode():
        logits = model(**inputs.to(device)).logits[0, place]
    rows = tuple(Alternative(t, tokenizer.decode([t]), p) for t, p in _likeliest(logits))
    rest = max(0.0, 1 - sum(row.probability for row in rows))
    return BlankSide(title, "masked", rows, rest, seen)


def _likeliest(logits: "torch.Tensor") -> list[tuple[int, float]]:
    """Return the likeliest tokens and their probabilities, the likeliest first."""
    top = logits.float().softmax(-1).topk(min(LIKELIEST, len(logits)))
    return list(zip(top.indices.tolist(), top.values.tolist(), strict=True))
