"""Whether a fault touches a measurement: surely, perhaps, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

from attribution.inference.candidates import Candidate, Direction, ServicePaths
from attribution.inference.modes import Reach, Selectivity
from attribution.model.evidence import Journey, Stretch
from attribution.model.verdict import CauseKind

# What these befall is in trouble, and still there.
STILL_UP = frozenset({CauseKind.DEVICE_DEGRADED, CauseKind.LINK_DEGRADED, CauseKind.OVERLOAD, CauseKind.ATTACK})


class Touch(IntEnum):
    """Ordered: the strongest touch of any stretch is that of the journey.

    RARELY: packets for other destinations than those that the fault hits. UPSTREAM: routes are gone, and perhaps it is
    here that they are missed. OWN: the failing node sent the packets itself. OTHERS: others sent packets to where the
    fault hits the service's. Of these two all are touched, or none. SOME_CLASSES: it depends on the class of traffic.
    MAYBE: the packets may go another way. AT_RANDOM: each packet is lost or not. TWICE: so is its answer.
    """

    NO = 0
    RARELY = 1
    UPSTREAM = 2
    OWN = 3
    OTHERS = 4
    SOME_CLASSES = 5
    MAYBE = 6
    YES = 7
    AT_RANDOM = 8
    TWICE = 9


def sort_of_touch(candidate: Candidate) -> tuple[object, ...]:
    """All of a candidate that touch_of looks at: candidates of one sort touch every measurement alike."""
    mode = candidate.mode
    where = (candidate.component, candidate.link, candidate.diverted, candidate.direction)
    loses = (goes_down(candidate), loses_at_random(candidate))
    return (*where, mode.reach, mode.withdraws, mode.selective, *loses, mode.sets_port)


def goes_down(candidate: Candidate) -> bool:
    """Whether a node or link is gone while the fault lasts, rather than losing some of what comes to it."""
    mode = candidate.mode
    whole = mode.reach in (Reach.NODE, Reach.LINK) and mode.selective is Selectivity.NONE
    return whole and mode.kind not in STILL_UP


def loses_at_random(candidate: Candidate) -> bool:
    """Whether each packet is lost or not by chance, rather than all of them for a part of the time: then an answer may
    be lost though the packet was not."""
    return candidate.mode.kind in STILL_UP and not candidate.mode.withdraws


def touch_of(
    candidate: Candidate,
    journeys: Sequence[Journey],
    of_service: bool,
    paths: ServicePaths,
) -> Touch:
    """How a candidate touches a measurement whose packets took one of the journeys."""
    touches = {_touch_journey(candidate, journey, of_service, paths) for journey in journeys}
    if not touches:
        return Touch.MAYBE
    least = min(touches)
    return least if len(touches) == 1 or least >= Touch.YES else Touch.MAYBE


def _touch_journey(candidate: Candidate, journey: Journey, of_service: bool, paths: ServicePaths) -> Touch:
    touches = [_touch_stretch(candidate, stretch, of_service, paths) for stretch in journey]
    touch = max(touches, default=Touch.NO)
    if _may_be_answered_by_another(candidate, journey):
        return min(touch, Touch.SOME_CLASSES)
    if touch is Touch.YES and loses_at_random(candidate):
        return Touch.TWICE if touches.count(Touch.YES) > 1 else Touch.AT_RANDOM
    return touch


def _may_be_answered_by_another(candidate: Candidate, journey: Journey) -> bool:
    """Whether packets ask whoever has an address for an answer that another has too: that one answers as well."""
    asked = journey[0].components[-1:] if len(journey) > 1 else ()
    return candidate.twice_there is not None and asked == (candidate.twice_there,)


def _touch_stretch(candidate: Candidate, stretch: Stretch, of_service: bool, paths: ServicePaths) -> Touch:
    touch = _reach(candidate, stretch)
    if touch is Touch.NO:
        return touch
    if candidate.direction is not Direction.BOTH:
        of_device = stretch.balance and len(stretch.components) == 1
        if of_device and touch is Touch.UPSTREAM and not _is_met_before(candidate, stretch.components[0], paths):
            return Touch.NO
        direction = paths.direction_of((*stretch.components, *stretch.beyond))
        if of_device:
            direction = _headed(stretch, paths) or candidate.direction
        if direction is None:
            touch = Touch.MAYBE
        elif direction is not candidate.direction:
            return Touch.NO
    selective = candidate.mode.selective
    if touch is Touch.YES and stretch.balance and selective is Selectivity.DESTINATION and candidate.mode.withdraws:
        return Touch.UPSTREAM  # what the device has no route for may be missed, and dropped, by others before it
    if selective is Selectivity.DESTINATION and not of_service:
        if not paths.is_end(stretch.bound_for):
            return Touch.RARELY
        # What has no route any more has none for anybody; a filter may let pass what comes from elsewhere.
        return touch if candidate.mode.withdraws else min(touch, Touch.OTHERS)
    if selective is Selectivity.CLASS and not stretch.of_lost:
        return min(touch, Touch.SOME_CLASSES)
    return touch


def _headed(stretch: Stretch, paths: ServicePaths) -> Direction | None:
    """Which way packets were headed that a device's balance misses; None where it counts those of either direction."""
    ahead = {paths.direction_of((*stretch.components, component)) for component in stretch.beyond} - {None}
    return ahead.pop() if len(ahead) == 1 else None


def _is_met_before(candidate: Candidate, device: str, paths: ServicePaths) -> bool:
    """Whether packets that a fault loses one way may meet a device on their way to where it is."""
    return paths.direction_of((device, candidate.link or candidate.component)) in (None, candidate.direction)


def _reach(candidate: Candidate, stretch: Stretch) -> Touch:
    mode, component, link = candidate.mode, candidate.component, candidate.link
    if mode.reach is Reach.ADDRESS:
        return _reach_of_address(candidate, stretch)
    if mode.reach is Reach.GATEWAY:
        return _reach_of_gateway(candidate, stretch)
    if stretch.balance and len(stretch.components) > 1:
        return _reach_of_link(candidate, stretch.components)
    if mode.reach is Reach.NODE:
        inside = component in stretch.components or component == stretch.recorder
        where = component
    elif mode.reach is Reach.FORWARDING:
        inside = component in stretch.forwarding
        where = component
    elif mode.reach is Reach.LINK:
        assert link is not None
        inside = link in stretch.components
        where = link
    else:
        assert link is not None
        # A queue's drops are missing among what the device sent, and among what a capture behind the queue shows.
        own = stretch.balance and component in stretch.components
        queued = stretch.recorder == component == stretch.components[-1] and stretch.beyond[:1] == (link,)
        inside = own or queued or _leaves_over(stretch.components, component, link)
        where = link
    if inside and stretch.balance and goes_down(candidate):
        return Touch.MAYBE  # who is dead counts nothing, and nothing reaches it that its ports do not take in
    at_port = component not in stretch.components and link in (stretch.components[0], stretch.components[-1])
    if inside and mode.sets_port and at_port:
        return Touch.MAYBE  # a capture on the port sees what the port has no use for, and not what it was never given
    if inside:
        return Touch.YES
    # What still comes for a neighbour or a cable that is gone is lost in the device before it, as captures at its ports
    # show too; and what a port is not set up for, in the port's own device.
    own_port = component in stretch.components and component != where
    beside = where in stretch.beside and (stretch.balance or own_port)
    if goes_down(candidate) and (beside or _is_next(where, stretch)):
        return Touch.MAYBE
    # Routes to what lies behind a failure are withdrawn, and the first router without one drops the packets: on one of
    # the stretches before the failure, not on all.
    if mode.withdraws and where in stretch.beyond:
        return Touch.UPSTREAM
    # A node's own packets to far destinations use the tables that a policy or a routing failure has spoilt.
    sent_by_it = stretch.starts_inside and stretch.components[0] == component and len(stretch.components) > 3
    if sent_by_it and mode.reach is Reach.FORWARDING and mode.selective is not Selectivity.NONE:
        return Touch.OWN
    return Touch.NO


def _is_next(gone: str, stretch: Stretch) -> bool:
    """Whether packets that came in at a captured port of a device should have left it by another one: over a link that
    is gone, or to a neighbour behind it that is."""
    by_a_port = not stretch.balance and bool(stretch.beyond) and stretch.beyond[0] in stretch.beside
    return by_a_port and gone in stretch.beyond[:2]


def _reach_of_address(candidate: Candidate, stretch: Stretch) -> Touch:
    """Packets for an end that a route leads elsewhere leave their way somewhere; all other packets do not."""
    end = candidate.diverted
    if stretch.balance and len(stretch.components) == 1:
        if candidate.component == end:
            # A switch sends to whichever port the address was last seen at, its own balance knowing it or not.
            return Touch.MAYBE if end in stretch.beside else Touch.NO
        return Touch.MAYBE if candidate.component in stretch.components else Touch.UPSTREAM
    if stretch.balance:
        return Touch.NO
    if len(stretch.components) > 1 and stretch.components[-1] == end:
        return Touch.YES
    return Touch.UPSTREAM if stretch.beyond and stretch.beyond[-1] == end else Touch.NO


def _reach_of_gateway(candidate: Candidate, stretch: Stretch) -> Touch:
    """Packets that should come to the gateway from its network never do, and whoever has its address gets them.

    Up to a switch on the way they come as before. By what ports count nothing is missing: a switch sends them on, to
    another port than the gateway's.
    """
    component, link = candidate.component, candidate.link
    assert link is not None
    if stretch.balance:
        return Touch.MAYBE if len(stretch.components) == 1 and link in stretch.beside else Touch.NO
    onwards = (*stretch.components, *stretch.beyond[:1])
    if _leaves_over(onwards, link, component):
        return Touch.YES
    return Touch.NO


def _reach_of_link(candidate: Candidate, components: tuple[str, ...]) -> Touch:
    """What the counters of a link's two ends show: the link's own losses, and seldom those of the devices.

    Some devices count a packet as sent that a queue then drops; one that is dead counts nothing that reaches it.
    """
    sender, link, receiver = components
    reach = candidate.mode.reach
    if reach is Reach.LINK and candidate.link == link:
        # A port that is down sends nothing, so that nothing can get lost behind it, once it has noticed.
        return Touch.MAYBE if goes_down(candidate) else Touch.YES
    if reach is Reach.EGRESS and (candidate.component, candidate.link) == (sender, link):
        return Touch.RARELY
    if candidate.mode.selective is Selectivity.CLASS and candidate.component == receiver:
        return Touch.RARELY  # frames that its port is not set up for, too long ones say, it does not count as taken in
    return Touch.RARELY if reach is Reach.NODE and candidate.component == receiver else Touch.NO


def _leaves_over(components: tuple[str, ...], node: str, link: str) -> bool:
    return (node, link) in pairwise(components)
