"""Linear CKA: are two sets of states the same up to rotation and scale?"""

from torch import Tensor


def linear_cka(one: Tensor, other: Tensor) -> float:
    """Return the linear centred kernel alignment of two feature matrices.

    Args:
        one: (N, D).
        other: (N, E), the same rows.

    Returns:
        ‖YᵀX‖² / (‖XᵀX‖·‖YᵀY‖) of the centred matrices, 0 … 1; 1 where both are constant, 0 where
        one is.

    Source:
        Kornblith et al. 2019, arXiv:1905.00414, equation 4.
    """
    x = one.double() - one.double().mean(0)
    y = other.double() - other.double().mean(0)
    own = float((x.T @ x).norm()) if x.shape[1] < x.shape[0] else float((x @ x.T).norm())
    others = float((y.T @ y).norm()) if y.shape[1] < y.shape[0] else float((y @ y.T).norm())
    if own == 0 or others == 0:
        return float(own == others)
    return float((y.T @ x).square().sum()) / (own * others)


def cka_by_layer(before: Tensor, after: Tensor) -> tuple[float, ...]:
    """Return the linear CKA of each layer, (L+1,), of (N, L+1, D) states."""
    return tuple(linear_cka(before[:, at], after[:, at]) for at in range(before.shape[1]))
