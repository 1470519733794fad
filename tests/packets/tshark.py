"""What tshark says of each TCP packet, as the judge of ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from attribution.packets.tcp_health import HEALTH_NAMES

Judged = dict[int, tuple[int, str]]
"""Frame number: the sum of the health bits, and the number of a duplicate acknowledgement."""

missing = None if shutil.which("tshark") else "needs tshark to compare with"


def judged_by_tshark(file: Path) -> Judged:
    words = ["tshark", "-n", "-r", str(file), "-Y", "tcp.analysis.flags", "-T", "fields", "-e", "frame.number"]
    for name in ("duplicate_ack_num", *HEALTH_NAMES):
        words += ["-e", f"tcp.analysis.{name}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: Judged = {}
    for line in done.stdout.splitlines():
        frame, number, *marks = line.split("\t")
        found[int(frame)] = (sum(1 << bit for bit, mark in enumerate(marks) if mark), number)
    return found
