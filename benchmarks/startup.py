"""How long whole processes take beside starting Python itself: `python benchmarks/startup.py [INCIDENT]`.

Prints the median wall time of several runs and its ratio to the median of a bare `python -c pass`, which tells the
machine's speed. Nothing is asserted: timed tests fail on busy machines.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7
ROOT = Path(__file__).resolve().parent.parent
ATTRIBUTION = ["-c", "from attribution.cli import main; main()"]


def median_seconds(arguments: list[str]) -> float:
    """The median wall time of the command; raises CalledProcessError if it fails."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    incident = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "pcaps" / "customer-edge-crash").resolve()
    commands = {
        "python -c pass": ["-c", "pass"],
        "attribution --help": [*ATTRIBUTION, "--help"],
        "attribution schema verdict": [*ATTRIBUTION, "schema", "verdict"],
        "attribution agreement show": [*ATTRIBUTION, "agreement", "show"],
        f"attribution decide {incident.name}": [*ATTRIBUTION, "decide", str(incident), "--format", "json"],
    }
    measured = {name: median_seconds(arguments) for name, arguments in commands.items()}
    bare = measured["python -c pass"]
    print(f"{f'median of {RUNS} runs':44} {'seconds':>8} {'ratio':>7}")
    for name, seconds in measured.items():
        print(f"{name:44} {seconds:8.3f} {seconds / bare:7.1f}")


if __name__ == "__main__":
    main()
