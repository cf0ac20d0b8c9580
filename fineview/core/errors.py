"""Errors whose text is fit to be shown: each names the value and the remedy."""


class FineviewError(Exception):
    """Base of all expected errors; anything else that is raised is a bug of ours."""


class ConfigError(FineviewError):
    """A setting is out of range or contradicts another."""

    def __init__(self, message: str, field: str = "") -> None:
        """Keep the message and the name of the setting it belongs to, if there is one."""
        super().__init__(message)
        self.field = field


class DataError(FineviewError):
    """Labelled texts cannot be read or do not make a task."""


class ImportProblem(DataError):
    """A file that was opened cannot be read, or holds no task; says where, what and what to do."""

    def __init__(
        self, what: str, remedy: str, *, file: str = "", line: int = 0, column: str = ""
    ) -> None:
        """Build the sentence.

        Args:
            what: What is wrong, without a full stop; names the value.
            remedy: What the user can do, without a full stop.
            file: Name of the file, without its folders.
            line: Line of the file, from 1; 0 where it belongs to none.
            column: Name of the column, or "".
        """
        place = [file] if file else []
        place += [f"line {line:,}"] if line else []
        place += [f"column {column!r}"] if column else []
        text = f"{what}: {remedy}."
        super().__init__(f"{', '.join(place)}: {text}" if place else text)
        self.what = what
        self.remedy = remedy
        self.file = file
        self.line = line
        self.column = column


class ModelError(FineviewError):
    """A model's files are missing, damaged or not safe to load."""


class StoreError(FineviewError):
    """A file cannot be read from or written to the cache or the workspace."""


class RunError(FineviewError):
    """A run is unknown, damaged, or not in a state that allows what was asked."""


class JobCancelled(Exception):
    """Raised by `Report.check()` when the user pressed Stop."""
