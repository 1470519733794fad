"""What tshark says of each TCP packet, as the judge of ours; and what capinfos counts."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attribution.packets.tcp_health import HEALTH_NAMES

Judged = dict[int, tuple[int, str]]
"""Frame number: the sum of the health bits, and the number of a duplicate acknowledgement."""

missing = None if shutil.which("tshark") else "needs tshark to compare with"

APPLICATIONS = ("vnc", "socks", "sflow")
"""Protocols for whose sake tshark numbers a connection again, or numbers one that did not pass here."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What tshark shows of the TCP headers in one frame. `streams` has a number for each header, joined by commas."""

    protocols: str
    streams: str
    health: int
    number: str


def shown_by_tshark(file: Path, *, without: Sequence[str] = (), longest_s: float = 600) -> dict[int, Shown]:
    """Every frame in which tshark finds TCP, by its number; `without` names protocols that it must not know."""
    words = ["tshark", "-n", "-r", str(file), "-Y", "tcp", "-T", "fields"]
    for protocol in without:
        words += ["--disable-protocol", protocol]
    fields = ("frame.number", "frame.protocols", "tcp.stream", "tcp.analysis.duplicate_ack_num")
    for name in (*fields, *(f"tcp.analysis.{name}" for name in HEALTH_NAMES)):
        words += ["-e", name]
    done = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace", timeout=longest_s)
    found: dict[int, Shown] = {}
    for line in done.stdout.splitlines():
        frame, protocols, streams, number, *marks = line.split("\t")
        health = sum(1 << bit for bit, mark in enumerate(marks) if mark)
        found[int(frame)] = Shown(protocols, streams, health, number)
    if not found and done.returncode:
        raise RuntimeError(f"tshark: {done.stderr.strip()}")
    return found


def judged_by_tshark(file: Path) -> Judged:
    """What tshark found of each packet of which it found anything."""
    return {frame: (shown.health, shown.number) for frame, shown in shown_by_tshark(file).items() if shown.health}


def counted_by_capinfos(files: Sequence[Path]) -> dict[Path, tuple[int | None, str]]:
    """How many packets each file has, None where it is refused; and what capinfos complains of."""
    words = ["capinfos", "-T", "-m", "-r", "-N", "-M", "-c"]
    found: dict[Path, tuple[int | None, str]] = {}
    for start in range(0, len(files), 200):
        some = files[start : start + 200]
        done = subprocess.run([*words, *map(str, some)], capture_output=True, text=True, check=False, errors="replace")
        counts = dict(line.rsplit(",", 1) for line in done.stdout.splitlines())
        complaints: dict[str, str] = {}
        for complaint in re.split(r"^capinfos: ", done.stderr, flags=re.MULTILINE)[1:]:
            named = re.search(r'"([^"]+)"', complaint)
            if named:
                complaints[named[1]] = f"{complaints.get(named[1], '')} {' '.join(complaint.split())}".strip()
        for file in some:
            complaint = complaints.get(str(file), "")
            stopped = re.search(r"after reading (\d+) packets", complaint)
            count = counts.get(str(file)) or (stopped[1] if stopped else None)
            found[file] = (int(count) if count is not None else None, complaint)
    return found
