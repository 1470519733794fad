"""Captures come from paths, octets and streams, and every way in tells the same and complains alike."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from attribution import packets
from attribution.errors import CaptureError
from attribution.packets.api import short_names
from attribution.packets.sources import open_source, place_of
from tests.packets.making import SENT_AGAIN, pcap

OCTETS = pcap(SENT_AGAIN, nanoseconds=True)


class Broken(io.RawIOBase):
    """A disk that fails in the middle of a file."""

    name = "failing disk"

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        self.asked += 1
        if self.asked > 1:
            raise OSError(5, "Input/output error")
        return OCTETS[: min(50, size)]


class Dripping(io.BytesIO):
    """A stream that hands over little at a time, as a pipe does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(7, size or 7) if size != -1 else -1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "again.pcap"
    path.write_bytes(OCTETS)
    return path


def test_a_path_octets_and_a_stream_tell_the_same(file: Path) -> None:
    from_path, from_text = packets.analyse(file), packets.analyse(str(file))
    from_octets, from_stream = packets.analyse(OCTETS, str(file)), packets.analyse(io.BytesIO(OCTETS), str(file))

    assert from_path == from_text == from_octets == from_stream
    assert from_path.file == str(file)


def test_a_table_from_a_path(file: Path) -> None:
    assert packets.read(file).equals(packets.read(OCTETS))


def test_a_stream_that_drips_is_read_to_its_end() -> None:
    assert packets.analyse(Dripping(OCTETS)).packets == len(SENT_AGAIN)


def test_a_compressed_stream_that_python_unpacks() -> None:
    with gzip.open(io.BytesIO(gzip.compress(OCTETS))) as stream:
        assert packets.analyse(cast(BinaryIO, stream)).packets == len(SENT_AGAIN)


def test_what_was_handed_in_stays_open() -> None:
    stream = io.BytesIO(OCTETS)
    packets.analyse(stream)

    assert not stream.closed


def test_octets_are_counted_as_they_are_read(file: Path) -> None:
    counted: list[int] = []
    with open_source(file, counted=counted.append) as stream:
        while stream.read(100):
            pass

    assert sum(counted) == len(OCTETS)


def test_a_file_that_is_not_there_names_itself(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"none\.pcap: there is no such file; expected a pcap"):
        packets.analyse(tmp_path / "none.pcap")


def test_a_disk_that_fails_is_an_error_of_the_capture() -> None:
    with pytest.raises(CaptureError, match="failing disk: cannot be read: Input/output error"):
        packets.analyse(cast(BinaryIO, Broken()))


def test_streams_go_by_their_names() -> None:
    assert place_of(b"") == place_of(io.BytesIO()) == "capture"
    assert place_of(cast(BinaryIO, Broken())) == "failing disk"


def test_points_go_by_short_names_as_long_as_these_differ() -> None:
    assert short_names(["a/ce1.pcap.zst", "b/pe1.pcapng.gz", "core"]) == ["ce1", "pe1", "core"]
    assert short_names(["a/eth0.pcap", "b/eth0.pcap", "x.cap"]) == ["a/eth0.pcap", "b/eth0.pcap", "x"]
    assert short_names([".pcap"]) == [".pcap"]
