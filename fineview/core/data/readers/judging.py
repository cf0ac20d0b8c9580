"""Whether what was read makes a task, and what deserves to be told about it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from fineview.core.data.plan import ImportPlan
from fineview.core.data.readers.keeping import as_number
from fineview.core.data.readers.rows import brief
from fineview.core.data.readers.tally import Tally
from fineview.core.data.readers.writing import RowWriter
from fineview.core.errors import ImportProblem

MAX_CLASSES = 1_000
FEWEST = 5
_RARE = 3
_NAMED = 5
_MISSING = ("n/a", "na", "nan", "null", "none", "-", "--", "?", "#n/a", "missing", "(empty)")


def ordered(classes: Iterable[str]) -> tuple[str, ...]:
    """Return class names in index order: numbers by value, then others by alphabet."""

    def key(name: str) -> tuple[bool, float, str]:
        value = as_number(name)
        if value is None or value != value:
            return True, 0.0, name
        return False, value, name

    return tuple(sorted(classes, key=key))


def check_classes(plan: ImportPlan, found: int) -> None:
    """Refuse more classes than a head can be judged on; asked while reading as well.

    Raises:
        ImportProblem: There are more than 1,000.
    """
    if found > MAX_CLASSES:
        raise ImportProblem(
            f"the labels have more than {MAX_CLASSES:,} classes",
            _other_label(plan),
            file=_file(plan),
            column=brief(plan.column("label")),
        )


def check_task(plan: ImportPlan, writer: RowWriter, tally: Tally) -> None:
    """Refuse rows that make no task.

    Raises:
        ImportProblem: Too few rows, one class only, or a class for each row.
    """
    file, label = _file(plan), brief(plan.column("label"))
    unit = "sentences" if plan.words else "rows"
    if not tally.rows:
        raise ImportProblem(
            f"there are no {unit}" + (" but the header" if plan.header else ""),
            "choose a file with texts and labels",
            file=file,
        )
    if writer.kept < FEWEST:
        why = ""
        line = 0
        if tally.dropped:
            reason, count = tally.reasons.most_common(1)[0]
            named = (left for left in tally.dropped if left.reason.startswith(reason))
            first = next(named, tally.dropped[0])
            why = f" ({count:,} were left out because {reason})"
            file, line = first.file, first.line
        raise ImportProblem(
            f"{writer.kept:,} of {tally.rows:,} {unit} can be used{why}, and a task needs {FEWEST}",
            "choose other columns, or add texts",
            file=file,
            line=line,
            column=label if "label" in why else "",
        )
    if plan.label_kind == "number":
        if writer.least == writer.most:
            raise ImportProblem(
                f"every label is {writer.least:g}",
                "choose another label column",
                file=file,
                column=label,
            )
        return
    classes = {name for name, _ in writer.counts}
    if len(classes) == 1:
        raise ImportProblem(
            f"every label is {next(iter(classes))[:60]!r}, and a task needs two classes",
            "choose another label column, or add texts of another class",
            file=file,
            column=label,
        )
    check_classes(plan, len(classes))
    if len(classes) >= writer.items:
        raise ImportProblem(
            f"all {writer.items:,} labels differ, so nothing can be learned from them",
            _other_label(plan),
            file=file,
            column=label,
        )


def notes_on(plan: ImportPlan, writer: RowWriter, tally: Tally) -> tuple[str, ...]:
    """Return sentences that belong to the task from now on."""
    notes = []
    left = tally.reasons.total()
    unit = "sentences" if plan.words else "rows"
    if left:
        most = tally.reasons.most_common(_NAMED)
        listed = "; ".join(f"{reason}: {count:,}" for reason, count in most)
        rest = left - sum(count for _, count in most)
        listed += f"; other reasons: {rest:,}" if rest else ""
        were = "was" if left == 1 else "were"
        notes.append(f"{left:,} of {tally.rows:,} {unit} {were} left out ({listed}).")
    if plan.sample is not None and writer.kept < tally.rows - left:
        notes.append(
            f"{writer.kept:,} of {tally.rows - left:,} {unit} were drawn at random "
            f"(seed {plan.sample_seed})."
        )
    if writer.mended:
        notes.append(
            f"{writer.mended:,} texts held half of a surrogate pair; � stands in its place."
        )
    notes += _on_classes(writer.counts)
    return tuple(notes)


def _on_classes(counts: Mapping[tuple[str, str], int]) -> list[str]:
    totals: Counter[str] = Counter()
    outside: Counter[str] = Counter()  # of the test split
    for (name, split), count in counts.items():
        totals[name] += count
        outside[name] += 0 if split == "test" else count
    notes = []
    if any(outside.values()):
        only = ordered(name for name in totals if not outside[name])
        if only:
            notes.append(f"Only the test split has {_listed(only)}: no head can learn that.")
    notes += _on_spelling(totals)
    rare = ordered(name for name, count in totals.items() if count < _RARE)
    if rare:
        notes.append(f"Fewer than {_RARE} times there is {_listed(rare)}.")
    return notes


def _on_spelling(names: Iterable[str]) -> list[str]:
    """Return sentences on classes that may be one, or none."""
    names = ordered(names)
    notes = []
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(" ".join(name.casefold().split()), []).append(name)
    several = [tuple(its) for its in alike.values() if len(its) > 1]
    if several:
        more = f", and so in {len(several) - 1:,} other cases" if len(several) > 1 else ""
        notes.append(
            f"Only capitals or blanks tell apart {_listed(several[0])}{more}: write the labels "
            f"alike in the file if they mean the same."
        )
    missing = tuple(name for name in names if name.casefold() in _MISSING)
    if missing:
        notes.append(
            f"There is {_listed(missing)}, which may stand for a missing label: empty those "
            f"cells in the file to leave the rows out."
        )
    return notes


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_NAMED])
    word = "the class" if len(names) == 1 else "the classes"
    return f"{word} {shown}" + (f" and {len(names) - _NAMED:,} more" * (len(names) > _NAMED))


def _file(plan: ImportPlan) -> str:
    return plan.files[0].path.name if len(plan.files) == 1 else ""


def _other_label(plan: ImportPlan) -> str:
    if plan.words:
        return "choose another label column"
    return "choose another label column, or treat the labels as numbers if they are"
