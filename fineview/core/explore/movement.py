"""What training an encoder did to the texts: where they stood before, where they stand now."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Movement:
    """A sample of a run's validation texts, S of them, at one layer before and after training.

    Attributes:
        run_id: The run.
        run_title: Its name.
        depth: L of its encoder.
        layer: The layer the coordinates are of.
        texts: (S,) as a person reads them.
        groups: (S,) class of each text; all -1 where labels are numbers or belong to words.
        classes: Names of the classes.
        before: (S, 2) float32 coordinates before training.
        after: (S, 2) float32 coordinates now, in the same axes.
        axes: Names of the two axes.
        shift: (L+1,) how far texts moved at each layer: the root mean square of their way over that
            of their distance from the middle, before.
        separation: (2, L+1) share of the variance between classes, before and now; NaN without
            classes.
        cka: (L+1,) linear CKA of each layer's states before and now.
        distances: (L+1,) how far the weights of each layer came; NaN where that is not known.
    """

    run_id: str
    run_title: str
    depth: int
    layer: int
    texts: tuple[str, ...]
    groups: NDArray[np.int64]
    classes: tuple[str, ...]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    axes: tuple[str, str]
    shift: tuple[float, ...]
    separation: tuple[tuple[float, ...], tuple[float, ...]]
    cka: tuple[float, ...]
    distances: tuple[float, ...]

    @property
    def farthest(self) -> int:
        """Return the layer whose texts moved farthest."""
        return int(np.nanargmax(self.shift))
