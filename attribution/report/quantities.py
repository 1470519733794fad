"""Numbers for readers: three figures are enough, the unit always stands by, and not measured is a dash."""

from __future__ import annotations

from collections.abc import Sequence

MISSING = "–"
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(number: int | None) -> str:
    """`12,345`"""
    return MISSING if number is None else f"{number:,}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 packet`, `12,345 packets`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def octets(number: float | None) -> str:
    """`1.23 MB`, decimal as capacities are"""
    return MISSING if number is None else _scaled(number, "B")


def rate(bits_per_second: float | None) -> str:
    """`94.1 Mbit/s`"""
    return MISSING if bits_per_second is None else _scaled(bits_per_second, "bit/s")


def _scaled(number: float, unit: str) -> str:
    for scale, letter in _SCALES:
        if number >= scale * 0.9995:
            return f"{three(number / scale)} {letter}{unit}"
    return f"{number:.0f} {unit}"


def three(number: float) -> str:
    """Three significant figures without an exponent; more before the point where there are more."""
    size = abs(number)
    if size >= 99.95:
        return f"{number:,.0f}"
    if size >= 9.995:
        return f"{number:.1f}"
    if size >= 0.9995:
        return f"{number:.2f}"
    return f"{number:.3f}"


def milliseconds(number: float | None) -> str:
    """`12.3 ms`, small ones in microseconds, large ones in seconds"""
    if number is None:
        return MISSING
    if abs(number) >= 9999.5:
        return f"{three(number / 1000)} s"
    if 0 < abs(number) < 0.0005:
        return "< 1 µs"
    if abs(number) < 0.9995:
        return f"{round(number * 1000)} µs"
    return f"{three(number)} ms"


def seconds(number: float | None) -> str:
    """`12.3 s`"""
    return MISSING if number is None else f"{number:,.1f} s" if abs(number) >= 1 else milliseconds(number * 1000)


def share(ratio: float | None) -> str:
    """`1.2 %`; what is there never rounds down to nothing, what lacks never up to all"""
    if ratio is None:
        return MISSING
    if ratio in (0.0, 1.0):
        return f"{ratio * 100:.0f} %"
    if ratio < 0.0001:
        return "< 0.01 %"
    if ratio > 0.9995:
        return "> 99.9 %"
    percent = ratio * 100
    if percent >= 99:
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.2f} %" if percent < 0.995 else f"{percent:.1f} %" if percent < 9.95 else f"{percent:.0f} %"


def frames(numbers: Sequence[int], shown: int = 4, total: int | None = None) -> str:
    """`frames 12, 15, 19 …`: the first few of those that a figure rests on."""
    if not numbers:
        return ""
    listed = ", ".join(map(str, numbers[:shown]))
    more = len(numbers) > shown or (total is not None and total > len(numbers))
    return f"frame{'s' if len(numbers) > 1 or more else ''} {listed}{' …' if more else ''}"
