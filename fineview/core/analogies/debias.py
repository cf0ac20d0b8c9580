"""A direction of bias, and vectors from which it is taken; nothing here changes a table."""

import numpy as np
from numpy.typing import NDArray

from fineview.core.errors import DataError

Matrix = NDArray[np.float64]


def bias_direction(first: Matrix, second: Matrix, *, principal: bool) -> tuple[Matrix, Matrix]:
    """Return the direction of pairs' differences, from the first words to the second.

    Args:
        first: (P, D) words at length 1.
        second: (P, D) their counterparts.
        principal: Whether it is the first principal component of the words around the middles of
            their pairs, or else the mean difference.

    Returns:
        (D,) of length 1, and (min(P, D),) shares of the squared differences along the principal
        components, falling; of the mean difference (1,) its own share.

    Raises:
        DataError: The differences are 0, or cancel.

    Source:
        Bolukbasi et al. 2016, arXiv:1607.06520, section 5.1 and equation 1; a pair's two words lie
        at −d/2 and d/2 around their middle, so its components are those of the differences d.
    """
    differences = second - first
    whole = float((differences**2).sum())
    mean = differences.mean(0)
    size = float(np.linalg.norm(mean))
    if whole < 1e-12:
        raise DataError("The words of these pairs have the same vectors: choose other pairs.")
    if principal:
        _, sizes, directions = np.linalg.svd(differences, full_matrices=False)
        found = directions[0] if directions[0] @ mean >= 0 else -directions[0]
        return found, sizes**2 / whole
    if size < 1e-6:
        raise DataError(
            "The differences of these pairs cancel: write all pairs in the same order, as in he "
            "she, man woman."
        )
    found = mean / size
    return found, np.array([float(((differences @ found) ** 2).sum()) / whole])


def neutralize(units: Matrix, direction: Matrix) -> Matrix:
    """Return (n, D) words without their part along a direction, again at length 1.

    Args:
        units: (n, D) words at length 1.
        direction: (D,) of length 1.

    Source:
        Bolukbasi et al. 2016, arXiv:1607.06520, section 6, Neutralize.
    """
    rest = units - np.outer(units @ direction, direction)
    sizes = np.linalg.norm(rest, axis=1, keepdims=True)
    # A word that is the direction itself has nothing left; it becomes 0.
    found: Matrix = np.divide(rest, sizes, out=np.zeros_like(rest), where=sizes > 1e-9)
    return found


def equalize(first: Matrix, second: Matrix, direction: Matrix) -> tuple[Matrix, Matrix]:
    """Return pairs of words that differ along a direction only, by as much to both sides.

    Args:
        first: (P, D) words at length 1.
        second: (P, D) their counterparts.
        direction: (D,) of length 1.

    Returns:
        Both sides, (P, D) each, at length 1: equally far from everything neutral.

    Source:
        Bolukbasi et al. 2016, arXiv:1607.06520, section 6, Equalize.
    """
    middle = (first + second) / 2
    apart = middle - np.outer(middle @ direction, direction)
    reach = np.sqrt(np.maximum(1 - (apart**2).sum(1), 0))
    # Along one direction (w_B − μ_B) / |w_B − μ_B| is its sign; equal words go to their own side.
    side = np.where(second @ direction >= first @ direction, 1.0, -1.0) * reach
    step = np.outer(side, direction)
    return apart - step, apart + step
