"""One state, one undo stack, one file."""

import json

import pytest

from fineview.core.errors import ConfigError
from fineview.core.features.config import PoolingConfig
from fineview.ui.session import Session, SessionState


@pytest.fixture
def session(qapp, tmp_path):
    return Session(tmp_path / "session.json")


def test_undo_and_redo_are_that_value_old_and_new(session):
    seen = []
    session.changed.connect(lambda new, old: seen.append((new, old)))
    before = session.state
    session.edit_training("Change rate", learning_rate=0.5)
    session.edit_pooling("Choose layers", PoolingConfig(layers=(2,)))
    after = session.state
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.state == before
    session.undo_stack.redo()
    session.undo_stack.redo()
    assert session.state == after
    assert len(seen) == 6
    assert all(new != old for new, old in seen)


def test_turning_one_knob_is_one_undo(session):
    for value in (0.2, 0.3, 0.4):
        session.edit_training("Change rate", learning_rate=value)
    session.edit_training("Change epochs", epochs=7)
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.state == SessionState()


def test_how_things_look_is_not_undone(session):
    session.edit_training("Change epochs", epochs=7)
    session.view(theme="dark", panel="runs")
    session.undo_stack.undo()
    assert session.state.theme == "dark"
    assert session.state.panel == "runs"
    assert session.state.spec.training.epochs == 100


def test_a_refused_value_changes_nothing(session):
    with pytest.raises(ConfigError):
        session.edit_training("Change rate", learning_rate=-1.0)
    assert session.state == SessionState()
    assert session.undo_stack.count() == 0


def test_the_state_comes_back_from_its_file(session):
    session.edit_training("Change rate", learning_rate=0.5)
    session.edit("Type", example="Grüße 你好", second="b")
    session.view(theme="dark", text_scale=1.5, folded=())
    session.save()
    again = Session(session.path)
    assert again.state == session.state
    assert again.notes == []
    assert again.undo_stack.count() == 0


def test_bad_values_are_reset_one_by_one_and_a_copy_is_kept(session):
    session.edit_training("Change rate", learning_rate=0.5)
    session.save()
    stored = json.loads(session.path.read_text())
    stored |= {"theme": "pink", "text_scale": 99, "unknown": 1, "example": 7, "run": "r1"}
    session.path.write_text(json.dumps(stored))
    again = Session(session.path)
    assert again.state.spec.training.learning_rate == 0.5
    assert again.state.run == "r1"
    assert (again.state.theme, again.state.text_scale, again.state.example) == ("system", 1.0, "")
    assert "theme, text_scale" in again.notes[0] or "text_scale" in again.notes[0]
    assert session.path.with_name("session.json.BAK").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", '"x"', "[" * 100_000])
def test_a_file_that_is_no_session_is_kept_and_the_window_starts_fresh(qapp, tmp_path, text):
    path = tmp_path / "session.json"
    path.write_text(text)
    session = Session(path)
    assert session.state == SessionState()
    assert len(session.notes) == 1
    assert (tmp_path / "session.json.BAK").read_text() == text


def test_a_folder_that_cannot_be_written_is_told_and_not_fatal(qapp, tmp_path):
    (tmp_path / "file").write_text("")
    session = Session(tmp_path / "file" / "session.json")
    session.edit_training("Change rate", learning_rate=0.5)
    session.save()
    assert len(session.notes) >= 1


def test_a_rate_left_at_its_default_follows_the_number_of_features(session):
    four = PoolingConfig(layers=(3, 4, 5, 6), mix="concat")
    session.edit_pooling("Choose a preset", four, width=384)
    assert session.state.spec.training.learning_rate == 0.025
    session.undo_stack.undo()
    assert session.state.spec.training.learning_rate == 0.1
    session.edit_training("Change rate", learning_rate=0.3)
    session.edit_pooling("Choose a preset", four, width=384)
    assert session.state.spec.training.learning_rate == 0.3
