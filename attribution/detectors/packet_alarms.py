"""What devices say of themselves and their neighbours in the packets that they sent, as captures show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from attribution.detectors.alarms import read_prefixes
from attribution.detectors.loss import Surroundings, stretch_between
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import Interval
from attribution.model.observation import (
    REFUSED_BY_ITSELF,
    TCP_ALONE,
    Observation,
    PacketWitness,
    PairCount,
    TapCount,
    WitnessKind,
)
from attribution.model.phrase import Phrase
from attribution.model.ports import find_link
from attribution.model.topology import ROUTING, NodeKind

WITNESS_ALARMS = {
    WitnessKind.ICMP_UNREACHABLE: AlarmKind.ROUTE_MISSING,
    WitnessKind.ICMP_PROHIBITED: AlarmKind.FILTERED,
    WitnessKind.ICMP_TOO_BIG: AlarmKind.PACKET_TOO_BIG,
    WitnessKind.LARGE_PACKETS_LOST: AlarmKind.PACKET_TOO_BIG,
    WitnessKind.ICMP_TTL_EXCEEDED: AlarmKind.LOOP,  # where packets are seen to go round
    WitnessKind.ROUTING_LOOP: AlarmKind.LOOP,
    WitnessKind.ARP_UNANSWERED: AlarmKind.HOST_SILENT,
    WitnessKind.ARP_DUPLICATE: AlarmKind.DUPLICATE_ADDRESS,
    WitnessKind.ZERO_WINDOW: AlarmKind.HOST_REFUSES,
    WitnessKind.RATE_PLATEAU: AlarmKind.RATE_EXCEEDED,
    WitnessKind.FLOOD: AlarmKind.ATTACK,
    WitnessKind.SCAN: AlarmKind.ATTACK,
}
SILENCES = frozenset({WitnessKind.BGP_SILENT, WitnessKind.BFD_SILENT, WitnessKind.HELLO_LOST})
"""The witness names who fell silent as sender; the word is that of who waited."""
STOOD_STILL = frozenset({WitnessKind.BGP_SILENT, WitnessKind.BFD_SILENT})
"""Silences during which the peer spoke on, as was seen: the port was up, and what should have spoken there was not."""
SESSION_WITNESSES = SILENCES | {WitnessKind.BGP_NOTIFICATION, WitnessKind.BFD_DOWN, WitnessKind.NEIGHBOUR_LOST}
Pair = tuple[str, str]
"""A device and the peer of one of its sessions."""
BY_AN_OPERATOR = frozenset({"6/2", "6/3", "6/4", "6/6"})
"""Administrative shutdown, peer taken out of the configuration, administrative reset, another change of it (RFC 4486):
what the sender says of its own doing."""
NOT_REASSEMBLED = frozenset({"11/1", "3/1"})
"""Time exceeded at who waited for fragments: no time to live was used up."""
CONNECTION_COLLISION = "6/7"  # closes the second of two connections, not the session (RFC 4271 §6.8)
PARTNER_GONE = frozenset({"expired", "defaulted", "silent"})
SERVER_FAILURES = frozenset({"servfail", "refused"})
FEWEST_REFUSALS = 3
FEWEST_TOO_BIG = 10
"""So many packets are lost, and of the smaller ones passed on, before size is what tells them apart."""
INTERNAL_ERROR = "2/80"  # fatal (RFC 8446 §6.2): a cause within the end that sends it


def detect_packet_alarms(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Packets that speak of a state: an ICMP error names its sender, a NOTIFICATION the one who gave up."""
    witnesses = [observation for observation in observations if isinstance(observation, PacketWitness)]
    silences = {(w.sender, w.about, w.end_ns) for w in witnesses if w.kind is WitnessKind.BGP_SILENT}
    loops = [witness for witness in witnesses if witness.kind is WitnessKind.ROUTING_LOOP]
    for witness in witnesses:
        if witness.kind is WitnessKind.ICMP_TTL_EXCEEDED and not _tells_of_loop(witness, loops):
            continue
        alarm = _alarm_of_witness(witness, around)
        # Who gave up after a silence that was seen had spoken on until then.
        if alarm is not None and (witness.about, witness.sender, witness.time_ns) in silences:
            alarm = replace(alarm, spoke_on=True)
        if alarm is not None:
            yield from _with_what_follows(alarm, witness, around)


def _with_what_follows(alarm: Alarm, witness: PacketWitness, around: Surroundings) -> Iterator[Alarm]:
    """What a packet says, and what it thereby says of its sender's own ports, of a link's other end, of itself."""
    own = []
    if alarm.kind is AlarmKind.ROUTES_WITHDRAWN:
        own = _own_links_within(alarm.reporter, witness.prefixes, around)
    # Who takes back nothing but the subnets of its own cables tells of their ports, not of what lies behind.
    if not own or len(own) < len(witness.prefixes):
        yield alarm
    for link in own:
        statement = Phrase("{told}: also the subnet of its own {link}", told=alarm.statement, link=link)
        down = replace(alarm, component=link, kind=AlarmKind.INTERFACE_DOWN, statement=statement)
        yield replace(down, about_peer=None)
    if witness.kind is WitnessKind.ROUTING_LOOP:
        yield from _across_the_link(alarm, witness, around)
    if witness.kind is WitnessKind.BGP_NOTIFICATION and witness.code in BY_AN_OPERATOR:
        yield _said_of_itself(alarm)
    # Who has its TCP acknowledge all that the peer says, and says nothing itself, has a process that stands still.
    if witness.kind is WitnessKind.BGP_SILENT and witness.code == TCP_ALONE and alarm.about_peer is not None:
        silent, given_up = alarm.about_peer, Interval(witness.end_ns, witness.end_ns + 1)
        still = replace(alarm, reporter=silent, component=silent, kind=AlarmKind.PROCESS_DOWN, about_peer=None)
        yield replace(still, interval=given_up, spoke_on=False)
    # A device that answers BFD no more at its own port, while its peer speaks on, stands still.
    if witness.kind is WitnessKind.BFD_SILENT and alarm.about_peer == witness.device:
        dead = replace(alarm, reporter=witness.device, component=witness.device, kind=AlarmKind.DEVICE_UNREACHABLE)
        yield replace(dead, about_peer=None)


def _tells_of_loop(exceeded: PacketWitness, loops: Iterable[PacketWitness]) -> bool:
    """Whether packets used up their time to live at a router while others for the same address went round somewhere.

    By itself time exceeded is what a traceroute asks for; or fragments are waited for in vain (RFC 792, RFC 4443 §3.3).
    """
    when = Interval(exceeded.time_ns, max(exceeded.end_ns, exceeded.time_ns + 1))
    return exceeded.code not in NOT_REASSEMBLED and any(
        loop.about == exceeded.about and when.overlaps(Interval(loop.time_ns, max(loop.end_ns, loop.time_ns + 1)))
        for loop in loops
    )


def _across_the_link(looping: Alarm, witness: PacketWitness, around: Surroundings) -> Iterator[Alarm]:
    """What goes round over a link goes round through the routers at both of its ends."""
    link = find_link(around.topology, witness.device, witness.interface or "")
    far = link.far_end(witness.device) if link is not None else None
    if far is not None and around.topology.nodes[far].kind in ROUTING:
        yield replace(looping, component=far)


def detect_size_limits(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Between two capture points all large packets are lost and all smaller ones passed on, for some time: something
    there takes no more than a certain size, and does not say so (RFC 2923 §2.1)."""
    counted: dict[tuple[object, ...], list[PairCount]] = defaultdict(list)
    for pair in observations:
        if isinstance(pair, PairCount):
            between = (pair.origin.file, pair.second_file, pair.first, pair.second)
            counted[(*between, pair.source, pair.destination)].append(pair)
    for pairs in counted.values():
        limited = _limited_by_size(sorted(pairs, key=lambda pair: pair.time_ns))
        if limited:
            yield from _alarms_of_limit(limited, around)


def _limited_by_size(pairs: Sequence[PairCount]) -> Sequence[PairCount]:
    """The counts from the first to the last that lost packets, if by size alone, and as large ones passed otherwise."""
    lossy = [pair for pair in pairs if pair.lost]
    sizes = [pair.smallest_lost for pair in lossy]
    known = [size for size in sizes if size is not None]
    if not lossy or len(known) < len(sizes):
        return ()
    first, last, least = lossy[0].time_ns, lossy[-1].time_ns, min(known)
    within = [pair for pair in pairs if first <= pair.time_ns <= last]
    usual = [pair.largest_passed or 0 for pair in pairs if not first <= pair.time_ns <= last]
    passed = sum(pair.sent - pair.lost for pair in within)
    enough = min(sum(pair.lost for pair in lossy), passed) >= FEWEST_TOO_BIG
    by_size = all((pair.largest_passed or 0) < least for pair in within)
    return within if enough and by_size and max(usual, default=0) >= least else ()


def _alarms_of_limit(limited: Sequence[PairCount], around: Surroundings) -> Iterator[Alarm]:
    """One for each node that passes packets on between the two points."""
    one = limited[0]
    source, destination = around.book.resolve(one.source), around.book.resolve(one.destination)
    if source is None or destination is None:
        return
    ways = around.routes.paths(source, destination, one.time_ns)
    stretches = [stretch_between(way, one.first, one.second, around.topology) for way in ways]
    crossed = [set(stretch.components) if stretch is not None else set() for stretch in stretches]
    least = min(pair.smallest_lost for pair in limited if pair.smallest_lost is not None)
    largest = max(pair.largest_passed or 0 for pair in limited)
    points = (" ".join(filter(None, point)) for point in (one.first, one.second))
    first, second = points
    told = Phrase(
        "between {first} and {second} all packets from {source} to {destination} of {least} octets or more were lost, "
        "and none of {largest} or less",
        first=first, second=second, source=source, destination=destination, least=least, largest=largest,
    )  # fmt: skip
    for name in sorted(set.intersection(*crossed) & around.topology.nodes.keys() if crossed else ()):
        yield Alarm(
            Interval(one.time_ns, limited[-1].end_ns), one.first[0], name, AlarmKind.PACKET_TOO_BIG,
            Citation(one.origin, one.locator), told, about_peer=destination,
        )  # fmt: skip


def _said_of_itself(closed: Alarm) -> Alarm:
    """What a peer that closed a session says of itself when it tells why."""
    peer = closed.about_peer or closed.reporter
    return replace(
        closed, reporter=peer, component=peer, kind=AlarmKind.SESSION_ADMIN_DOWN, about_peer=closed.reporter
    )


def _routers_within(device: str, prefixes: Iterable[str], around: Surroundings) -> Iterator[str]:
    """The other routers whose own addresses, one by one, are among prefixes: loopbacks, as a rule."""
    for network in read_prefixes(prefixes):
        owner = around.book.resolve(str(network.network_address)) if network.num_addresses == 1 else None
        if owner is not None and owner != device and around.topology.nodes[owner].kind in ROUTING:
            yield owner


def _own_links_within(device: str, prefixes: Iterable[str], around: Surroundings) -> list[str]:
    """The links of a device whose own subnets are among prefixes: it takes such a one back when its port goes down.

    A subnet of one cable: of all nodes only its two ends have an address in it. Not one with a host at it: what hosts
    have is announced and taken back by policy too.
    """
    own, found = around.book.addresses_of(device), []
    for prefix in read_prefixes(prefixes):
        if not any(address.version == prefix.version and address in prefix for address in own):
            continue
        owners = around.book.owners_within(prefix)
        between = [link for far in owners - {device} for link in around.topology.links_between(device, far)]
        ends_at_host = any(around.topology.nodes[owner].kind is NodeKind.HOST for owner in owners)
        if len(owners) == 2 and len(between) == 1 and not ends_at_host:
            found.append(between[0].component)
    return found


def find_absences(observations: Iterable[Observation], around: Surroundings) -> dict[Pair, list[Interval]]:
    """When a device sent a session's peer nothing, while that spoke on, at its own port: it stood still.

    Farther off its packets may have been lost. For each pair of the silent device and its peer.
    """
    found: dict[Pair, list[Interval]] = defaultdict(list)
    for witness in observations:
        if isinstance(witness, PacketWitness) and witness.kind in STOOD_STILL:
            silent, waiting = around.book.resolve(witness.sender), around.book.resolve(witness.about)
            if silent is not None and silent == witness.device and waiting is not None:
                found[(silent, waiting)].append(Interval(witness.time_ns, witness.end_ns))
    return found


def detect_unanswered(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Segments that arrived at a host's own port, and to which it never answered a word: it does not serve.

    Only a capture at the host itself tells: farther off, its answers may have been lost. Source: RFC 9293 §3.10.7.4, an
    acceptable segment is answered.
    """
    arrived: dict[tuple[str, str, str], list[TapCount]] = defaultdict(list)
    for tap in observations:
        if isinstance(tap, TapCount) and tap.protocol == "tcp" and tap.sent > 0:
            source, host = around.book.resolve(tap.source), around.book.resolve(tap.destination)
            if host == tap.device and source is not None and source != host:
                arrived[(tap.origin.file, source, host)].append(tap)
    for (_, source, host), taps in arrived.items():
        silent = [tap for tap in taps if tap.unanswered == tap.sent - tap.lost_upstream and tap.unanswered > 0]
        segments = sum(tap.unanswered for tap in silent)
        if segments >= FEWEST_REFUSALS:
            first = min(silent, key=lambda tap: tap.time_ns)
            interval = Interval(first.time_ns, max(tap.end_ns for tap in silent))
            statement = Phrase(
                "packets at {host}: {segments} segments from {source} arrived, and it answered none of them",
                host=host, segments=segments, source=source,
            )  # fmt: skip
            citation = Citation(first.origin, first.locator)
            # A router's silence may be the other's doing: what it cannot authenticate, it does not answer (RFC 5925).
            peer = None if around.topology.nodes[host].kind is NodeKind.HOST else source
            yield Alarm(
                interval, host, host, AlarmKind.HOST_REFUSES, citation, statement, about_peer=peer,
                magnitude=float(segments),
            )  # fmt: skip


def _alarm_of_witness(witness: PacketWitness, around: Surroundings) -> Alarm | None:
    sender, about = around.book.resolve(witness.sender), around.book.resolve(witness.about)
    interval = Interval(witness.time_ns, max(witness.end_ns, witness.time_ns + 1))
    citation = Citation(witness.origin, witness.locator)
    named = witness.detail or Phrase(witness.kind.replace("_", " "))
    statement = _statement_of(witness, named)
    if witness.kind in SESSION_WITNESSES:
        if witness.kind in SILENCES:
            sender, about = about, sender
        if sender is None or about is None or witness.code == CONNECTION_COLLISION:
            return None
        # The sender gave up on a silent peer (hold timer 4/*, BFD), or closed the session itself.
        silent = (witness.code or "").startswith("4") or "BFD" in named
        if witness.kind is not WitnessKind.BGP_NOTIFICATION or silent:
            return Alarm(
                interval, sender, sender, AlarmKind.SESSION_DOWN, citation, statement, about_peer=about,
                spoke_on=witness.kind in STOOD_STILL,
            )  # fmt: skip
        return Alarm(interval, about, about, AlarmKind.SESSION_CLOSED_BY_PEER, citation, statement, about_peer=sender)
    if witness.kind is WitnessKind.BGP_WITHDRAWAL and sender is not None and about is not None:
        gone = tuple(_routers_within(sender, witness.prefixes, around))
        return Alarm(interval, sender, sender, AlarmKind.ROUTES_WITHDRAWN, citation, statement, about, gone=gone)
    if witness.kind is WitnessKind.BGP_HOST_ROUTE and sender is not None:
        drawn = {around.book.resolve(prefix.rpartition("/")[0]) for prefix in witness.prefixes} & around.ends
        route = AlarmKind.HOST_ROUTE_ANNOUNCED
        return Alarm(interval, sender, sender, route, citation, statement, about_peer=about) if drawn else None
    if witness.kind is WitnessKind.LACP_PARTNER_LOST:
        link = find_link(around.topology, witness.device, witness.interface or "")
        if link is None or witness.code not in PARTNER_GONE:
            return None
        return Alarm(interval, witness.device, link.component, AlarmKind.INTERFACE_DOWN, citation, statement)
    refuses = is_own_refusal(witness, sender) or _is_refused_by_host(witness, sender, around)
    kind = AlarmKind.HOST_REFUSES if refuses else WITNESS_ALARMS.get(witness.kind)
    if kind is None:
        return None
    if kind is AlarmKind.DUPLICATE_ADDRESS:  # seen by whoever captured it, of the node whose address it is
        return Alarm(interval, witness.device, about, kind, citation, statement) if about is not None else None
    if kind in (AlarmKind.HOST_SILENT, AlarmKind.ATTACK, AlarmKind.HOST_REFUSES):
        subject = sender if kind is AlarmKind.HOST_REFUSES else about
        return (
            None
            if subject is None
            else Alarm(
                interval, sender or witness.device, subject, kind, citation, statement, magnitude=float(witness.count)
            )
        )
    reporter = sender or witness.device
    if reporter not in around.topology.nodes:
        return None
    return Alarm(interval, reporter, reporter, kind, citation, statement, about_peer=about)


def _statement_of(witness: PacketWitness, named: str) -> Phrase:
    if witness.sender is None and witness.about is not None:  # what packets do, and none says
        return Phrase(
            "packets at {device} for {about}: {detail}", device=witness.device, about=witness.about, detail=named
        )
    return Phrase(
        "packets at {device}: {detail}, from {sender} about {about}",
        device=witness.device, detail=named, sender=witness.sender or "?", about=witness.about or "?",
    )  # fmt: skip


def _is_refused_by_host(witness: PacketWitness, sender: str | None, around: Surroundings) -> bool:
    """Whether a host answers that nothing listens at a port of its own: the way to it works, and it does not serve."""
    unreachable = witness.kind is WitnessKind.ICMP_UNREACHABLE and sender in around.topology.nodes
    return unreachable and around.topology.nodes[sender or ""].kind is NodeKind.HOST


def is_own_refusal(witness: PacketWitness, sender: str | None) -> bool:
    """Whether a server says, or shows at its own port, that it cannot serve: a word about itself, not about the way.

    A single name that cannot be resolved may be that name's trouble. A hello without an answer is the server's doing
    only where the capture was taken on the server: farther off, its answer may have been lost.
    """
    if witness.kind is WitnessKind.DNS_FAILED:
        return witness.code in SERVER_FAILURES and witness.count >= FEWEST_REFUSALS
    if witness.kind is WitnessKind.HANDSHAKE_FAILED:
        return witness.code == REFUSED_BY_ITSELF and witness.count >= FEWEST_REFUSALS
    if witness.kind is WitnessKind.TLS_ALERT:
        return witness.code == INTERNAL_ERROR
    return witness.kind is WitnessKind.TLS_UNANSWERED and witness.code == "silent" and sender == witness.device
