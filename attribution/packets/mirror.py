"""What a mirror port shows twice: one packet, recorded as it came in and as it went out, or by two sessions.

The like of a packet within a millisecond is its copy if a capture shows such likes all the time: the network does not
copy one packet in ten. A copy is alike in all that its sender set: addresses, ports, identification, sequence numbers,
timestamps, the beginning of what it carries. Its time to live is the same or, on the two sides of a router, one less; a
packet that comes by with less and less of it goes round in a loop, and is not copied. Bare acknowledgements of senders
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
    IP_ID,
    IP_LENGTH,
    LENGTH,
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


def find_copies(
    packets: Sequence[tuple[int, ...]], octets: Sequence[bytes], in_time: Iterable[int]
) -> frozenset[int]:
    """Which packets, taken in the order of time, are a mirror's copies; none where the capture does not copy."""
    first_of: dict[tuple[object, ...], int] = {}
    certain: list[int] = []
    doubtful: list[tuple[int, int]] = []
    longest_ns = 0
    for index in in_time:
        packet = packets[index]
        if not packet[DEPTH]:
            continue
        key: tuple[object, ...] = (
            *packet[SOURCE : PROTOCOL + 1], packet[IP_ID], packet[FRAGMENT], packet[IP_LENGTH],
            *packet[SOURCE_PORT : LENGTH + 1], *packet[TIMESTAMP : TIMESTAMP + 2],
        )  # fmt: skip
        if packet[PROTOCOL] != TCP and packet[PAYLOAD] >= 0:
            key = (*key, octets[index][packet[PAYLOAD] : packet[PAYLOAD] + PAYLOAD_COMPARED])
        first = first_of.setdefault(key, index)
        since_ns = packet[TIME] - packets[first][TIME]
        if first == index or since_ns >= MIRROR_NS or abs(packet[TTL] - packets[first][TTL]) > 1:
            first_of[key] = index
        elif _is_particular(packet):
            certain.append(index)
            longest_ns = max(longest_ns, since_ns)
        else:
            doubtful.append((index, first))
    if len(certain) < max(FEWEST_COPIES, MIRRORED_SHARE * len(packets)):
        return frozenset()
    for index, first in doubtful:
        copy, original = packets[index], packets[first]
        together = copy[TIME] - original[TIME] <= longest_ns
        if together and octets[index][copy[TRANSPORT] :] == octets[first][original[TRANSPORT] :]:
            certain.append(index)
    return frozenset(certain)


def _is_particular(packet: tuple[int, ...]) -> bool:
    """Whether its sender sends no second packet like this one: it is numbered, or brings something."""
    return packet[PROTOCOL] != TCP or packet[IP_ID] > 0 or packet[LENGTH] > 0 or bool(packet[FLAGS] & (SYN | FIN))
