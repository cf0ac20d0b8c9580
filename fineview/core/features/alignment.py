"""Turning one picture of the same points onto another."""

import numpy as np
from numpy.typing import NDArray


def procrustes(moving: NDArray[np.floating], fixed: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation or reflection that brings `moving` nearest to `fixed`.

    Args:
        moving: (M, k), centred.
        fixed: (M, k), centred; the same points in the same order.

    Returns:
        (k, k) orthogonal R that minimises ‖moving R − fixed‖ in the Frobenius norm.

    Source:
        Schönemann 1966, Psychometrika 31, 1–10: R = U Vᵀ of the singular value decomposition
        U S Vᵀ = movingᵀ fixed.
    """
    left, _, right = np.linalg.svd(moving.T.astype(np.float64) @ fixed.astype(np.float64))
    rotation: NDArray[np.float64] = left @ right
    return rotation


def aligned(moving: NDArray[np.floating], fixed: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return `moving` centred and turned onto `fixed`, (M, k); its size stays as it is."""
    centred = moving - moving.mean(axis=0, dtype=np.float64)
    turned: NDArray[np.float64] = centred @ procrustes(
        centred, fixed - fixed.mean(axis=0, dtype=np.float64)
    )
    return turned
