"""Tasks of all levels, and hidden states computed by plain transformers, one text at a time."""

import numpy as np

from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import JobCancelled
from fineview.core.progress import Silent

SENTENCES = (
    "the quiet film",
    "a treat",
    "is it? yes, it is treated.",
    "the film is quieting down, and the treat is too long to be told in one line of text.",
    "q",
    "is the treat quiet",
    "",
    "the film",
)
SECONDS = ("is it", "the treat is quiet", "no", "a", "the film is a treat", "b", "c d", "")
WORDS = (
    ("the", "quieting", "film", "is", "treated"),
    ("unknown-words", "a", "don't"),
    ("x",),
    ("treat", "the", "film"),
)


def task_of(level, texts=SENTENCES, second=None, words=None):
    """Wrap texts in a task; labels and splits play no part in extraction."""
    if words is not None:
        texts = tuple(" ".join(sentence) for sentence in words)
    count = sum(map(len, words)) if words is not None else len(texts)
    every = np.arange(count)
    return Task(
        info=TaskInfo(name="t", title="Tried", level=level, meaning="", source="", licence=""),
        texts=texts,
        second=second,
        words=words,
        labels=every % 2,
        classes=("even", "odd"),
        splits={"train": every, "validation": every, "test": every},
    )


def plain_model(folder):
    """Load a folder the way any user of transformers would, without fineview."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


def plain_states(plain, text, second=None, words=None, max_length=128):
    """Return hidden states (L+1, T, D) of one unpadded text, and the word of each token."""
    import torch

    model, tokenizer = plain
    # As lists of one: called with a bare pair whose second text is empty, transformers sees a
    # single text.
    inputs = tokenizer(
        [list(words)] if words is not None else [text],
        None if second is None else [second],
        is_split_into_words=words is not None,
        truncation=True,
        max_length=max_length,
        return_tensors="pt",
    )
    with torch.no_grad():
        layers = model(**inputs, output_hidden_states=True).hidden_states
    states = torch.stack(layers)[:, 0].numpy().astype(np.float64)
    return states, inputs.word_ids(0)


def pool_plainly(states, tokens):
    """Return (L+1, D) of (L+1, T, D), for sentences and pairs."""
    return {"cls": states[:, 0], "mean": states.mean(axis=1), "max": states.max(axis=1)}[tokens]


def pool_words_plainly(states, word_of_token, tokens):
    """Return a list of (L+1, D), one for each word that has a token."""
    rows = []
    for word in sorted({w for w in word_of_token if w is not None}):
        places = [i for i, w in enumerate(word_of_token) if w == word]
        rows.append(
            {
                "first": states[:, places[0]],
                "last": states[:, places[-1]],
                "mean": states[:, places].mean(axis=1),
            }[tokens]
        )
    return rows


class StopAfter(Silent):
    """Presses Stop once so many texts are done, and keeps what was said."""

    def __init__(self, done=None):
        self.limit = done
        self.said = []

    def progress(self, done, total, text=""):
        self.said.append((done, total, text))

    def check(self):
        if self.limit is not None and self.extracted and self.extracted[-1] >= self.limit:
            raise JobCancelled

    @property
    def extracted(self):
        return [done for done, _, text in self.said if text == "Extracting features"]


class StopAt(Silent):
    """Presses Stop after so many questions."""

    def __init__(self, limit):
        self.left = limit
        self.asked_after = 0

    def check(self):
        self.left -= 1
        if self.left < 0:
            self.asked_after += 1
            raise JobCancelled
