"""The classical analogue: TF-IDF and SVD in the encoder's place, the same heads on it."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fineview.core.data.task import Task
from fineview.core.features.classical import Terms, sides_of
from fineview.core.runs.courses.course import Arrays, Setting
from fineview.core.runs.courses.frozen import FrozenCourse
from fineview.core.training.events import FeaturesReady


class ClassicalCourse(FrozenCourse):
    """Trains a head on counted words."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._terms: Terms | None = None

    def raw_features(self) -> tuple[Any, NDArray[np.int64]]:
        """Fit terms on the training texts, and return the features of all."""
        import torch

        began = time.monotonic()
        setting = self._setting
        setting.report.progress(0, 0, "Counting words")
        sides, train = sides_of(setting.task), setting.task.splits["train"]
        self._terms = Terms.fitted([[side[i] for i in train] for side in sides])
        setting.report.check()
        features = torch.from_numpy(self._terms.transform(sides))
        items = np.arange(len(features), dtype=np.int64)
        setting.report.publish(
            FeaturesReady(cached=False, items=len(items), seconds=time.monotonic() - began)
        )
        return features, items

    def features_of(self, task: Task) -> tuple[Any, NDArray[np.int64]]:
        """Return the features of another task's texts, by the terms of the training texts."""
        import torch

        assert self._terms is not None
        features = torch.from_numpy(self._terms.transform(sides_of(task)))
        return features, np.arange(len(features), dtype=np.int64)

    def describe(self) -> dict[str, Any]:
        """Return counts; what is stored are terms and directions besides the head."""
        told = super().describe()
        stored = sum(value.nbytes for value in self.beside()["terms"].values())
        return told | {"head_bytes": told["head_bytes"] + stored, "frozen_parameters": 0}

    def artefacts(self) -> dict[str, Arrays]:
        """Return head and terms."""
        found = super().artefacts()
        return found | self.beside() if found else found

    def beside(self) -> dict[str, Arrays]:
        """Return the terms."""
        assert self._terms is not None
        return {"terms": self._terms.to_arrays()}
