"""What the notebook shows, for elsewhere: a script in plain transformers, and a table of tokens."""

import csv
import io
from math import exp

from fineview.core.models.language_model import LanguageModel
from fineview.core.prompting.choices import SamplingConfig
from fineview.core.prompting.seen import PromptRead

_SCRIPT = '''"""Goes on from a text; written by fineview."""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = {folder!r}
TEXT = {text!r}

tokenizer = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
model = AutoModelForCausalLM.from_pretrained(
    FOLDER, dtype=torch.{dtype}, use_safetensors=True, local_files_only=True
).eval()
ids = tokenizer(TEXT, return_tensors="pt", add_special_tokens=False).input_ids
torch.manual_seed({seed})  # draws differ from the window's, which depend on place and seed
with torch.inference_mode():
    answer = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens={max_tokens},
        {settings},
        pad_token_id=tokenizer.eos_token_id,{stop}
    )
print(tokenizer.decode(answer[0, ids.shape[1] :]))
'''


def completion_script(model: LanguageModel, text: str, sampling: SamplingConfig) -> str:
    """Return a script that goes on from a text with plain transformers.

    Greedy answers are the same; draws come from another stream of random numbers.
    """
    if sampling.greedy:
        settings = ["do_sample=False"]
    else:
        settings = [
            "do_sample=True",
            f"temperature={sampling.temperature!r}",
            f"top_k={sampling.top_k!r}",
            f"top_p={sampling.top_p!r}",
            f"min_p={sampling.min_p!r}",
        ]
    settings.append(f"repetition_penalty={sampling.repetition_penalty!r}")
    stop = ""
    if sampling.stop:
        stop = f"\n        stop_strings={list(sampling.stop)!r},\n        tokenizer=tokenizer,"
    return _SCRIPT.format(
        folder=str(model.folder.path),
        text=text,
        dtype=model.dtype,
        seed=sampling.seed,
        max_tokens=sampling.max_tokens,
        settings=",\n        ".join(settings),
        stop=stop,
    )


def tokens_csv(read: PromptRead) -> str:
    """Return a line for each token: its text, probability, surprisal, rank, entropy."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["token", "text", "probability", "surprisal_nats", "rank", "entropy_nats"])
    for one in read.tokens:
        known = one.logprob is not None
        table.writerow(
            [
                one.token,
                one.text,
                exp(one.logprob) if one.logprob is not None else "",
                -one.logprob if one.logprob is not None else "",
                one.rank if known else "",
                one.entropy if known else "",
            ]
        )
    return out.getvalue()
