"""What was left out of an encoder's configuration is said where its layers are chosen."""

import json

from tests.core.tiny import tiny_encoder_folder


def test_the_features_panel_says_what_was_left_out(make_window, qtbot, tmp_path):
    folder = tiny_encoder_folder(tmp_path / "tiny")
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"_attn_implementation": "sdpa"}))
    window = make_window()
    window.show_panel("features")
    panel = window.panel("features").choices
    assert panel.notes_label.isHidden()
    window.session.edit_spec("Choose the encoder", encoder=str(folder))
    qtbot.waitUntil(lambda: not panel.notes_label.isHidden(), timeout=20_000)
    assert panel.notes_label.text() == (
        "config.json: _attn_implementation was left out; fineview chooses the kind of attention "
        "itself."
    )
