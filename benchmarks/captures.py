"""How fast captures are read beside tshark, tcptrace and `cat`: `python benchmarks/captures.py [--packets N]`.

Records real TCP over a lossy path in network namespaces (needs root, iptables, tcpdump), lays copies of it with other
addresses end to end until the wanted size is reached, and runs whole processes over the files: the medians of three,
the wall and CPU seconds, packets per second of wall time, and the peak of resident memory. Ours is the command
`attribution capture summary` as a user runs it. Nothing is asserted.

    large   96 octets of each packet, few long connections with loss; also as .gz and .zst
    full    whole packets
    many    short connections of ten packets, two hundred thousand of them in two million packets
    flood   three million SYNs, each from another address
    small   ten thousand packets, the first time with and without compiled code at hand

The last lines are the ratios that matter.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.packets import making, network  # noqa: E402

RUNS = 3
Measured = tuple[float, float, float]
Octets = NDArray[np.uint8]
def record(folder: Path, snap: int) -> tuple[Path, Path]:
    """Some seconds of real transfers through a router that drops one packet in two thousand, seen on both its sides."""
    left, right = folder / f"left-{snap}.pcap", folder / f"right-{snap}.pcap"
    with network.network("bench") as net:
        net.drop(0.0005, "-p", "tcp")
        net.capture("left", left, snap)
        net.capture("right", right, snap)
        styles = (("bulk", "5001"), ("slow", "5002"), ("reset", "5003"), ("echo", "5004"))
        servers = [net.start(net.two, network.SERVER, style, port) for style, port in styles]
        time.sleep(0.5)
        works = (
            ("bulk", "5001", "4", "60000000"), ("bulk", "5002", "4", "600000"), ("bulk", "5003", "9", "20000"),
            ("echo", "5004", "4", "200"),
        )  # fmt: skip
        clients = [
            net.start(net.one, network.CLIENT, style, network.TWO, port, count, amount)
            for style, port, count, amount in works
        ]
        for client in clients:
            client.wait()
        for server in servers:
            server.kill()
        net.stop_captures()
    return left, right


def offsets_of(data: Octets) -> NDArray[np.int64]:
    """Where each record of a little-endian pcap file begins."""
    octets, found, at = data.tobytes(), [], 24
    while at + 16 <= len(octets):
        found.append(at)
        at += 16 + int.from_bytes(octets[at + 8 : at + 12], "little")
    return np.array(found if at == len(octets) else found[:-1], np.int64)


def multiply(source: Path, target: Path, packets: int) -> int:
    """Lay copies of a recording end to end, each later and between other addresses. Answers how many packets."""
    data = np.fromfile(source, np.uint8)
    places = offsets_of(data)
    copies = max(1, -(-packets // len(places)))
    end = int(places[-1]) + 16 + int.from_bytes(data[places[-1] + 8 : places[-1] + 12].tobytes(), "little")
    body, places = data[24:end].copy(), places - 24
    stamps = places[:, None] + np.arange(4)
    seconds = body[stamps].copy().view("<u4").ravel()
    span = int(seconds.max() - seconds.min()) + 2
    with target.open("wb") as out:
        out.write(data[:24].tobytes())
        for copy in range(copies):
            for place in (26, 30):
                body[places + 16 + place] = 10 + copy // 200
                body[places + 16 + place + 1] = 10 + copy % 200
            body[stamps] = (seconds + copy * span).astype("<u4")[:, None].view(np.uint8).reshape(-1, 4)
            out.write(body.tobytes())
    return copies * len(places)


def many_connections(target: Path, connections: int) -> int:
    """Connections of ten packets each between ever other ports and addresses."""
    ends = [("10.0.0.1", "10.9.9.9"), ("10.9.9.9", "10.0.0.1")]
    steps = [
        (0, 99, 0, 0x02, 0), (1, 499, 100, 0x12, 0), (0, 100, 500, 0x10, 0), (0, 100, 500, 0x18, 40),
        (1, 500, 140, 0x10, 0), (1, 500, 140, 0x18, 40), (0, 140, 540, 0x10, 0), (0, 140, 540, 0x11, 0),
        (1, 540, 141, 0x11, 0), (0, 141, 541, 0x10, 0),
    ]  # fmt: skip
    talk = []
    for number, (side, sequence, acknowledgement, flags, length) in enumerate(steps):
        ports = (1000, 80) if side == 0 else (80, 1000)
        segment = making.tcp(*ports, sequence, acknowledgement, flags, bytes(length))
        talk.append((making.START + number * 100_000, making.ethernet(making.ipv4(segment, 6, *ends[side]))))
    data = np.frombuffer(making.pcap(talk), np.uint8)
    places = offsets_of(data) - 24
    body = np.tile(data[24:], (connections, 1))
    numbers = np.arange(connections)
    for place, (side, *_) in zip(places, steps, strict=True):
        host, port = (26, 34) if side == 0 else (30, 36)
        body[:, place + 16 + host + 2] = numbers // 60_000
        body[:, place + 16 + port] = (numbers % 60_000 + 1024) >> 8
        body[:, place + 16 + port + 1] = (numbers % 60_000 + 1024) & 0xFF
        moment = (int.from_bytes(body[0, place : place + 4].tobytes(), "little") + numbers // 1000).astype("<u4")
        body[:, place : place + 4] = moment[:, None].view(np.uint8)
    with target.open("wb") as out:
        out.write(data[:24].tobytes())
        out.write(body.tobytes())
    return connections * len(steps)


def flood(target: Path, packets: int) -> int:
    """SYNs to one port, each from another address."""
    segment = making.tcp(1000, 80, 99, 0, 0x02)
    data = np.frombuffer(
        making.pcap([(making.START, making.ethernet(making.ipv4(segment, 6, "10.0.0.1", "10.9.9.9")))]), np.uint8
    )
    body = np.tile(data[24:], (packets, 1))
    numbers = np.arange(packets)
    for place, shift in enumerate((16, 8, 0)):
        body[:, 16 + 27 + place] = numbers >> shift & 0xFF
    moment = (int.from_bytes(body[0, :4].tobytes(), "little") + numbers // 100_000).astype("<u4")
    body[:, :4] = moment[:, None].view(np.uint8)
    target.write_bytes(data[:24].tobytes() + body.tobytes())
    return packets


def measure(words: list[str], folder: Path = ROOT, environment: dict[str, str] | None = None) -> Measured | None:
    """Median wall seconds, CPU seconds and peak resident megabytes of a whole process; None where it is not there."""
    if shutil.which(words[0]) is None:
        return None
    walls, processor, memory = [], [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        process = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{words[0]} failed")
        walls.append(time.perf_counter() - start)
        processor.append(usage.ru_utime + usage.ru_stime)
        memory.append(usage.ru_maxrss / 1024)
    return statistics.median(walls), statistics.median(processor), max(memory)


class Report:
    """Prints each figure as it comes, and remembers it for the ratios."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = {}

    def show(self, name: str, packets: int, program: str, measured: Measured | None) -> None:
        if measured is None:
            print(f"{name:8} {program:14} not installed")
            return
        wall, processor, memory = measured
        self.seconds[name, program] = wall
        print(
            f"{name:8} {program:14} {wall:8.2f} s  {processor:8.2f} s CPU  {packets / wall / 1e6:8.3f} Mpackets/s"
            f"  {memory:7.0f} MB",
            flush=True,
        )

    def ratio(self, name: str, peer: str, peer_name: str | None = None, scale: float = 1.0) -> None:
        """How many times as fast as a peer; `scale` where the peer was measured on a smaller file."""
        ours, theirs = self.seconds.get((name, "attribution")), self.seconds.get((peer_name or name, peer))
        if ours is not None and theirs is not None:
            print(f"{name:8} {scale * theirs / ours:7.2f} × {peer}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=10_000_000, help="size of the large capture")
    parser.add_argument("--tshark", action="store_true", help="run tshark over the large captures too: minutes, 5 GB")
    parser.add_argument("--prepare", action="store_true", help="make the files and stop")
    parser.add_argument("--keep", type=Path, help="a folder to keep the files in, and to find them again")
    chosen = parser.parse_args()
    lacking = network.missing()
    if lacking:
        sys.exit(lacking)
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.keep or Path(made)
        folder.mkdir(exist_ok=True)
        if chosen.prepare:
            prepare(folder, chosen.packets)
            return
        again = [sys.executable, __file__, "--prepare", "--keep", str(folder), "--packets", str(chosen.packets)]
        subprocess.run(again, check=True)  # in another process: a child's peak of memory begins with its parent's
        files = {name: (folder / f"{name}.pcap", packets) for name, packets in sizes(folder).items()}
        print(f"two cores: {os.cpu_count() == 2}, load {os.getloadavg()[0]:.1f}, page size {resource.getpagesize()}")
        report = Report()
        ours = [sys.executable, "-m", "attribution.cli", "capture", "summary", "--quiet"]
        measure([*ours, str(files["medium"][0])])  # compile before anything is timed
        for name, (file, packets) in files.items():
            report.show(name, packets, "cat", measure(["cat", str(file)]))
            if name != "flood":  # tcptrace looks through all connections for each new one, and takes hours
                report.show(name, packets, "tcptrace", measure(["tcptrace", str(file)]))
            if chosen.tshark or name in ("medium", "small"):
                tshark = ["tshark", "-n", "-q", "-z", "expert", "-r", str(file)]
                report.show(name, packets, "tshark", measure(tshark))
            report.show(name, packets, "attribution", measure([*ours, str(file)]))
        large, packets = files["large"]
        for ending, tool in (("gz", "gzip"), ("zst", "zstd")):
            packed = large.with_suffix(f".pcap.{ending}")
            report.show(f"{ending}", packets, f"{tool} -dc", measure([tool, "-dc", str(packed)]))
            report.show(f"{ending}", packets, "attribution", measure([*ours, str(packed)]))
        small, packets = files["small"]
        fresh = {"XDG_CACHE_HOME": str(folder / "no-code-yet")}
        measured = measure([*ours, str(small.resolve())], copy_without_code(folder), fresh)
        report.show("small", packets, "without code", measured)
        for name in ("large", "full", "many", "medium"):
            report.ratio(name, "tcptrace")
        report.ratio("medium", "tshark")
        scale = files["large"][1] / files["medium"][1]
        report.ratio("large", "tshark", None if chosen.tshark else "medium", 1.0 if chosen.tshark else scale)


def copy_without_code(folder: Path) -> Path:
    """The program as it is right after its installation: no code was compiled yet."""
    copy = folder / "fresh"
    if not copy.exists():
        shutil.copytree(ROOT / "attribution", copy / "attribution", ignore=shutil.ignore_patterns("kernels-*.code"))
    return copy


def prepare(folder: Path, packets: int) -> None:
    """Make the files that are not there yet, and note how many packets they hold."""
    files = {name: folder / f"{name}.pcap" for name in ("large", "full", "many", "flood", "medium", "small")}
    if not all(file.exists() for file in files.values()):
        short, _ = record(folder, 96)
        whole, _ = record(folder, 65535)
        data = np.fromfile(short, np.uint8)
        files["small"].write_bytes(data[: offsets_of(data)[10_000]].tobytes())
        held = {
            "large": multiply(short, files["large"], packets),
            "full": multiply(whole, files["full"], packets // 12),
            "many": many_connections(files["many"], packets // 50),
            "flood": flood(files["flood"], packets * 3 // 10),
            "medium": multiply(short, files["medium"], packets // 10),
            "small": 10_000,
        }
        for words in (["gzip", "-k", "-6"], ["zstd", "-q", "-k", "-3"]):
            subprocess.run([*words, str(files["large"])], check=True)
        (folder / "sizes.txt").write_text("".join(f"{name} {count}\n" for name, count in held.items()))


def sizes(folder: Path) -> dict[str, int]:
    lines = (folder / "sizes.txt").read_text().splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines}


if __name__ == "__main__":
    main()
