"""How `attribution decide` grows with the network: `python benchmarks/scaling.py [--seeds N] [--write] [LINKS …]`.

For each size incidents are made by seed (tests/large_incident.py): a network of so many links, ten flow records for
each link, a fault of known side on the service's way and three elsewhere. `attribution decide` runs on each as a whole
process. Printed are seconds of wall clock and of processor, the largest memory the process held, the growth of the time
beside that of n log n, and whether the party is right. `--write` keeps table and plot in docs/. Nothing is asserted but
that the verdicts are right: timed tests fail on busy machines.
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
GOAL_SECONDS, GOAL_OCTETS = 10.0, 2e9


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


def measure(sizes: Sequence[int], seeds: int) -> list[Run]:
    runs = []
    for links in sizes:
        for seed in range(seeds):
            for format in ("csv", "parquet"):
                with tempfile.TemporaryDirectory(prefix="attribution-scaling-") as folder:
                    made = make_incident(Path(folder) / "incident", links, seed, parquet=format == "parquet")
                    runs.append(decide(made, format))
                show(runs[-1], runs[0])
    return runs


def growth(run: Run, first: Run) -> float:
    """The time beside that of the smallest network, had it grown as n log n does."""
    expected = (run.made.links * math.log(run.made.links)) / (first.made.links * math.log(first.made.links))
    return run.wall_s / (first.wall_s * expected)


def show(run: Run, first: Run) -> None:
    if run is first:
        print(
            f"{'links':>8} {'flows':>9} {'format':8} {'wall s':>7} {'cpu s':>7} {'GB':>6} {'n log n':>8}  party (component)"
        )
    answer = (
        f"{run.party} ({run.component}), {'right' if run.right else f'WRONG: {run.made.party}, {run.made.component}'}"
    )
    figures = f"{run.wall_s:7.1f} {run.cpu_s:7.1f} {run.octets / 1e9:6.2f} {growth(run, first):8.2f}"
    print(f"{run.made.links:8} {run.made.rows:9} {run.format:8} {figures}  {answer}", flush=True)


def slowest(runs: Sequence[Run], format: str) -> list[Run]:
    """For each size the run that took longest."""
    sizes = dict.fromkeys(run.made.links for run in runs)
    return [max((r for r in runs if (r.made.links, r.format) == (n, format)), key=lambda r: r.wall_s) for n in sizes]


def page(runs: Sequence[Run]) -> str:
    """The page in docs/ with the figures."""
    rows = [
        f"| {run.made.links:,} | {run.made.rows:,} | {run.format} | {run.wall_s:.1f} | {run.cpu_s:.1f} "
        f"| {run.octets / 1e9:.2f} | {growth(run, first):.2f} |"
        for format in ("csv", "parquet")
        for first in slowest(runs, format)[:1]
        for run in slowest(runs, format)
    ]
    wrong = sum(not run.right for run in runs)
    return f"""\
# How long a decision takes on large networks

`python benchmarks/scaling.py --write` makes incidents on networks of 1,000 to 100,000 links with ten flow records for
each link, runs `attribution decide` on each as a whole process, and writes this page. Given is the slowest of the runs of
each size. The last column is the wall clock's ratio to that of the smallest network, had it grown as n log n does: below
one is slower growth. {len(runs)} decisions, {wrong} of them wrong. Machine: {os.cpu_count()} processors
({platform.machine()}), Python {platform.python_version()}, {load()}.

| links | flow records | file | wall clock (s) | processor (s) | memory (GB) | beside n log n |
| ---: | ---: | --- | ---: | ---: | ---: | ---: |
{os.linesep.join(rows)}

![Seconds by links, beside n log n](scaling.svg)

How flow records by the million reach the verdict stands in [how it reasons](reasoning.md#very-many-flow-records).
"""


def load() -> str:
    busy = os.getloadavg()[2]
    return f"with an average of {busy:.1f} processes running beside it" if busy > 1 else "otherwise idle"


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 400, 60, 350


def plot(runs: Sequence[Run]) -> str:
    """Seconds by links, both on logarithmic scales, with n log n from the first point on, as SVG."""
    curves = {format: slowest(runs, format) for format in ("csv", "parquet")}
    first = curves["csv"][0]
    sizes = [run.made.links for run in curves["csv"]]
    seconds = [run.wall_s for runs_of in curves.values() for run in runs_of]
    ideal = [first.wall_s * n * math.log(n) / (first.made.links * math.log(first.made.links)) for n in sizes]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(*seconds, *ideal, GOAL_SECONDS)))

    def x(links: float) -> float:
        span = math.log10(sizes[-1] / sizes[0]) or 1.0
        return LEFT + 20 + (WIDTH - LEFT - 60) * math.log10(links / sizes[0]) / span

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - 30) * (math.log10(value) - low) / (high - low)

    def line(points: Sequence[tuple[float, float]], style: str) -> str:
        return f'<polyline fill="none" {style} points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>'

    def text(a: float, b: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{a:.1f}" y="{b:.1f}" text-anchor="{anchor}">{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        height = y(10.0**power)
        parts.append(line([(LEFT, height), (WIDTH - 30, height)], 'stroke="#ddd"'))
        parts.append(text(LEFT - 8, height + 4, f"{10.0**power:g} s", "end"))
    parts += [text(x(n), BOTTOM + 20, f"{n:,}") for n in sizes]
    parts.append(text(WIDTH / 2, BOTTOM + 40, "links (ten flow records for each)"))
    goal = [(LEFT, y(GOAL_SECONDS)), (WIDTH - 30, y(GOAL_SECONDS))]
    parts.append(line(goal, 'stroke="#c33" stroke-dasharray="2 3"'))
    parts.append(
        line([(x(n), y(s)) for n, s in zip(sizes, ideal, strict=True)], 'stroke="#888" stroke-dasharray="6 4"')
    )
    parts.append(text(x(sizes[-1]) - 6, y(ideal[-1]) - 6, "n log n", "end"))
    for (format, of_format), colour in zip(curves.items(), ("#06c", "#093"), strict=True):
        points = [(x(run.made.links), y(run.wall_s)) for run in of_format]
        parts.append(line(points, f'stroke="{colour}" stroke-width="2"'))
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        named = f'<text x="{LEFT + 12}" y="{46 if format == "csv" else 62}" fill="{colour}">decide, flows as {format}</text>'
        parts.append(named)
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("links", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=3, help="incidents of each size (default 3)")
    parser.add_argument("--write", action="store_true", help="keep table and plot in docs/")
    asked = parser.parse_args()
    runs = measure(asked.links, asked.seeds)
    largest = max(runs, key=lambda run: (run.made.links, run.wall_s))
    print(
        f"largest: {largest.wall_s:.1f} s (goal {GOAL_SECONDS:g}), {largest.octets / 1e9:.2f} GB (goal {GOAL_OCTETS / 1e9:g})"
    )
    if asked.write:
        (ROOT / "docs" / "scaling.md").write_text(page(runs), encoding="utf-8")
        (ROOT / "docs" / "scaling.svg").write_text(plot(runs), encoding="utf-8")
    if wrong := [run for run in runs if not run.right]:
        sys.exit(f"{len(wrong)} verdicts are wrong")


if __name__ == "__main__":
    main()
