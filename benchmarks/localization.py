"""How well, and how fast, the localizer finds what loses packets: `python benchmarks/localization.py [FOLDER]`.

Makes traces of a data centre of 125 switches and 750 hosts with a seed: silent links, scarce telemetry, devices that
fail on a part of their links, and healthy networks. FOLDER may hold more in the format of Flock's simulator (CoNEXT
2023), `topology.edgelist` and `*.trace.zst`, and the results of other programs on them in `peers.txt`.

Each trace is looked at as different telemetry would show it: INT (every path known), A1 (active probes alone), A2
(flows with loss, paths traced), P (flows with candidate paths alone), A2+P. A1+INT is INT: the probes are among the
flows. A2 alone is left out unless asked for: it does not tell how many packets arrived, and without them a loss rate
means nothing.

Good links lose U(0, 1e-4) of their packets, failed ones U(0.002, 0.02), as in that simulator. A predicted link counts
as right if it or a device at its end failed; a failed device is found by itself, or by 1/(elements + 1) for each of its
links. Seconds are processor time without loading.
"""

from __future__ import annotations

import argparse
import io
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import zstandard

from attribution.inference.localization import NONE, Counts, Lists, Localization, Parts, localize

HOSTS = 10_000  # numbers from here on are hosts
VIEWS = ("INT", "A1", "A2", "P", "A2+P")
PODS, WIDTH, RACK = 10, 5, 15
PACKET_OCTETS, PROBE_PACKETS = 1500, 40
MEAN_OCTETS, SHAPE, MOST_OCTETS = 200 * 1024, 1.05, 100 * 1024**2


class Network:
    """Directed links by number, devices with theirs, and the candidate paths between switches."""

    def __init__(self, cables: Iterable[tuple[int, int]]) -> None:
        links = sorted({pair for a, b in cables for pair in ((a, b), (b, a))})
        self.links = links
        self.number = {link: i for i, link in enumerate(links)}
        self.devices = sorted({a for a, _ in links if a < HOSTS})
        members: dict[int, list[int]] = defaultdict(list)
        for i, (a, b) in enumerate(links):
            members[a].append(i)
            members[b].append(i)
        self.members = members
        self.parts = Parts(len(links), Lists.of([members[device] for device in self.devices]))

    def path(self, nodes: Sequence[int]) -> list[int]:
        return [self.number[link] for link in pairwise(nodes)]


@dataclass
class Trace:
    """Flows in columns. `hops`: the path of each; `ways`, `pairs`: candidate paths of each pair of racks."""

    name: str
    kind: str
    network: Network
    truth: list[tuple[int, int]]
    sent: np.ndarray
    lost: np.ndarray
    active: np.ndarray
    hops: Lists
    pair: np.ndarray
    ways: list[list[int]]
    pairs: list[list[int]]


# Reading


def read_network(path: Path) -> Network:
    cables = (line.replace("->", " ").split() for line in path.read_text(encoding="ascii").splitlines())
    return Network((int(a), int(b)) for a, b in cables)


def read_trace(path: Path, network: Network) -> Trace:
    ways: list[list[int]] = []
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    truth, ends, hops, counted = [], [], [], []
    with path.open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="ascii"):
            word, *values = line.split()
            if word == "FP":
                nodes = [int(value) for value in values]
                pairs[nodes[0], nodes[-1]].append(len(ways))
                ways.append(network.path(nodes))
            elif word == "FID":
                ends.append([int(value) for value in values[:4]])
            elif word == "FPT":
                source, target = ends[-1][:2]
                hops.append(network.path([source, *map(int, values), target]))
            elif word == "SS":
                counted.append((int(values[1]), int(values[2])))
            elif word == "Failing_link":
                truth.append((int(values[0]), int(values[1])))
    numbers = {pair: i for i, pair in enumerate(pairs)}
    pair = np.array([numbers.get((a, b), NONE) if a != b else NONE for _, _, a, b in ends])
    sent, lost = np.array(counted).T
    active = np.array([min(end[:2]) < HOSTS for end in ends])
    name = path.name.removesuffix(".trace.zst")
    kind = name.partition("-")[0]
    return Trace(name, kind, network, truth, sent, lost, active, Lists.of(hops), pair, ways, list(pairs.values()))


# Making


def fat_tree() -> Network:
    """Ten pods of five rack and five aggregation switches, 25 cores, 15 hosts in a rack."""
    cables = []
    for pod in range(PODS):
        for i in range(WIDTH):
            rack, aggregation = WIDTH * pod + i, 50 + WIDTH * pod + i
            cables += [(rack, 50 + WIDTH * pod + j) for j in range(WIDTH)]
            cables += [(aggregation, 100 + WIDTH * i + j) for j in range(WIDTH)]
            cables += [(HOSTS + RACK * rack + j, rack) for j in range(RACK)]
    return Network(cables)


def ways_between(a: int, b: int) -> list[list[int]]:
    """The shortest paths from one rack switch to another."""
    up, down = a // WIDTH, b // WIDTH
    if up == down:
        return [[a, 50 + WIDTH * up + i, b] for i in range(WIDTH)]
    return [
        [a, 50 + WIDTH * up + i, 100 + WIDTH * i + j, 50 + WIDTH * down + i, b]
        for i in range(WIDTH)
        for j in range(WIDTH)
    ]


def make_trace(kind: str, number: int, seed: int, flows: int, failures: int, share: float = 0.0) -> Trace:
    """One trace: `failures` links fail, or with a `share` that many devices on this share of their links."""
    chance = np.random.default_rng([seed, number])
    network = fat_tree()
    rates = chance.uniform(0, 1e-4, len(network.links))
    if share:
        truth = [(int(d), int(d)) for d in chance.choice(network.devices, failures, replace=False)]
        for device, _ in truth:
            members = np.array(network.members[device])
            bad = chance.choice(members, round(share * len(members)), replace=False)
            rates[bad] = chance.uniform(0.002, 0.02, len(bad))
    else:
        bad = chance.choice(len(network.links), failures, replace=False)
        rates[bad] = chance.uniform(0.002, 0.02, failures)
        truth = [network.links[int(i)] for i in bad]
    ways: list[list[int]] = []
    pairs: list[list[int]] = []
    for a in range(50):
        for b in range(50):
            found = [network.path(way) for way in ways_between(a, b)] if a != b else []
            pairs.append(list(range(len(ways), len(ways) + len(found))))
            ways += found
    probes = [[host, rack, 50 + WIDTH * (rack // WIDTH) + core // WIDTH, 100 + core]
              for host, rack in ((HOSTS + i, i // RACK) for i in range(750)) for core in range(25)]  # fmt: skip
    hops = [network.path(way) for probe in probes for way in (probe, probe[::-1])]
    source, target = chance.integers(0, 750, (2, flows))
    pair = 50 * (source // RACK) + target // RACK
    luck = chance.random(flows)
    for a, b, both, where in zip(source.tolist(), target.tolist(), pair.tolist(), luck.tolist(), strict=True):
        first, last = network.number[HOSTS + a, a // RACK], network.number[b // RACK, HOSTS + b]
        candidates = pairs[both]
        hops.append([first, *(ways[candidates[int(where * len(candidates))]] if candidates else ()), last])
    octets = (chance.pareto(SHAPE, 2 * flows + 100) + 1) * MEAN_OCTETS * (SHAPE - 1) / SHAPE
    octets = octets[octets <= MOST_OCTETS][:flows]
    sent = np.concatenate([np.full(len(hops) - flows, PROBE_PACKETS), np.ceil(octets / PACKET_OCTETS)]).astype(np.int64)
    lists = Lists.of(hops)
    arrives = np.exp(np.add.reduceat(np.log1p(-rates)[lists.items], lists.starts[:-1]))
    lost = chance.binomial(sent, 1.0 - arrives)
    active = np.arange(len(hops)) < len(hops) - flows
    pair = np.concatenate([np.full(len(hops) - flows, NONE), np.where(source // RACK == target // RACK, NONE, pair)])
    name = f"{kind}-{failures}{f'-{share}' if share else ''}~{number}"
    return Trace(name, kind, network, truth, sent, lost, active, lists, pair, ways, pairs)


def make_traces(seed: int, each: int) -> Iterator[Trace]:
    for number in range(each):
        yield make_trace("silent", 1000 + number, seed, 75_000, 1 + number % 8)
        yield make_trace("scarce", 2000 + number, seed, 7_500, 1 + number % 8)
        yield make_trace("device", 3000 + number, seed, 75_000, 1 + number // 3 % 2, (0.25, 0.5, 0.75)[number % 3])
        if number % 3 == 0:
            yield make_trace("none", 4000 + number, seed, 75_000, 0)


# Looking


def view(trace: Trace, name: str) -> Counts:
    """What this kind of telemetry shows of the trace."""
    traced = {
        "INT": np.ones(len(trace.sent), dtype=bool),
        "A1": trace.active,
        "A2": trace.lost > 0,
        "P": ~trace.active & (trace.pair == NONE),
        "A2+P": ~trace.active & ((trace.lost > 0) | (trace.pair == NONE)),
    }[name]
    guessed = ~trace.active & ~traced if "P" in name.split("+") else np.zeros_like(traced)
    known, open_ = np.flatnonzero(traced), np.flatnonzero(guessed)
    hops = trace.hops.chosen(known)
    starts = trace.hops.starts
    ends = np.stack([trace.hops.items[starts[open_]], trace.hops.items[starts[open_ + 1] - 1]], axis=1)
    ways = Lists.of(trace.ways) if len(open_) else Lists.of(())
    paths = Lists(
        np.concatenate([
            hops.starts,
            hops.starts[-1] + 2 * np.arange(1, len(open_) + 1),
            hops.starts[-1] + 2 * len(open_) + ways.starts[1:],
        ]),
        np.concatenate([hops.items, ends.ravel(), ways.items]),
    )  # fmt: skip
    first_way = len(known) + len(open_)
    rows = np.concatenate([known, open_])
    used, choice = np.unique(trace.pair[open_], return_inverse=True)
    return Counts.of(
        paths,
        trace.sent[rows],
        trace.lost[rows],
        np.arange(len(rows)),
        np.concatenate([np.full(len(known), NONE), choice]),
        Lists.of([[first_way + way for way in trace.pairs[pair]] for pair in used]),
    )


def predicted(found: Localization, network: Network) -> list[tuple[int, int]]:
    """The devices and, but for those that a failing device explains, the links that rather fail than not."""
    devices = [network.devices[i] for i in np.flatnonzero(found.device_probability > 0.5)]
    explained = {link for device in devices for link in network.members[device]}
    links = [network.links[i] for i in np.flatnonzero(found.element_probability > 0.5) if int(i) not in explained]
    return [*((device, device) for device in devices), *links]


def f1(guess: Sequence[tuple[int, int]], trace: Trace) -> float:
    links = {link for link in trace.truth if link[0] != link[1]}
    devices = {a for a, b in trace.truth if a == b}
    right = sum(link in links or link[0] in devices or link[1] in devices for link in guess)
    precision = right / len(guess) if guess else 1.0
    recalled = float(sum(link in guess for link in links))
    for device in devices:
        share = sum(device in link for link in guess) / (len(trace.network.members[device]) + 1)
        recalled += 1.0 if (device, device) in guess else share
    recall = recalled / len(trace.truth) if trace.truth else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def read_peers(path: Path) -> dict[tuple[str, str], tuple[float, float, str]]:
    """For each trace and view the best F1 of any peer, Flock's shortest time, and the best peer's name."""
    best: dict[tuple[str, str], tuple[float, float, str]] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        row = re.match(r"(\S+) (\w+)-(\S+) .* P=(\S+) R=(\S+) s=(\S+) ", line)
        if row:
            trace, peer, of_view, *numbers = row.groups()
            of_view = "A2" if peer == "007" else of_view
            precision, recall, seconds = map(float, numbers)
            score = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
            was = best.get((trace, of_view), (-1.0, np.inf, ""))
            fastest = min(was[1], seconds if peer == "flock" else np.inf)
            best[trace, of_view] = (max(was[0], score), fastest, peer if score > was[0] else was[2])
    return best


def look(
    trace: Trace,
    views: Sequence[str],
    peers: dict[tuple[str, str], tuple[float, float, str]],
    say: Callable[[str], None],
) -> Iterator[tuple[str, str, float, float, float, float]]:
    for of_view in views:
        counts = view(trace, of_view)
        start = time.process_time()
        found = localize(trace.network.parts, counts)
        seconds = time.process_time() - start
        guess = predicted(found, trace.network)
        score = f1(guess, trace)
        best, flock, name = peers.get((trace.name, of_view), (np.nan, np.nan, ""))
        beside = f"  best peer {best:.3f} ({name}), Flock {flock:.2f} s" if name else ""
        missed = "" if score == 1 else f"  {guess} for {trace.truth}"
        say(f"{trace.name:20} {of_view:5} F1 {score:.3f} {seconds:6.2f} s{beside}{missed if len(missed) < 400 else ''}")
        yield trace.kind, of_view, score, seconds, best, flock


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", nargs="?", type=Path, help="traces in the peers' format, with or without peers.txt")
    options.add_argument("--fresh", type=int, default=24, help="how many traces of each kind to make (none: 0)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--views", default="INT,A1,A2+P", help="of " + ", ".join(VIEWS))
    options.add_argument("--large", action="store_true", help="also 787,500 flows")
    options.add_argument("--quiet", action="store_true", help="the table of means alone")
    chosen = options.parse_args()
    views = chosen.views.split(",")

    def say(line: str) -> None:
        if not chosen.quiet:
            print(line, flush=True)

    results = []
    if chosen.folder:
        network = read_network(chosen.folder / "topology.edgelist")
        peers = read_peers(chosen.folder / "peers.txt")
        for path in sorted(chosen.folder.glob("*.trace.zst")):
            results += [("given", *row) for row in look(read_trace(path, network), views, peers, say)]
    for trace in make_traces(chosen.seed, chosen.fresh):
        results += [("fresh", *row) for row in look(trace, views, {}, say)]
    if chosen.large:
        large = make_trace("large", 5000, chosen.seed, 750_000, 8)
        results += [("fresh", *row) for row in look(large, ["INT"], {}, say)]
    print_means(results)


def print_means(results: Sequence[tuple[str, str, str, float, float, float, float]]) -> None:
    heads = f"{'traces':7} {'kind':7} {'view':5} {'number':>6} {'F1':>6} {'seconds':>8}"
    print(f"\n{heads} {'best peer':>9} {'behind':>6} {'Flock s':>8}")
    groups: dict[tuple[str, str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    for origin, kind, of_view, *row in results:
        groups[origin, kind, of_view].append((row[0], row[1], row[2], row[3]))
    for (origin, kind, of_view), rows in groups.items():
        score, seconds, best, flock = np.array(rows).T
        beside = f"{best.mean():9.3f} {int((score < best - 1e-9).sum()):6} {flock.mean():8.2f}" if best[0] >= 0 else ""
        print(f"{origin:7} {kind:7} {of_view:5} {len(rows):6} {score.mean():6.3f} {seconds.mean():8.2f} {beside}")


if __name__ == "__main__":
    main()
