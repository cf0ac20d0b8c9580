"""Which column is the text, which the label: guessed by names, then by values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fineview.core.data.plan import Role
from fineview.core.data.readers.header import is_number, plain_name
from fineview.core.data.readers.rows import brief
from fineview.core.data.task import LabelKind, Split

_PAIRS = (
    ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("premise", "hypothesis"),
    ("question1", "question2"), ("question_1", "question_2"), ("text1", "text2"),
    ("text_1", "text_2"), ("text_a", "text_b"), ("sentence_a", "sentence_b"),
    ("sent1", "sent2"), ("s1", "s2"), ("word1", "word2"), ("first", "second"),
    ("question", "sentence"), ("question", "passage"), ("question", "answer"),
    ("query", "document"), ("query", "passage"), ("context", "question"), ("text", "text_pair"),
    ("headline", "body"), ("sentence", "hypothesis"), ("text", "hypothesis"),
)  # fmt: skip
_TEXT = (
    "text", "texts", "sentence", "sentences", "review", "reviews", "review_text", "reviewtext",
    "content", "tweet", "comment", "comment_text", "question", "utterance", "body", "message",
    "document", "query", "passage", "premise", "sentence1", "description", "abstract", "feedback",
    "headline", "title", "input", "prompt", "post", "sms", "email", "statement", "claim",
)  # fmt: skip
_LABEL = (
    "label", "labels", "gold_label", "class", "category", "target", "sentiment", "label_text",
    "classes", "categories", "y", "intent", "emotion", "topic", "relation", "polarity", "stars",
    "rating", "ratings", "score", "scores", "similarity", "tag", "tags", "coarse", "coarse_label",
    "type", "gold", "output", "airline_sentiment", "is_duplicate", "stance", "spam", "toxic",
)  # fmt: skip
_ID = ("id", "idx", "index", "guid", "uid", "pairid", "pair_id", "row", "nr", "no", "number", "qid")
_SPLIT = ("split", "fold", "set", "partition", "subset", "part")
_GROUP = ("group", "groups", "document_id", "doc_id", "docid", "group_id")
_SPLITS: Mapping[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(
        ("dev", "devel", "development", "val", "valid", "validation", "validate", "eval"),
        "validation",
    ),
    **dict.fromkeys(("test", "testing", "tst", "te"), "test"),
}
MANY = 50
"""A numeric label with more values than this is a number, whatever they are."""
_MANY_REAL = 20


def split_of(word: str) -> Split | None:
    """Return the split that a word such as `dev` means, or None."""
    return _SPLITS.get(word.strip().lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the values of a column look like.

    Attributes:
        name: Its name.
        filled: Number of cells that are not empty.
        different: Number of different ones.
        length: Mean characters.
        blanks: Share that holds a blank.
        numbers: Share that is a number.
        whole: Share that is a whole number.
        splits: Share that names a split.
        coded: Share with more digits than letters: dates, times, codes.
    """

    name: str
    filled: int
    different: int
    length: float
    blanks: float
    numbers: float
    whole: float
    splits: float
    coded: float

    @property
    def texts(self) -> bool:
        """Return whether these can be texts."""
        return self.filled > 0 and self.numbers < 0.5 and self.length >= 1


def describe(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Return what the columns look like.

    Args:
        names: Of the columns.
        rows: Cells; short rows lack their last ones.
    """
    found = []
    for number, name in enumerate(names):
        cells = [row[number].strip() for row in rows if number < len(row) and row[number].strip()]
        count = max(1, len(cells))
        found.append(
            Column(
                name=name,
                filled=len(cells),
                different=len(set(cells)),
                length=sum(map(len, cells)) / count,
                blanks=sum(" " in cell for cell in cells) / count,
                numbers=sum(map(is_number, cells)) / count,
                whole=sum(cell.lstrip("+-").isdecimal() for cell in cells) / count,
                splits=sum(split_of(cell) is not None for cell in cells) / count,
                coded=sum(map(_coded, cells)) / count,
            )
        )
    return tuple(found)


def _coded(cell: str) -> bool:
    part = cell[:100]
    return sum(map(str.isdigit, part)) > sum(map(str.isalpha, part))


def guess_roles(
    names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[dict[str, Role], tuple[str, ...]]:
    """Return the role of each column and what deserves a second look.

    Args:
        names: Of the columns, all different.
        rows: Cells of the first rows.
    """
    columns = {column.name: column for column in describe(names, rows)}
    roles: dict[str, Role] = {}
    _by_name(columns, roles)
    _by_value(columns, roles)
    reasons = _reasons(columns, roles)
    return {name: roles.get(name, "ignore") for name in names}, reasons


def _by_name(columns: Mapping[str, Column], roles: dict[str, Role]) -> None:
    plain: dict[str, str] = {}
    for name in columns:
        plain.setdefault(plain_name(name), name)
    for name in columns:  # of nested JSON: the last key, then the one that it belongs to
        for part in reversed(name.split(".")[-2:] if "." in name else []):
            plain.setdefault(plain_name(part), name)
    for known in _SPLIT:
        if (name := plain.get(known, "")) and columns[name].splits > 0.9:
            roles[name] = "split"
            break
    for first, second in _PAIRS:
        a, b = plain.get(first, ""), plain.get(second, "")
        if a and b and columns[a].texts and columns[b].texts:
            roles[a], roles[b] = "text", "second"
            break
    else:
        for known in _TEXT:
            if (name := plain.get(known, "")) and name not in roles and columns[name].texts:
                roles[name] = "text"
                break
    for known in _LABEL:
        name = plain.get(known, "")
        if name and name not in roles and columns[name].filled:
            roles[name] = "label"
            break
    for wanted, names in (("id", _ID), ("group", _GROUP)):
        for known in names:
            if (name := plain.get(known, "")) and name not in roles and columns[name].filled:
                roles[name] = "id" if wanted == "id" else "group"
                break


def _by_value(columns: Mapping[str, Column], roles: dict[str, Role]) -> None:
    rest = [column for column in columns.values() if column.name not in roles and column.filled]
    taken = set(roles.values())
    if "split" not in taken:
        for column in rest:
            if column.splits > 0.98 and column.different <= 3 and column.filled >= 5:
                roles[column.name] = "split"
                break
    if "text" not in taken:
        texts = [column for column in rest if column.texts and column.name not in roles]
        texts = [column for column in texts if column.coded < 0.9] or texts
        texts.sort(key=lambda column: (column.blanks > 0.3, _spread(column), column.length))
        if texts:
            roles[texts[-1].name] = "text"
            _second_by_value(texts[-1], texts[:-1], roles)
    if "label" not in taken:
        labels = [c for c in rest if c.name not in roles and _may_label(c)]
        if labels:
            # A class column comes last more often than not.
            best = min(reversed(labels), key=lambda column: column.different)
            roles[best.name] = "label"
    if "id" not in taken:
        for column in rest:
            counted = column.whole == 1 and column.different == column.filled and column.filled > 2
            if column.name not in roles and counted:
                roles[column.name] = "id"
                break


def _spread(column: Column) -> bool:
    return column.different > 0.5 * column.filled


def _second_by_value(text: Column, others: Sequence[Column], roles: dict[str, Role]) -> None:
    """Take a second text where no names tell and one is much like the first."""
    alike = [
        other
        for other in others
        if other.blanks > 0.8
        and text.blanks > 0.8
        and other.different > 0.7 * other.filled
        and other.length > 15
        and other.length > 0.25 * text.length
        and other.name.startswith("column ")
        and text.name.startswith("column ")
    ]
    if len(alike) == 1:
        first, second = sorted(
            (text.name, alike[0].name), key=lambda name: int(name.removeprefix("column "))
        )
        roles[first], roles[second] = "text", "second"


def _may_label(column: Column) -> bool:
    if column.different < 2:
        return False
    if column.numbers > 0.95:
        counted = column.whole == 1 and column.different == column.filled
        return not counted
    return column.different <= max(2, min(1_000, column.filled // 2)) and column.length < 60


def guess_kind(cells: Sequence[str], comma: bool = False) -> LabelKind:
    """Return whether labels are classes or numbers.

    Args:
        cells: Labels as they are written.
        comma: Whether numbers may have a decimal comma.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = [cell for cell in filled if is_number(cell) and (comma or "," not in cell)]
    if not filled or len(numbers) < 0.95 * len(filled):
        return "class"
    different = set(numbers)
    real = any(not cell.lstrip("+-").isdecimal() for cell in different)
    return "number" if len(different) > MANY or (real and len(different) > _MANY_REAL) else "class"


def _reasons(columns: Mapping[str, Column], roles: Mapping[str, Role]) -> tuple[str, ...]:
    found = []
    labels = [name for name, role in roles.items() if role == "label"]
    if "text" not in roles.values():
        found.append("No column looks like texts: choose the one that holds them.")
    if not labels:
        found.append(
            "No column looks like a label: choose it, or open these texts to have a trained head "
            "label them."
        )
    for name in labels:
        column = columns[name]
        if column.numbers < 0.95 and column.filled >= 20 and column.different > 0.9 * column.filled:
            found.append(
                f"Nearly every label in {brief(name)!r} is different: choose another column if it "
                f"is not the label."
            )
    return tuple(found)
