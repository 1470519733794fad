"""Nothing is left of the old names, and nothing but names has changed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader

from tests.transform.folder import (
    Keys,
    entries_of,
    is_table,
    read_incident,
    read_octets,
    read_table,
    read_text,
    read_truth,
    type_of,
)
from tests.transform.graph import read_graph
from tests.transform.packets import count_frames
from tests.transform.recorded import EVERYTHING, RECORDED, captures_of, name_of
from tests.transform.rename import rename
from tests.transform.renaming import Renaming, draw_renaming

SEED = 7

FIELDS = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.protocols", "ip.ttl", "ip.id", "tcp.seq")
CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status")
WRONG = "0"
"""What tshark says of a checksum that is not what it computes; Linux may write ffff where that is 0000."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded incident, the same one renamed, and what became what."""

    bundle: Path
    renamed: Path
    renaming: Renaming

    def entries(self) -> Iterator[tuple[Keys, Keys]]:
        """The evidence entries before and after."""
        yield from zip(*(entries_of(read_incident(folder)) for folder in (self.bundle, self.renamed)), strict=True)

    def captures(self) -> list[tuple[Path, Path]]:
        return list(zip(captures_of(self.bundle), captures_of(self.renamed), strict=True))


@pytest.fixture(scope="module", params=RECORDED if EVERYTHING else RECORDED[1::3], ids=name_of)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    bundle: Path = request.param
    renamed = rename(bundle, tmp_path_factory.mktemp("renamed") / "bundle", SEED)
    return Pair(bundle, renamed, draw_renaming(bundle, SEED))


def texts(folder: Path) -> dict[str, str]:
    """What can be read in a bundle, by file."""
    incident = read_incident(folder)
    files = ["incident.yaml", "truth.yaml", incident["topology"]]
    files += [entry["file"] for entry in entries_of(incident) if entry["type"] != "capture"]
    return {file: read_text(folder / file) for file in files}


def old_addresses(bundle: Path) -> set[str]:
    """Addresses of the topology, and those that traceroutes saw."""
    incident = read_incident(bundle)
    nodes = read_graph(bundle / incident["topology"]).nodes
    owned = {address for node in nodes for address in node.get("addresses", ())}
    paths = [bundle / entry["file"] for entry in entries_of(incident) if entry["type"] == "paths"]
    paths = [path for path in paths if is_table(path)]
    return owned | {row["address"] for path in paths for row in read_table(path).rows if row["address"]}


def dissected(capture: Path, folder: Path) -> list[tuple[str, ...]]:
    """What tshark reads in each of a capture's frames."""
    plain = folder / "plain.capture"
    plain.write_bytes(read_octets(capture))
    checks = [f"{protocol}.check_checksum:TRUE" for protocol in ("ip", "tcp", "udp")]
    command = ["tshark", "-n", "-r", str(plain), "-T", "fields"]
    command += [part for check in checks for part in ("-o", check)]
    command += [part for field in FIELDS + CHECKSUMS for part in ("-e", field)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(line.split("\t")) for line in lines]


def test_no_device_name_is_left(pair: Pair) -> None:
    devices = pair.renaming.devices
    assert len(devices) == len(set(devices.values()))
    pattern = re.compile(r"(?<![A-Za-z0-9])(" + "|".join(map(re.escape, devices)) + r")(?![A-Za-z0-9])")
    for file, text in texts(pair.renamed).items():
        assert pattern.findall(text) == [], file
        assert not pattern.search(file)


def test_no_address_is_left(pair: Pair) -> None:
    addresses = old_addresses(pair.bundle)
    pattern = re.compile(r"(?<![\d.])(" + "|".join(map(re.escape, addresses)) + r")(?!\d|\.\d)")
    for file, text in texts(pair.renamed).items():
        assert addresses == set() or pattern.findall(text) == [], file


def test_no_address_is_left_in_a_capture(pair: Pair, tmp_path: Path) -> None:
    packed = [re.escape(ip_address(address).packed) for address in old_addresses(pair.bundle)]
    for capture in captures_of(pair.renamed):
        plain = tmp_path / "plain.capture"
        plain.write_bytes(read_octets(capture))
        with RawPcapReader(str(plain)) as frames:
            left = [re.findall(b"|".join(packed), octets, re.DOTALL) for octets, _ in frames]
        assert packed == [] or not any(left)


def test_every_interface_of_a_device_is_called_otherwise(pair: Pair) -> None:
    old, new = (read_graph(folder / read_incident(folder)["topology"]) for folder in (pair.bundle, pair.renamed))
    old_ports = {(node, port) for link in old.links for node, port in link["interfaces"].items()}
    new_ports = {(node, port) for link in new.links for node, port in link["interfaces"].items()}
    assert new_ports == {(pair.renaming.device(node), pair.renaming.interface(node, port)) for node, port in old_ports}
    assert not new_ports & {(pair.renaming.device(node), port) for node, port in old_ports}
    for entry in entries_of(read_incident(pair.renamed)):
        if "interface" in entry:
            assert (entry["device"], entry["interface"]) in new_ports


def test_a_device_logs_about_its_ports_by_their_new_names(pair: Pair) -> None:
    """Counted by interface, the lines are as many as before."""
    graph = read_graph(pair.bundle / read_incident(pair.bundle)["topology"])
    for old, new in pair.entries():
        if old["type"] != "syslog" or "device" not in old:
            continue
        for link in graph.links:
            port = link["interfaces"].get(old["device"])
            if port:
                mapped = pair.renaming.interface(old["device"], port)
                assert mentions(pair.renamed / new["file"], mapped) == mentions(pair.bundle / old["file"], port)


def mentions(log: Path, port: str) -> int:
    return len(re.findall(rf"(?<![A-Za-z0-9]){re.escape(port)}(?![\w/])", read_text(log)))


def test_subnets_stay_subnets(pair: Pair) -> None:
    new = pair.renaming.addresses.text
    for one, other in combinations(sorted(old_addresses(pair.bundle)), 2):
        assert common_prefix(new(one), new(other)) == common_prefix(one, other)


def common_prefix(one: str, other: str) -> int:
    return 32 - (int(ip_address(one)) ^ int(ip_address(other))).bit_length()


def test_the_truth_names_components_of_the_new_topology(pair: Pair) -> None:
    graph = read_graph(pair.renamed / read_incident(pair.renamed)["topology"])
    components = {node["id"] for node in graph.nodes}
    components |= {"--".join(sorted((link["source"], link["target"]))) for link in graph.links}
    old, new = read_truth(pair.bundle), read_truth(pair.renamed)
    assert {cause["component"] for cause in new["causes"]} <= components
    assert (old["party"], old["clause"]) == (new["party"], new["clause"])


def test_tables_keep_their_numbers(pair: Pair) -> None:
    for old, new in pair.entries():
        if old["type"] in ("interface-counters", "probes", "paths", "flows") and is_table(pair.bundle / old["file"]):
            before, after = read_table(pair.bundle / old["file"]), read_table(pair.renamed / new["file"])
            numbers = set(before.columns) - {"device", "interface", "source", "destination", "address", "path"}
            assert before.columns == after.columns
            assert [[row[name] for name in numbers] for row in before.rows] == [
                [row[name] for name in numbers] for row in after.rows
            ]


def test_captures_keep_their_frames(pair: Pair) -> None:
    for old, new in pair.captures():
        before, after = read_octets(old), read_octets(new)
        assert before != after
        assert count_frames(before) == count_frames(after)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed: it reads the captures back")
def test_tshark_dissects_what_it_did_before(pair: Pair, tmp_path: Path) -> None:
    """Times, lengths, protocols and sequence numbers stand, and no checksum has become wrong."""
    for old, new in pair.captures()[:1]:
        for before, after in zip(dissected(old, tmp_path), dissected(new, tmp_path), strict=True):
            assert before[: len(FIELDS)] == after[: len(FIELDS)]
            assert before == after or WRONG in before[len(FIELDS) :]


def test_the_seed_decides(pair: Pair) -> None:
    other = draw_renaming(pair.bundle, SEED + 1)
    assert other.devices != pair.renaming.devices
    assert other.devices.keys() == pair.renaming.devices.keys()


def test_types_are_told_by_content_where_entries_leave_them_out(pair: Pair) -> None:
    for entry in entries_of(read_incident(pair.bundle)):
        bare = {key: value for key, value in entry.items() if key != "type"}
        assert type_of(pair.bundle / entry["file"], bare) == entry["type"]


PORTS = frozenset({"GigabitEthernet0/0/1", "eth0", "to-ce1", "lo"})
RENAMING = Renaming(
    {"ce1": "kq1", "p1": "z7", "host-a": "kqvwx3", "rtr23": "qqqq5"},
    {"ce1": PORTS, "p1": frozenset(), "host-a": frozenset({"eth0"}), "rtr23": frozenset()},
    {"10.1.2.3": "ce1"},
    "words",
)


def test_words_are_replaced_whole() -> None:
    assert RENAMING.text("p1 and host-a, not p10, host-ab or xp1") == "z7 and kqvwx3, not p10, host-ab or xp1"
    address = RENAMING.addresses.text("172.24.105.2")
    assert RENAMING.text("neighbor 172.24.105.2(rtr23) in vrf default") == f"neighbor {address}(qqqq5) in vrf default"


def test_an_address_is_found_with_a_port_in_a_sentence_and_in_a_prefix() -> None:
    address = RENAMING.addresses.text("10.1.2.3")
    assert RENAMING.text("10.1.2.3:179, 10.1.2.3. [10.1.2.3]") == f"{address}:179, {address}. [{address}]"
    prefix = RENAMING.text("-d 10.1.2.0/24 -j DROP").split()[1]
    assert ip_address(address) in ip_network(prefix)


@pytest.mark.parametrize("words", ["2026-11-23T01:08:28.799Z", "01:16:43", "1.3.6.1.2.1.15", "4.2(3)", "0000:02:00.0"])
def test_what_only_looks_like_an_address_stays(words: str) -> None:
    assert RENAMING.text(f"at {words} on") == f"at {words} on"


def test_interfaces_are_those_of_the_device() -> None:
    mapped = RENAMING.interface("ce1", "GigabitEthernet0/0/1")
    number = mapped.rpartition("/")[2]
    assert mapped.startswith("GigabitEthernet0/0/")
    assert RENAMING.text("Interface Gi0/0/1 down", "ce1") == f"Interface Gi0/0/{number} down"
    assert RENAMING.text("Gi0/0/1.100", "ce1") == f"Gi0/0/{number}.100"
    assert RENAMING.text("eth0", "ce1") != RENAMING.text("eth0", "host-a")
    assert RENAMING.interface("ce1", "to-ce1").startswith("if")


def test_hardware_addresses_keep_their_notation() -> None:
    tail = RENAMING.text("00:1b:54:aa:bb:cc")[9:].replace(":", "")
    assert RENAMING.text("001b.54aa.bbcc") == f"001b.54{tail[:2]}.{tail[2:]}"
    assert RENAMING.text("00E0-FCAA-BBCC") == f"00E0-FC{tail[:2]}-{tail[2:]}".upper()


def test_a_link_is_called_by_its_new_ends_in_order() -> None:
    assert RENAMING.component("ce1--p1") == "kq1--z7"
    assert RENAMING.component("host-a--p1#1") == "kqvwx3--z7#1"
