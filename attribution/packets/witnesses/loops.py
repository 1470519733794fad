"""A packet that comes by again and again, each time with less time to live, goes round in a routing loop."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text
from attribution.packets.capture import Capture
from attribution.packets.columns import DEPTH, DESTINATION, IP_ID, SOURCE, TIME, TTL
from attribution.packets.matching import stable_part
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify

FEWEST_ROUNDS: Final = 3  # twice may be a router's own capture of a packet coming in and going out


def find_loops(survey: Survey) -> Iterator[PacketWitness]:
    """Yield the destinations whose packets went round, with how many did and how much time to live a round takes."""
    capture = survey.capture
    rounds: dict[tuple[object, ...], list[int]] = {}
    packets = capture.packets
    suspects: dict[tuple[int, ...], int] = {}
    for index in capture.in_time():
        packet = packets[index]
        if packet[DEPTH] and packet[IP_ID]:
            coarse = (packet[IP_ID], packet[SOURCE + 3], packet[DESTINATION + 3])
            if coarse in suspects and packets[suspects[coarse]][TTL] != packet[TTL]:
                key = (coarse, stable_part(packet, capture.octets[index], 16))
                first = suspects[coarse]
                rounds.setdefault(key, [first]).append(index)
            else:
                suspects[coarse] = index
    looping: Gathering[str] = Gathering(capture)
    chosen = sorted(
        (packets[indices[0]][TIME], indices) for indices in rounds.values() if _goes_round(capture, indices)
    )
    for _, indices in chosen:
        looping.add(destination_text(packets[indices[0]]), indices[0])
    steps = {indices[0]: packets[indices[0]][TTL] - packets[indices[1]][TTL] for _, indices in chosen}

    def describe(run: Run[str]) -> PacketWitness:
        step = steps[run.packets[0]]
        return testify(
            capture, WitnessKind.ROUTING_LOOP, run.packets, sender=None, about=run.key,
            code=str(step), detail=f"the same packets come by again, {step} routers further on each time",
        )  # fmt: skip

    yield from looping.witnesses(describe)


def _goes_round(capture: Capture, indices: list[int]) -> bool:
    lives = [capture.packets[index][TTL] for index in indices]
    falling = all(earlier > later for earlier, later in itertools.pairwise(lives))
    return falling and len(lives) >= FEWEST_ROUNDS and lives[0] - lives[1] >= 1
