"""What a prompt prefers before it has seen the query, and taking it off."""

import numpy as np
from numpy.typing import NDArray

CONTENT_FREE = ("N/A", "[MASK]", "")
"""Inputs that say nothing. Source: Zhao et al. 2021, arXiv:2102.09690, section 5."""


def probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the labels' probabilities among themselves.

    Args:
        scores: (…, C) log-probabilities, or anything that differs from them by a constant a row.

    Returns:
        (…, C), rows sum to 1.
    """
    shifted = scores - scores.max(axis=-1, keepdims=True)
    found: NDArray[np.float64] = np.exp(shifted)
    found /= found.sum(axis=-1, keepdims=True)
    return found


def bias(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the prompt says without content: the mean over content-free inputs.

    Args:
        scores: (F, C) log-probabilities of the labels behind F content-free prompts.

    Returns:
        (C) probabilities.
    """
    found: NDArray[np.float64] = probabilities(scores).mean(axis=0)
    return found


def contextual(scores: NDArray[np.float64], free: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the labels' probabilities by those on content-free input.

    Args:
        scores: (…, C) log-probabilities of the labels.
        free: (C) as `bias` returns it.

    Returns:
        (…, C) probabilities, rows sum to 1; on the content-free input itself all are 1 / C.

    Source:
        Zhao et al. 2021, arXiv:2102.09690, section 5: W = diag(p_cf)⁻¹, b = 0. The result is
        divided by its sum instead of put through a second softmax; the answer is the same.
    """
    # A label that content-free input rules out in float64 would be divided by 0.
    return probabilities(scores - np.log(np.maximum(free, np.finfo(np.float64).tiny)))


def pmi(scores: NDArray[np.float64], premise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compare the labels by how much the query raises each over the premise of the domain.

    Args:
        scores: (…, C) log P(label | prompt).
        premise: (C) log P(label | premise).

    Returns:
        (…, C) softmax of the pointwise mutual information, rows sum to 1.

    Source:
        Holtzman et al. 2021, arXiv:2104.08315, section 3 (PMI_DC).
    """
    return probabilities(scores - premise)
