"""A file whose type was left out is recognised by what is in it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable

import pandas
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.readers import sniff_type
from tests.readers.test_cloud import MONITOR, STATISTIC, event
from tests.readers.test_paths import MTR, PING, TRACEROUTE
from tests.readers.test_prometheus import answer, one
from tests.readers.test_tables import TABLES

EXAMPLES: list[tuple[EvidenceType, bytes]] = [
    *((kind, table.encode()) for kind, table in TABLES.items()),
    (EvidenceType.PATHS, json.dumps(MTR).encode()),
    (EvidenceType.PATHS, json.dumps([TRACEROUTE]).encode()),
    (EvidenceType.PATHS, json.dumps(PING).encode()),
    (EvidenceType.PROMETHEUS, json.dumps(answer(one("ifInErrors"))).encode()),
    (EvidenceType.CLOUD_MONITOR, json.dumps(MONITOR).encode()),
    (EvidenceType.CLOUD_MONITOR, json.dumps(STATISTIC).encode()),
    (EvidenceType.CLOUD_AUDIT, json.dumps({"Response": {"Events": [event()]}}, indent=1).encode()),
    (EvidenceType.CAPTURE, b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"),
    (EvidenceType.CAPTURE, b"\xa1\xb2\x3c\x4d\x00\x02\x00\x04"),
    (EvidenceType.CAPTURE, b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00"),
    (EvidenceType.SYSLOG, b"<189>521: ce1: *Nov 14 08:30:56.699: %SYS-5-CONFIG_I: Configured from console\n"),
    (EvidenceType.SYSLOG, b"<165>1 2026-05-01T10:00:00.123+08:00 ce1 app - - - up\n"),
    (EvidenceType.SYSLOG, b"Nov 26 2024 14:05:54 HUAWEI %%01IFNET/4/IF_STATE(l)[1]:Interface X has turned into DOWN\n"),
    (EvidenceType.SYSLOG, b"Jun 11 20:17:54 2020 H3C %%10SHELL/5/SHELL_LOGIN: admin, logged in\n"),
    (EvidenceType.SYSLOG, b"2018 Apr 20 13:15:07 nexus %ETHPORT-5-IF_DOWN_LINK_FAILURE: Interface X is down\n"),
    (EvidenceType.SYSLOG, b"2026/11/23 10:00:31 BGP: [Y7B5T-3BRKP] %ADJCHANGE: neighbor 10.0.0.1 Down\n"),
]
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "Zstandard": zstandard.compress,
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(("kind", "content"), EXAMPLES)
def test_the_content_tells_the_type(kind: EvidenceType, content: bytes, compression: str) -> None:
    assert sniff_type("file", COMPRESSIONS[compression](content)) is kind


def test_the_beginning_of_a_long_compressed_file_is_enough() -> None:
    table = TABLES[EvidenceType.PROBES].encode() + bytes(range(33, 127)) * 20_000
    assert sniff_type("file", gzip.compress(table)[:2000]) is EvidenceType.PROBES
    assert sniff_type("file", zstandard.compress(table)[:2000]) is EvidenceType.PROBES


@pytest.mark.parametrize("kind", TABLES)
def test_parquet_tells_by_its_columns(kind: EvidenceType) -> None:
    packed = io.BytesIO()
    pandas.read_csv(io.StringIO(TABLES[kind]), dtype=str).to_parquet(packed)
    assert sniff_type("file", packed.getvalue()) is kind


@given(st.binary() | st.text().map(str.encode) | st.sampled_from(["{", "[", "PAR1", "time,", "\x1f"]).map(str.encode))
def test_what_does_not_tell_is_an_error_that_asks_for_the_type(content: bytes) -> None:
    try:
        sniff_type("file", content)
    except EvidenceError as error:
        assert error.place == "file"
