"""A host that gets no address has no network: DHCP (RFC 2131, options RFC 2132) and DHCPv6 (RFC 8415).

A client goes by its hardware address. Answers may be sent to it alone, and need not pass the capture point: only a
client that asks again, instead of going on, has had none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, any_of
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import datagrams, payload_of
from attribution.packets.witnesses.dhcp_messages import (
    DHCP_PORTS,
    DHCPV6_PORTS,
    DhcpMessage,
    read_dhcp,
    read_dhcpv6,
)
from attribution.packets.witnesses.gathering import Gathering, Run, testify

PATIENCE_NS: Final = 2_000_000_000  # the first retry comes after about four seconds, of DHCPv6 after one
RETRY_NS: Final = 500_000_000  # closer together they are copies of one message, from a relay or a mirror
FEWEST_TRIES: Final = 2
QUIET_NS: Final = 70_000_000_000  # clients back off to 64 seconds
FORGET_NS: Final = 150_000_000_000


class _Step(NamedTuple):
    """What a client asks for, and which messages answer it."""

    asked: str
    answers: frozenset[str]


STEPS: Final = {
    step.asked: step
    for step in (
        _Step("DISCOVER", frozenset({"OFFER", "ACK"})),
        _Step("REQUEST", frozenset({"ACK", "NAK"})),
        _Step("SOLICIT", frozenset({"ADVERTISE", "REPLY"})),
        _Step("REQUEST6", frozenset({"REPLY"})),
        _Step("RENEW", frozenset({"REPLY"})),
        _Step("REBIND", frozenset({"REPLY"})),
        _Step("CONFIRM", frozenset({"REPLY"})),
    )
}


@dataclass(slots=True)
class _Asking:
    """A client that asks the same thing again and again."""

    step: _Step
    messages: list[DhcpMessage]


def find_dhcp_failures(survey: Survey) -> Iterator[PacketWitness]:
    """Yield clients that ask in vain, are refused, or find their address taken."""
    capture = survey.capture
    messages: list[DhcpMessage] = []
    for index in datagrams(survey, DHCP_PORTS | DHCPV6_PORTS):
        octets = payload_of(capture, index)
        message = read_dhcp(index, octets) or read_dhcpv6(index, octets)
        if message is not None:
            messages.append(message)
    yield from _complaints(capture, messages)
    yield from _asked_in_vain(capture, messages)


def _asked_in_vain(capture: Capture, messages: list[DhcpMessage]) -> Iterator[PacketWitness]:
    clients: dict[tuple[str, int], _Asking] = {}
    for message in messages:
        key = (message.client, message.version)
        asking = clients.get(key)
        if asking is not None and message.kind in asking.step.answers:
            del clients[key]
        elif message.kind in STEPS:
            again = asking is not None and asking.step.asked == message.kind
            if asking is not None and again and _pause(capture, asking, message) <= FORGET_NS:
                asking.messages.append(message)
                continue
            if asking is not None and again:
                yield from _vain(capture, asking, capture.packets[message.packet][TIME])
            clients[key] = _Asking(STEPS[message.kind], [message])
    for asking in clients.values():
        yield from _vain(capture, asking, capture.end_ns)


def _pause(capture: Capture, asking: _Asking, message: DhcpMessage) -> int:
    return capture.packets[message.packet][TIME] - capture.packets[asking.messages[-1].packet][TIME]


def _vain(capture: Capture, asking: _Asking, until_ns: int) -> Iterator[PacketWitness]:
    packets = [message.packet for message in asking.messages]
    first, last = capture.packets[packets[0]], capture.packets[packets[-1]]
    exchanges = {capture.packets[index][TIME] for index in packets}
    if len(exchanges) < FEWEST_TRIES or until_ns - first[TIME] < PATIENCE_NS or last[TIME] - first[TIME] < RETRY_NS:
        return
    message = asking.messages[-1]
    server = message.server or _unicast(capture, message)
    asked = asking.step.asked.removesuffix("6")
    missing = any_of(sorted(asking.step.answers)) if asked != "DISCOVER" else "OFFER"
    detail = Phrase(
        "{client} sends {count} DHCP{family} {asked}, no {missing} reaches it",
        client=message.client, count=len(packets), family=message.family, asked=asked, missing=missing,
    )  # fmt: skip
    if server:
        detail = Phrase("{what} from {server}", what=detail, server=server)
    yield testify(
        capture, WitnessKind.DHCP_FAILED, packets, sender=message.client, about=server, code=asked.lower(),
        detail=detail,
    )  # fmt: skip


def _unicast(capture: Capture, message: DhcpMessage) -> str | None:
    """The server that a client in lease asks directly."""
    address = destination_text(capture.packets[message.packet])
    return None if address == "255.255.255.255" or address.startswith("ff") else address


def _complaints(capture: Capture, messages: list[DhcpMessage]) -> Iterator[PacketWitness]:
    """A server that says no, and a client that found its address in use."""
    found: Gathering[tuple[str, str, str, str]] = Gathering(capture, quiet_ns=QUIET_NS)
    for message in messages:
        packet = capture.packets[message.packet]
        if message.kind in ("DECLINE", "DECLINE6"):
            address = message.address or Phrase("its address")
            words = Phrase("{client} finds {address} in use", client=message.client, address=address)
            key = ("decline", message.client, message.server or "", words)
        elif message.kind == "NAK":
            server = message.server or source_text(packet)
            words = Phrase("{server} refuses a request", server=server)
            if message.text:
                words = Phrase("{what}: {text}", what=words, text=message.text)
            key = ("nak", server, message.client, words)
        elif message.status:
            server = source_text(packet)
            said = f"{message.status} {message.text}".rstrip()
            words = Phrase("{server} answers {status}", server=server, status=said)
            key = (message.status, server, message.client, words)
        else:
            continue
        found.add(key, message.packet)

    def describe(run: Run[tuple[str, str, str, str]]) -> PacketWitness:
        code, sender, about, words = run.key
        return testify(
            capture, WitnessKind.DHCP_FAILED, run.packets, sender=sender, about=about or None, code=code,
            detail=Phrase("{what}, client {client}", what=words, client=about) if code != "decline" else words,
        )  # fmt: skip

    yield from found.witnesses(describe)
