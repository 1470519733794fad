"""Whether a careful expert could still name the party from what is left of a bundle: yes, no, or that is arguable.

The rule follows the expert. First the word of the culprit: its own log of what was done to it or went wrong in it.
Then measurements: of all parts of the way, those that lossy stretches have in common, without those that carried
packets soundly, or whose counters or captures show that what came in went out again. If all parts that remain under
suspicion are one side's, that side is named. If parts of both sides remain and nobody's log or record speaks, it cannot
be. Everything between is arguable: the cable that nobody owns among the suspects, say, or a log that might tell more
than the rule knows. An arguable label is worse than none, and such a bundle is not offered.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Any

from tests.lab.remaining import Remaining, link_name, parts

_ROUTING = frozenset({"routing_failure"})
_SILENT = frozenset({"device_degraded", "link_degraded"})
"""Kinds of cause of which packets tell no more than that some of them are missing."""
_RECORDS = {
    "enforcement_action": frozenset({"account-events"}),
    "attack": frozenset({"account-events", "capture", "interface-counters"}),
    "unauthorised_operation": frozenset({"syslog", "cloud-audit", "change-records"}),
    "consented_operation": frozenset({"change-records"}),
    "maintenance": frozenset({"change-records", "syslog"}),
}
"""Kinds of cause whose ground stands in papers or logs, and the evidence that can hold it."""


class Decidable(StrEnum):
    """What the rule says of a thinned bundle."""

    YES = "a careful expert could name the party"
    NO = "nothing left separates the sides"
    ARGUABLE = "experts could disagree"


def judge(truth: dict[str, Any], left: Remaining) -> Decidable:
    """Whether the party that the truth names can be told from what is left."""
    if truth["party"] == "undetermined":
        return Decidable.YES
    if truth["party"] == "neither":
        return Decidable.YES if _sees_service(left) else Decidable.NO
    if not _sees_trouble(left):
        return Decidable.ARGUABLE  # the class of traffic that suffered is not among what is left
    verdicts = {_judge_cause(cause, truth, left, alone=len(truth["causes"]) == 1) for cause in truth["causes"]}
    if len(verdicts) == 1:
        return verdicts.pop()
    return Decidable.ARGUABLE


def _sees_service(left: Remaining) -> bool:
    """Whether anything measured the service itself: between its ends, or where its packets pass."""
    ends = set(left.ends)
    return bool(left.captures or "flows" in left.types
                or any({stretch.source, stretch.destination} == ends for stretch in left.stretches))


def _sees_trouble(left: Remaining) -> bool:
    """Whether what is left can show that the service suffered; where its ends were not probed, other signs have to."""
    between = [stretch for stretch in left.stretches if {stretch.source, stretch.destination} == set(left.ends)]
    return bool(not between or any(stretch.lossy for stretch in between) or "flows" in left.types
                or len(left.captures) > 1)


def _judge_cause(cause: dict[str, Any], truth: dict[str, Any], left: Remaining, alone: bool) -> Decidable:
    kinds = {cause["kind"], *cause.get("admissible_kinds", ())}
    needed = _RECORDS.get(cause["kind"])
    if needed is not None and not needed & left.types:
        return _without_papers(cause, truth, left)
    if cause["kind"] == "enforcement_action" or (needed is not None and not _word(cause, truth, left)):
        return Decidable.YES if needed and needed <= left.types else Decidable.ARGUABLE
    if _word(cause, truth, left):
        may_be_a_suspension = "enforcement_action" in kinds and not _RECORDS["enforcement_action"] & left.types
        return Decidable.ARGUABLE if may_be_a_suspension else Decidable.YES
    if _knows_nothing_of_places(left) and not left.logs:
        return Decidable.NO
    if not alone and cause["kind"] in _SILENT and _knows_nothing_of_places(left):
        return Decidable.ARGUABLE  # it says nothing, and nobody counted where it was
    if _may_be_a_call(cause, left):
        return Decidable.ARGUABLE
    if kinds & _ROUTING or not alone:
        # Packets vanish elsewhere than where the cause is: only words tell.
        return Decidable.YES if _both_sides_in_full(left) else Decidable.ARGUABLE
    return _by_measurement(cause, truth, left)


def _may_be_a_call(cause: dict[str, Any], left: Remaining) -> bool:
    """Whether a cause that says nothing of itself is at a gateway, where calls of the customer's account do as much,
    and nobody says what calls there were."""
    of_account = left.graph.nodes.get(cause["component"], {}).get("kind") == "gateway"
    return of_account and "cloud-audit" not in left.types


def _without_papers(cause: dict[str, Any], truth: dict[str, Any], left: Remaining) -> Decidable:
    """Without its papers an action looks like a failure of the device that carried it out.

    A log may show the deed, and still not whether it was agreed to, or just.
    """
    if not _knows_nothing_of_places(left):
        return Decidable.ARGUABLE
    if cause["kind"] == "enforcement_action":
        return Decidable.NO
    told = _word(cause, truth, left) or _by_measurement(cause, truth, left) is not Decidable.NO
    return Decidable.ARGUABLE if told else Decidable.NO


def _by_measurement(cause: dict[str, Any], truth: dict[str, Any], left: Remaining) -> Decidable:
    guilty = {cause["component"], *cause.get("admissible_components", ())}
    suspects = _suspects(guilty, truth, left)
    if not suspects & guilty:
        return Decidable.ARGUABLE  # what is left points elsewhere: a label would be a trap
    sides = {left.side(part) for part in suspects}
    if _is_choosy(left):
        sides -= {None}  # a cable does not pick its packets
    if sides == {cause["side"]}:
        return Decidable.YES
    if len(sides - {None}) == 2:
        captures_tell = "capture" in left.types and (cause["kind"] not in _SILENT or _straddled(guilty, left))
        silent = not (left.logs and _told(truth, left)) and not captures_tell and not left.counters
        return Decidable.NO if silent else Decidable.ARGUABLE
    return Decidable.ARGUABLE


def _is_choosy(left: Remaining) -> bool:
    """Whether one class of the service's packets is lost and small echoes are not."""
    between = [stretch for stretch in left.stretches if {stretch.source, stretch.destination} == set(left.ends)]
    return any(stretch.lossy for stretch in between) and not any(
        stretch.lossy and stretch.small_echoes for stretch in between)


def _word(cause: dict[str, Any], truth: dict[str, Any], left: Remaining) -> bool:
    """Whether a log that is left is the culprit's own, and says so."""
    guilty = {end for part in (cause["component"], *cause.get("admissible_components", ())) for end in part.split("--")}
    return any(said["device"] == said["about"] and said["device"] in guilty & left.logs
               for said in truth.get("told", ()))


def _told(truth: dict[str, Any], left: Remaining) -> list[tuple[str, str]]:
    """What devices whose logs are left say about what lies between them and others."""
    if "told" not in truth:
        return [("", "")]  # nobody knows what its logs say: they may tell
    return [(said["device"], said["about"]) for said in truth["told"]
            if said["device"] in left.logs and said["device"] != said["about"]]


def _knows_nothing_of_places(left: Remaining) -> bool:
    """Whether nothing is left but what passes between the ends."""
    ends = set(left.ends)
    return not (left.walks or left.captures or left.counters
                or any({stretch.source, stretch.destination} != ends for stretch in left.stretches))


def _both_sides_in_full(left: Remaining) -> bool:
    """Whether logs of both sides are left, which tell whose routing came to grief."""
    return {left.side(device) for device in left.logs} >= {"customer", "provider"}


def _suspects(guilty: set[str], truth: dict[str, Any], left: Remaining) -> set[str]:
    """The parts of the way that what is left does not clear."""
    suspects = {part for way in left.ways(*left.ends) for part in parts(way)} | guilty
    for stretch in left.stretches:
        if stretch.lossy:
            suspects = _narrowed(suspects, {part for way in left.ways(stretch.source, stretch.destination)
                                            for part in parts(way)} | {stretch.source, stretch.destination})
    for device, about in _told(truth, left):
        if device and about in left.graph:
            suspects = _narrowed(suspects, {part for way in left.ways(device, about) for part in parts(way)})
    return suspects - _cleared(guilty, left)


def _narrowed(suspects: set[str], common: set[str]) -> set[str]:
    """What two lossy stretches have in common; two troubles at once leave everything as it was."""
    return suspects & common or suspects


def _cleared(guilty: set[str], left: Remaining) -> set[str]:
    """Parts that demonstrably carried what came to them."""
    cleared: set[str] = set()
    ends = set(left.ends)
    echoes_suffer = any(stretch.lossy and stretch.small_echoes for stretch in left.stretches
                        if {stretch.source, stretch.destination} == ends)
    for stretch in left.stretches:
        ways = left.ways(stretch.source, stretch.destination)
        if echoes_suffer and stretch.small_echoes and not stretch.lossy and len(ways) == 1:
            cleared |= parts(ways[0]) - {stretch.source, stretch.destination}
    if any(stretch.cut and stretch.small_echoes for stretch in left.stretches
           if {stretch.source, stretch.destination} == ends):
        cleared |= _cleared_by_walks(left)
    cleared |= _cleared_by_captures(guilty, left)
    for side in left.counters:
        own = {part for way in left.ways(*left.ends) for part in parts(way) if left.side(part) == side}
        cleared |= own if not own & guilty else set()
        if own & guilty:  # what came into this side and did not leave it accuses it, and clears everybody else
            cleared |= {part for way in left.ways(*left.ends) for part in parts(way)} - own
    return cleared


def _cleared_by_walks(left: Remaining) -> set[str]:
    """Where nothing arrives any more, the routers that still answer a walk forwarded it; the nearest end counts, since
    a walk at the edge of the trouble gets farther than it should."""
    nearest: dict[tuple[str, str], list[str]] = {}
    for walk in left.walks:
        ways = left.ways(walk.source, walk.destination)
        if len(ways) == 1:
            reached = max((ways[0].index(node) for node in walk.answered if node in ways[0]), default=0)
            begun = ways[0][: reached + 1]
            nearest[walk.source, walk.destination] = min(
                begun, nearest.get((walk.source, walk.destination), begun), key=len)
    return {part for begun in nearest.values() for part in parts(begun) - {begun[0], begun[-1]}}


def _cleared_by_captures(guilty: set[str], left: Remaining) -> set[str]:
    """Between two capture points that saw the same packets nothing was lost.

    Before the first point and after the last, the packets' own numbers tell on which side they went missing. Of several
    ways, those count at which most was captured: there the packets were seen.
    """
    ways = left.ways(*left.ends)
    seen = {tuple(way): sum(device in way and far in way for device, far in left.captures) for way in ways}
    if not max(seen.values()):
        return set()
    used = [way for way in ways if seen[tuple(way)] == max(seen.values())]
    unused = {part for way in ways for part in parts(way)} - {part for way in used for part in parts(way)}
    cleared = [_cleared_on_way(way, guilty, left) | (unused - guilty) for way in used]
    on_ways = [parts(way) for way in used]
    return {part for part in set().union(*cleared)
            if all(part in done or part not in way for done, way in zip(cleared, on_ways, strict=True))}


def _straddled(guilty: set[str], left: Remaining) -> bool:
    """Whether on some way packets were captured before and behind a guilty part, with one side's parts in between."""
    for way in left.ways(*left.ends):
        order = [part for pair in pairwise(way) for part in (pair[0], link_name(*pair))] + [way[-1]]
        points = [order.index(link_name(device, far)) for device, far in left.captures
                  if device in way and far in way]
        for place in (order.index(part) for part in guilty & set(order)):
            before = max((point for point in points if point < place), default=None)
            behind = min((point for point in points if point > place), default=None)
            if before is not None and behind is not None:
                between = {left.side(part) for part in order[before + 1 : behind]}
                if len(between - {None}) == 1:
                    return True
    return False


def _cleared_on_way(way: list[str], guilty: set[str], left: Remaining) -> set[str]:
    """What the capture points on one way clear: everything on the far side of each point from the guilty parts."""
    order = [part for pair in pairwise(way) for part in (pair[0], link_name(*pair))] + [way[-1]]
    places = [order.index(part) for part in order if part in guilty]
    cleared: set[str] = set()
    for device, far in left.captures if places else ():
        if device in way and far in way:
            point = order.index(link_name(device, far))
            # The point stands at the device's end of the cable, between the two.
            before = order.index(device) < point
            first, last = (order[:point], order[point:]) if before else (order[: point + 1], order[point + 1 :])
            if all(place < len(first) for place in places):
                cleared |= set(last)
            elif all(place >= len(first) for place in places):
                cleared |= set(first)
    return cleared
