"""One run as its folder tells it: the configuration, the line in the table, the whole record."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fineview.core.errors import ConfigError, FineviewError, RunError
from fineview.core.features.config import spell
from fineview.core.files import atomic_write
from fineview.core.runs.artefacts import damaged, hash_bytes, read_manifest, read_result
from fineview.core.runs.history import Tally, current
from fineview.core.runs.log import EVENTS, read_log
from fineview.core.runs.plain import dump_json, load_object
from fineview.core.runs.spec import RunSpec, spec_from_dict
from fineview.core.training.events import Event, RunStatus, SettingChanged

CONFIG = "config.json"
TITLE = "title.json"
CONFIG_FORMAT = 1
LONGEST_TITLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run's line in the table.

    Attributes:
        run_id: Name of its folder.
        title: The user's text, or what the run was given when it began; may hold any character.
        status: `running` only while this process writes it.
        task: Name of the task.
        encoder: Name of the encoder.
        pooling: Layers, mix and token pooling in words, layers as they were given.
        single_layer: The layer, as it was given, where the mix is `single`; else None.
        head: Kind of head.
        head_bytes: `head_bytes` of the result: what the task costs on disk.
        seed: The run's.
        created: UTC, ISO 8601, milliseconds.
        seconds: Time of the run; None while it has not ended.
        step: Steps done.
        total_steps: Steps of all epochs, 0 while unknown.
        metric: What the figures below are: `accuracy`, or `spearman` where labels are numbers.
        accuracy: On the validation split, of the newest evaluation; share in 0 … 1 or rank
            correlation in -1 … 1.
        train_accuracy: The same on the training split.
        test_accuracy: `test_accuracy` of the result.
        interval: `interval` of the result: 95 % bounds of the figure on the test split.
        resumable: Whether `RunStore.resume` takes it.
        reason: Why it is damaged, or what was left out; may be empty.
        text: The sentence with which it ended; may be empty.
    """

    run_id: str
    title: str
    status: RunStatus
    task: str = ""
    encoder: str = ""
    pooling: str = ""
    single_layer: int | None = None
    head: str = ""
    head_bytes: int | None = None
    seed: int = 0
    created: str = ""
    seconds: float | None = None
    step: int = 0
    total_steps: int = 0
    metric: str = "accuracy"
    accuracy: float | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    interval: tuple[float, float] | None = None
    resumable: bool = False
    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything a run has left, but its tensors.

    Attributes:
        folder: Where it is.
        spec: What was asked.
        environment: Versions, device and hashes as the run wrote them.
        events: Those that still hold, in the order of writing.
        bad_lines: Damaged lines of the log that were left out.
        result: What the run measured; None if it has not ended or the file is damaged.
        summary: The run's line in the table.
    """

    folder: Path
    spec: RunSpec
    environment: Mapping[str, Any]
    events: tuple[Event, ...]
    bad_lines: int
    result: Mapping[str, Any] | None
    summary: RunSummary

    @property
    def latest_spec(self) -> RunSpec:
        """The spec with the settings that were changed while the run was in flight."""
        changed = {e.name: e.new for e in self.events if isinstance(e, SettingChanged)}
        return replace(self.spec, training=self.spec.training.with_live(changed))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """config.json: written before anything else, never changed.

    Attributes:
        title: The title at the beginning.
        created: UTC, ISO 8601.
        spec: The run spec as JSON.
        environment: As the caller gave it.
    """

    title: str
    created: str
    spec: Mapping[str, Any]
    environment: Mapping[str, Any]


def utc_now() -> str:
    """Return the time as UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_config(folder: Path, config: RunConfig) -> None:
    """Write config.json with a checksum of its own.

    Raises:
        StoreError: The disk is full or read-only.
    """
    values: dict[str, object] = {
        "format": CONFIG_FORMAT,
        "title": config.title,
        "created": config.created,
        "spec": config.spec,
        "environment": config.environment,
    }
    values["sha256"] = hash_bytes(dump_json(values))
    atomic_write(folder / CONFIG, dump_json(values, indent=1))


def read_config(folder: Path) -> RunConfig:
    """Read config.json.

    Raises:
        RunError: It is missing, damaged or of a newer version.
    """
    file = folder / CONFIG
    try:
        values = load_object(file.read_bytes())
    except OSError as error:
        raise damaged(file, error.strerror or "unreadable") from None
    except ValueError as error:
        raise damaged(file, f"no JSON: {error}") from None
    if values.pop("sha256", None) != hash_bytes(dump_json(values)):
        raise damaged(file, "its content is not what was written")
    if values.get("format") != CONFIG_FORMAT:
        raise RunError(
            f"The run {folder.name} has format {values.get('format')}; this fineview reads "
            f"{CONFIG_FORMAT}: install the newer fineview that wrote it."
        )
    names = ("title", "created", "spec", "environment")
    title, created, spec, environment = (values.get(name) for name in names)
    if not isinstance(spec, dict) or not isinstance(environment, dict):
        raise damaged(file, "the spec or the environment is missing")
    return RunConfig(title=str(title), created=str(created), spec=spec, environment=environment)


def write_title(folder: Path, title: str) -> None:
    """Keep a title that the user gave later.

    Raises:
        RunError: It is longer than a title.
        StoreError: The disk is full or read-only.
    """
    check_title(title)
    atomic_write(folder / TITLE, dump_json({"title": title}))


def check_title(title: str) -> None:
    """Refuse what is longer than a title; any character is welcome.

    Raises:
        RunError: It is longer.
    """
    if len(title) > LONGEST_TITLE:
        raise RunError(
            f"A title of {len(title):,} characters is too long: use at most {LONGEST_TITLE:,}."
        )


def read_title(folder: Path, otherwise: str) -> str:
    """Return the title that the user gave, or `otherwise`."""
    try:
        title = load_object((folder / TITLE).read_bytes()).get("title")
    except (OSError, ValueError):
        return otherwise  # the run matters more than its name
    return title if isinstance(title, str) else otherwise


def summarise(folder: Path) -> RunSummary:
    """Return the line of a run that nobody is writing; what is wrong with it becomes its reason."""
    try:
        config = read_config(folder)
        log = read_log(folder / EVENTS, steps=False)
    except FineviewError as error:
        return RunSummary(
            run_id=folder.name,
            title=read_title(folder, ""),
            status="damaged",
            created=_created_from_name(folder.name),
            reason=str(error),
        )
    return _summary(folder, config, Tally(log.events), log.bad_lines)


def running_summary(folder: Path, config: RunConfig, tally: Tally) -> RunSummary:
    """Return the line of a run that this process is writing."""
    return RunSummary(
        **_described(folder, config), **_measured(tally), status="running", resumable=False
    )


def _summary(folder: Path, config: RunConfig, tally: Tally, bad: int) -> RunSummary:
    status: RunStatus = tally.ended.status if tally.ended else "interrupted"
    reasons = [_lines_left_out(bad)] if bad else []
    result: Mapping[str, Any] | None = None
    if tally.ended:
        try:
            result = read_result(folder)
            if result is None and status == "finished" and read_manifest(folder) is None:
                raise damaged(folder / "MANIFEST.json", "missing")
        except RunError as error:
            status, reasons = "damaged", [str(error), *reasons]
    elif tally.checkpoint:
        reasons.insert(0, f"Interrupted; resuming goes on from step {tally.checkpoint:,}.")
    else:
        reasons.insert(0, "Interrupted before its first checkpoint; resuming starts over.")
    measured = _measured(tally)
    if result is not None and isinstance(result.get("metric"), str):
        measured["metric"] = result["metric"]
    return RunSummary(
        **_described(folder, config),
        **measured,
        status=status,
        test_accuracy=_number((result or {}).get("test_accuracy")),
        interval=_pair((result or {}).get("interval")),
        head_bytes=_whole((result or {}).get("head_bytes")),
        resumable=status in ("stopped", "interrupted"),
        reason=" ".join(reasons),
    )


def _lines_left_out(bad: int) -> str:
    if bad == 1:
        return "1 damaged line of its event log was left out."
    return f"{bad:,} damaged lines of its event log were left out."


def _described(folder: Path, config: RunConfig) -> dict[str, Any]:
    spec = config.spec
    head = spec.get("head")
    return {
        "run_id": folder.name,
        "title": read_title(folder, config.title),
        "created": config.created,
        "task": str(spec.get("task", "")),
        "encoder": str(spec.get("encoder", "")),
        "pooling": pooling_text(spec.get("pooling")),
        "single_layer": _single_layer(spec.get("pooling")),
        "head": str(head.get("kind", "")) if isinstance(head, dict) else "",
        "seed": spec["seed"] if isinstance(spec.get("seed"), int) else 0,
    }


def _measured(tally: Tally) -> dict[str, Any]:
    evaluation, ended = tally.evaluation, tally.ended
    return {
        "step": tally.step,
        "total_steps": tally.total_steps,
        "metric": "spearman" if evaluation and evaluation.spearman is not None else "accuracy",
        "accuracy": _number(evaluation.score) if evaluation else None,
        "train_accuracy": _number(evaluation.train_score) if evaluation else None,
        "seconds": _number(ended.seconds) if ended else None,
        "text": ended.text if ended else "",
    }


def read_record(folder: Path, summary: RunSummary | None = None) -> RunRecord:
    """Read a run.

    Args:
        folder: The run's.
        summary: Its line, if this process is writing the run.

    Raises:
        RunError: Its configuration is damaged.
        StoreError: Its log cannot be read.
    """
    config = read_config(folder)
    try:
        spec = spec_from_dict(config.spec, str(folder / CONFIG))
    except ConfigError as error:
        raise damaged(folder / CONFIG, str(error).rstrip(".")) from None
    log = read_log(folder / EVENTS)
    if summary is None:
        summary = _summary(folder, config, Tally(log.events), log.bad_lines)
    ended = summary.status not in ("running", "interrupted", "damaged")
    return RunRecord(
        folder=folder,
        spec=spec,
        environment=config.environment,
        events=current(log.events),
        bad_lines=log.bad_lines,
        result=read_result(folder) if ended else None,
        summary=summary,
    )


def pooling_text(pooling: object) -> str:
    """Return a pooling as JSON in words, for instance "Concat L−3, L−2, L−1, L · mean".

    `describe` of `core.features.config` needs the encoder's depth, which a spec does not know.
    """
    if not isinstance(pooling, dict):
        return ""
    layers = [layer for layer in pooling.get("layers") or () if isinstance(layer, int)]
    named = [spell(tuple(sorted({layer for layer in layers if layer >= 0})))]
    named += ["L" if layer == -1 else f"L−{-1 - layer}" for layer in sorted(layers) if layer < 0]
    mix = "Layer" if pooling.get("mix") == "single" else str(pooling.get("mix", "")).capitalize()
    return f"{mix} {', '.join(name for name in named if name)} · {pooling.get('tokens', '')}"


def _single_layer(pooling: object) -> int | None:
    if not isinstance(pooling, dict) or pooling.get("mix") != "single":
        return None
    layers = pooling.get("layers")
    return _whole(layers[0]) if isinstance(layers, list) and layers else None


def _created_from_name(name: str) -> str:
    """Return the time in the name of a folder whose configuration cannot be read."""
    try:
        when = datetime.strptime(name[:18] + "000", "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return ""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _pair(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    low, high = _number(value[0]), _number(value[1])
    return None if low is None or high is None else (low, high)
