"""How `attribution decide` grows with the network: `python benchmarks/scaling.py [--seeds N] [--write] [LINKS …]`.

For each size incidents are made by seed (tests/large_incident.py): a network of so many links, ten flow records for
each link, a fault of known side on the service's way and three elsewhere. `attribution decide` runs on each as a whole
process. Printed are seconds of wall clock and of processor, the largest memory the process held, the growth of the time
beside that of n log n, and whether the party is right. `--write` keeps table and plot in docs/. Nothing is asserted but
that no verdict names the wrong party: timed tests fail on busy machines.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.large_incident import Made, make_incident  # noqa: E402

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
COMMAND = [sys.executable, "-c", "from attribution.cli import main; main()", "decide"]
GOAL_S, GOAL_GB = 10.0, 2.0
UNDECIDED = "undetermined"


@dataclass(frozen=True, slots=True)
class Run:
    """One decision: what it was of, what it took, and what it answered."""

    made: Made
    format: str
    wall_s: float
    cpu_s: float
    octets: int
    party: str
    component: str

    @property
    def right(self) -> bool:
        return self.party == self.made.party


def decide(made: Made, format: str) -> Run:
    """Run the command on a bundle as a user would, from the start of the process to its end."""
    start = time.perf_counter()
    with subprocess.Popen(
        [*COMMAND, str(made.folder), "--format", "json"], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        verdict = json.loads(process.stdout.read())
        _, _, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = 0
    cpu_s, octets = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
    component = verdict["causes"][0]["component"] if verdict["causes"] else "none"
    return Run(made, format, wall_s, cpu_s, octets, verdict["verdict"]["party"], component)


def measure(sizes: Sequence[int], seeds: int, formats: Sequence[str]) -> list[Run]:
    runs: list[Run] = []
    for links in sizes:
        for seed in range(seeds):
            for format in formats:
                with tempfile.TemporaryDirectory(prefix="attribution-scaling-") as folder:
                    made = make_incident(Path(folder) / "incident", links, seed, parquet=format == "parquet")
                    runs.append(decide(made, format))
                show(runs[-1], runs[0])
    return runs


def growth(run: Run, first: Run) -> float:
    """The processor's time beside that of the smallest network, had it grown as n log n does.

    Of the processor, because what else runs on the machine stretches the wall clock far more.
    """
    n, m = run.made.links, first.made.links
    return run.cpu_s / first.cpu_s * (m * math.log(m)) / (n * math.log(n))


def show(run: Run, first: Run) -> None:
    if run is first:
        print(f"{'links':>8} {'flows':>9} {'format':8} {'wall s':>7} {'cpu s':>7} {'GB':>6} {'n log n':>8}  verdict")
    wrong = "open" if run.party == UNDECIDED else "WRONG"
    truth = "right" if run.right else f"{wrong}: {run.made.party}, {run.made.component}"
    figures = f"{run.wall_s:7.1f} {run.cpu_s:7.1f} {run.octets / 1e9:6.2f} {growth(run, first):8.2f}"
    sizes = f"{run.made.links:8} {run.made.rows:9} {run.format:8}"
    print(f"{sizes} {figures}  {run.party} ({run.component}), {truth}", flush=True)


def slowest(runs: Sequence[Run], format: str) -> list[Run]:
    """For each size the run that took longest."""
    of_format = [run for run in runs if run.format == format]
    sizes = dict.fromkeys(run.made.links for run in of_format)
    return [max((r for r in of_format if r.made.links == n), key=lambda r: r.cpu_s) for n in sizes]


def page(runs: Sequence[Run], busy: float) -> str:
    """The page in docs/ with the figures; `busy` is how many other processes ran in the minute before."""
    rows = [
        f"| {run.made.links:,} | {run.made.rows:,} | {run.format} | {run.wall_s:.1f} | {run.cpu_s:.1f} "
        f"| {run.octets / 1e9:.2f} | {growth(run, slowest(runs, run.format)[0]):.2f} |"
        for format in dict.fromkeys(run.format for run in runs)
        for run in slowest(runs, format)
    ]
    undecided = sum(run.party == UNDECIDED for run in runs)
    wrong = sum(not run.right for run in runs) - undecided
    lines = "\n".join(rows)
    return f"""\
# How long a decision takes on large networks

`python benchmarks/scaling.py --write` makes incidents on networks of 1,000 to 100,000 links with ten flow records for
each link, runs `attribution decide` on each as a whole process, and writes this page. Given is the slowest run of each
size. The last column is the processor's time beside that of the smallest network, had it grown as n log n does: below
one is slower growth. {len(runs)} decisions, {wrong} of them wrong and {undecided} left undecided (flows alone may not
tell an edge from the cable between the sides, which is nobody's). Machine: {os.cpu_count()} processors
({platform.machine()}), Python {platform.python_version()}, {in_words(busy)}.

| links | flow records | file | wall clock (s) | processor (s) | memory (GB) | beside n log n |
| ---: | ---: | --- | ---: | ---: | ---: | ---: |
{lines}

![Processor seconds by links, beside n log n](scaling.svg)

How flow records by the million reach the verdict stands in [how it reasons](reasoning.md#very-many-flow-records).
"""


def in_words(busy: float) -> str:
    return f"with {busy:.0f} other processes waiting for them all the while" if busy > 0.5 else "otherwise idle"


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 400, 60, 350


def plot(runs: Sequence[Run]) -> str:
    """Processor seconds by links, both on logarithmic scales, with n log n from the first point on, as SVG."""
    curves = {format: slowest(runs, format) for format in dict.fromkeys(run.format for run in runs)}
    first = next(iter(curves.values()))[0]
    sizes = sorted({run.made.links for run in runs})
    ideal = [first.cpu_s * n * math.log(n) / (first.made.links * math.log(first.made.links)) for n in sizes]
    seconds = [*ideal, *(run.cpu_s for run in runs)]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))

    def x(links: float) -> float:
        return LEFT + 20 + (WIDTH - LEFT - 60) * math.log10(links / sizes[0]) / (math.log10(sizes[-1] / sizes[0]) or 1)

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - 30) * (math.log10(value) - low) / (high - low)

    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        height = y(10.0**power)
        parts.append(line([(LEFT, height), (WIDTH - 30, height)], 'stroke="#ddd"'))
        parts.append(text(LEFT - 8, height + 4, f"{10.0**power:g} s", "end"))
    parts += [text(x(n), BOTTOM + 20, f"{n:,}") for n in sizes]
    parts.append(text(WIDTH / 2, BOTTOM + 40, "links (ten flow records for each)"))
    parts.append(
        line([(x(n), y(s)) for n, s in zip(sizes, ideal, strict=True)], 'stroke="#888" stroke-dasharray="6 4"')
    )
    parts.append(text(x(sizes[-1]) - 8, y(ideal[-1]) - 6, "n log n", "end"))
    for place, ((format, curve), colour) in enumerate(zip(curves.items(), COLOURS, strict=False)):
        points = [(x(run.made.links), y(run.cpu_s)) for run in curve]
        parts.append(line(points, f'stroke="{colour}" stroke-width="2"'))
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        parts.append(text(LEFT + 12, 46 + 16 * place, f"decide, flows as {format}", "start", colour))
    return "\n".join([*parts, "</svg>", ""])


COLOURS = ("#06c", "#093")


def line(points: Sequence[tuple[float, float]], style: str) -> str:
    return f'<polyline fill="none" {style} points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'


def text(a: float, b: float, words: str, anchor: str = "middle", colour: str = "black") -> str:
    return f'<text x="{a:.1f}" y="{b:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("links", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=3, help="incidents of each size (default 3)")
    parser.add_argument("--formats", default="csv,parquet", help="of the flow records (default csv,parquet)")
    parser.add_argument("--write", action="store_true", help="keep table and plot in docs/")
    asked = parser.parse_args()
    busy = os.getloadavg()[0]
    runs = measure(asked.links, asked.seeds, asked.formats.split(","))
    largest = max(runs, key=lambda run: (run.made.links, run.wall_s))
    print(f"largest: {largest.wall_s:.1f} s (goal {GOAL_S:g}), {largest.octets / 1e9:.2f} GB (goal {GOAL_GB:g})")
    if asked.write:
        (ROOT / "docs" / "scaling.md").write_text(page(runs, busy), encoding="utf-8")
        (ROOT / "docs" / "scaling.svg").write_text(plot(runs), encoding="utf-8")
    if wrong := [run for run in runs if not run.right and run.party != UNDECIDED]:
        sys.exit(f"{len(wrong)} verdicts are wrong")


if __name__ == "__main__":
    main()
