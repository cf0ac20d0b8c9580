"""Studies: what several runs together are to tell, each kept as one file beside the runs."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fineview.core.errors import RunError, StoreError
from fineview.core.files import atomic_write, write_error
from fineview.core.runs.artefacts import hash_bytes
from fineview.core.runs.plain import dump_json, load_object
from fineview.core.runs.record import utc_now

FOLDER = "studies"
_FORMAT = 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One study as it stands.

    Attributes:
        study_id: Name of its file.
        kind: What it is: `compare`, `tasks`, …
        title: For people.
        created: UTC, ISO 8601.
        status: `running`, `finished`, `stopped` or `failed`; `interrupted` where a process died.
        asked: What is to be done, as JSON.
        found: What was measured so far, as JSON.
        text: One sentence on how it stands.
    """

    study_id: str
    kind: str
    title: str
    created: str
    status: str = "running"
    asked: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


class StudyStore:
    """The studies of one workspace; one thread writes a study, any may read."""

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace / FOLDER
        self._mine: set[str] = set()

    def create(self, study_id: str, kind: str, title: str, asked: Mapping[str, Any]) -> Study:
        """Begin a study.

        Args:
            study_id: A fresh name, as `RunStore.new_id` gives.
            kind: What it is.
            title: For people.
            asked: What is to be done, as JSON.

        Raises:
            StoreError: The disk is full or read-only.
        """
        study = Study(study_id=study_id, kind=kind, title=title, created=utc_now(), asked=asked)
        self.save(study)
        return study

    def save(self, study: Study) -> None:
        """Write a study, whole or not at all.

        Raises:
            StoreError: The disk is full or read-only; what was written before stands.
        """
        self._mine.add(study.study_id)  # a study that a process took up again is its own too
        values: dict[str, Any] = {"format": _FORMAT, **asdict(study)}
        values["sha256"] = hash_bytes(dump_json(values))
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise write_error(error, self._folder) from error
        atomic_write(self._folder / f"{study.study_id}.json", dump_json(values, indent=1))

    def read(self, study_id: str) -> Study:
        """Return a study.

        Raises:
            RunError: There is none of this name, or its file is damaged.
        """
        if not _ID.fullmatch(study_id):
            raise RunError(f"There is no study {study_id[:80]!r}: choose one from the list.")
        path = self._folder / f"{study_id}.json"
        try:
            values = load_object(path.read_bytes())
        except FileNotFoundError:
            raise RunError(f"There is no study {study_id!r}: choose one from the list.") from None
        except (OSError, ValueError) as error:
            raise RunError(f"The study {path} cannot be read ({error}): delete it.") from None
        known = values.pop("sha256", None) == hash_bytes(dump_json(values))
        if not known or values.pop("format", None) != _FORMAT:
            raise RunError(f"The study {path} is not what was written: delete it.")
        try:
            study = Study(**values)
        except TypeError as error:
            raise RunError(f"The study {path} cannot be read ({error}): delete it.") from None
        if study.status == "running" and study_id not in self._mine:
            return replace(study, status="interrupted")
        return study

    def list(self, kind: str = "") -> tuple[Study, ...]:
        """Return the studies that can be read, newest first; of one kind where it is given."""
        found = []
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            try:
                study = self.read(path.stem)
            except RunError:
                continue
            if not kind or study.kind == kind:
                found.append(study)
        return tuple(found)

    def delete(self, study_id: str) -> Study:
        """Delete a study's file; return it, so that it can be saved again.

        Raises:
            RunError: There is none.
            StoreError: The disk is read-only.
        """
        study = self.read(study_id)
        try:
            (self._folder / f"{study_id}.json").unlink()
        except OSError as error:
            raise StoreError(f"The study {study_id} cannot be deleted: {error.strerror}.") from None
        return study
