"""A network of thousands of links with ten flow records for each: whose fault it was is found among all the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import attribution.detectors
import attribution.pipeline
from attribution import decide
from attribution.errors import EvidenceError, TopologyError
from attribution.model.verdict import Party
from tests.large_incident import make_incident


@pytest.mark.parametrize("seed", [0, 3])
def test_the_party_at_fault_is_found_on_a_network_of_3000_links(tmp_path: Path, seed: int) -> None:
    made = make_incident(tmp_path / "incident", 3_000, seed)

    verdict = decide(made.folder)

    assert (verdict.party.value, verdict.causes[0].component) == (made.party, made.component)
    assert verdict.party is (Party.CUSTOMER if seed == 0 else Party.PROVIDER)


def test_csv_and_parquet_give_one_verdict(tmp_path: Path) -> None:
    csv, parquet = (
        decide(make_incident(tmp_path / format, 1_000, 5, parquet=format == "parquet").folder)
        for format in ("csv", "parquet")
    )

    assert (csv.party, csv.parties, csv.causes) == (parquet.party, parquet.parties, parquet.causes)
    assert [e.statement for e in csv.evidence] == [e.statement for e in parquet.evidence]
    rows = [(c.locator.split(), p.locator.split()) for c, p in zip(csv.evidence, parquet.evidence, strict=True)]
    flows = [(line, row) for line, row in rows if row[0] == "row"]
    assert flows and all(int(line[1]) == int(row[1]) + 1 for line, row in flows)


def test_records_added_up_and_records_one_by_one_name_the_same_party(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_incident(tmp_path / "incident", 300, 5, rows=1_500)

    one_by_one = decide(made.folder)
    monkeypatch.setattr(attribution.detectors, "FEW_FLOWS", 0)
    added_up = decide(made.folder)

    assert one_by_one.party.value == added_up.party.value == made.party
    assert one_by_one.probability == pytest.approx(added_up.probability, abs=0.02)


def test_what_is_wrong_with_records_read_beside_the_topology_is_told_after_what_is_wrong_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution.pipeline, "LONG_READ_OCTETS", 0)
    folder = make_incident(tmp_path / "incident", 300, 5, rows=1_500).folder
    flows, topology = folder / "flows.csv", folder / "topology.json"
    lines = flows.read_text().splitlines()
    lines[700] = ",".join("-1" if cell.isdigit() else cell for cell in lines[700].split(","))
    flows.write_text("\n".join(lines))

    with pytest.raises(EvidenceError, match=r"flows\.csv:701"):
        decide(folder)
    assert decide(folder, without=["flows.csv"]).party is not None
    topology.write_text(topology.read_text().replace('"provider"', '"nobody"', 1))
    with pytest.raises(TopologyError, match="nobody"):
        decide(folder)
