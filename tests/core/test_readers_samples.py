"""The example files: true to the bundled tasks, and read back with the right roles."""

import pytest

from fineview.core.data.bundled import load_task
from fineview.core.data.library import TaskLibrary
from fineview.core.data.reading import read
from fineview.core.data.samples import SAMPLES, write_sample
from fineview.core.errors import ConfigError
from tests.core.readers_support import look, read_all

ROLES = {
    "word-pairs": {"word1": "text", "word2": "second", "relation": "label"},
    "sentences": {"text": "text", "label": "label"},
    "sentence-order": {"sentence1": "text", "sentence2": "second", "label": "label"},
    "capitals": {"c1": "text", "c2": "label"},
}
CLASSES = {"sentences": 2, "sentence-order": 2, "capitals": 2, "word-pairs": 14}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_an_example_is_read_back_with_the_right_roles(tmp_path, sample):
    path = tmp_path / f"{sample.name}{sample.suffix}"
    write_sample(sample.name, path)
    found = look(path)
    assert (found.plan.format, dict(found.plan.roles)) == (sample.format, ROLES[sample.name])
    assert found.plan.level == {"sentences": "sentence", "capitals": "word"}.get(
        sample.name, "pair"
    )
    library = TaskLibrary(tmp_path / "library")
    with library.staging() as staging:
        got = read(found.plan, staging)
        assert (got.kept, got.dropped, len(got.classes)) == (500, (), CLASSES[sample.name])
        library.keep(got)


def test_the_sentences_were_earlier_or_later_as_they_say(tmp_path):
    write_sample("sentences", tmp_path / "a.tsv")
    _, table = read_all(look(tmp_path / "a.tsv"), tmp_path / "out")
    task = load_task("sentence-order")
    earlier, later = set(), set()
    for first, second, label in zip(task.texts, task.second, task.labels, strict=True):
        pair = (second, first) if task.classes[label] == "swapped" else (first, second)
        earlier.add(pair[0])
        later.add(pair[1])
    for text, label in zip(table["text"], table["label"], strict=True):
        assert text in (earlier if label == "earlier" else later)


def test_an_unknown_example_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="choose one of word-pairs, sentences"):
        write_sample("x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
