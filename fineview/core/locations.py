"""Where fineview keeps its files: runs in the workspace, what can be made again in the cache."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Locations:
    """The two folders that fineview writes to.

    Attributes:
        workspace: Runs, the session, the trash: the user's work.
        cache: Hidden states and other results that can be computed again.
    """

    workspace: Path
    cache: Path

    @classmethod
    def find(cls, workspace: Path | None = None) -> "Locations":
        """Choose the folders.

        Args:
            workspace: Wins over FINEVIEW_WORKSPACE, which wins over the platform's own place.
        """
        chosen = workspace or _from_environment("FINEVIEW_WORKSPACE")
        cache = _from_environment("FINEVIEW_CACHE")
        return cls(
            workspace=(chosen or Path(platformdirs.user_data_dir("fineview", False))).absolute(),
            cache=(cache or Path(platformdirs.user_cache_dir("fineview", False))).absolute(),
        )


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name, "").strip()
    return Path(value).expanduser() if value else None
