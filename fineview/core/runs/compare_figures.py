"""What of one run goes into its row of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

RunStanding = Literal["waiting", "running", "finished", "diverged", "failed", "refused", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What of one run goes into its row.

    Attributes:
        arm: Key of its row.
        seed: Its seed.
        run_id: Name of its folder; "" while there is none.
        status: How it stands; `refused` is a run that could not begin.
        text: The sentence with which it ended.
        test: Accuracy, or rank correlation, on the test split; None where it was not measured.
        interval: 95 % interval of `test` over the test items.
        items: Test items.
        train: The same on the training split (where the encoder is trained: on a sample of it).
        parameters: Weights that moved.
        own_bytes: Bytes of what the run alone has to keep: head and moved weights.
        shared_bytes: Bytes of what stood still, and serves other tasks as it is.
        seconds: Time of the run, but for the computation of features.
        features_seconds: Time of that; 0 where they were in the store.
        peak_bytes: Most memory above what the process held before; None where nobody looked.
        cka: Similarity of the last layer to what it was before, 1 = the same.
        distance: Euclidean distance of the last block's weights from where they began.
        shifted: `test` on a second test set, where the spec names one.
        majority: Test accuracy of the commonest class.
        tfidf: Test accuracy of TF-IDF → SVD → logistic regression on the same rows.
    """

    arm: str
    seed: int
    run_id: str = ""
    status: RunStanding = "waiting"
    text: str = ""
    test: float | None = None
    interval: tuple[float, float] | None = None
    items: int = 0
    train: float | None = None
    parameters: int | None = None
    own_bytes: int | None = None
    shared_bytes: int | None = None
    seconds: float | None = None
    features_seconds: float = 0.0
    peak_bytes: int | None = None
    cka: float | None = None
    distance: float | None = None
    shifted: float | None = None
    majority: float | None = None
    tfidf: float | None = None


def figures_of(run: RunFigures, result: Mapping[str, Any], features_seconds: float) -> RunFigures:
    """Return a run's figures with what its result.json tells."""
    test, references = result.get("test") or {}, result.get("references") or {}
    frozen, train = result.get("frozen_parameters"), (result.get("train") or {}).get("accuracy")
    cka: Sequence[object] = result.get("cka") or ()
    distances: Sequence[object] = result.get("distances") or ()
    interval = test.get("interval")
    whole = _number(result.get("seconds"))
    shift = result.get("shift") or {}
    return replace(
        run,
        status="finished" if result.get("status") == "finished" else "diverged",
        text=str(result.get("text", "")),
        test=_number(result.get("test_accuracy")),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
        items=int(test.get("items") or 0),
        train=_number(train),
        parameters=_whole(result.get("trained_parameters")),
        own_bytes=_whole(result.get("head_bytes")),
        shared_bytes=None if frozen is None else 4 * int(frozen),
        seconds=None if whole is None else max(whole - features_seconds, 0.0),
        features_seconds=features_seconds,
        peak_bytes=_whole(result.get("peak_bytes")),
        cka=_number(cka[-1]) if cka else None,
        distance=_number(distances[-2]) if len(distances) >= 2 else None,
        shifted=_number(shift.get("accuracy", shift.get("spearman"))),
        majority=_number((references.get("majority") or {}).get("test_accuracy")),
        tfidf=_number((references.get("tfidf") or {}).get("test_accuracy")),
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
