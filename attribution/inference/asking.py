"""Requests in words that one can send, every sentence in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from attribution.inference.inquiries import Inquiry, Means, Point
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.phrase import SIDES, Phrase, Template, all_of
from attribution.model.topology import Topology

# Clocks and polling are known to about this much on either side of the interruption.
MARGIN_S = 60.0
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799  # years 1 and 9999


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask for and why; `{places}` and `{ports}` stand for the devices and ports, `{span}` for the time."""

    what: Template
    why: Template


WISHES: Mapping[Means, Wish] = {
    Means.CAPTURE: Wish(
        Template("the packet capture (pcap or pcapng) of {ports}, {span}"),
        Template("it tells whether the service's packets were lost before that port or beyond it"),
    ),
    Means.CAPTURES: Wish(
        Template("the packet captures (pcap or pcapng) of {ports}, {span}"),
        Template(
            "what passed {first} and never came to {last} was lost in the {side}'s own part of the way; "
            "if nothing was, that part is cleared"
        ),
    ),
    Means.LOG: Wish(
        Template("the syslog of {places}, {span}"),
        Template("a failure there, an operation, or a port or session lost to a neighbour would have been logged"),
    ),
    Means.WHOLE_LOG: Wish(
        Template("the complete syslog of {places}, with the commands that were typed, {span}"),
        Template("the log that was handed in holds nothing for just that time: what happened there is missing"),
    ),
    Means.COUNTERS: Wish(
        Template(
            "the interface counters and port states (octets, packets, discards, errors, oper_status) of {places}, "
            "{span}"
        ),
        Template("a port that went down, a full queue, or more traffic than was bought would show in them"),
    ),
    Means.PROBES: Wish(
        Template("two-way probes (TWAMP, or ping and traceroute from both ends) between {first} and {last}, {span}"),
        Template("they tell whether packets were lost between the two, and in which direction"),
    ),
    Means.CHANGES: Wish(
        Template("the change records of the {side} for {places}, {span}"),
        Template("an operation on one of them would have its ticket there, with who agreed to it"),
    ),
    Means.ACCOUNT: Wish(
        Template(
            "the account's events (invoices due and paid, notices, restrictions, suspensions) up to the end of: {span}"
        ),
        Template("a suspension, and its ground, would stand there"),
    ),
    Means.AUDIT: Wish(
        Template("the cloud audit events of the customer's own account (CloudAudit), {span}"),
        Template("a call that detached or limited the connection would stand there, with who made it"),
    ),
    Means.OWNER: Wish(
        Template(
            "the order of the link {places}, its letter of authorisation (LOA/CFA) or the contract with whoever runs it"
        ),
        Template("the drawing gives this link to neither side; who ordered it answers for its operator"),
    ),
    Means.ENDS: Wish(
        Template("probes between {first} and {last} in both directions, or packet captures at both of them, {span}"),
        Template("they tell whether the service was interrupted at all, and when"),
    ),
    Means.END_CAPTURES: Wish(
        Template("the packet captures (pcap or pcapng) at both {first} and {last}, {span}"),
        Template("they tell whether the service was interrupted at all, and when"),
    ),
}


def put_in_words(inquiry: Inquiry, span: Interval, topology: Topology) -> tuple[str, str]:
    """What to ask for, and why, as one can send it."""
    times = name_span(span.widened(MARGIN_S, MARGIN_S))
    what, why = _phrased(inquiry, times, topology)
    if inquiry.instead is not None:
        instead, _ = _phrased(inquiry.instead, Phrase("for that time"), topology)
        what = Phrase("{what}; or, where there is none, {instead}", what=what, instead=instead)
    return what, why


def _phrased(inquiry: Inquiry, span: Phrase, topology: Topology) -> tuple[Phrase, Phrase]:
    wish = WISHES[inquiry.means]
    ports = [name_port(point, topology) for point in inquiry.points]
    two = len(ports) == 2
    names = {
        "places": all_of(inquiry.places),
        "ports": Phrase("both {first} and {last}", first=ports[0], last=ports[1]) if two else all_of(ports),
        "first": inquiry.places[0] if inquiry.places else "",
        "last": inquiry.places[-1] if inquiry.places else "",
        "side": SIDES[inquiry.side],
        "span": span,
    }
    return _filled(wish.what, names), _filled(wish.why, names)


def _filled(template: Template, names: Mapping[str, str]) -> Phrase:
    """A phrase keeps what its words speak of, and nothing else."""
    return template.fill(**{name: value for name, value in names.items() if f"{{{name}}}" in template})


def name_port(point: Point, topology: Topology) -> Phrase:
    link = topology.links[point.link]
    interface, far = link.interfaces.get(point.node), link.far_end(point.node)
    if interface is None:
        return Phrase("{node} (the port towards {far})", node=point.node, far=far)
    return Phrase("{node} {interface} (towards {far})", node=point.node, interface=interface, far=far)


def name_span(span: Interval) -> Phrase:
    """From a second to a second, rounded outwards; the date once where it is the same day."""
    start, end = _date(span.start_ns // NANOSECONDS), _date(-(-span.end_ns // NANOSECONDS))
    until = "%H:%M:%S" if start.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    begun = start.strftime("%Y-%m-%d %H:%M:%S")
    return Phrase("from {start} to {end} UTC", start=begun, end=end.strftime(until))


def name_moment(time_ns: int) -> str:
    """The second that a moment lies in, by its date and time (UTC)."""
    return _date(time_ns // NANOSECONDS).strftime("%Y-%m-%d %H:%M:%S")


def _date(second: int) -> datetime:
    """A damaged file's time that no calendar holds reads as its first or last second."""
    return datetime.fromtimestamp(min(max(second, _FIRST_S), _LAST_S), UTC)
