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


class ModelError(FineviewError):
    """A model's files are missing, damaged or not safe to load."""


class StoreError(FineviewError):
    """A file cannot be read from or written to the cache or the workspace."""


class RunError(FineviewError):
    """A run is unknown, damaged, or not in a state that allows what was asked."""


class JobCancelled(Exception):
    """Raised by `Report.check()` when the user pressed Stop."""
