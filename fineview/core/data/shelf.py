"""Every task there is at the moment: bundled, fetched, and the user's own."""

from fineview.core.data import bundled, catalogued
from fineview.core.data.library import TaskLibrary
from fineview.core.data.sample import sampled
from fineview.core.data.split import SplitConfig
from fineview.core.data.task import LabelKind, Task, TaskInfo
from fineview.core.errors import ConfigError
from fineview.core.locations import Locations
from fineview.core.models import catalog
from fineview.core.models.fetch import is_stored


class Shelf:
    """Finds tasks by name.

    Attributes:
        library: The user's own tasks.
    """

    def __init__(self, locations: Locations) -> None:
        """Remember the folders; nothing is read yet."""
        self._cache = locations.cache
        self._bundled = {info.name: info for info in bundled.task_infos()}
        self._catalogued = {info.name: info for info in catalogued.catalogued_infos()}
        self.library = TaskLibrary(
            locations.workspace / "tasks", reserved={*self._bundled, *self._catalogued}
        )

    def infos(self) -> tuple[TaskInfo, ...]:
        """Return the tasks that can be used now: bundled, own, fetched."""
        fetched = [
            info
            for name, info in self._catalogued.items()
            if is_stored(catalog.entry(catalogued.entry_of(name)), self._cache)
        ]
        return (*self._bundled.values(), *self.library.infos(), *fetched)

    def info(self, name: str) -> TaskInfo:
        """Return what is known of a task, whether or not it can be used now.

        Raises:
            ConfigError: There is no such task; the message names those there are.
        """
        known = self._bundled.get(name) or self._catalogued.get(name)
        if known is not None:
            return known
        for info in self.library.infos():
            if info.name == name:
                return info
        raise self._unknown(name)

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns that an own task's texts came from (text, second), else nothing."""
        return self.library.columns(name) if self.library.holds(name) else ()

    def label_kind(self, name: str) -> LabelKind:
        """Return whether a task's labels are classes or numbers, without reading its texts.

        Raises:
            DataError: Its file is damaged.
        """
        if self.library.holds(name):
            return self.library.label_kind(name)
        return "number" if name in catalogued.OF_NUMBERS else "class"

    def load(self, name: str, split: SplitConfig = SplitConfig()) -> Task:
        """Read a task, or the sample of it that the split asks for.

        Raises:
            ConfigError: There is no such task.
            DataError: Its file is damaged, or cannot be split so.
            ModelError: It has to be fetched first; the message says how.
        """
        if name in self._bundled:
            task = bundled.load_task(name, split)
        elif name in self._catalogued:
            task = catalogued.load_catalogued(name, split, self._cache)
        elif self.library.holds(name):
            task = self.library.load(name, split)
        else:
            raise self._unknown(name)
        return sampled(task, split)

    def _unknown(self, name: str) -> ConfigError:
        names = ", ".join(info.name for info in self.infos())
        return ConfigError(f"There is no task {name!r}: choose one of {names}.", "task")
