"""From the lines of a log to the run as it stands: what a resume made void is left out."""

from collections.abc import Iterable

from fineview.core.training.events import (
    Checkpoint,
    Evaluation,
    Event,
    FeaturesReady,
    HeadCurve,
    LayerMoves,
    Reference,
    RunEnded,
    RunStarted,
    SettingChanged,
    Similarity,
    TrainStep,
)

_Key = tuple[object, ...]


class Tally:
    """What a summary needs to know of the events, kept up to date one by one.

    One thread adds; another may read the attributes at any time.

    Attributes:
        step: Steps done.
        total_steps: Steps that all epochs take together, 0 while unknown.
        checkpoint: Step of the newest checkpoint, 0 if there is none.
        evaluation: The newest evaluation.
        ended: How the run ended, None while it has not.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Start from the events so far."""
        self.step = 0
        self.total_steps = 0
        self.checkpoint = 0
        self.evaluation: Evaluation | None = None
        self.ended: RunEnded | None = None
        self._evaluations: list[Evaluation] = []
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        match event:
            case RunStarted():
                kept = [e for e in self._evaluations if e.step <= event.resumed_from]
                self._evaluations = kept
                self.evaluation = kept[-1] if kept else None
                self.step = self.checkpoint = event.resumed_from
                self.total_steps = event.total_steps or self.total_steps
                self.ended = None
            case Evaluation():
                self._evaluations.append(event)
                self.evaluation = event
                self.step = max(self.step, event.step)
            case TrainStep():
                self.step = max(self.step, event.step)
            case Checkpoint():
                self.checkpoint = event.step
            case RunEnded():
                self.step = max(self.step, event.step)
                self.ended = event


def current(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events that still hold, in the order of writing.

    After a resume the steps beyond the resume point did not happen; of two lines about the same
    step, reference or features the later one holds.
    """
    kept: dict[_Key, Event] = {}
    for number, event in enumerate(events):
        if isinstance(event, RunStarted) and kept:
            kept = _until(kept, event.resumed_from)
        key = _key(event, number)
        kept.pop(key, None)  # so that the later line also takes the later place
        kept[key] = event
    return tuple(kept.values())


def until(events: Iterable[Event], step: int) -> tuple[Event, ...]:
    """Return what a run that branches off at a step shares with another, in order."""
    kept: dict[_Key, Event] = {}
    for number, event in enumerate(events):
        kept[_key(event, number)] = event
    shared = _until(kept, step).values()
    return tuple(e for e in shared if not isinstance(e, RunStarted | Checkpoint | Reference))


def _key(event: Event, number: int) -> _Key:
    match event:
        case TrainStep() | Evaluation() | Checkpoint() | LayerMoves() | Similarity():
            return type(event), event.step
        case Reference():
            return Reference, event.name
        case FeaturesReady() | HeadCurve() | RunEnded():
            return (type(event),)
    return type(event), number


def _until(kept: dict[_Key, Event], step: int) -> dict[_Key, Event]:
    """Return what stays when the run goes on from the checkpoint at `step`."""
    rest: dict[_Key, Event] = {}
    reached = step == 0
    for key, event in kept.items():
        if isinstance(event, Checkpoint) and event.step == step:
            reached = True
        match event:
            case RunEnded():
                continue
            case TrainStep() | Evaluation() | Checkpoint() | LayerMoves() | Similarity():
                void = event.step > step
            case SettingChanged():  # changed after the checkpoint: it was not in what was loaded
                void = event.step > step or (event.step == step and reached)
            case _:
                void = False
        if not void:
            rest[key] = event
    return rest
