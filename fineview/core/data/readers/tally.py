"""What was left out while reading, and whether so much of it that something else is wrong."""

from collections import Counter

from fineview.core.data.plan import Dropped
from fineview.core.errors import ImportProblem

_NAMED = 1_000
"""Rows left out that are remembered one by one."""
_REASONS = 100
"""Reasons that are counted apart; a file may well bring a new one in each line."""
_FIRST = 1_000
"""Rows that show whether a file is what it is taken for."""


class Tally:
    """Counts the rows of all files and those left out.

    Attributes:
        rows: Rows (sentences) seen.
        dropped: The first thousand left out.
        reasons: How many were left out for which reason.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.rows = 0
        self.dropped: list[Dropped] = []
        self.reasons: Counter[str] = Counter()
        self._broken = 0
        self._first: Dropped | None = None
        self._start = 0

    def begin(self) -> None:
        """Start with the next file."""
        self._broken = 0
        self._first = None
        self._start = self.rows

    def drop(self, file: str, line: int, reason: str, detail: str = "") -> None:
        """Leave a row out.

        Args:
            file: Name of its file.
            line: Where it begins, 0 if there are no lines.
            reason: Why; the same words for the same kind of reason.
            detail: What is special to this row.
        """
        known = reason in self.reasons or len(self.reasons) < _REASONS
        self.reasons[reason if known else "other reasons"] += 1
        if len(self.dropped) < _NAMED:
            said = f"{reason} ({detail})" if detail else reason
            self.dropped.append(Dropped(file=file, line=line, reason=said))

    def broke(self, file: str, line: int, reason: str) -> None:
        """Leave out a row whose cells could not be read.

        Raises:
            ImportProblem: More than half of the first thousand are so: the layout is another one.
        """
        self.drop(file, line, reason)
        if self._first is None:
            self._first = Dropped(file=file, line=line, reason=reason)
        self._broken += 1
        if self._broken > _FIRST // 2 and self.rows - self._start <= _FIRST:
            self._refuse()

    def end(self) -> None:
        """Finish a file.

        Raises:
            ImportProblem: It was short, and more than half of it could not be read.
        """
        rows = self.rows - self._start
        if rows <= _FIRST and 2 * self._broken > rows:
            self._refuse()

    def _refuse(self) -> None:
        assert self._first is not None
        seen = min(self.rows - self._start, _FIRST)
        raise ImportProblem(
            f"{self._broken:,} of the first {seen:,} rows cannot be read; "
            f"here {self._first.reason}",
            "choose another layout or delimiter, or mend the file",
            file=self._first.file,
            line=self._first.line,
        )
