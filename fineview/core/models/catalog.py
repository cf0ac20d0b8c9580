"""What can be had without a network, where it lies, and what its files must be."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fineview.core.errors import ModelError
from fineview.resources import resource

Kind = Literal["encoder", "language model", "word vectors", "data"]
Sum = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Entry(BaseModel):
    """One thing that can be had.

    Attributes:
        name: Name in spec files.
        title: Name on screen.
        kind: What it is.
        size_bytes: Size of the files named in `files`.
        licence: Terms, as declared.
        source: One sentence: the package, and what it carries.
        distribution: Package that holds it; found by its metadata, never imported.
        requirement: What pip is asked for where the package is missing.
        path: Folder or file inside the distribution.
        files: sha256 of each file, by its path below `path`; "" is `path` itself.
        warning: What one should know before trusting it, or "".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    title: str
    kind: Kind
    size_bytes: Annotated[int, Field(gt=0)]
    licence: str
    source: str
    distribution: str
    requirement: str
    path: str
    files: Mapping[str, Sum]
    warning: str = ""


@cache
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


def locate(name: str) -> Path:
    """Return the folder or file of an entry, without reading it.

    Raises:
        ModelError: The name is unknown or its package is not installed; the message says what to
            type.
    """
    one = entry(name)
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
