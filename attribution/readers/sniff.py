"""What a file of evidence is, told by its content where incident.yaml leaves the type out."""

from __future__ import annotations

import re

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.readers.compression import read_beginning
from attribution.readers.tables import PARQUET, read_parquet

CAPTURE_MAGIC = (
    b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1",  # pcap, microseconds
    b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1",  # pcap, nanoseconds
    b"\x0a\x0d\x0d\x0a",  # pcapng section header
)  # fmt: skip
HEADERS: tuple[tuple[frozenset[str], EvidenceType], ...] = (
    (frozenset({"metric", "value"}), EvidenceType.INTERFACE_COUNTERS),
    (frozenset({"kind", "sent", "received"}), EvidenceType.PROBES),
    (frozenset({"hop", "address"}), EvidenceType.PATHS),
    (frozenset({"performed_by", "consented_by"}), EvidenceType.CHANGE_RECORDS),
    (frozenset({"event", "detail"}), EvidenceType.ACCOUNT_EVENTS),
    (frozenset({"path", "sent", "lost"}), EvidenceType.FLOWS),
)
KEYS: tuple[tuple[re.Pattern[str], EvidenceType], ...] = (
    (re.compile(r'"(?:resultType|errorType)"\s*:'), EvidenceType.PROMETHEUS),
    (re.compile(r'"(?:CloudAuditEvent|userIdentity|ListOver)"\s*:'), EvidenceType.CLOUD_AUDIT),
    (re.compile(r'"(?:DataPoints|Points)"\s*:'), EvidenceType.CLOUD_MONITOR),
    (re.compile(r'"(?:hubs|prb_id|msm_id)"\s*:|"mtr"\s*:\s*\{'), EvidenceType.PATHS),
)
LOG_LINE = re.compile(
    r"<\d{1,3}>"  # RFC 3164 and 5424
    r"|[A-Z][a-z]{2} +\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d"  # RFC 3164 without priority, Huawei, H3C
    r"|\d{4}[/-]\d\d[/-]\d\d[T ]\d\d:\d\d:\d\d"  # FRR, and RFC 3339 stamps
    r"|\d{4} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d"  # NX-OS
    r"|[*.]?[A-Z][a-z]{2} +\d{1,2} +\d\d:\d\d:\d\d|\d+: "  # IOS buffers
)


def sniff_type(name: str, content: bytes) -> EvidenceType:
    """The type of a file by its content: magic numbers, a table's header, a document's keys, the look of a log line.

    The beginning of the content is enough, except for Parquet. Errors: EvidenceError where the content does not tell.
    """
    if content.startswith(PARQUET):
        return _by_header(frozenset(next(read_parquet(content, name))[1]), name)
    beginning = read_beginning(content, name)
    if beginning.startswith(CAPTURE_MAGIC):
        return EvidenceType.CAPTURE
    text = beginning.decode("utf-8-sig", "replace").lstrip()
    if text.startswith(("{", "[")):
        for key, kind in KEYS:
            if key.search(text):
                return kind
        raise _untold(name, "JSON without a key that tells")
    first = text.partition("\n")[0].strip()
    if LOG_LINE.match(first):
        return EvidenceType.SYSLOG
    return _by_header(frozenset(cell.strip().strip('"') for cell in first.split(",")), name)


def _by_header(columns: frozenset[str], name: str) -> EvidenceType:
    for telling, kind in HEADERS:
        if telling <= columns:
            return kind
    raise _untold(name, "content that does not tell its type")


def _untold(name: str, found: str) -> EvidenceError:
    return EvidenceError(name, f"found {found}", f"expected `type:` on its entry: {', '.join(EvidenceType)}")
