"""Traffic recorded once for all tests that need the real thing."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packets.network import CLIENT, PINGS, SERVER, TWO, missing, network

LONGEST_S = 25.0  # a heavy loss stalls a connection for minutes: whatever has passed by then will do


@dataclass(frozen=True)
class Recording:
    """Captures on both sides of a router that dropped `dropped` packets at random."""

    left: Path
    right: Path
    dropped: int


def record(folder: Path, loss: float) -> Recording:
    """Bulk transfers, conversations and resets through the router; pings before and after, so that both captures
    begin before them and outlast them.

    Skips the test where this machine cannot do it.
    """
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    try:
        return _record(folder, loss)
    except (RuntimeError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"the network could not be recorded: {problem}")


def _record(folder: Path, loss: float) -> Recording:
    left, right = folder / "left.pcap", folder / "right.pcap"
    with network(f"pk{os.getpid()}x{time.monotonic_ns() % 1000}") as net:
        net.drop(loss, "-p", "tcp")
        net.capture("left", left, snap=2000)
        net.capture("right", right, snap=2000)
        styles = (("bulk", "5001"), ("reset", "5003"), ("echo", "5004"))
        servers = [net.start(net.two, SERVER, style, port) for style, port in styles]
        try:
            time.sleep(0.5)
            net.start(net.one, PINGS, TWO).wait(timeout=20)
            clients = [
                net.start(net.one, CLIENT, "bulk", TWO, "5001", "3", str(int(30_000 / loss))),
                net.start(net.one, CLIENT, "bulk", TWO, "5003", "5", "20000"),
                net.start(net.one, CLIENT, "echo", TWO, "5004", "4", "120"),
            ]
            deadline = time.monotonic() + LONGEST_S
            while any(client.poll() is None for client in clients) and time.monotonic() < deadline:
                time.sleep(0.1)
            for client in clients:
                client.kill()
            time.sleep(0.5)
            net.start(net.one, PINGS, TWO).wait(timeout=20)
        finally:
            for server in servers:
                server.kill()
        net.stop_captures()
        return Recording(left, right, sum(net.dropped()))


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A lossy path, recorded once in this test run."""
    return record(tmp_path_factory.mktemp("recorded"), 0.02)
