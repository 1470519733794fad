"""Captures of several points, of any size and from any source, give figures that can be opened."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from attribution.errors import CaptureError
from attribution.model.capture import ComparisonSummary
from attribution.model.incident import Interval
from attribution.model.observation import Caveat, PairCount
from attribution.packets import compare_points, points, sizes, summarise_points
from attribution.packets.bulk import comparison, compilation, matcher, pair_flows, pair_streams, pair_tallies
from attribution.packets.bulk.compilation import PAIRING, compiled_kernels
from attribution.packets.capture_files import FileReader
from tests.packets.making import SECOND, START, Timed, block, enhanced, ethernet, interface, ipv4, origin, pcap, section
from tests.packets.making import option as pcapng_option
from tests.packets.test_two_points import everything, figures, mixture
from tests.packets.two_points import MS, WAYS, Compared, TwoPoints, compared_in_bulk, in_vxlan, shifted, translated

ORIGINS = [origin(name, f"{name}.pcap") for name in "abc"]


@pytest.fixture(params=WAYS)
def compared(request: pytest.FixtureRequest) -> Compared:
    return WAYS[str(request.param)]


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if every capture were too large for plain Python."""
    monkeypatch.setattr(sizes, "FEW_PACKETS", 10)
    yield


@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark to try the filters")
@pytest.mark.parametrize("change", [in_vxlan, translated], ids=["in VXLAN", "behind NAT"])
def test_wireshark_shows_the_frames_behind_each_figure(tmp_path: Path, compared: Compared, change: object) -> None:
    files = everything().files(change)  # type: ignore[arg-type]
    for name, octets in zip("ab", files, strict=True):
        (tmp_path / f"{name}.pcap").write_bytes(octets)
    found = compared(files)
    for stretch in found.stretches:
        file = tmp_path / stretch.first_file
        shown = shown_by_tshark(file, stretch.display_filter)
        if stretch.lost:
            assert shown == list(stretch.frames)
        else:
            assert len(shown) == stretch.sent
        for flow in stretch.flows:
            shown = shown_by_tshark(file, flow.display_filter)
            assert shown == list(flow.frames) if flow.lost else len(shown) == flow.sent


def shown_by_tshark(file: Path, display_filter: str) -> list[int]:
    words = ["tshark", "-n", "-r", str(file), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    return [int(line) for line in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()]


def test_small_captures_are_compared_in_plain_python() -> None:
    told: list[str] = []
    files = mixture(1)
    found = summarise_points([io.BytesIO(file) for file in files], ORIGINS[:2], told.append)

    assert not told
    assert figures(found) == figures(WAYS["plain"](files))


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("at_hand", [False, True])
def test_large_captures_are_compared_through_compiled_code_which_is_announced_where_it_must_be_made(
    monkeypatch: pytest.MonkeyPatch, at_hand: bool
) -> None:
    monkeypatch.setattr(compilation, "code_at_hand", lambda _: at_hand)
    told: list[str] = []
    files = mixture(1)
    found = summarise_points([io.BytesIO(file) for file in files], ORIGINS[:2], told.append)

    assert len(told) == (not at_hand)
    assert figures(found) == figures(WAYS["plain"](files))


class Pipe(io.RawIOBase):
    """What can be read once."""

    def __init__(self, octets: bytes) -> None:
        self._stream = io.BytesIO(octets)

    def readable(self) -> bool:
        return True

    def readinto(self, target: object, /) -> int:
        return self._stream.readinto(target)  # type: ignore[arg-type]


def piped(octets: bytes) -> io.BufferedReader:
    return io.BufferedReader(Pipe(octets))


@pytest.mark.parametrize("held", [1000, 1 << 20])
@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch, held: int, packed: bool) -> None:
    """Whether the capture is small enough to be kept or not."""
    monkeypatch.setattr(points, "SMALL_OCTETS", held)
    monkeypatch.setattr(sizes, "SMALL_OCTETS", held)
    one, other = mixture(2)
    found = summarise_points([piped(gzip.compress(one) if packed else one), io.BytesIO(other)], ORIGINS[:2])

    assert figures(found) == figures(WAYS["plain"]([one, other]))


def three_points() -> list[bytes]:
    """Three packets lost before the middle point, two behind it, whose clocks are 2 and 5 s ahead."""
    seen: list[list[Timed]] = [[], [], []]
    for number in range(400):
        for back in (False, True):
            lost = {100: 1, 200: 1, 300: 1, 150: 2, 250: 2}.get(number, 3) if not back else 3
            ends = ("10.3.0.1", "10.1.0.1") if back else ("10.1.0.1", "10.3.0.1")
            for place in range(lost):
                point = 2 - place if back else place
                body = ipv4(struct.pack(">HHHHI", 53, 53, 12, 0, number), 17, *ends, number=number, ttl=60 - place)
                time_ns = START + number * 10 * MS + back * MS + place * 200_000 + (0, 2, 5)[point] * SECOND
                seen[point].append((time_ns, ethernet(body)))
    return [pcap(sorted(packets), nanoseconds=True) for packets in seen]


def lost_on(counts: Iterable[PairCount | Caveat]) -> dict[tuple[str, str], list[float]]:
    """When packets were lost between two points, in seconds after the start, by the common clock."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in counts:
        if isinstance(one, PairCount) and one.lost:
            found.setdefault((one.first[0], one.second[0]), []).append((one.time_ns - START) / SECOND)
    return found


@pytest.mark.parametrize("stated", [None, 0, 2], ids=["the middle clock is right", "the first is", "the last is"])
def test_what_was_lost_between_large_captures_is_told_on_one_clock(stated: int | None) -> None:
    """Each pair has a clock of its own at first: here it is that of the first capture, and that of the second one."""
    origins = list(ORIGINS)
    if stated is not None:
        origins[stated] = replace(origins[stated], clock_offset_ns=0)
    counts = list(compare_points([io.BytesIO(file) for file in three_points()], origins))
    right = {None: 2, 0: 0, 2: 5}[stated]

    assert lost_on(counts) == {("a", "b"): [right + n for n in (1, 2, 3)], ("b", "c"): [right + n for n in (1, 2)]}
    moved = {one.clock_shift_ns // SECOND for one in counts if isinstance(one, PairCount) and one.first[0] == "a"}
    assert moved == {right}
    told = {caveat.file for caveat in counts if isinstance(caveat, Caveat) and "clock" in caveat.reason}
    assert told == {f"{name}.pcap" for name, ahead in zip("abc", (0, 2, 5), strict=True) if ahead != right}


def test_each_of_the_files_that_a_capture_began_anew_is_compared_with_the_next_point() -> None:
    first, second, _ = three_points()
    reader = FileReader("a.pcap")
    packets = [(one.time_ns, first[one.start : one.start + one.captured]) for one in reader.read(first, True)]
    pieces = [pcap(packets[begin : begin + 267], nanoseconds=True) for begin in range(0, 800, 267)]
    ring = [replace(ORIGINS[0], file=f"a_0000{place}.pcap") for place in range(3)]
    hour = Interval(START + 3600 * SECOND, START + 3605 * SECOND)
    spans = [Interval(START, START + 5 * SECOND)] * 4
    sources = [io.BytesIO(file) for file in (*pieces, second)]

    counts = list(compare_points(sources, [*ring, ORIGINS[1]], spans))
    assert lost_on(counts) == {("a", "b"): [1, 2, 3]}
    assert not [one for one in counts if isinstance(one, Caveat) and "not compared" in one.reason]
    assert list(compare_points(sources, [*ring, ORIGINS[1]], [hour, hour, hour, spans[0]])) == []


def test_captures_that_share_nothing_are_told() -> None:
    alone = pcap([(START, ethernet(ipv4(struct.pack(">HHHHI", 53, 53, 12, 0, 9), 17)))])
    (told,) = [
        one for one in compare_points([io.BytesIO(three_points()[0]), io.BytesIO(alone)], ORIGINS[:2])
        if isinstance(one, Caveat)
    ]  # fmt: skip
    assert (told.file, told.reason) == ("a.pcap", "shares no packets with b.pcap; not compared")


@pytest.mark.parametrize("large", [False, True])
def test_three_points_are_compared_two_by_two(monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    if large:
        monkeypatch.setattr(sizes, "FEW_PACKETS", 10)
    found = summarise_points([io.BytesIO(file) for file in three_points()], ORIGINS)
    lost = {(one.first[0], one.second[0]): (one.sent, one.lost) for one in found.stretches}
    shifts = [clock.shift_ms / 1000 for clock in found.clocks]

    assert lost == {("a", "b"): (400, 3), ("b", "c"): (397, 2), ("b", "a"): (400, 0), ("c", "b"): (400, 0)}
    assert [shift - shifts[0] for shift in shifts] == pytest.approx([0, -2, -5], abs=0.001)
    assert found.packets == 400 + 397 + 395 + 3 * 400
    assert len({bin.time_ns for one in found.stretches for bin in one.bins}) in (4, 5)


@pytest.mark.usefixtures("all_large")
def test_a_large_capture_that_must_be_read_twice_cannot_come_from_a_pipe() -> None:
    one, other, third = three_points()
    streams: list[BinaryIO] = [io.BytesIO(one), piped(other), io.BytesIO(third)]

    assert summarise_points(streams, ORIGINS).stretches  # small enough to be kept
    with pytest.MonkeyPatch.context() as patch, pytest.raises(CaptureError, match=r"b\.pcap"):
        patch.setattr(points, "SMALL_OCTETS", 1000)
        patch.setattr(sizes, "SMALL_OCTETS", 1000)
        summarise_points([io.BytesIO(one), piped(other), io.BytesIO(third)], ORIGINS)


def test_what_is_no_capture_is_refused_with_its_name() -> None:
    with pytest.raises(CaptureError, match=r"b\.pcap"):
        summarise_points([io.BytesIO(mixture(1)[0]), io.BytesIO(b"no capture at all, but long enough")], ORIGINS[:2])


def with_drops(packets: Sequence[Timed], dropped: int) -> bytes:
    """A pcapng file whose statistics tell of packets that the capture missed."""
    data = section() + interface(options=pcapng_option(9, b"\x09"))
    for time_ns, octets in packets:
        data += enhanced(time_ns, octets)
    return data + block(5, struct.pack("<III", 0, 0, 0) + pcapng_option(5, struct.pack("<Q", dropped)))


def test_a_capture_with_drops_of_its_own_accuses_nobody(compared: Compared) -> None:
    path = TwoPoints().talk(100)
    for number in range(7):
        path.datagram(number, at="a")
    path.talk(100)
    found = compared([path.files()[0], with_drops(sorted(path.seen["b"]), 5)])
    (stretch,) = [one for one in found.stretches if one.first[0] == "a" and one.protocol == "tcp"]

    assert (stretch.sent, stretch.lost, stretch.not_compared, stretch.bins) == (0, 0, 200, ())
    assert stretch.delay_median_ms is not None
    assert sum(one.lost for one in found.stretches) == 0
    assert any("at least 2 were lost" in caveat.reason for caveat in found.caveats)


def test_captures_that_share_nothing_say_so(compared: Compared) -> None:
    one = TwoPoints().talk(50).files()[0]
    other = pcap([(START + number * MS, ethernet(ipv4(bytes(9), 99, "10.9.9.9"))) for number in range(50)])
    found = compared([one, other])

    assert (found.matched, found.stretches) == (0, ())


@pytest.mark.parametrize("seed", range(6))
def test_damaged_packets_are_compared_alike(seed: int) -> None:
    """Whatever the octets: both ways count the same, and neither fails."""
    chance = random.Random(seed)
    damaged: list[bytes] = []
    for file in mixture(seed):
        octets = bytearray(file)
        for _ in range(300):
            place = chance.randrange(24, len(octets))
            if not in_header(file, place):
                octets[place] = chance.randrange(256)
        damaged.append(bytes(octets))
    plain, compiled = (compare(damaged) for compare in WAYS.values())

    assert compiled.packets == plain.packets
    assert compiled.matched == pytest.approx(plain.matched, abs=40)
    assert lost_in(compiled) == pytest.approx(lost_in(plain), abs=40)


def lost_in(found: ComparisonSummary) -> int:
    return sum(stretch.lost + stretch.not_compared for stretch in found.stretches)


def in_header(file: bytes, place: int) -> bool:
    """Whether an octet is of a record's header rather than of its packet."""
    at = 24
    while at <= place:
        following = at + 16 + int.from_bytes(file[at + 8 : at + 12], "little")
        if place < following:
            return place < at + 16
        at = following
    return True


def test_the_kernels_mean_the_same_where_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """One source for both: the functions that pair packets also run as they stand."""
    files = mixture(3)
    compiled = compared_in_bulk(files)
    plain = {name: function for module in (pair_flows, pair_streams, pair_tallies, matcher)
             for name, function in vars(module).items() if callable(function)}  # fmt: skip
    mixed = SimpleNamespace(**{**vars(compiled_kernels(PAIRING)), **plain})
    monkeypatch.setattr(comparison, "compiled_kernels", lambda _: mixed)

    assert compared_in_bulk(files) == compiled


def test_the_memory_is_bounded_by_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of a few packets is enough where the clocks agree: nothing is kept that was counted."""
    monkeypatch.setattr(comparison, "LEAST_RING", 256)
    monkeypatch.setattr(comparison, "MOST_RING", 256)
    files = mixture(4)

    assert figures(compared_in_bulk(files)) == figures(WAYS["plain"](files))


def test_the_clock_of_a_capture_is_found_hours_away(compared: Compared) -> None:
    found = compared(TwoPoints().talk(300).files(shifted(5 * 3600 * SECOND)))

    assert sorted(round(clock.shift_ms / 3_600_000, 3) for clock in found.clocks) == [-5, 0]
