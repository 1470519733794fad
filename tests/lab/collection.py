"""The incidents that the repository keeps in `pcaps/`: which scenario, on which topology, with which seed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from tests.lab.captures import compress
from tests.lab.errors import RecordingRefused
from tests.lab.recording import ROOT, check_environment, termination_raises
from tests.lab.thin import profile_named, thin

_ATTEMPTS = 2
_LARGE_OCTETS = 30_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One recorded incident of the repository."""

    scenario: str
    topology: str
    seed: int
    names: str = "random"
    profile: str = "all"
    """The evidence that is kept of it."""
    clocks: tuple[str, ...] = ()
    """Options of `record` about the suppliers' clocks."""

    @property
    def folder(self) -> str:
        """The folder is named after what happened, and after what is left where not all of it is."""
        return self.scenario + (f"-{self.profile}" if self.profile != "all" else "")

    def arguments(self, folder: Path) -> list[str]:
        """The command line that records it into a folder."""
        return ["record", self.scenario, "--topology", self.topology, "--seed", str(self.seed), "--names", self.names,
                "--output", str(folder), *self.clocks]


KEPT: tuple[Kept, ...] = (
    Kept("customer-edge-crash", "single-homed", 11, "generic"),
    Kept("customer-edge-hang", "dual-homed", 12),
    Kept("customer-lan-cut", "carrier-and-vpc", 13),
    Kept("customer-lan-overload", "single-homed", 14),
    Kept("customer-shuts-access-port", "single-homed", 15),
    Kept("customer-shuts-access-port-with-consent", "carrier-and-vpc", 16),
    Kept("customer-firewall-drops-silently", "firewalled-campus", 17),
    Kept("carrier-down", "carrier-and-vpc", 18),
    Kept("provider-core-router-crash", "single-homed", 19),
    Kept("provider-core-link-cut", "carrier-and-vpc", 20),
    Kept("provider-gray-loss", "single-homed", 21),
    Kept("provider-bgp-daemon-dies", "carrier-and-vpc", 22),
    Kept("provider-null-route", "firewalled-campus", 23),
    Kept("suspension-after-late-payment", "carrier-and-vpc", 24),
    Kept("suspension-although-paid", "single-homed", 25),
    Kept("healthy-hour", "dual-homed", 26),
    Kept("customer-host-overloaded", "two-region-ring", 31),
    Kept("customer-duplex-mismatch", "routed-campus", 32),
    Kept("customer-many-hosts-overload-lan", "dual-homed", 33),
    Kept("customer-far-switch-crash", "abilene", 34),
    Kept("customer-far-edge-misroutes", "single-homed", 35, "generic"),
    Kept("customer-wrong-vlan", "two-carriers", 36, clocks=("--clock-error", "provider=3.2")),
    Kept("customer-changes-mtu", "two-region-mesh", 37),
    Kept("customer-firewall-table-full", "two-carriers", 38),
    Kept("customer-wrong-bgp-password", "single-homed", 39,
         clocks=("--clock-error", "customer=-47.5", "--clock-untold")),
    Kept("customer-leaks-routes", "arpanet", 40, profile="no-captures"),
    Kept("customer-detaches-vpc", "two-region-mesh", 41, clocks=("--clock-drift", "customer=140")),
    Kept("attack-by-customer-host", "carrier-and-vpc", 42),
    Kept("attack-on-customer-host", "abilene", 43),
    Kept("carrier-hangs-and-second-takes-over", "two-carriers", 44),
    Kept("carrier-line-degraded", "arpanet", 45, clocks=("--clock-error", "provider=212")),
    Kept("provider-ring-turns-slowly", "two-region-ring", 46, clocks=("--clock-error", "provider=-8.4",
                                                                     "--clock-untold")),
    Kept("provider-one-path-loss", "two-region-mesh", 47),
    Kept("provider-optics-fade", "abilene", 48),
    Kept("provider-routing-loop", "single-homed", 49),
    Kept("provider-core-congested", "firewalled-campus", 50),
    Kept("provider-edge-memory-leak", "routed-campus", 51),
    Kept("provider-gateway-rate-limit", "carrier-and-vpc", 52, "generic"),
    Kept("terminated-after-serious-violation", "two-region-ring", 53),
    Kept("restriction-of-wrong-address", "single-homed", 54),
    Kept("customer-lan-cut-then-provider-core-link-cut", "single-homed", 55),
    Kept("harmless-core-failover", "dual-homed", 56),
    Kept("demarcation-line-cut", "firewalled-campus", 57),
    Kept("provider-gray-loss-after-customer-change", "arpanet", 58, profile="no-captures"),
    Kept("provider-far-edge-crash", "two-carriers", 59, clocks=("--clock-error", "customer=1.7", "--clock-error",
                                                               "provider=-260", "--clock-untold")),
    Kept("provider-hijacks-address", "routed-campus", 61, profile="no-captures"),
    Kept("provider-far-edge-gray-loss", "single-homed", 62, profile="customer-only"),
    Kept("provider-filter-drops-tcp", "firewalled-campus", 63, profile="captures-only"),
    Kept("customer-switch-gray-loss", "carrier-and-vpc", 64, profile="one-capture-point"),
    Kept("customer-far-lan-degraded", "abilene", 65, profile="no-logs"),
    Kept("carrier-loses-large-frames", "two-region-ring", 66, profile="counters-only"),
    Kept("provider-gateway-line-cut", "two-region-mesh", 67, profile="logs-only"),
    Kept("provider-far-edge-reboots", "dual-homed", 68, profile="provider-only"),
    Kept("provider-core-router-busy", "two-carriers", 69, profile="no-records"),
)


THINNED: tuple[tuple[str, str], ...] = (
    ("customer-edge-crash", "end-to-end-only"),
    ("provider-gray-loss", "end-to-end-only"),
    ("carrier-down", "self-serving"),
    ("customer-firewall-drops-silently", "self-serving"),
    ("provider-core-router-crash", "self-serving"),
    ("provider-null-route", "self-serving"),
)
"""Kept incidents with evidence taken away, down to where an honest answer is undetermined."""


def pack(bundle: Path) -> None:
    """Compress a bundle's large tables, which few people read and everybody downloads."""
    incident = yaml.safe_load((bundle / "incident.yaml").read_text(encoding="utf-8"))
    for entry in incident["evidence"]:
        file = bundle / entry["file"]
        if file.suffix == ".csv" and file.stat().st_size > _LARGE_OCTETS:
            entry["file"] = str(compress(file, "gz").relative_to(bundle))
    text = yaml.safe_dump(incident, sort_keys=False, allow_unicode=True)
    (bundle / "incident.yaml").write_text(text, encoding="utf-8")


def thin_kept(kept: list[Kept], output: Path) -> None:
    """Derive the thinned bundles of the repository from the whole ones that were recorded."""
    recorded = {item.folder for item in kept}
    for folder, profile in THINNED:
        if folder in recorded:
            thin(output / folder, profile_named(profile), output / f"{folder}-{profile}")


def run_side_by_side(commands: list[list[str]], jobs: int) -> list[int]:
    """Run laboratory commands as processes, so many at a time; the exit status of each."""
    check_environment()
    statuses: dict[int, int] = {}
    waiting = [(number, command, 1) for number, command in enumerate(commands)]
    running: dict[subprocess.Popen[bytes], tuple[int, list[str], int]] = {}
    with termination_raises():
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    number, command, attempt = waiting.pop(0)
                    process = subprocess.Popen([sys.executable, "-m", "tests.lab", *command], cwd=ROOT)
                    running[process] = (number, command, attempt)
                time.sleep(0.5)
                for process in [process for process in running if process.poll() is not None]:
                    number, command, attempt = running.pop(process)
                    if process.returncode == RecordingRefused.exit_status and attempt < _ATTEMPTS:
                        waiting.append((number, command, attempt + 1))
                    else:
                        statuses[number] = process.returncode
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
    return [statuses[number] for number in range(len(commands))]


def record_kept(kept: list[Kept], output: Path, jobs: int) -> None:
    """Record incidents of the repository anew, and take away what is not kept of them."""
    with tempfile.TemporaryDirectory(prefix="attribution-kept-") as name:
        whole = {item.folder: (output.resolve() if item.profile == "all" else Path(name)) / item.folder
                 for item in kept}
        statuses = run_side_by_side([item.arguments(whole[item.folder]) for item in kept], jobs)
        failed = [item.folder for item, status in zip(kept, statuses, strict=True) if status]
        for item in kept:
            if item.profile != "all" and item.folder not in failed:
                thin(whole[item.folder], profile_named(item.profile), output / item.folder)
            if item.folder not in failed:
                pack(output / item.folder)
    if failed:
        raise RecordingRefused(f"not recorded: {', '.join(failed)}; expected every scenario to show its effect")
    thin_kept(kept, output)
    click.echo(f"{len(kept)} incidents recorded into {output}", err=True)
