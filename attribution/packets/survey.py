"""One capture sorted once for all that ask of it: packets by protocol, connections, pings, and losses."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.packets.capture import Capture
from attribution.packets.columns import ICMP, ICMP6, PROTOCOL, TCP
from attribution.packets.echo import EchoSeries, echo_series
from attribution.packets.flows import Conversation, FlowKey, tcp_conversations
from attribution.packets.tcp_loss import DirectionLoss, tcp_losses


@dataclass(frozen=True, slots=True)
class Survey:
    """`by_protocol` lists packet indices in the order of time. `losses` belong to (source, destination) addresses."""

    capture: Capture
    by_protocol: dict[int, list[int]]
    conversations: list[Conversation]
    echoes: list[EchoSeries]
    losses: list[tuple[FlowKey, DirectionLoss]]

    def of(self, *protocols: int) -> list[int]:
        """Packets of these protocols, in the order of time."""
        found = [self.by_protocol[protocol] for protocol in protocols if protocol in self.by_protocol]
        if len(found) < 2:
            return found[0] if found else []
        packets = self.capture.packets
        return sorted((index for indices in found for index in indices), key=lambda index: packets[index][0])


def survey_capture(capture: Capture) -> Survey:
    """Sort a capture's packets and follow its connections and pings."""
    by_protocol: dict[int, list[int]] = {}
    packets = capture.packets
    for index in capture.in_time():
        protocol = packets[index][PROTOCOL]
        held = by_protocol.get(protocol)
        if held is None:
            by_protocol[protocol] = [index]
        else:
            held.append(index)
    conversations = tcp_conversations(capture, by_protocol.get(TCP, ()))
    losses: list[tuple[FlowKey, DirectionLoss]] = []
    for conversation, (forward, backward) in zip(conversations, tcp_losses(capture, conversations), strict=True):
        key = conversation.key
        losses.append((key[:8], forward))
        losses.append(((*key[4:8], *key[:4]), backward))
    echoes = [
        series for protocol in (ICMP, ICMP6) for series in echo_series(capture, by_protocol.get(protocol, ()), protocol)
    ]
    return Survey(capture, by_protocol, conversations, echoes, losses)


