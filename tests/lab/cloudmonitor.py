"""Tencent Cloud Monitor's answers about the dedicated tunnel: `GetMonitorData`, namespace QCE/DCX."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from tests.lab.recorders import Sample

PERIOD_SECONDS = 10
METRICS = {"InBandwidth": ("in_octets", 8 / 1e6), "OutBandwidth": ("out_octets", 8 / 1e6), "InPkg": ("in_packets", 1.0),
           "OutPkg": ("out_packets", 1.0)}
"""What each metric is made of: in and out as the cloud's access point sees them, in Mbit/s and packets a second."""


def monitor_data(metric: str, tunnel: str, samples: Iterable[Sample], clock_error_s: float) -> str:
    """One metric of a tunnel: means over ten seconds, and no point at all where nothing could be measured."""
    source, factor = METRICS[metric]
    readings = sorted((sample.time + clock_error_s, sample.value) for sample in samples if sample.metric == source)
    timestamps, values = [], []
    if readings:
        bucket = int(readings[0][0] // PERIOD_SECONDS + 1) * PERIOD_SECONDS
        while bucket + PERIOD_SECONDS <= readings[-1][0]:
            # A reading shortly before the bucket begins its first step.
            inside = [reading for reading in readings if bucket - 2.5 <= reading[0] < bucket + PERIOD_SECONDS]
            if len(inside) >= 4 and inside[-1][1] >= inside[0][1]:
                rate = (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])
                timestamps.append(bucket)
                values.append(round(rate * factor, 4))
            bucket += PERIOD_SECONDS
    span = (readings[0][0], readings[-1][0]) if readings else (0.0, 0.0)
    point = {"Dimensions": [{"Name": "directConnectConnId", "Value": tunnel}], "Timestamps": timestamps,
             "Values": values, "MaxValues": None, "MinValues": None, "AvgValues": None}
    return json.dumps({"Response": {
        "Period": PERIOD_SECONDS, "MetricName": metric, "StartTime": _stamp(span[0]), "EndTime": _stamp(span[1]),
        "DataPoints": [point], "Msg": "", "RequestId": "4f1a0c52-8a52-4e2c-9d53-8d3ff0f6e0b1",
    }}) + "\n"


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).isoformat()
