"""Numbers for readers never say more than was measured, and never less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.report import quantities
from attribution.report.grid import Column, Line, render_grid
from attribution.report.layout import Page, shortened, width_of


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "–"), (0.0, "0 %"), (1.0, "100 %"), (0.00001, "< 0.01 %"), (0.0012, "0.12 %"), (0.012, "1.2 %"),
        (0.0994, "9.9 %"), (0.0996, "10 %"), (0.27, "27 %"), (0.9999, "> 99.9 %"),
        (0.994, "99.4 %"), (0.9995, "99.9 %"), (0.95, "95 %"),
    ],
)  # fmt: skip
def test_shares(ratio: float | None, text: str) -> None:
    assert quantities.share(ratio) == text


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_little_is_never_nothing_and_much_is_never_all(ratio: float) -> None:
    assert quantities.share(ratio) not in ("0 %", "0.00 %", "100 %")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, "–"), (0.0, "0 µs"), (-0.0001, "< 1 µs"), (0.0006, "1 µs"), (0.0125, "12 µs"), (1.204, "1.20 ms"),
     (12.04, "12.0 ms"), (154.2, "154 ms"), (3000.25, "3,000 ms"), (61_000, "61.0 s"), (-3000.25, "-3,000 ms")],
)  # fmt: skip
def test_times(milliseconds: float | None, text: str) -> None:
    assert quantities.milliseconds(milliseconds) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (999_999, "1.00 MB"), (17_000_000, "17.0 MB"),
     (1_230_000_000, "1.23 GB"), (5e15, "5,000 TB")],
)  # fmt: skip
def test_sizes(octets: float | None, text: str) -> None:
    assert quantities.octets(octets) == text


def test_rates_and_counts() -> None:
    assert quantities.rate(94_100_000) == "94.1 Mbit/s"
    assert (quantities.count(12345), quantities.count(None)) == ("12,345", "–")
    assert quantities.seconds(0.25) == "250 ms"
    assert (quantities.counted(1, "packet"), quantities.counted(2, "packet")) == ("1 packet", "2 packets")


@pytest.mark.parametrize(
    ("frames", "total", "text"),
    [((), None, ""), ((3,), None, "frame 3"), ((3, 4), None, "frames 3, 4"), ((3,), 9, "frames 3 …"),
     ((1, 2, 3, 4, 5), None, "frames 1, 2, 3, 4 …")],
)  # fmt: skip
def test_frames(frames: tuple[int, ...], total: int | None, text: str) -> None:
    assert quantities.frames(frames, total=total) == text


CELLS = st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text("0123456789", max_size=12)), max_size=5)


@given(CELLS, st.integers(40, 120))
def test_a_grid_is_never_wider_than_its_page(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = (Column("name", right=False), Column("what", 2, right=False), Column("count", 1))
    printed = render_grid(Page(width, False), columns, [Line(row) for row in rows])

    assert all(width_of(line) <= width for line in printed)
    assert all(line.isprintable() for line in printed)


def test_the_least_important_column_goes_first() -> None:
    columns = (Column("name", right=False), Column("kept", 1), Column("dropped", 2))
    printed = render_grid(Page(40, False), columns, [Line(("x" * 20, "1" * 10, "2" * 10))])

    assert printed == ["  name                        kept", f"  {'x' * 20}  {'1' * 10}"]


def test_a_column_without_content_is_not_there() -> None:
    printed = render_grid(Page(80, False), (Column("a"), Column("b"), Column("c")), [Line(("1", "", "3"))])

    assert printed == ["  a  c", "  1  3"]


@given(st.text(max_size=40), st.integers(3, 40))
def test_shortened_text_fits_and_keeps_its_ends(text: str, width: int) -> None:
    short = shortened(text, width)

    assert width_of(short) <= width
    assert short == text if width_of(text) <= width else "…" in short
