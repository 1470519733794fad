"""What packets say about the network beyond their own passing. A new witness is a module and a line here."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.observation import PacketWitness
from attribution.packets.survey import Survey
from attribution.packets.witnesses.aggregation import find_lost_partners
from attribution.packets.witnesses.arp import find_arp_trouble
from attribution.packets.witnesses.bfd import find_bfd_down
from attribution.packets.witnesses.bgp import find_bgp_trouble
from attribution.packets.witnesses.connections import (
    find_failed_handshakes,
    find_large_packets_lost,
    find_resets,
    find_zero_windows,
)
from attribution.packets.witnesses.damage import find_damage
from attribution.packets.witnesses.dhcp import find_dhcp_failures
from attribution.packets.witnesses.dns import find_dns_failures
from attribution.packets.witnesses.icmp_errors import find_icmp_errors
from attribution.packets.witnesses.isis import find_isis_trouble
from attribution.packets.witnesses.loops import find_loops
from attribution.packets.witnesses.neighbours import find_neighbour_trouble
from attribution.packets.witnesses.ospf import find_ospf_trouble
from attribution.packets.witnesses.quic import find_quic_trouble
from attribution.packets.witnesses.rates import find_floods, find_plateaus, find_scans
from attribution.packets.witnesses.redundancy import find_master_changes
from attribution.packets.witnesses.silence import find_silences
from attribution.packets.witnesses.spanning_tree import find_spanning_tree_changes
from attribution.packets.witnesses.tls import find_tls_trouble

WITNESSES = (
    find_icmp_errors,
    find_loops,
    find_arp_trouble,
    find_neighbour_trouble,
    find_bgp_trouble,
    find_bfd_down,
    find_ospf_trouble,
    find_isis_trouble,
    find_spanning_tree_changes,
    find_lost_partners,
    find_master_changes,
    find_dns_failures,
    find_dhcp_failures,
    find_tls_trouble,
    find_quic_trouble,
    find_resets,
    find_failed_handshakes,
    find_zero_windows,
    find_large_packets_lost,
    find_damage,
    find_plateaus,
    find_floods,
    find_scans,
    find_silences,
)


def find_witnesses(survey: Survey) -> Iterator[PacketWitness]:
    """Yield every witness of one capture, in the order of time."""
    found = [witness for find in WITNESSES for witness in find(survey)]
    yield from sorted(found, key=lambda witness: (witness.time_ns, witness.kind, witness.locator))
