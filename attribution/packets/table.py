"""A capture as a pandas DataFrame: one row for each packet, the columns typed and named.

| column | meaning |
| --- | --- |
| `frame` (the index) | frame number, from 1, in the order of the file |
| `time` | datetime64[ns, UTC], the capture point's own clock |
| `captured`, `wire` | octets kept and octets on the network |
| `interface`, `vlan`, `tunnel` | pcapng interface; outermost VLAN number; innermost tunnel's number (-1: none) |
| `layers` | sum of the `LAYER_` bits of `columns`: which encapsulations were looked through, what is cut or damaged |
| `version`, `source`, `destination` | of the innermost IP header; categories of text, missing where there is none |
| `protocol`, `ttl`, `ip_id`, `fragment`, `dscp` | IP protocol number or ethertype; time to live; and so on |
| `source_port`, `destination_port` | or ICMP type and code (-1: none) |
| `sequence`, `acknowledgement`, `flags`, `window`, `length` | of TCP; echo sequence and identifier of ICMP |
| `timestamp`, `timestamp_echo`, `sack_blocks` | TCP options (-1: none) |
| `stream` | number of the TCP connection as in Wireshark's tcp.stream (-1: no TCP) |
| `health`, `duplicate_ack` | sum of the bits of `tcp_health`; the number of a duplicate acknowledgement |

A fragment's row is that of a fragment: without ports, `fragment` above 0. What a segment was found to be that came in
fragments stands in the row of the one that completed it.

The figures of a summary or a comparison are tables too (`flow_table(summary)` and so on), with the columns of the CSV
that `attribution capture` prints: times are datetime64[ns, UTC], counts Int64 (missing: not measured), frames lists.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pandas as pd

from attribution.errors import CaptureError
from attribution.model import capture_tables
from attribution.model.capture import CaptureSummary, ComparisonSummary
from attribution.model.capture_tables import FlatTable, ValueKind
from attribution.model.incident import EvidenceType, Origin
from attribution.packets import columns as c
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import read_capture
from attribution.packets.judgement import judge_capture

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TIME_LIMIT_NS: Final = 1 << 63  # pandas' calendar ends in the year 2262
KEPT: Final = (
    ("captured", c.CAPTURED, "int32"), ("wire", c.WIRE, "int64"), ("interface", c.INTERFACE, "int32"),
    ("layers", c.LAYERS, "int32"), ("vlan", c.VLAN, "int16"), ("tunnel", c.TUNNEL, "int64"),
    ("version", c.VERSION, "int8"), ("protocol", c.PROTOCOL, "int32"), ("ttl", c.TTL, "int16"),
    ("ip_id", c.IP_ID, "int64"), ("fragment", c.FRAGMENT, "int32"), ("source_port", c.SOURCE_PORT, "int32"),
    ("destination_port", c.DESTINATION_PORT, "int32"), ("sequence", c.SEQUENCE, "int64"),
    ("acknowledgement", c.ACKNOWLEDGEMENT, "int64"), ("flags", c.FLAGS, "int16"), ("window", c.WINDOW, "int64"),
    ("length", c.LENGTH, "int64"), ("timestamp", c.TIMESTAMP, "int64"), ("timestamp_echo", c.TIMESTAMP_ECHO, "int64"),
    ("sack_blocks", c.SACK_COUNT, "int8"),
)  # fmt: skip


def read_table(source: BinaryIO | bytes, place: str = "capture") -> pd.DataFrame:
    """Read a whole capture into a table. Raises CaptureError where the source is no capture.

    The captures of an incident fit; the table takes some 250 octets a packet.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    capture = read_capture(stream, Origin(place, EvidenceType.CAPTURE))
    judged = judge_capture(capture)
    if any(abs(packet[c.TIME]) >= _TIME_LIMIT_NS for packet in capture.packets):
        raise CaptureError(place, "a packet's time lies beyond the year 2262", "expected times that a table can hold")
    rows: NDArray[np.int64] = np.array(capture.packets, dtype=np.int64).reshape(len(capture.packets), c.WIDTH)
    found: dict[str, object] = {"time": pd.to_datetime(rows[:, c.TIME], unit="ns", utc=True)}
    found.update({name: rows[:, column].astype(kind) for name, column, kind in KEPT})
    found["dscp"] = (rows[:, c.TRAFFIC_CLASS] >> 2).astype("int8")
    named = [packet[c.VERSION] > 0 or packet[c.PROTOCOL] == c.ARP for packet in capture.packets]
    for name, text in (("source", source_text), ("destination", destination_text)):
        texts = [text(packet) if known else None for packet, known in zip(capture.packets, named, strict=True)]
        found[name] = pd.Categorical(texts)
    found["stream"] = np.array(judged.stream, dtype="int32")
    found["health"] = np.array(judged.health, dtype="int32")
    found["duplicate_ack"] = np.array(judged.duplicates, dtype="int32") * ((found["health"] >> 4) & 1)  # type: ignore[operator]
    table = pd.DataFrame(found)
    table.index = pd.RangeIndex(1, len(table) + 1, name="frame")
    return table


def flow_table(summary: CaptureSummary) -> pd.DataFrame:
    """Two rows for each flow, one for each direction: packets, throughput, health, losses, round trips, limits."""
    return as_frame(capture_tables.flow_table(summary))


def health_table(summary: CaptureSummary) -> pd.DataFrame:
    """One row for each kind of TCP segment that Wireshark's analysis has a name for."""
    return as_frame(capture_tables.health_table(summary))


def loss_table(summary: CaptureSummary) -> pd.DataFrame:
    """One row for each direction and time bin: what was lost before the capture point, and what beyond it."""
    return as_frame(capture_tables.loss_table(summary))


def witness_table(summary: CaptureSummary) -> pd.DataFrame:
    """One row for each witness: ICMP errors, failed handshakes, closed sessions and the like."""
    return as_frame(capture_tables.witness_table(summary))


def stretch_table(summary: ComparisonSummary) -> pd.DataFrame:
    """One row for each stretch between neighbouring points, direction between two addresses, and protocol."""
    return as_frame(capture_tables.stretch_table(summary))


def bin_table(summary: ComparisonSummary) -> pd.DataFrame:
    """One row for each time bin of each stretch."""
    return as_frame(capture_tables.bin_table(summary))


def as_frame(table: FlatTable) -> pd.DataFrame:
    """A flat table as pandas has it, each column of the type that its kind asks for."""
    values = list(zip(*table.rows, strict=True)) if table.rows else [()] * len(table.columns)
    return pd.DataFrame(
        {name: _series(list(column), kind) for column, (name, kind) in zip(values, table.columns, strict=True)}
    )


def _series(values: list[Any], kind: ValueKind) -> pd.Series[Any]:
    match kind:
        case ValueKind.TIME:
            known = [value if value is not None and abs(value) < _TIME_LIMIT_NS else None for value in values]
            return pd.Series(pd.to_datetime(pd.Series(known, dtype="Int64"), unit="ns", utc=True))
        case ValueKind.INTEGER:
            return pd.Series(values, dtype="Int64")
        case ValueKind.NUMBER:
            return pd.Series(values, dtype="float64")
        case ValueKind.BOOLEAN:
            return pd.Series(values, dtype="boolean")
        case ValueKind.FRAMES:
            return pd.Series([list(value) if isinstance(value, tuple) else [] for value in values], dtype="object")
    return pd.Series(values, dtype="string")
