"""Where each entry of the catalogue is, and what would be run to have it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fineview.core.data import bundled, catalogued
from fineview.core.data.task import TaskInfo
from fineview.core.errors import ModelError
from fineview.core.models import catalog, fetch
from fineview.core.models.catalog import Entry, Kind
from fineview.core.progress import SILENT, Report
from fineview.ui.widgets.format import bytes_text
from fineview.ui.widgets.tinted_label import Tone

GROUPS: dict[Kind, str] = {
    "encoder": "Encoders",
    "data": "Data",
    "word vectors": "Word vectors",
    "language model": "Language models",
}
_BUNDLED = {
    "google-analogies": (bundled.WORD_RELATIONS,),
    "lee-news": (bundled.CAPITALS, bundled.SENTENCE_ORDER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Where one entry is.

    Attributes:
        state: `installed` with fineview, `stored` by a download, `absent`, or `broken`: its
            package should be installed and is not.
        size: Bytes on disk, or that it will take there.
        download_bytes: Bytes that a download brings; 0 where there is none to make.
        place: Folder or file of it, also before it is there.
        command: What a download runs, as a person would type it; "" where there is none.
        problem: Why it is broken.
    """

    state: Literal["installed", "stored", "absent", "broken"]
    size: int
    download_bytes: int
    place: str
    command: str
    problem: str = ""

    @property
    def here(self) -> bool:
        """Return whether it can be used now."""
        return self.state in ("installed", "stored")

    @property
    def can_fetch(self) -> bool:
        """Return whether it can be downloaded from here."""
        return self.state == "absent"

    @property
    def can_remove(self) -> bool:
        """Return whether its files are ours to delete."""
        return self.state == "stored"

    @property
    def words(self) -> str:
        """Return the state for a row of the list."""
        return {
            "installed": "installed with fineview",
            "stored": f"stored, {bytes_text(self.size)}",
            "absent": "not here",
            "broken": "missing",
        }[self.state]

    @property
    def sentence(self) -> str:
        """Return the state for the heading."""
        return {
            "installed": "Installed with fineview; nothing to download.",
            "stored": f"On this machine, {bytes_text(self.size)}.",
            "absent": "Not on this machine.",
            "broken": self.problem,
        }[self.state]

    @property
    def tone(self) -> Tone:
        """Return how the state is meant."""
        return "bad" if self.state == "broken" else "good" if self.here else "quiet"

    @property
    def sizes(self) -> str:
        """Return both sizes."""
        kept = f"{bytes_text(self.size)} on disk"
        if self.state == "absent" and self.download_bytes:
            return f"{bytes_text(self.download_bytes)} to download, {kept} afterwards"
        return kept


def find(cache: Path, report: Report = SILENT) -> dict[str, Presence]:
    """Look for every entry; reads no file of it, so a second at most.

    Args:
        cache: The folder of what can be had again.
        report: Stops it.
    """
    found = {}
    for entry in catalog.entries():
        report.check()
        installed = entry.origin == "installed"
        found[entry.name] = _installed(entry) if installed else _fetched(entry, cache)
    return found


def tasks_in(name: str) -> tuple[TaskInfo, ...]:
    """Return the tasks that are made from an entry."""
    made = tuple(
        info for info in catalogued.catalogued_infos() if catalogued.entry_of(info.name) == name
    )
    return _BUNDLED.get(name, ()) + made


def comes_from(entry: Entry) -> str:
    """Return the packages and their versions, as a person would name them."""
    if entry.origin == "installed":
        return f"{entry.requirement} (with fineview, by pip)"
    index = {"wheel": "PyPI, wheel", "sdist": "PyPI, source archive", "npm": "npm"}[entry.origin]
    names = [archive.requirement for archive in entry.archives]
    if len(names) > 2:
        return f"{names[0]} … {names[-1]}, {len(names)} packages ({index})"
    return f"{' and '.join(names)} ({index})"


def _installed(entry: Entry) -> Presence:
    try:
        place, problem = str(catalog.locate(entry.name)), ""
    except ModelError as error:
        place, problem = "", str(error)
    return Presence(
        state="broken" if problem else "installed",
        size=entry.size_bytes,
        download_bytes=0,
        place=place,
        command="",
        problem=problem,
    )


def _fetched(entry: Entry, cache: Path) -> Presence:
    stored = fetch.is_stored(entry, cache)
    return Presence(
        state="stored" if stored else "absent",
        size=fetch.stored_bytes(entry, cache) if stored else entry.size_bytes,
        download_bytes=entry.download_bytes,
        place=str(fetch.destination(entry, cache)),
        command=fetch.command_text(entry),
    )
