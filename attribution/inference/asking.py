"""Requests in words that one can send: every sentence in one table, so that another language is another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from attribution.inference.inquiries import Inquiry, Means, Point
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Side, Topology

# Clocks and polling are known to about this much on either side of the interruption.
MARGIN_S = 60.0
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799  # years 1 and 9999


@dataclass(frozen=True, slots=True)
class Phrase:
    """What to ask for and why; `{places}` and `{ports}` stand for the devices and ports, `{span}` for the time."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class AskingWords:
    """The requests of one language."""

    phrases: Mapping[Means, Phrase]
    sides: Mapping[Side, str]
    port: str
    port_unnamed: str
    both: str
    conjunction: str
    span: str
    same_span: str
    or_else: str


ENGLISH = AskingWords(
    phrases={
        Means.CAPTURE: Phrase(
            "the packet capture (pcap or pcapng) of {ports}, {span}",
            "it tells whether the service's packets were lost before that port or beyond it",
        ),
        Means.CAPTURES: Phrase(
            "the packet captures (pcap or pcapng) of {ports}, {span}",
            "what passed {first} and never came to {last} was lost in the {side}'s own part of the way; "
            "if nothing was, that part is cleared",
        ),
        Means.LOG: Phrase(
            "the syslog of {places}, {span}",
            "a failure there, an operation, or a port or session lost to a neighbour would have been logged",
        ),
        Means.COUNTERS: Phrase(
            "the interface counters and port states (octets, packets, discards, errors, oper_status) of {places}, "
            "{span}",
            "a port that went down, a full queue, or more traffic than was bought would show in them",
        ),
        Means.PROBES: Phrase(
            "two-way probes (TWAMP, or ping and traceroute from both ends) between {first} and {last}, {span}",
            "they tell whether packets were lost between the two, and in which direction",
        ),
        Means.CHANGES: Phrase(
            "the change records of the {side} for {places}, {span}",
            "an operation on one of them would have its ticket there, with who agreed to it",
        ),
        Means.ACCOUNT: Phrase(
            "the account's events (invoices due and paid, notices, restrictions, suspensions) up to the end of: {span}",
            "a suspension, and its ground, would stand there",
        ),
        Means.AUDIT: Phrase(
            "the cloud audit events of the customer's own account (CloudAudit), {span}",
            "a call that detached or limited the connection would stand there, with who made it",
        ),
        Means.ENDS: Phrase(
            "probes between {first} and {last} in both directions, or packet captures at both of them, {span}",
            "they tell whether the service was interrupted at all, and when",
        ),
    },
    sides={Side.CUSTOMER: "customer", Side.PROVIDER: "provider"},
    port="{node} {interface} (towards {far})",
    port_unnamed="{node} (the port towards {far})",
    both="both {first} and {last}",
    conjunction="{others} and {last}",
    span="from {start} to {end} UTC",
    same_span="for that time",
    or_else="{what}; or, where there is none, {instead}",
)


def put_in_words(
    inquiry: Inquiry, span: Interval, topology: Topology, words: AskingWords = ENGLISH
) -> tuple[str, str]:
    """What to ask for, and why, as one can send it."""
    times = name_span(span.widened(MARGIN_S, MARGIN_S), words)
    what, why = _phrased(inquiry, times, topology, words)
    if inquiry.instead is not None:
        instead, _ = _phrased(inquiry.instead, words.same_span, topology, words)
        what = words.or_else.format(what=what, instead=instead)
    return what, why


def _phrased(inquiry: Inquiry, span: str, topology: Topology, words: AskingWords) -> tuple[str, str]:
    phrase = words.phrases[inquiry.means]
    ports = [name_port(point, topology, words) for point in inquiry.points]
    names = {
        "places": _listed(inquiry.places, words),
        "ports": words.both.format(first=ports[0], last=ports[1]) if len(ports) == 2 else _listed(ports, words),
        "first": inquiry.places[0] if inquiry.places else "",
        "last": inquiry.places[-1] if inquiry.places else "",
        "side": words.sides[inquiry.side],
        "span": span,
    }
    return phrase.what.format(**names), phrase.why.format(**names)


def name_port(point: Point, topology: Topology, words: AskingWords) -> str:
    link = topology.links[point.link]
    interface, far = link.interfaces.get(point.node), link.far_end(point.node)
    template = words.port if interface is not None else words.port_unnamed
    return template.format(node=point.node, interface=interface, far=far)


def name_span(span: Interval, words: AskingWords) -> str:
    """From a second to a second, rounded outwards; the date once where it is the same day."""
    start, end = _date(span.start_ns // NANOSECONDS), _date(-(-span.end_ns // NANOSECONDS))
    until = "%H:%M:%S" if start.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    return words.span.format(start=start.strftime("%Y-%m-%d %H:%M:%S"), end=end.strftime(until))


def _date(second: int) -> datetime:
    """A damaged file's time that no calendar holds reads as its first or last second."""
    return datetime.fromtimestamp(min(max(second, _FIRST_S), _LAST_S), UTC)


def _listed(names: Sequence[str], words: AskingWords) -> str:
    if len(names) < 2:
        return "".join(names)
    return words.conjunction.format(others=", ".join(names[:-1]), last=names[-1])
