"""One perceptually uniform colour map for all heat maps."""

from PySide6.QtGui import QColor

from fineview.ui.theme import mix

# Viridis (Smith & van der Walt 2015, CC0), each tenth; between them it is straight enough.
_VIRIDIS = (
    "#440154",
    "#482475",
    "#414487",
    "#355F8D",
    "#2A788E",
    "#21918C",
    "#22A884",
    "#44BF70",
    "#7AD151",
    "#BDDF26",
    "#FDE725",
)


def heat(share: float) -> QColor:
    """Return the colour of a share in 0 … 1."""
    place = min(max(share, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    low = min(int(place), len(_VIRIDIS) - 2)
    return mix(_VIRIDIS[low], _VIRIDIS[low + 1], place - low)
