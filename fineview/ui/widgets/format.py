"""Numbers as people read them: three significant digits, thin spaces, units that fit."""

from math import floor, isfinite, isnan, log10

THIN_SPACE = "\u2009"
MINUS = "\u2212"
NOTHING = "–"
_CLEARLY_UNEQUAL = 0.15
"""Arms of an interval that differ by more of its half width than this are both written out."""


def number_text(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, for instance "0.842", "12.3", "4 120".

    Integers from 1 000 to a million keep all their digits; beyond, powers of ten are used.
    """
    if value is None or isnan(value):
        return NOTHING
    if not isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    sign, size = (MINUS if value < 0 else ""), abs(value)
    exponent = floor(log10(float(f"{size:.{digits - 1}e}")))
    if exponent < -3 or exponent >= 6:
        mantissa, power = f"{size:.{digits - 1}e}".split("e")
        return f"{sign}{mantissa}e{int(power)}".replace("e-", f"e{MINUS}")
    if exponent >= digits:
        return sign + _grouped(round(size))
    return f"{sign}{size:.{max(digits - 1 - exponent, 0)}f}"


def share_text(value: float | None) -> str:
    """Return a share in 0 … 1 with three decimals, as accuracies are written: "0.842"."""
    return NOTHING if value is None or isnan(value) else f"{value:.3f}"


def accuracy_text(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """Return an accuracy with its 95 % interval.

    Args:
        value: Share in 0 … 1; None where it was not measured.
        interval: Lower and upper end of the 95 % interval.

    Returns:
        "0.842 ± 0.011 (95 %)", or "0.900 (95 % 0.84–0.94)" where the arms are unequal.
    """
    if value is None or isnan(value):
        return NOTHING
    if interval is None:
        return share_text(value)
    low, high = interval
    half = (high - low) / 2
    if abs((high - value) - (value - low)) <= max(_CLEARLY_UNEQUAL * half, 0.001):
        return f"{value:.3f} ± {half:.3f} (95 %)"
    decimals = 2 if high - low >= 0.04 else 3
    return f"{value:.3f} (95 % {low:.{decimals}f}–{high:.{decimals}f})"


def percent_text(value: float | None) -> str:
    """Return a share in 0 … 1 as a percentage, "84.2 %"."""
    if value is None or isnan(value):
        return NOTHING
    percent = value * 100
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


def count_text(count: int) -> str:
    """Return a count: "3 074" with thin spaces below a million, then "22.6 M", "1.24 B"."""
    sign, size = (MINUS if count < 0 else ""), abs(count)
    for unit, letter in ((10**9, "B"), (10**6, "M")):
        if size >= unit * 0.9995:
            return f"{sign}{_three_digits(size / unit)} {letter}"
    return sign + _grouped(size)


def bytes_text(size: float) -> str:
    """Return a size in decimal units: "512 B", "12 KB", "5.9 MB", "1.2 GB"."""
    value = float(size)
    if value < 999.5:
        return f"{round(value)} B"
    units = iter(("KB", "MB", "GB", "TB"))
    unit = ""
    while value >= 999.5 and unit != "TB":
        value, unit = value / 1000, next(units)
    return f"{value:.1f} {unit}" if value < 9.95 else f"{_grouped(round(value))} {unit}"


def seconds_text(seconds: float | None) -> str:
    """Return a duration: "412 ms", "1.4 s", "38 s", "2 min 05 s", "1 h 12 min"."""
    if seconds is None or not isfinite(seconds):
        return NOTHING
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{_grouped(minutes // 60)} h {minutes % 60:02d} min"


def clock_text(seconds: float) -> str:
    """Return a duration as on a clock, "0:12" or "1:02:03"."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{rest // 60}:{rest % 60:02d}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 run", "3 runs"."""
    return f"{count_text(count)} {one if count == 1 else many or one + 's'}"


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _grouped(value: int) -> str:
    return f"{value:,}".replace(",", THIN_SPACE)
