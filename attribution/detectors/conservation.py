"""Packets do not vanish: what a device took in it sends out, and what one end of a link sends the other takes in.

Counters of ports, compared through a device and across a link, count what was lost there, whatever no drop counter
tells. A device's balance takes in all ports that are counted, drawn or not; where a device has others, what is missing
may have gone out by them, and nothing is called lost. The balance is never perfect: a device's own traffic ends in it,
the two ends of a link are polled at different moments. So each balance is held against its own usual one, and counts
as loss only where it is clearly beyond that.
What the service is known to have lost meanwhile must be missing somewhere: a balance that would show it and does not
clears its place, however small a part of all packets that was.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from attribution.detectors.balances import (
    STAYS,
    Balance,
    Poll,
    Wanted,
    weigh_polls,
    without_fewer_copies,
    without_what_others_lost,
)
from attribution.detectors.loss import LONGEST_WINDOW_S, Surroundings
from attribution.detectors.port_counters import (
    DISCARDED,
    Counter,
    Port,
    gather_counters,
    ports_of,
    with_uncounted_ports,
)
from attribution.model.evidence import Citation, Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CounterSample, Metric, Observation
from attribution.model.phrase import Phrase
from attribution.model.topology import ROUTING, Link, NodeKind

# How well the clocks of two suppliers are aligned, at worst (seconds).
ALIGNED_S = 1.2
# Traffic has surged where this share more than usual passes.
SURGE = 0.25
# What a device lost was headed one way if the other way it passed on as many as usual but for this share of it: where
# other packets come than usual, routes have changed. Of few packets those make the difference that are its own.
OTHER_WAY = 0.15
LEAST_HEADED = 10.0


# A part of the network with more nodes than this is not looked through for a way back.
LARGEST_BRANCH = 200


def detect_counter_loss(
    observations: Iterable[Observation],
    around: Surroundings,
    paths: Sequence[tuple[str, ...]],
    counted: Sequence[Measurement] = (),
) -> Iterator[Measurement]:
    """What was lost within each device on the service's ways, and on each of its links in either direction.

    `paths` lead from the service's first end to its second. `counted` is what was measured otherwise: what it says the
    service lost between its ends is looked for.
    """
    way = tuple(dict.fromkeys(component for path in paths for component in path))
    known = tuple(observations)
    counters = gather_counters(known, around, way)
    leaking = with_uncounted_ports(known, around, counters)
    wanted = Wanted(counted)
    devices = {node for (node, _), _ in counters if around.topology.nodes[node].kind is not NodeKind.HOST}
    polls = {node: _polls_within(node, counters, around, way) for node in way if node in devices}
    balances = {node: weigh_polls(of_node, wanted) for node, of_node in polls.items()}
    even = {node: balance for node, balance in balances.items() if balance is not None}
    for node, balance in even.items():
        others = [other for name, other in even.items() if name != node and name not in leaking]
        # Who looks up routes drops what has none, for a failure anywhere; a switch what is for a port that is down.
        routes = around.topology.nodes[node].kind in ROUTING
        beyond = (_headed_for(node, balance, counters, around, paths) or _others(node, way)) if routes else ()
        found = _lost_within(node, without_what_others_lost(balance, others), around, beyond)
        # What is missing may have gone out by a port that nobody counted; what is not missing did not.
        yield from (measurement for measurement in found if node not in leaking or not measurement.lost)
    for name in way:
        if name in around.topology.links:
            link = around.topology.links[name]
            for sender, receiver in (link.ends, link.ends[::-1]):
                yield from _lost_on(link, sender, receiver, counters, wanted)


def _polls_within(
    node: str, counters: Mapping[tuple[Port, Metric], Counter], around: Surroundings, way: Collection[str]
) -> Sequence[Poll]:
    """What a device took in and did not send out, by all its ports that are counted: those on the way have to be."""
    ports, leading = ports_of(node, counters), _leading_on(node, around, way)
    if len(leading) < 2 or not set(leading) <= set(ports):
        return []
    taken = [counters[((node, port), Metric.IN_PACKETS)] for port in ports]
    given = [counters[((node, port), Metric.OUT_PACKETS)] for port in ports]
    kinds = [((node, port), metric) for port in ports for metric in DISCARDED]
    discarding = [counters[kind] for kind in kinds if kind in counters]
    polls = []
    for sample, (start_ns, end_ns) in _polls_of(counters[((node, leading[0]), Metric.IN_PACKETS)]):
        came, went = _total_rise(taken, start_ns, end_ns), _total_rise(given, start_ns, end_ns)
        if came is not None and went is not None:
            told = sum(counter.rise(start_ns, end_ns) or 0.0 for counter in discarding)
            polls.append(Poll(sample, start_ns, end_ns, came, came - went, discarded=told))
    return polls


def _total_rise(counters: Iterable[Counter], start_ns: int, end_ns: int) -> float | None:
    """What several counters counted together; None where that is not known of one of them."""
    total = 0.0
    for counter in counters:
        rise = counter.rise(start_ns, end_ns)
        if rise is None:
            return None
        total += rise
    return total


def _lost_within(node: str, balance: Balance, around: Surroundings, beyond: tuple[str, ...]) -> Iterator[Measurement]:
    """What a device took in and never sent out; `beyond` it is what that may have been headed for."""
    stretch = Stretch((node,), False, False, beyond=beyond, balance=True, beside=_beside(node, around))
    subject, series = Phrase("packets that {node} took in", node=node), f"within {node}"
    if around.topology.nodes[node].kind not in ROUTING:
        balance = without_fewer_copies(balance)
    yield from _measurements(balance, stretch, subject, series, Phrase("within {node}", node=node))


def _others(node: str, way: Iterable[str]) -> tuple[str, ...]:
    return tuple(component for component in way if component != node)


def _headed_for(
    node: str,
    balance: Balance,
    counters: Mapping[tuple[Port, Metric], Counter],
    around: Surroundings,
    paths: Sequence[tuple[str, ...]],
) -> tuple[str, ...]:
    """What lies ahead of the packets that a device lost, if nearly all were headed one way along the service's; else
    nothing.

    What comes in at the ports on one side of it usually goes out, but for a steady difference, at those on the other.
    """
    crossing = [(path, path.index(node)) for path in paths if node in path[1:-1]]
    ahead, behind = ({path[at + step] for path, at in crossing} for step in (1, -1))
    on_way = frozenset(component for path in paths for component in path)
    if ahead & behind or ahead | behind != set(_leading_on(node, around, on_way)):
        return ()
    there, back = (_gone(node, balance, counters, *sides) for sides in ((behind, ahead), (ahead, behind)))
    others = set(ports_of(node, counters)) - ahead - behind
    strayed = _gone(node, balance, counters, others, others)
    if there is None or back is None or strayed is None or there + back < LEAST_HEADED:
        return ()
    if abs(strayed) > OTHER_WAY * (there + back):
        return ()  # what came from elsewhere, or went there, is a part of it
    if abs(back) <= OTHER_WAY * (there + back):
        return tuple(dict.fromkeys(component for path, at in crossing for component in path[at + 1 :]))
    if abs(there) <= OTHER_WAY * (there + back):
        return tuple(dict.fromkeys(component for path, at in crossing for component in path[at - 1 :: -1]))
    return ()


def _gone(
    node: str,
    balance: Balance,
    counters: Mapping[tuple[Port, Metric], Counter],
    from_links: Iterable[str],
    to_links: Iterable[str],
) -> float | None:
    """How many packets less than usual a device passed on from some of its ports to others in its lossy polls."""
    taken = [counters[((node, link), Metric.IN_PACKETS)] for link in sorted(from_links)]
    given = [counters[((node, link), Metric.OUT_PACKETS)] for link in sorted(to_links)]
    lost = {index for index in balance.lossy if balance.off[index] > 0}
    lengths = [poll.end_ns - poll.start_ns for poll in balance.polls]
    missing = []
    for poll in balance.polls:
        came = sum(counter.rise(poll.start_ns, poll.end_ns) or 0.0 for counter in taken)
        went = sum(counter.rise(poll.start_ns, poll.end_ns) or 0.0 for counter in given)
        missing.append(came - went)
    rest = set(range(len(lengths))) - lost - balance.unclear
    if not rest or not lost:
        return None
    pace = median(missing[index] / lengths[index] for index in rest)
    return sum(missing[index] - pace * lengths[index] for index in sorted(lost))


def _leading_on(node: str, around: Surroundings, way: Collection[str]) -> list[str]:
    """The links of a node over which packets may go that it passes on along the way."""
    on_way = frozenset(way)
    return [link.component for link in around.topology.links_of(node) if _leads_on(link, node, around, on_way)]


def _leads_on(link: Link, node: str, around: Surroundings, way: frozenset[str]) -> bool:
    """Whether packets that a device passes on may go there, and come back to the way by another node of it.

    What hangs off the way by this one device alone has no part in the service.
    """
    seen, ahead = {node}, [link.far_end(node)]
    while ahead and len(seen) < LARGEST_BRANCH:
        here = ahead.pop()
        if here in way:
            return True
        seen.add(here)
        ahead += [other for beyond in around.topology.links_of(here) if (other := beyond.far_end(here)) not in seen]
    return bool(ahead)


def _beside(node: str, around: Surroundings) -> tuple[str, ...]:
    links = around.topology.links_of(node)
    return tuple(name for link in links for name in (link.component, link.far_end(node)))


def _lost_on(
    link: Link, sender: str, receiver: str, counters: Mapping[tuple[Port, Metric], Counter], wanted: Wanted
) -> Iterator[Measurement]:
    """A link of which one end sent more than the other took in; where nobody counted what was sent, what came damaged.
    """
    sent = counters.get(((sender, link.component), Metric.OUT_PACKETS))
    taken = counters.get(((receiver, link.component), Metric.IN_PACKETS))
    if taken is None:
        return
    if sent is None:
        yield from _damaged_on(link, sender, receiver, counters, wanted)
        return
    same = sent.samples[0].origin.supplied_by is taken.samples[0].origin.supplied_by
    polls: list[Poll] = []
    for sample, (start_ns, end_ns) in _polls_of(sent):
        went, came = sent.rise(start_ns, end_ns), taken.rise(start_ns, end_ns)
        if went is not None and came is not None:
            apart_s = _nearest_gap(taken.times, end_ns) / NANOSECONDS + (0.0 if same else ALIGNED_S)
            polls.append(Poll(sample, start_ns, end_ns, went, went - came, apart_s))
    found = list(_weighed_on(link, sender, receiver, _with_slack(polls), wanted))
    if same or _is_loss(polls, found):
        yield from found


def _damaged_on(
    link: Link, sender: str, receiver: str, counters: Mapping[tuple[Port, Metric], Counter], wanted: Wanted
) -> Iterator[Measurement]:
    """A link whose receiving end counted packets that came damaged (RFC 2863, ifInErrors), beside those that came well.
    """
    taken = counters[((receiver, link.component), Metric.IN_PACKETS)]
    errors = counters.get(((receiver, link.component), Metric.IN_ERRORS))
    if errors is None:
        return
    polls = []
    for sample, (start_ns, end_ns) in _polls_of(taken):
        came, bad = taken.rise(start_ns, end_ns), errors.rise(start_ns, end_ns)
        if came is not None and bad is not None:
            polls.append(Poll(sample, start_ns, end_ns, came + bad, bad))
    yield from _weighed_on(link, sender, receiver, polls, wanted)


def _weighed_on(
    link: Link, sender: str, receiver: str, polls: Sequence[Poll], wanted: Wanted
) -> Iterator[Measurement]:
    """What polls of one direction of a link show to be lost there."""
    stretch = Stretch((sender, link.component, receiver), balance=True)
    balance = weigh_polls(polls, wanted, look_for=False)
    if balance is not None:
        subject = _sent_over(link, sender, receiver)
        yield from _measurements(balance, stretch, subject, f"on {sender}>{link.component}")


def _sent_over(link: Link, sender: str, receiver: str) -> Phrase:
    """The packets that one end of a link sent, in words; where it has parallels those over them are others."""
    if link.key is None:
        return Phrase("packets that {sender} sent to {receiver}", sender=sender, receiver=receiver)
    return Phrase(
        "packets that {sender} sent to {receiver} over {link}", sender=sender, receiver=receiver, link=link.component
    )


def _is_loss(polls: Sequence[Poll], found: Sequence[Measurement]) -> bool:
    """Whether what is missing stays missing: where the two ends' clocks disagree it turns up at another time."""
    gone = sum(measurement.lost for measurement in found)
    return sum(max(0.0, -poll.missing) for poll in polls) <= STAYS * gone if gone else True


def _nearest_gap(times: Sequence[int], time_ns: int) -> int:
    at = bisect_left(times, time_ns)
    return min(abs(times[index] - time_ns) for index in (at - 1, at) if 0 <= index < len(times))


def _with_slack(polls: Sequence[Poll]) -> list[Poll]:
    """Where the rate changes, counts that were taken a moment apart differ by that change times the moment."""
    rates = [poll.through / (poll.end_ns - poll.start_ns) * NANOSECONDS for poll in polls]
    mended = []
    for index, poll in enumerate(polls):
        near = rates[max(0, index - 1) : index + 2]
        change = max(near) - min(near)
        mended.append(Poll(poll.sample, poll.start_ns, poll.end_ns, poll.through, poll.missing, change * poll.slack))
    return mended


def _polls_of(counter: Counter) -> Iterator[tuple[CounterSample, tuple[int, int]]]:
    for earlier, later in pairwise(counter.samples):
        if later.time_ns - earlier.time_ns <= LONGEST_WINDOW_S * NANOSECONDS:
            yield later, (earlier.time_ns, later.time_ns)


def _measurements(
    balance: Balance, stretch: Stretch, subject: Phrase, series: str, place: Phrase | None = None
) -> Iterator[Measurement]:
    """The balance of each poll as packets sent and lost.

    Where it shows clearly whether what the service lost is missing in this `place`, it says that too.
    """
    polls = balance.polls
    passing = median(poll.through / (poll.end_ns - poll.start_ns) for poll in polls)
    for index, poll in enumerate(polls):
        if index in balance.unclear:
            continue
        lost = max(0, round(min(balance.off[index], poll.through))) if index in balance.lossy else 0
        more = poll.through - passing * (poll.end_ns - poll.start_ns)
        if lost and more > SURGE * (poll.through - more) and poll.discarded < STAYS * lost:
            continue  # so much more came than usual that what is missing may have been for the device itself
        want, found = balance.looked_for.get(index, (0.0, 0.0))
        if place is not None and round(want):
            there = replace(stretch, of_lost=True)
            yield _balance(poll, there, round(want), round(want * found), place, f"missing {series}")
        if not found:
            yield _balance(poll, stretch, max(1, round(poll.through)), lost, subject, series)


def _balance(poll: Poll, stretch: Stretch, sent: int, lost: int, subject: Phrase, series: str) -> Measurement:
    origin = poll.sample.origin
    return Measurement(
        interval=Interval(poll.start_ns, poll.end_ns),
        journeys=((stretch,),),
        sent=sent,
        lost=min(lost, sent),
        method=Method.COUNTERS,
        series=f"{origin.file}:{series}",
        traffic="counted",
        end_to_end=False,
        of_service=True,
        citation=Citation(origin, poll.sample.locator),
        subject=subject,
    )
