"""Finds the files of `resources/`, in a wheel and in an editable install alike."""

from functools import cache
from pathlib import Path


@cache
def resources_dir() -> Path:
    """Return the folder that holds the catalogue, icons and texts.

    A wheel carries it inside the package; an editable install leaves it beside the package.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "resources", package.parent / "resources"):
        if (folder / "catalog.toml").is_file():
            return folder
    raise FileNotFoundError(
        f"fineview's resources are missing beside {package}: install fineview again."
    )


def resource(*parts: str) -> Path:
    """Return the path of one resource, for instance `resource("icons", "train.svg")`.

    Raises:
        FileNotFoundError: There is no such resource.
    """
    path = resources_dir().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"The resource {'/'.join(parts)} is missing: install fineview again."
        )
    return path
