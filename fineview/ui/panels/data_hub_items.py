"""What the hub page lists: repositories that were found, and snapshots that are stored."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fineview.ui.panels.data_catalogue_downloads import Download
from fineview.ui.widgets.catalogue_list import CatalogueRow
from fineview.ui.widgets.format import bytes_text, count_text, plural
from fineview.ui.widgets.tinted_label import Tone

if TYPE_CHECKING:
    from fineview.core.models import hub

FACTS = ("Kind", "Licence", "Downloads", "Changed", "Access", "Commit", "Size", "Files", "Kept in")
LITERAL = (
    ("Commit", "The exact state of the repository; a run's spec names it."),
    ("Kept in", "The folder of its files."),
)
_KINDS = {"model": "Encoder model", "dataset": "Data set"}
_MOST_FILES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A repository that a search or a look-up found.

    Attributes:
        kind: `model` or `dataset`.
        hit: What the search said, if there was one.
        plan: What the look-up said, if there was one.
    """

    kind: "hub.Kind"
    hit: "hub.HubHit | None" = None
    plan: "hub.HubPlan | None" = None

    @property
    def repo_id(self) -> str:
        """Return owner and name."""
        if self.plan is not None:
            return self.plan.repo_id
        return self.hit.repo_id if self.hit is not None else ""

    @property
    def key(self) -> str:
        """Return what names it in the list."""
        return f"{self.kind}:{self.repo_id}"

    @property
    def name(self) -> str:
        """Return what names the snapshot on this machine; "" while the commit is unknown."""
        return self.plan.name if self.plan is not None else ""

    @property
    def refusal(self) -> str:
        """Return why it cannot be downloaded, "" if it can."""
        return self.plan.refusal if self.plan is not None else ""

    def sentence(self, *, stored: bool) -> str:
        """Return its state for the heading."""
        if stored:
            return "On this machine, this very commit."
        if self.plan is None:
            return "Found on the hub; look it up to see what it holds."
        return "Not on this machine." if not self.refusal else "Cannot be downloaded."

    def row(self, download: Download | None, *, failed: bool, stored: bool) -> CatalogueRow:
        """Return its row of the list."""
        line, licence = "", "licence not declared"
        if self.hit is not None:
            line = f"{plural(self.hit.downloads, 'download')} in 30 days"
            line += f", {plural(self.hit.likes, 'like')}"
            line += f", changed {self.hit.updated[:10]}" if self.hit.updated else ""
            licence = self.hit.licence or licence
        size = ""
        if self.plan is not None:
            line = line or f"commit {self.plan.commit[:12]}, {plural(len(self.plan.files), 'file')}"
            licence = self.plan.licence or licence
            size = bytes_text(self.plan.total_bytes) if self.plan.total_bytes else ""
        gated = (self.plan or self.hit) is not None and self._gated
        words = "refused" if self.refusal else "gated" if gated else "on the hub"
        state, tone, share = _state(download, failed=failed, stored=stored, otherwise=words)
        return CatalogueRow(
            key=self.key,
            group="Found on the hub",
            title=self.repo_id,
            line=line,
            size=size,
            terms=licence,
            state=state,
            tone=tone,
            share=share,
        )

    def facts(self) -> dict[str, str]:
        """Return what stands at the right."""
        facts = dict.fromkeys(FACTS, "")
        facts["Kind"] = _KINDS[self.kind]
        facts["Access"] = "gated: its owner must let you in first" if self._gated else "open"
        if self.hit is not None:
            facts["Licence"] = self.hit.licence or "not declared"
            facts["Downloads"] = f"{count_text(self.hit.downloads)} in the last 30 days"
            facts["Changed"] = self.hit.updated[:10]
        if self.plan is not None:
            plan = self.plan
            facts["Licence"] = plan.licence or "not declared"
            facts["Commit"] = plan.commit
            facts["Size"] = bytes_text(plan.total_bytes)
            facts["Files"] = _file_lines([(file.path, file.size) for file in plan.files])
            facts["Kept in"] = str(plan.destination)
        return facts

    @property
    def _gated(self) -> bool:
        source = self.plan or self.hit
        return bool(source is not None and source.gated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot on this machine."""

    stored: "hub.HubStored"

    @property
    def kind(self) -> "hub.Kind":
        """Return `model` or `dataset`."""
        return self.stored.kind

    @property
    def repo_id(self) -> str:
        """Return owner and name."""
        return self.stored.repo_id

    @property
    def key(self) -> str:
        """Return what names it in the list."""
        return f"stored:{self.stored.name}"

    @property
    def name(self) -> str:
        """Return what names it in a run's spec."""
        return self.stored.name

    @property
    def refusal(self) -> str:
        """Return "": it is here."""
        return ""

    def sentence(self, *, stored: bool) -> str:  # noqa: ARG002 - as for Found
        """Return its state for the heading."""
        return f"On this machine, {bytes_text(self.stored.bytes)}."

    def row(self, download: Download | None, *, failed: bool, stored: bool) -> CatalogueRow:
        """Return its row of the list."""
        state, tone, share = _state(download, failed=failed, stored=stored, otherwise="")
        return CatalogueRow(
            key=self.key,
            group="On this machine",
            title=self.repo_id,
            line=f"commit {self.stored.commit[:12]}",
            size=bytes_text(self.stored.bytes),
            terms="",
            state=state,
            tone=tone,
            share=share,
        )

    def facts(self) -> dict[str, str]:
        """Return what stands at the right."""
        facts = dict.fromkeys(FACTS, "")
        facts["Kind"] = _KINDS[self.kind]
        facts["Commit"] = self.stored.commit
        facts["Size"] = bytes_text(self.stored.bytes)
        facts["Kept in"] = str(self.stored.folder)
        return facts


Item = Found | Kept


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a snapshot, in order of their names."""
    return sorted(path for path in folder.rglob("*.parquet") if path.is_file())


def _state(
    download: Download | None, *, failed: bool, stored: bool, otherwise: str
) -> tuple[str, Tone, float | None]:
    if download is not None:
        return download.state_words(), "busy", download.share
    if failed:
        return "failed", "bad", None
    if stored:
        return "stored", "good", None
    return otherwise, "quiet", None


def _file_lines(files: list[tuple[str, int]]) -> str:
    lines = [f"{path}, {bytes_text(size)}" for path, size in files[:_MOST_FILES]]
    if len(files) > _MOST_FILES:
        lines.append(f"… and {len(files) - _MOST_FILES} more")
    return "\n".join(lines)
