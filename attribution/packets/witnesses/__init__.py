"""What packets say about the network beyond their own passing. A new witness is a module and a line here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from attribution.model.observation import PacketWitness
from attribution.packets.survey import Survey
from attribution.packets.witnesses.arp import find_arp_trouble
from attribution.packets.witnesses.connections import (
    find_failed_handshakes,
    find_resets,
    find_zero_windows,
)
from attribution.packets.witnesses.icmp_errors import find_icmp_errors
from attribution.packets.witnesses.loops import find_loops
from attribution.packets.witnesses.rates import find_floods, find_plateaus, find_scans
from attribution.packets.witnesses.sessions import find_bfd_down, find_bgp_trouble, find_lost_hellos
from attribution.packets.witnesses.silence import find_silences


def find_witnesses(survey: Survey) -> Iterator[PacketWitness]:
    """Yield every witness of one capture, in the order of time."""
    found = chain(
        find_icmp_errors(survey),
        find_loops(survey),
        find_arp_trouble(survey),
        find_bgp_trouble(survey),
        find_bfd_down(survey),
        find_lost_hellos(survey),
        find_resets(survey),
        find_failed_handshakes(survey),
        find_zero_windows(survey),
        find_plateaus(survey),
        find_floods(survey),
        find_scans(survey),
        find_silences(survey),
    )
    yield from sorted(found, key=lambda witness: (witness.time_ns, witness.kind, witness.locator))
