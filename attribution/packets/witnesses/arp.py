"""A neighbour that does not answer ARP is gone; an address that two machines claim is in conflict (RFC 826, 5227).

Several machines may share an address on purpose: routers of a VRRP, HSRP, GLBP or CARP group, and a router that answers
for others (proxy ARP, RFC 1027). They are in no conflict.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, all_of
from attribution.packets.addresses import destination_text, hardware_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import ARP, ARP_OPERATION, ARP_SENDER, DESTINATION, SOURCE, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.presence import machines_present, would_see_answers
from attribution.packets.witnesses.redundancy import master_claims

PATIENCE_NS: Final = 1_000_000_000
FEWEST_QUESTIONS: Final = 2
CONFLICT_NS: Final = 60_000_000_000
FEWEST_PROXIED: Final = 4  # addresses that one machine answers for, before it counts as a proxy
VIRTUAL_ROUTERS: Final = (
    (0x00005E000100, 0xFFFFFFFFFF00),  # VRRP (RFC 5798 §7.3) and CARP
    (0x00005E000200, 0xFFFFFFFFFF00),  # VRRP for IPv6
    (0x00000C07AC00, 0xFFFFFFFFFF00),  # HSRP version 1 (RFC 2281 §5.6)
    (0x00000C9FF000, 0xFFFFFFFFF000),  # HSRP version 2
    (0x000573A00000, 0xFFFFFFFFF000),  # HSRP for IPv6
    (0x0007B4000000, 0xFFFFFF000000),  # GLBP
)


def is_virtual_router(machine: int) -> bool:
    """Whether a hardware address is one that routers share by design."""
    return any(machine & mask == prefix for prefix, mask in VIRTUAL_ROUTERS)


def shared_by_design(survey: Survey) -> frozenset[str]:
    """Addresses that a redundancy group's messages name: its routers may answer with their own hardware addresses."""
    return frozenset(address for claim in master_claims(survey) for address in claim.addresses)


def find_arp_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield addresses that were asked for in vain, and addresses that more than one machine answers for."""
    packets = survey.capture.packets
    messages = [index for index in survey.of(ARP) if packets[index][ARP_OPERATION] in (1, 2)]
    if messages:
        yield from _unanswered(survey.capture, messages)
        yield from _claimed_twice(survey, messages)


def _unanswered(capture: Capture, messages: list[int]) -> Iterator[PacketWitness]:
    """Questions for another's address; a probe (no sender address) and an announcement ask for the sender's own."""
    packets = capture.packets
    heard: dict[int, list[int]] = {}
    for index in messages:
        heard.setdefault(packets[index][SOURCE + 3], []).append(packets[index][TIME])
    present = machines_present(capture)
    vain: Gathering[tuple[str, str]] = Gathering(capture)
    for index in messages:
        packet = packets[index]
        asked = packet[DESTINATION + 3]
        if packet[ARP_OPERATION] != 1 or asked in (0, packet[SOURCE + 3]) or not packet[SOURCE + 3]:
            continue
        answered = is_answered(heard.get(asked, []), packet[TIME])
        waited = capture.end_ns - packet[TIME] >= PATIENCE_NS
        if not answered and waited and would_see_answers(capture, index, present):
            vain.add((source_text(packet), destination_text(packet)), index)

    def describe(run: Run[tuple[str, str]]) -> PacketWitness | None:
        if len(run.packets) < FEWEST_QUESTIONS:
            return None
        return testify(
            capture, WitnessKind.ARP_UNANSWERED, run.packets, sender=run.key[0], about=run.key[1],
            detail=Phrase("{asking} asks for {asked}, nobody answers", asking=run.key[0], asked=run.key[1]),
        )  # fmt: skip

    yield from vain.witnesses(describe)


def is_answered(answers: list[int], asked_ns: int) -> bool:
    """Whether one of these times, in their order, lies within patience after the question."""
    place = bisect_left(answers, asked_ns)
    return place < len(answers) and answers[place] <= asked_ns + PATIENCE_NS


def _claimed_twice(survey: Survey, messages: list[int]) -> Iterator[PacketWitness]:
    """Two hardware addresses claim one IP address in turns; a single change is a machine that was replaced."""
    capture = survey.capture
    packets = capture.packets
    claims: dict[int, list[int]] = {}
    answered_for: dict[int, set[int]] = {}
    for index in messages:
        packet = packets[index]
        machine, claimed = packet[ARP_SENDER], packet[SOURCE + 3]
        if claimed and machine and not is_virtual_router(machine):
            claims.setdefault(claimed, []).append(index)
            if packet[ARP_OPERATION] == 2:
                answered_for.setdefault(machine, set()).add(claimed)
    proxies = {machine for machine, claimed in answered_for.items() if len(claimed) >= FEWEST_PROXIED}
    shared = shared_by_design(survey)
    for indices in claims.values():
        address = source_text(packets[indices[0]])
        owners = [index for index in indices if packets[index][ARP_SENDER] not in proxies]
        turns = turns_of([packets[index][ARP_SENDER] for index in owners], [packets[index][TIME] for index in owners])
        if address in shared or not turns:
            continue
        if len(turns) >= 2 or _answered_one_question(capture, owners, turns[0]):
            yield conflict(capture, owners, turns, [packets[index][ARP_SENDER] for index in owners], address)


def turns_of(machines: list[int], times: list[int]) -> list[int]:
    """The places at which another machine claims the address, soon after the one before it."""
    return [
        number
        for number in range(1, len(machines))
        if machines[number] != machines[number - 1] and times[number] - times[number - 1] < CONFLICT_NS
    ]


def conflict(
    capture: Capture, indices: list[int], turns: list[int], machines: list[int], address: str
) -> PacketWitness:
    """The witness of an address that these machines claim: since a second one did, until the first has it alone again.
    """
    names = all_of(sorted({hardware_text(machine) for machine in machines}))
    telling = [indices[number] for number in turns]
    is_over = machines[turns[-1]] == machines[0]
    return testify(
        capture, WitnessKind.ARP_DUPLICATE, telling, sender=address, about=address,
        detail=Phrase("{names} both claim {address}", names=names, address=address),
        end_ns=capture.packets[telling[-1] if is_over else indices[-1]][TIME],
    )  # fmt: skip


def _answered_one_question(capture: Capture, indices: list[int], turn: int) -> bool:
    """Two machines answered the same question within a moment."""
    one, other = capture.packets[indices[turn - 1]], capture.packets[indices[turn]]
    both_answers = one[ARP_OPERATION] == other[ARP_OPERATION] == 2
    return both_answers and other[TIME] - one[TIME] < PATIENCE_NS
