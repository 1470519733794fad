"""The readers: one module for each source's format, content in, observations and caveats out. None opens a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import Caveat, Observation
from attribution.readers.account import read_account_events
from attribution.readers.changes import read_changes
from attribution.readers.cloud_audit import read_cloud_audit
from attribution.readers.cloud_monitor import read_cloud_monitor
from attribution.readers.counters import read_counters
from attribution.readers.flows import read_flow_table, read_flows
from attribution.readers.incident import check_against_topology, read_incident
from attribution.readers.paths import read_paths
from attribution.readers.probes import read_probes
from attribution.readers.prometheus import read_prometheus
from attribution.readers.quoting import quote_places
from attribution.readers.sniff import sniff_type
from attribution.readers.strangers import count_strangers, recognise_devices, recognise_nodes
from attribution.readers.syslog import read_syslog
from attribution.readers.topology import read_topology

Reader = Callable[[bytes, Origin], Iterator[Observation | Caveat]]

READERS: tuple[tuple[EvidenceType, Reader], ...] = (
    (EvidenceType.SYSLOG, read_syslog),
    (EvidenceType.INTERFACE_COUNTERS, read_counters),
    (EvidenceType.PROBES, read_probes),
    (EvidenceType.PATHS, read_paths),
    (EvidenceType.PROMETHEUS, read_prometheus),
    (EvidenceType.CLOUD_MONITOR, read_cloud_monitor),
    (EvidenceType.CLOUD_AUDIT, read_cloud_audit),
    (EvidenceType.CHANGE_RECORDS, read_changes),
    (EvidenceType.ACCOUNT_EVENTS, read_account_events),
    (EvidenceType.FLOWS, read_flows),
)


def read_evidence(content: bytes, origin: Origin) -> Iterator[Observation | Caveat]:
    """What a file of evidence states, by the reader of its type. Captures are not read here but by `packets`.

    Errors: EvidenceError for an empty file, and wherever the file does not hold what its type promises.
    """
    if not content:
        raise EvidenceError(origin.file, "found an empty file (0 octets)", f"expected {origin.type}")
    return dict(READERS)[origin.type](content, origin)


__all__ = [
    "READERS",
    "Reader",
    "check_against_topology",
    "count_strangers",
    "quote_places",
    "read_evidence",
    "read_flow_table",
    "read_incident",
    "read_topology",
    "recognise_devices",
    "recognise_nodes",
    "sniff_type",
]
