"""Captured packets on their way into a bundle: cut to the recording, silent where the device was dead, compressed."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

_FILE_HEADER, _PACKET_HEADER = 24, 16
_ADDRESSES = 12
"""Octets of a frame before its tag: the two hardware addresses."""


def cut_capture(source: Path, target: Path, span: tuple[float, float], dead: list[tuple[float, float]],
                reading: Callable[[float], float] | None = None, vlan: int | None = None) -> None:
    """Copy the packets of a span, leaving out those that a dead device cannot have captured.

    `reading` turns a true time into what the capturing device's clock showed; left out, its clock is right. Frames of a
    tagged line get their tag here, since kernels without VLAN devices send them plain.
    """
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    data = source.read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    kept = bytearray(data[:_FILE_HEADER])
    offset = _FILE_HEADER
    while offset + _PACKET_HEADER <= len(data):
        seconds, micros, length, original = struct.unpack_from(f"{order}IIII", data, offset)
        moment = seconds + micros / 1e6
        end = offset + _PACKET_HEADER + length
        inside = span[0] <= moment <= span[1] and not any(start <= moment < stop for start, stop in dead)
        if inside and end <= len(data):
            total = round(reading(moment) * 1e6) if reading is not None else seconds * 1_000_000 + micros
            frame = data[offset + _PACKET_HEADER : end]
            frame = frame[:_ADDRESSES] + tag + frame[_ADDRESSES:]
            kept += struct.pack(f"{order}IIII", total // 1_000_000, total % 1_000_000, len(frame), original + len(tag))
            kept += frame
        offset = end
    target.write_bytes(kept)


def to_pcapng(file: Path) -> Path:
    """The same capture as pcapng, where Wireshark's editcap is installed; else as it is."""
    if shutil.which("editcap") is None:
        return file
    target = file.with_suffix(".pcapng")
    subprocess.run(["editcap", "-F", "pcapng", str(file), str(target)], check=True, capture_output=True)
    file.unlink()
    return target


def compress(file: Path, how: str) -> Path:
    """Compress a file in place: "gz", "zst", or "" for not at all."""
    if how == "gz":
        target = file.with_name(file.name + ".gz")
        target.write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
        file.unlink()
        return target
    if how == "zst":
        subprocess.run(["zstd", "-q", "-19", "--rm", str(file)], check=True)
        return file.with_name(file.name + ".zst")
    return file
