"""Tasks in what is fetched: each belongs to one entry of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineview.core.data import catalogued_brown, catalogued_spam, catalogued_texts
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import Task, TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.models import catalog
from fineview.core.models.assets import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    info: TaskInfo
    entry: str
    load: Callable[[Path, SplitConfig], Task]


_SOURCES = {
    source.info.name: source
    for source in (
        _Source(
            info=catalogued_texts.SNIPPETS,
            entry="movie-snippets",
            load=catalogued_texts.load_snippets,
        ),
        _Source(
            info=catalogued_texts.RATINGS,
            entry="movie-snippets",
            load=catalogued_texts.load_ratings,
        ),
        _Source(
            info=catalogued_texts.NEWSGROUPS,
            entry="orange-texts",
            load=catalogued_texts.load_newsgroups,
        ),
        _Source(
            info=catalogued_texts.REUTERS,
            entry="orange-texts",
            load=catalogued_texts.load_reuters,
        ),
        _Source(info=catalogued_brown.INFO, entry="brown-pos", load=catalogued_brown.load),
        _Source(info=catalogued_spam.INFO, entry="spam-assassin", load=catalogued_spam.load),
    )
}


OF_NUMBERS = (catalogued_texts.RATINGS.name,)
"""Tasks whose labels are numbers."""


def catalogued_infos() -> tuple[TaskInfo, ...]:
    """Return what is known of every task that can be fetched, whether or not it is here."""
    return tuple(source.info for source in _SOURCES.values())


def entry_of(task_name: str) -> str:
    """Return the name of the catalogue's entry that carries a task.

    Raises:
        ConfigError: No entry carries such a task.
    """
    return _source(task_name).entry


def load_catalogued(name: str, split: SplitConfig, cache: Path) -> Task:
    """Read a fetched task; its files are held to their sums first.

    Args:
        name: As in `catalogued_infos`.
        split: How its items are divided.
        cache: Where fetched things lie.

    Raises:
        ConfigError: There is no such task.
        ModelError: Its entry was not fetched, or is damaged; the message says what to type.
        DataError: Its items cannot be divided so.
    """
    source = _source(name)
    entry = catalog.entry(source.entry)
    path = verify(entry, cache)
    # What is kept as it came is one file; its reader opens that.
    whole = entry.members[0] if entry.members[0].path == "" else None
    return source.load(path / whole.name if whole else path, split)


def _source(name: str) -> _Source:
    if name not in _SOURCES:
        raise ConfigError(
            f"There is no task {name!r} to fetch: choose one of {', '.join(_SOURCES)}.", "task"
        )
    return _SOURCES[name]
