"""Traced paths in the forms in which tools write them: rows of a table, mtr reports, RIPE Atlas results."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable

from tests.lab.observed import Walk
from tests.lab.paperwork import stamp
from tests.lab.plan import Plan

COLUMNS = ("time", "source", "destination", "hop", "address", "sent", "received", "rtt_avg_ms")


def path_rows(plan: Plan, walks: Iterable[Walk], clock_error_s: float) -> list[tuple[object, ...]]:
    """One row per hop of each traced path."""
    return [
        (stamp(walk.time + clock_error_s), plan.node(walk.source).name, plan.node(walk.destination).name, hop, address,
         1, int(bool(address)), f"{trip:.3f}" if trip is not None else "")
        for walk in walks
        for hop, address, trip in walk.hops
    ]


def mtr_report(plan: Plan, walks: list[Walk]) -> str:
    """`mtr --json`: the walks of one pair in one stretch of time, summed up by hop; it carries no time of its own."""
    hubs = []
    for number in range(1, max(hop for walk in walks for hop, _, _ in walk.hops) + 1):
        asked = [(address, trip) for walk in walks for hop, address, trip in walk.hops if hop == number]
        trips = [trip for _, trip in asked if trip is not None]
        hosts = [address for address, _ in asked if address]
        hubs.append({
            "count": number, "host": max(set(hosts), key=hosts.count) if hosts else "???",
            "Loss%": round(100 * (1 - len(trips) / len(asked)), 1), "Snt": len(asked),
            "Last": round(trips[-1], 3) if trips else 0.0, "Avg": round(statistics.fmean(trips), 3) if trips else 0.0,
            "Best": round(min(trips), 3) if trips else 0.0, "Wrst": round(max(trips), 3) if trips else 0.0,
            "StDev": round(statistics.pstdev(trips), 3) if trips else 0.0,
        })
    head = {"src": plan.node(walks[0].source).name, "dst": str(plan.address(walks[0].destination)), "tos": 0,
            "tests": len(walks), "psize": "64", "bitpattern": "0x00"}
    return json.dumps({"report": {"mtr": head, "hubs": hubs}}, indent=4) + "\n"


def atlas_results(plan: Plan, walks: Iterable[Walk], clock_error_s: float) -> str:
    """Traceroute results as RIPE Atlas's API lists them."""
    results = []
    for walk in walks:
        source, target = str(plan.address(walk.source)), str(plan.address(walk.destination))
        hops = [
            {"hop": hop, "result": [{"from": address, "rtt": round(trip, 3), "size": 60, "ttl": 64 - hop}
                                    if trip is not None else {"x": "*"}]}
            for hop, address, trip in walk.hops
        ]
        results.append({
            "fw": 5080, "type": "traceroute", "msm_id": 41000000 + sum(map(ord, walk.source + walk.destination)),
            "prb_id": 1000 + sum(map(ord, walk.source)), "timestamp": int(walk.time + clock_error_s),
            "endtime": int(walk.time + clock_error_s) + 1, "src_addr": source, "from": source, "dst_addr": target,
            "dst_name": target, "proto": "ICMP", "af": 4, "size": 32, "paris_id": 0, "result": hops,
        })
    return json.dumps(results) + "\n"
