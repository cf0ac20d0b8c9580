"""JSON: an object a line, or an array of objects."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from fineview.core.data.plan import ImportPlan, ReadSettings
from fineview.core.data.readers.json_array import in_array
from fineview.core.data.readers.json_values import (
    BLANK,
    DECODER,
    PARSING,
    Item,
    broken,
    is_words,
    keys_of,
    row_of,
    sentence_of,
)
from fineview.core.data.readers.opening import chunks_of, head, lines_of
from fineview.core.data.readers.rows import (
    GUESSED_FROM,
    MAX_COLUMNS,
    SHOWN,
    Look,
    Row,
    Sentence,
    Source,
    brief,
    single_columns,
    too_many_columns,
)
from fineview.core.data.readers.text import sampled


class JsonReader:
    """Reads JSONL files and JSON arrays."""

    def look(self, source: Source, settings: ReadSettings) -> Look:
        """Parse the beginning and collect the keys."""
        start = sampled(source, settings.encoding, by_lines=False)
        if _is_array(start.text):
            items = in_array(iter([start.text]), source, start.cut)
        else:
            start = sampled(source, settings.encoding)
            items = in_lines(io.StringIO(start.text, newline=""))
        found = list(islice(items, GUESSED_FROM))
        keys: dict[str, None] = {}
        for _, value, _ in found:
            keys.update(dict.fromkeys(value))
            if len(keys) > MAX_COLUMNS:
                raise too_many_columns(source, len(keys), found[0][0])
        if not keys:
            line, _, wrong = found[0] if found else (1, {}, "there is no object")
            raise source.problem(
                f"no line holds a JSON object with named values ({wrong or 'it is empty'})",
                'write one object a line, such as {"text": "…", "label": "…"}',
                line,
            )
        columns = keys_of([value for _, value, _ in found])
        if len(columns) > MAX_COLUMNS:
            raise too_many_columns(source, len(columns), found[0][0])
        text, label = word_columns([value for _, value, wrong in found if not wrong])
        reasons = start.reasons
        sentences: list[Sentence] = []
        rows: list[Row] = []
        if text:
            sentences = [
                ((line,), [], wrong) if wrong else sentence_of(line, value, columns, text, label)
                for line, value, wrong in found[:SHOWN]
            ]
            reasons += (words_reason(text, label),)
        else:
            rows = [
                (line, [], wrong) if wrong else row_of(line, value, columns, ())
                for line, value, wrong in found
            ]
        return Look(
            columns=columns,
            rows=tuple(rows),
            sentences=tuple(sentences),
            words=bool(text),
            text=text,
            label=label,
            encoding=start.encoding,
            plain=start.plain,
            reasons=reasons,
        )

    def rows(self, source: Source, plan: ImportPlan) -> Iterator[Row]:
        """Yield a row for each object."""
        columns = _wanted(source, plan)
        flat = single_columns(plan)
        for line, item, wrong in _objects(source, plan.encoding):
            yield (line, [], wrong) if wrong else row_of(line, item, columns, flat)

    def sentences(self, source: Source, plan: ImportPlan) -> Iterator[Sentence]:
        """Yield a sentence for each object."""
        columns, text, label = _wanted(source, plan), plan.column("text"), plan.column("label")
        for line, item, wrong in _objects(source, plan.encoding):
            yield ((line,), [], wrong) if wrong else sentence_of(line, item, columns, text, label)


def _wanted(source: Source, plan: ImportPlan) -> tuple[str, ...]:
    """Return the keys in column order, "" for those nobody asks for."""
    return tuple(
        name if source.every or role != "ignore" else "" for name, role in plan.roles.items()
    )


WORD_NAMES = ("tokens", "words", "token", "word", "form", "forms", "text", "sentence")
LABEL_NAMES = (
    "labels", "label", "tags", "ner_tags", "pos_tags", "upos", "ner", "pos", "tag", "chunk_tags",
)  # fmt: skip


def word_columns(items: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Choose the words and their labels among columns that hold lists.

    Args:
        items: Some rows.

    Returns:
        Two names; no label where no two columns have lists of the same lengths; two empty strings
        where there are no words either.
    """
    lists: dict[str, list[list[Any]]] = {}
    for item in items[:50]:
        for name, value in item.items():
            if is_words(value):
                lists.setdefault(name, []).append(value)
    common = [name for name, its in lists.items() if 2 * len(its) > len(items[:50])]

    def alike(one: str, other: str) -> bool:
        """Return whether the lists of two columns nearly always have the same length."""
        pairs = [
            (len(item[one]), len(item[other]))
            for item in items[:50]
            if is_words(item.get(one)) and is_words(item.get(other))
        ]
        return bool(pairs) and sum(a == b for a, b in pairs) >= 0.8 * len(pairs)

    def rank(name: str, known: tuple[str, ...]) -> int:
        return known.index(name.lower()) if name.lower() in known else len(known)

    texts = [n for n in common if all(isinstance(word, str) for its in lists[n] for word in its)]
    texts.sort(key=lambda name: (rank(name, WORD_NAMES), -_different(lists[name])))
    for text in texts:
        labels = [name for name in common if name != text and alike(text, name)]
        if labels:
            labels.sort(key=lambda name: (rank(name, LABEL_NAMES), _different(lists[name])))
            return text, labels[0]
    named = [text for text in texts if text.lower() in WORD_NAMES]
    return (named[0], "") if named else ("", "")


def words_reason(text: str, label: str) -> str:
    """Return the sentence that tells why a task is one of words."""
    if not label:
        return (
            f"{brief(text)!r} holds lists of words, but no column holds lists of labels for them."
        )
    return f"{brief(text)!r} and {brief(label)!r} hold lists of the same length: a label a word."


def _different(values: list[list[Any]]) -> int:
    return len({str(word) for value in values for word in value})


def _objects(source: Source, encoding: str) -> Iterator[Item]:
    start, _ = head(source, 4096)
    if _is_array(start.decode(encoding, "ignore")):
        return in_array(chunks_of(source, encoding), source)
    return in_lines(lines_of(source, encoding))


def _is_array(text: str) -> bool:
    return text.lstrip(BLANK).startswith("[")


def in_lines(lines: Iterable[str]) -> Iterator[Item]:
    """Yield an object for each line that is not blank."""
    decode = DECODER.decode
    for number, line in enumerate(lines, 1):
        text = line.strip(BLANK)
        if not text:
            continue
        try:
            value = decode(text)
        except PARSING as error:
            yield number, {}, broken(error)
            continue
        if isinstance(value, dict):
            yield number, value, ""
        else:
            yield number, {}, "the line is not a JSON object"
