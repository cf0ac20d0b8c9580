"""What pip and npm are asked, and what their refusals mean."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineview.core.errors import FineviewError, ModelError
from fineview.core.files import disk_full
from fineview.core.models.catalog import Archive, Entry, Origin
from fineview.core.models.fetch_child import Finished, run_child

_PIP = (
    *("-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"),
    *("--no-input", "--quiet", "--progress-bar=off", "--retries=2", "--require-hashes"),
    "--ignore-requires-python",  # it is only unpacked, never run
)
_NPM = (
    *("pack", "--ignore-scripts", "--no-update-notifier", "--loglevel=error"),
    # npm's own patience is more than a minute without a network.
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"),
)
_UNWANTED = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PIP_REQUIREMENT", "PIP_REPORT", "PIP_LOG")

# pip asks a source archive for its metadata, which runs the archive's own setup.py, and first
# brings the newest setuptools, unpinned, for that. This stands in for setuptools and answers with
# what was asked for: no line of the archive is run, and nothing but the archive is downloaded.
_STAND_IN = """\
import pathlib
import sys

NAME, VERSION = {name!r}, {version!r}
__legacy__ = sys.modules[__name__]


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory, f"{{NAME}}-{{VERSION}}.dist-info")
    folder.mkdir()
    text = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    (folder / "METADATA").write_text(text, encoding="utf-8")
    return folder.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The programs that download: a Python that has pip, and npm (a name or a path)."""

    python: str = sys.executable
    npm: str = "npm"


def command_text(entry: Entry) -> str:
    """Return what is run to fetch an entry, as a person would type it; one line an archive."""
    if entry.origin == "installed":
        return f'python -m pip install "{entry.requirement}"'
    start = {
        "wheel": "python -m pip download --no-deps --only-binary=:all: --require-hashes",
        "sdist": "python -m pip download --no-deps --no-binary=:all: --require-hashes",
        "npm": "npm pack --ignore-scripts",
    }[entry.origin]
    return "\n".join(f"{start} {archive.requirement}" for archive in entry.archives)


def download(
    entry: Entry, archive: Archive, folder: Path, tools: Tools, watch: Callable[[], None]
) -> Path:
    """Bring one archive from the package index that pip or npm is set to use.

    Args:
        entry: What it belongs to.
        archive: What is asked for.
        folder: An empty folder; all that the tool writes stays below it.
        tools: The programs.
        watch: Called ten times a second; may raise to stop.

    Returns:
        The file. pip has held it to the pinned sum, npm only to the index's own.

    Raises:
        ModelError: The tool is missing, the index cannot be reached, no longer has it, or serves
            another file.
        StoreError: The disk is full.
    """
    into = folder / "out"
    for name in ("out", "tmp"):
        (folder / name).mkdir()
    if entry.origin == "npm":
        program, arguments = _npm_program(entry, tools), _npm_arguments(archive, folder, into)
    else:
        program, arguments = tools.python, _pip_arguments(entry.origin, archive, folder, into)
    try:
        done = run_child([program, *arguments], folder, _environment(entry.origin, folder), watch)
    except OSError as error:
        raise ModelError(
            f"{entry.title} cannot be fetched: {program} cannot be started "
            f"({error.strerror or error}); install fineview again."
        ) from error
    files = list(into.iterdir())
    if done.status == 0 and len(files) == 1 and files[0].is_file():
        return files[0]
    raise explain(entry, archive, done, folder)


def _pip_arguments(origin: Origin, archive: Archive, folder: Path, into: Path) -> list[str]:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    kind = ["--only-binary=:all:"]
    if origin == "sdist":
        kind = ["--no-binary=:all:", "--no-build-isolation", "--use-pep517"]
        name, _, version = archive.requirement.partition("==")
        stand_in = folder / "stand-in" / "setuptools"
        stand_in.mkdir(parents=True)
        (stand_in / "__init__.py").touch()
        (stand_in / "build_meta.py").write_text(
            _STAND_IN.format(name=name, version=version), encoding="utf-8"
        )
    return [*_PIP, *kind, "--dest", str(into), "--requirement", str(wanted)]


def _npm_arguments(archive: Archive, folder: Path, into: Path) -> list[str]:
    places = ["--cache", str(folder / "tmp"), "--pack-destination", str(into)]
    return [*_NPM, *places, "--", archive.requirement]


def _npm_program(entry: Entry, tools: Tools) -> str:
    # On Windows npm is a .cmd file, which only its full path starts.
    found = shutil.which(tools.npm)
    if found is None:
        raise ModelError(
            f"{entry.title} cannot be fetched: npm is not on this machine or not on PATH; install "
            f"Node.js, which brings it, and try again."
        )
    return found


def _environment(origin: Origin, folder: Path) -> dict[str, str]:
    values = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    for name in ("TMPDIR", "TEMP", "TMP"):
        values[name] = str(folder / "tmp")
    if origin == "sdist":
        values["PYTHONPATH"] = str(folder / "stand-in")
    return values


def explain(entry: Entry, archive: Archive, done: Finished, folder: Path) -> FineviewError:
    """Return what a tool's refusal means, as one sentence with a remedy."""
    text = done.text
    tool = "npm" if entry.origin == "npm" else "pip"
    start = f"{entry.title} cannot be fetched: "
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text):
            if meaning == "full":
                return disk_full(folder.parent.parent, archive.size_bytes)
            return ModelError(start + meaning.format(tool=tool, wanted=archive.requirement))
    lines = [line.strip() for line in text.splitlines() if _worth_reading(line)]
    last = lines[-1][:200] if lines else f"it ended with status {done.status}"
    return ModelError(f"{start}{tool} failed ({last}); try again, or update {tool}.")


def _worth_reading(line: str) -> bool:
    line = line.strip()
    return bool(line) and not re.match(
        r"\[notice\]|npm error( at | A complete log|\s*$)|WARNING: Location", line
    )


# In this order: a full disk also breaks a connection, and without a network pip says at last that
# there is no such version.
_MEANINGS = (
    (r"No space left on device|Errno 28|ENOSPC|Errno 122|EDQUOT", "full"),
    (
        r"No module named pip\b",
        "this Python has no pip; bring it with `python -m ensurepip --upgrade` and try again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|HashMismatch|EINTEGRITY",
        "the package index serves another file for {wanted} than the pinned one, so it was refused "
        "and deleted; check which index {tool} is set to use, and try again.",
    ),
    (
        r"connection broken by|NewConnectionError|Max retries exceeded|ConnectTimeout|"
        r"ReadTimeout|Read timed out|ProxyError|SSLError|Temporary failure in name resolution|"
        r"npm error code (ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ENET\w+|EHOST\w+)|"
        r"npm error code (ERR_SOCKET_TIMEOUT|CERT_\w+|SELF_SIGNED\w*|UNABLE_TO\w+)",
        "the package index cannot be reached; check the network and {tool}'s proxy settings, and "
        "try again.",
    ),
    (
        r"from versions: none",
        "the package index has no file for {wanted}, or cannot be reached; check the network and "
        "which index {tool} is set to use.",
    ),
    (
        r"No matching distribution found|npm error code (ETARGET|E404)",
        "the package index no longer has {wanted}; check which index {tool} is set to use, or "
        "update fineview.",
    ),
    (
        r"no such option|unrecognized option|npm error code EUSAGE",
        "this {tool} is too old; update it and try again.",
    ),
)
