"""Whatever a file holds, a reader answers with observations, caveats and its documented error: never with another."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, Observation
from attribution.readers import READERS, read_evidence
from tests.readers.material import origin
from tests.readers.test_cloud import MONITOR, STATISTIC, event
from tests.readers.test_paths import MTR, PING, TRACEROUTE
from tests.readers.test_prometheus import answer, one
from tests.readers.test_tables import TABLES

DOCUMENTS: tuple[tuple[EvidenceType, Any], ...] = (
    (EvidenceType.PATHS, MTR),
    (EvidenceType.PATHS, TRACEROUTE),
    (EvidenceType.PATHS, PING),
    (EvidenceType.PROMETHEUS, answer(one("ifOperStatus", instance="pe1", ifName="eth0"), one("up"))),
    (EvidenceType.CLOUD_MONITOR, MONITOR),
    (EvidenceType.CLOUD_MONITOR, STATISTIC),
    (EvidenceType.CLOUD_AUDIT, {"Response": {"Events": [event()]}}),
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
every_reader = pytest.mark.parametrize("kind", [kind for kind, _ in READERS if kind is not EvidenceType.SYSLOG])


def read(kind: EvidenceType, content: bytes) -> None:
    """Read it all; anything but the documented outcome fails the test."""
    try:
        found = list(read_evidence(content, origin(kind, "file", settings={"time": "0"}, device="ce1")))
    except EvidenceError as error:
        assert error.place.startswith("file")
        return
    assert all(isinstance(item, Observation | Caveat) for item in found)


@every_reader
@given(content=st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(kind: EvidenceType, content: bytes) -> None:
    read(kind, content)
    read(kind, gzip.compress(content))


@every_reader
@given(document=values)
def test_any_json(kind: EvidenceType, document: object) -> None:
    read(kind, json.dumps(document).encode())


@pytest.mark.parametrize("kind", TABLES)
@given(data=st.data())
def test_a_table_with_anything_in_one_of_its_cells(kind: EvidenceType, data: st.DataObject) -> None:
    lines = TABLES[kind].splitlines()
    number = data.draw(st.integers(min_value=0, max_value=len(lines) - 1))
    cells = lines[number].split(",")
    index = data.draw(st.integers(min_value=0, max_value=len(cells) - 1))
    cells[index] = data.draw(st.text(max_size=8) | st.floats().map(str) | st.integers().map(str))
    lines[number] = ",".join(cells)
    read(kind, "\n".join(lines).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(("kind", "document"), DOCUMENTS)
@given(data=st.data())
def test_a_document_with_anything_in_one_of_its_places(kind: EvidenceType, document: Any, data: st.DataObject) -> None:
    document = json.loads(json.dumps(document))
    read(kind, json.dumps(disturbed(document, data)).encode())


def disturbed(document: Any, data: st.DataObject) -> Any:
    """The document with another value in one of its places, chosen on the way down."""
    if not isinstance(document, dict | list) or not document or data.draw(st.integers(0, 3)) == 0:
        return data.draw(values)
    keys: list[Any] = sorted(document) if isinstance(document, dict) else list(range(len(document)))
    key = data.draw(st.sampled_from(keys))
    document[key] = disturbed(document[key], data)
    return document


@every_reader
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"Response":'])
def test_endless_nesting(kind: EvidenceType, opening: str) -> None:
    read(kind, (opening * 100_000).encode())


@every_reader
def test_endless_numbers(kind: EvidenceType) -> None:
    read(kind, ('{"data": ' + "9" * 10_000 + "}").encode())
