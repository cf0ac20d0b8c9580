"""The event log: what was acknowledged is read again, whatever happens to its neighbours."""

import json
import math
import random
import zlib
from dataclasses import asdict

import pytest

from fineview.core.errors import RunError
from fineview.core.runs.history import Tally, current
from fineview.core.runs.log import EventLog, read_log
from fineview.core.training.events import (
    EVENT_TYPES,
    Checkpoint,
    Evaluation,
    FeaturesReady,
    HeadCurve,
    LayerMoves,
    LayerWeights,
    Notice,
    Reference,
    RunEnded,
    RunStarted,
    SettingChanged,
    Similarity,
    TrainStep,
)
from tests.core.runs_support import ended, evaluation, step

EVENTS = (
    LayerWeights(step=3, layers=(0, 4), weights=(0.25, 0.75)),
    RunStarted(run_id="ä\n\t\ud800", total_steps=9),
    FeaturesReady(cached=True, items=3, seconds=0.25, truncated=1, dropped_words=2),
    evaluation(0),
    step(1, loss=0.1 + 0.2),
    SettingChanged(step=1, name="learning_rate", old=0.1, new=1e-300),
    Reference(name="majority", accuracy=0.19, note="tab\there"),
    Checkpoint(step=1),
    step(2, loss=5e-324),
    LayerMoves(step=2, names=("layer 1", "head"), gradient_norms=(0.0, 1e-9), distances=(0.5, 2.0)),
    Similarity(step=2, cka=(1.0, 0.1 + 0.2)),
    HeadCurve(
        over="k", measure="accuracy", at=(1.0, 3.0), train=(), validation=(0.5, 0.75), chosen=3.0
    ),
    Notice(step=2, text="out of memory: „halved“"),
    ended("stopped", 2),
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    for event in EVENTS:
        log.append(event)
    log.close()
    return path


def test_every_kind_of_event_comes_back_as_it_was(path):
    contents = read_log(path)
    assert contents.events == EVENTS
    assert {type(event).__name__ for event in EVENTS} == set(EVENT_TYPES)
    assert (contents.bad_lines, contents.last_seq) == (0, len(EVENTS))
    assert contents.size == path.stat().st_size


def test_lines_are_strict_json_with_a_checksum(tmp_path):
    log = EventLog(tmp_path / "log")
    log.append(step(1, loss=math.nan))
    log.append(step(2, loss=-math.inf))
    log.close()

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    lines = (tmp_path / "log").read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        body, crc = line.split(b"\t")
        values = json.loads(body, parse_constant=refuse)
        assert (values["seq"], values["type"], values["loss"]) == (number, "TrainStep", None)
        assert len(crc) == 8
    assert all(math.isnan(event.loss) for event in read_log(tmp_path / "log").events)


def test_a_line_is_in_the_file_when_append_returns(tmp_path):
    log = EventLog(tmp_path / "log")
    for number, event in enumerate(EVENTS, 1):
        log.append(event)
        assert read_log(tmp_path / "log").events == EVENTS[:number]
    log.close()


def test_a_torn_last_line_is_ignored_and_cut_off_on_resume(path):
    data = path.read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(data)):
        path.write_bytes(data[:cut])
        contents = read_log(path)
        assert contents.events == EVENTS[:-1], cut
        assert (contents.bad_lines, contents.size) == (0, last)
    log = EventLog(path, seq=contents.last_seq, size=contents.size)
    log.append(step(3))
    log.close()
    again = read_log(path)
    assert again.events == (*EVENTS[:-1], step(3))
    assert (again.bad_lines, again.last_seq) == (0, len(EVENTS))


def test_a_flipped_byte_costs_its_line_and_no_other(path):
    """Every byte of every line in turn; a damaged newline costs no line at all."""
    data = path.read_bytes()
    line = 0
    for position, byte in enumerate(data):
        flipped = bytearray(data)
        flipped[position] = byte ^ random.Random(position).randrange(1, 256)
        path.write_bytes(flipped)
        contents = read_log(path)
        if byte == 0x0A:
            assert contents.events == EVENTS, position
            line += 1
        else:
            assert contents.events == EVENTS[:line] + EVENTS[line + 1 :], position
        # A flip that makes a newline leaves two halves.
        assert contents.bad_lines in ((1, 2) if flipped[position] == 0x0A else (1,)), position
        assert read_log(path, steps=False).bad_lines == contents.bad_lines
    assert line == len(EVENTS)


def test_any_bytes_can_be_read(tmp_path):
    dice = random.Random(7)
    path = tmp_path / "log"
    good = b"".join(bytes(f'{{"seq":1,"type":"{kind}"}}', "ascii") for kind in EVENT_TYPES)
    for _ in range(500):
        data = bytearray(good + dice.randbytes(dice.randrange(200)))
        for _ in range(dice.randrange(8)):
            data.insert(dice.randrange(len(data)), dice.choice(b"\t\n\r{}[]\x00\xff"))
        path.write_bytes(data)
        assert read_log(path).events == ()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"seq":1,"type":"Unknown"}',
        b'{"seq":1,"type":["TrainStep"]}',
        b'{"seq":true,"type":"Checkpoint","step":1}',
        b'{"seq":1,"type":"Checkpoint"}',
        b'{"seq":1,"type":"Checkpoint","step":1.5}',
        b'{"seq":1,"type":"Checkpoint","step":NaN}',
        b'{"seq":1,"type":"RunEnded","status":"odd","text":"","step":1,"seconds":1}',
        b'{"seq":1,"type":"RunEnded","status":"failed","text":"","step":1,"seconds":1%s}'
        % (b"0" * 400),
        b"\xff",
        b"5",
    ],
)
def test_a_line_with_a_right_sum_and_a_wrong_content_is_counted(path, body):
    with path.open("ab") as file:
        file.write(b"%b\t%08x\n" % (body, zlib.crc32(body)))
    contents = read_log(path)
    assert (contents.events, contents.bad_lines) == (EVENTS, 1)


def test_a_field_of_a_newer_version_is_left_out(path):
    body = b'{"seq":10,"type":"Checkpoint","step":4,"colour":"red"}'
    with path.open("ab") as file:
        file.write(b"%b\t%08x\n" % (body, zlib.crc32(body)))
    assert read_log(path).events == (*EVENTS, Checkpoint(step=4))


def test_the_short_reading_tells_a_summary_the_same(path):
    log = EventLog(path, seq=len(EVENTS), size=path.stat().st_size)
    for event in (RunStarted(run_id="x", resumed_from=1), *map(step, range(2, 500)), evaluation(9)):
        log.append(event)
    log.close()
    whole, short = read_log(path), read_log(path, steps=False)
    assert len(short.events) < 20 < len(whole.events)
    assert vars(Tally(short.events)) == vars(Tally(whole.events))
    assert short.size == whole.size


def test_a_closed_log_takes_no_event(tmp_path):
    log = EventLog(tmp_path / "log")
    log.close()
    log.close()
    with pytest.raises(RunError, match="resume it"):
        log.append(step(1))


def test_what_a_resume_made_void_is_left_out():
    changed = SettingChanged(step=2, name="learning_rate", old=0.1, new=0.2)
    late = SettingChanged(step=2, name="learning_rate", old=0.2, new=0.3)
    before = (
        RunStarted(run_id="r", total_steps=4),
        FeaturesReady(cached=False, items=1, seconds=9.0),
        evaluation(0),
        Reference(name="majority", accuracy=0.1),
        step(1),
        step(2),
        evaluation(2, accuracy=0.25),
        changed,
        Checkpoint(step=2),
        late,
        step(3, loss=9.0),
        evaluation(3),
        Checkpoint(step=3),
        ended("stopped", 3),
    )
    resumed = RunStarted(run_id="r", resumed_from=2, total_steps=4)
    ready = FeaturesReady(cached=True, items=1, seconds=0.0)
    after = (resumed, ready, Reference(name="majority", accuracy=0.2), step(3), ended(number=3))
    assert current(before + after) == (
        before[0],
        evaluation(0),
        step(1),
        step(2),
        evaluation(2, accuracy=0.25),
        changed,
        Checkpoint(step=2),
        *after,
    )
    tally = Tally((*before, resumed))
    assert (tally.step, tally.checkpoint, tally.ended) == (2, 2, None)
    assert tally.evaluation == evaluation(2, accuracy=0.25)


def test_a_run_that_starts_over_keeps_only_its_references():
    before = (RunStarted(run_id="r"), Reference(name="majority"), evaluation(0), step(1))
    again = RunStarted(run_id="r")
    changed = SettingChanged(step=0, name="learning_rate", old=0.1, new=0.2)
    kept = current((*before, changed, again, evaluation(0, accuracy=0.9)))
    assert kept == (before[0], before[1], again, evaluation(0, accuracy=0.9))


def test_later_line_of_the_same_step_holds():
    lines = [step(1), step(2, loss=3.0), step(2, loss=4.0), evaluation(2), evaluation(2, 0.9)]
    kept = current(lines)
    assert [asdict(event) for event in kept] == [
        asdict(step(1)),
        asdict(step(2, loss=4.0)),
        asdict(evaluation(2, 0.9)),
    ]
    assert [type(event) for event in kept] == [TrainStep, TrainStep, Evaluation]


def test_the_end_of_an_earlier_stop_is_not_the_end():
    events = [RunStarted(run_id="r"), step(1), ended("stopped", 1), RunStarted(run_id="r")]
    assert not [event for event in current(events) if isinstance(event, RunEnded)]
