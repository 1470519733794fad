"""What a mirror port shows twice: one packet, recorded as it came in and as it went out, or by two sessions.

The like of a packet within a millisecond is its copy if a capture shows such likes all the time: the network does not
copy one packet in ten. A copy is alike in all that its sender set: addresses, ports, identification, sequence numbers,
timestamps, the beginning of what it carries. Its time to live is the same or, on the two sides of a router, one less. A
packet that comes back to the same link with two less or more goes round in a loop, and only what is seen of it with the
same time to live is a copy: the router at either end of the link takes one. Bare acknowledgements of senders
that do not number their packets, as in IPv6, are alike by nature: they prove no mirror, but of a capture that is known
to copy they are copies too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attribution.packets.columns import (
    DEPTH,
    FIN,
    FLAGS,
    FRAGMENT,
    INTERFACE,
    IP_ID,
    IP_LENGTH,
    LENGTH,
    MAC_DESTINATION,
    MAC_SOURCE,
    PAYLOAD,
    PROTOCOL,
    SOURCE,
    SOURCE_PORT,
    SYN,
    TCP,
    TIME,
    TIMESTAMP,
    TRANSPORT,
    TTL,
)

MIRROR_NS: Final = 1_000_000
MIRRORED_SHARE: Final = 0.1  # of a capture's packets seen twice: then the capture copies, not the network
FEWEST_COPIES: Final = 3
PAYLOAD_COMPARED: Final = 24  # octets of payload that tell packets apart whose headers say little
Key = tuple[object, ...]


def find_copies(
    packets: Sequence[tuple[int, ...]], octets: Sequence[bytes], in_time: Iterable[int]
) -> frozenset[int]:
    """Which packets, taken in the order of time, are a mirror's copies; none where the capture does not copy."""
    first_of: dict[Key, int] = {}
    alike: list[tuple[int, int, Key | None]] = []  # a packet, its like, and the key of one further on
    going_round: set[Key] = set()
    further: set[tuple[Key, int]] = set()  # keys with one time to live less
    for index in in_time:
        packet = packets[index]
        if not packet[DEPTH]:
            continue
        key: Key = (
            *packet[SOURCE : PROTOCOL + 1], packet[IP_ID], packet[FRAGMENT], packet[IP_LENGTH],
            *packet[SOURCE_PORT : LENGTH + 1], *packet[TIMESTAMP : TIMESTAMP + 2],
        )  # fmt: skip
        if packet[PROTOCOL] != TCP and packet[PAYLOAD] >= 0:
            key = (*key, octets[index][packet[PAYLOAD] : packet[PAYLOAD] + PAYLOAD_COMPARED])
        first = first_of.setdefault(key, index)
        if first == index:
            continue
        fallen = packets[first][TTL] - packet[TTL]
        if fallen > 1 and _link(packet) == _link(packets[first]):
            going_round.add(key)
        if packet[TIME] - packets[first][TIME] >= MIRROR_NS or abs(fallen) > 1:
            first_of[key] = index
        elif fallen and (key, packet[TTL]) not in further:
            further.add((key, packet[TTL]))
            alike.append((index, first, key))
        else:
            alike.append((index, first, None))
    seen_twice = [(index, first) for index, first, key in alike if key is None or key not in going_round]
    certain = [(index, first) for index, first in seen_twice if _is_particular(packets[index])]
    if len(certain) < max(FEWEST_COPIES, MIRRORED_SHARE * len(packets)):
        return frozenset()
    longest_ns = max(packets[index][TIME] - packets[first][TIME] for index, first in certain)
    found = {index for index, _ in certain}
    for index, first in seen_twice:
        copy, original = packets[index], packets[first]
        doubtful = index not in found and copy[TIME] - original[TIME] <= longest_ns
        if doubtful and octets[index][copy[TRANSPORT] :] == octets[first][original[TRANSPORT] :]:
            found.add(index)
    return frozenset(found)


def _link(packet: tuple[int, ...]) -> tuple[int, ...]:
    """Where a packet was seen, and between which two machines."""
    return (packet[INTERFACE], packet[MAC_SOURCE], packet[MAC_DESTINATION])


def _is_particular(packet: tuple[int, ...]) -> bool:
    """Whether its sender sends no second packet like this one: it is numbered, or brings something."""
    return packet[PROTOCOL] != TCP or packet[IP_ID] > 0 or packet[LENGTH] > 0 or bool(packet[FLAGS] & (SYN | FIN))
