"""How fast two captures are laid over each other: `python benchmarks/comparison.py [--packets N] [--keep FOLDER]`.

Records real TCP on both sides of a lossy router in network namespaces (needs root, iptables, tcpdump), lays copies of
both recordings end to end until each holds the wanted number of packets, and runs whole processes over the two files:
the medians of three, wall and CPU seconds, packets of both captures per second of wall time, the peak of resident
memory, and the ratio to `cat` of both files and to tcptrace merely reading one of them. Compiled code is at hand: the
first run after an installation compiles for half a minute and is not timed. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import captures as recorded

OURS = """
import sys
from attribution.model.incident import EvidenceType, Origin
from attribution.packets import summarise_points
files = sys.argv[1:]
streams = [open(file, "rb") for file in files]
found = summarise_points(streams, [Origin(file, EvidenceType.CAPTURE) for file in files])
print(found.packets, found.matched, sum(stretch.lost for stretch in found.stretches))
"""
SIDES = ("left", "right")


def prepare(folder: Path, packets: int) -> None:
    """Make both files, unless they are there."""
    files = [folder / f"{side}-{packets}.pcap" for side in SIDES]
    if all(file.exists() for file in files):
        return
    short = [folder / f"{side}-96.pcap" for side in SIDES]
    if not all(file.exists() for file in short):
        recorded.record(folder, 96)
    for source, target in zip(short, files, strict=True):
        recorded.multiply(source, target, packets)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=10_000_000, help="of each capture")
    parser.add_argument("--prepare", action="store_true", help="make the files and stop")
    parser.add_argument("--keep", type=Path, help="a folder to keep the files in, and to find recordings in")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.keep or Path(made)
        folder.mkdir(exist_ok=True)
        if chosen.prepare:
            prepare(folder, chosen.packets)
            return
        again = [sys.executable, __file__, "--prepare", "--keep", str(folder), "--packets", str(chosen.packets)]
        subprocess.run(again, check=True)  # in another process: a child's peak of memory begins with its parent's
        files = [str(folder / f"{side}-{chosen.packets}.pcap") for side in SIDES]
        ours = [sys.executable, "-c", OURS, *files]
        told = subprocess.run(ours, capture_output=True, text=True, check=True, cwd=recorded.ROOT)  # compiles
        packets, matched, lost = (int(word) for word in told.stdout.split())
        print(f"two cores: {os.cpu_count() == 2}, load {os.getloadavg()[0]:.1f}; {matched} matched, {lost} lost")
        measured = {
            "cat, both": recorded.measure(["cat", *files]),
            "tcptrace, one": recorded.measure(["tcptrace", files[0]]),
            "attribution": recorded.measure(ours),
        }
        wall = (measured["attribution"] or (1.0, 0.0, 0.0))[0]
        for name, found in measured.items():
            recorded.show("two", packets // 2 if name.endswith("one") else packets, name, found)
            if found is not None and name != "attribution":
                print(f"{'':8} attribution takes {wall / found[0]:.2f} times as long")


if __name__ == "__main__":
    main()
