"""How exactly captures are judged as Wireshark judges them: `python benchmarks/exactness.py [--packets N] [FOLDER…]`.

Records real TCP in network namespaces (needs root, iptables, tc, tcpdump) until its captures hold the wanted number of
TCP packets: loss from one packet in two thousand to one in thirty, overtaking, readers that stall, resets, ports used
again, connections kept alive, with and without SACK, timestamps and window scaling. Runs tshark over them and over the
captures in each FOLDER, and the plain and the compiled judgement; prints what was found, how often capinfos counts
other numbers of packets, which files are refused, and every difference with its frame and reason.

Exit status 1 if plain or compiled judgement differs on more than one TCP packet in ten thousand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from attribution.errors import CaptureError  # noqa: E402
from attribution.model.incident import EvidenceType, Origin  # noqa: E402
from attribution.packets import read_capture  # noqa: E402
from tests.packets import network  # noqa: E402
from tests.packets.exactness import Comparison, compare  # noqa: E402
from tests.packets.test_bulk import bulk_health  # noqa: E402
from tests.packets.tshark import counted_by_capinfos, missing  # noqa: E402

AT_MOST = 1 / 10_000
SHOWN_OF_A_REASON = 40
TOGETHER = 300_000  # packets in one file: tshark keeps half a kilobyte of each
WORK_S = 12.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What a round of recording puts the connections through."""

    loss: float
    detour: float
    settings: dict[str, int]
    snap: int = 134  # all headers and options; less cuts the options


WEATHERS = (
    Weather(0.0005, 0.0, {}),
    Weather(0.002, 0.01, {}, snap=60),
    Weather(0.01, 0.0, {"sack": 0}),
    Weather(0.0, 0.03, {"timestamps": 0}),
    Weather(0.03, 0.02, {}),
    Weather(0.005, 0.005, {"window_scaling": 0}),
    Weather(0.0005, 0.002, {"sack": 0, "timestamps": 0}),
)
STYLES = (("bulk", 5001), ("slow", 5002), ("reset", 5003), ("echo", 5004))
WORKS = (
    ("bulk", 5001, 4, 60_000_000), ("bulk", 5002, 3, 900_000), ("bulk", 5003, 9, 20_000), ("echo", 5004, 4, 400),
    ("again", 5004, 3, 200), ("idle", 5004, 3, 5), ("bulk", 5004, 30, 4_000),
)  # fmt: skip


def record(folder: Path, number: int) -> list[Path]:
    """Some seconds of all kinds of work, captured on both sides of the router."""
    weather = WEATHERS[number % len(WEATHERS)]
    captures = [folder / f"{number:03}-{side}.pcap" for side in ("left", "right")]
    with network.network(f"ex{os.getpid()}x{number}") as net:
        net.set_tcp(**weather.settings)
        if weather.loss:
            net.drop(weather.loss, "-p", "tcp")
        if weather.detour:
            for port in ("left", "right"):
                net.detour(port, weather.detour)
        for file, side in zip(captures, ("left", "right"), strict=True):
            net.capture(side, file, weather.snap)
        servers = [net.start(net.two, network.SERVER, style, str(port)) for style, port in STYLES]
        time.sleep(0.5)
        clients = [
            net.start(net.one, network.CLIENT, style, network.TWO, str(port), str(count), str(amount))
            for style, port, count, amount in WORKS
        ]
        deadline = time.monotonic() + WORK_S
        while any(client.poll() is None for client in clients) and time.monotonic() < deadline:
            time.sleep(0.2)
        for process in (*clients, *servers):
            process.kill()
        net.stop_captures(whole=False)
    return captures


def in_parts(file: Path) -> list[Path]:
    """The same packets in files that tshark can hold."""
    folder = file.with_suffix("")
    folder.mkdir()
    words = ["editcap", "-F", "nsecpcap", "-c", str(TOGETHER), str(file), str(folder / "part.pcap")]
    subprocess.run(words, check=True, capture_output=True)
    file.unlink()
    return sorted(folder.iterdir())


def recorded(folder: Path, wanted: int) -> Iterator[Comparison]:
    """Record and compare, round by round, until enough was seen."""
    seen = number = 0
    while seen < wanted:
        for file in record(folder, number):
            for part in in_parts(file):
                found = compare(part, bulk_health)
                seen += found.segments
                print(f"  {part.parent.name}/{part.name}: {found.segments:,} TCP packets; {seen:,} so far", flush=True)
                part.unlink()
                yield found
        number += 1


def public(folder: Path) -> Comparison:
    """Compare every file of a folder, and count its packets as capinfos does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    counted = counted_by_capinfos(files)
    total = Comparison()
    refused: Counter[str] = Counter()
    equal = 0
    for file in files:
        count, complaint = counted[file]
        try:
            ours: int | None = len(read_capture(file.read_bytes(), Origin(file.name, EvidenceType.CAPTURE)).packets)
        except CaptureError as problem:
            ours = None
            refused[str(problem).split(": ", 1)[1]] += 1
        equal += ours == count
        if ours != count:
            print(f"  {file.relative_to(folder)}: {_many(ours)}; capinfos: {_many(count)}. {complaint}")
    print(f"{folder}: {len(files):,} files, of which {equal:,} have as many packets as capinfos counts")
    for reason, times in refused.most_common():
        print(f"  refused {times} times: {reason}")
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for found in workers.map(_compare_if_readable, files):
            total.add(found)
    return total


def _many(count: int | None) -> str:
    return "refused" if count is None else f"{count} packets"


def _compare_if_readable(file: Path) -> Comparison:
    try:
        return compare(file, bulk_health)
    except (CaptureError, RuntimeError):
        return Comparison()


def show(name: str, total: Comparison) -> bool:
    """Print what came of it; whether it is exact enough."""
    print(f"\n{name}: {total.packets:,} packets, {total.segments:,} frames with TCP")
    for kind, count in total.found.most_common():
        print(f"  {kind:26} {count:>10,}")
    print(f"  {'(options cut, not shown)':26} {total.cut:>10,}")
    good = True
    for kinds in (("health",), ("compiled health",), ("TCP", "stream")):
        differences = total.of_kind(*kinds)
        rate = len(differences) / max(total.segments, 1)
        print(f"  {' and '.join(kinds)}: {len(differences):,} differences, {rate * 10_000:.3f} in 10,000")
        reasons = Counter(difference.reason for difference in differences)
        for reason, count in reasons.most_common():
            print(f"    {count:,} × {reason}")
            for difference in [one for one in differences if one.reason == reason][:SHOWN_OF_A_REASON]:
                print(f"      {difference}")
        good = good and ("stream" in kinds or rate <= AT_MOST)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=5_000_000, help="TCP packets to record; 0: none")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="public captures")
    chosen = parser.parse_args()
    lacking = missing or next((f"needs {name}" for name in ("editcap", "capinfos") if not shutil.which(name)), None)
    if chosen.packets:
        lacking = lacking or network.missing()
    if lacking:
        sys.exit(lacking)
    good = True
    if chosen.packets:
        total = Comparison()
        with tempfile.TemporaryDirectory() as folder:
            for found in recorded(Path(folder), chosen.packets):
                total.add(found)
        good = show("recorded here", total)
    for folder in chosen.folders:
        good = show(str(folder), public(folder)) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
