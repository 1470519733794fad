"""A capture is useful in a notebook by itself: a table, and its connections."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd

from attribution import packets
from tests.packets.making import SENT_AGAIN, pcap


def test_a_table_of_packets() -> None:
    table = packets.read(pcap(SENT_AGAIN, nanoseconds=True))

    assert list(table.index[:2]) == [1, 2]
    assert isinstance(table["time"].dtype, pd.DatetimeTZDtype)
    assert table["source"].iloc[0] == "10.0.0.1"
    assert table["length"].sum() == 200
    assert table["health"].iloc[-1] == 1
    assert set(table["stream"]) == {0}


def test_the_flows_of_a_capture() -> None:
    summary = packets.analyse(pcap(SENT_AGAIN, nanoseconds=True))

    assert [(flow.source, flow.packets) for flow in summary.flows] == [("10.0.0.1", 5)]


def test_reading_a_small_capture_loads_nothing_heavy() -> None:
    program = (
        "import sys, io; from attribution.packets import read_capture, observe_capture, compare_captures;"
        "import attribution.packets.observe, attribution.packets.comparison, attribution.packets.summary;"
        "print([name for name in ('numpy', 'pandas', 'numba', 'scapy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
