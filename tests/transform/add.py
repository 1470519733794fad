"""Things added that must not matter: troubles of devices and ports off the path, files handed in twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from tests.transform.folder import (
    Keys,
    Table,
    copy_folder,
    entries_of,
    format_suffixes,
    plain_suffix,
    read_incident,
    read_octets,
    write_incident,
    write_octets,
    write_table,
    write_text,
)
from tests.transform.graph import Graph, read_graph, way_between, write_graph

_RECORD_COLUMNS = (
    "id", "start", "end", "performed_by", "device", "interface", "action", "consented_by", "consented_at",
    "description",
)  # fmt: skip
_ADDED = (("log.log", "syslog"), ("changes.csv", "change-records"), ("interfaces.csv", "interface-counters"))
_OWN_PORT, _FAR_PORT = "GigabitEthernet0/1", "GigabitEthernet0/2"


def add_unrelated(bundle: Path, target: Path, seed: int) -> Path:
    """A router on a spur, whose port towards someone else fails during the incident, after a change of its own."""
    dice = random.Random(f"unrelated {seed}")
    copy_folder(bundle, target)
    incident = read_incident(target)
    graph = read_graph(target / incident["topology"])
    device, side = _add_spur(graph, incident["service"]["ends"], dice)
    write_graph(target / incident["topology"], graph)
    start = _complained_start(incident)
    write_text(target / "unrelated" / "log.log", _log(device, start))
    write_table(target / "unrelated" / "changes.csv", _change(device, side, start))
    write_table(target / "unrelated" / "interfaces.csv", _counters(device, start))
    for name, kind in _ADDED:
        entry = {"file": f"unrelated/{name}", "type": kind, "supplied_by": side}
        entries_of(incident).insert(dice.randrange(len(entries_of(incident)) + 1), entry)
    write_incident(target, incident)
    return target


def add_unrelated_alarms(bundle: Path, target: Path, seed: int) -> Path:
    """Each side's devices on the path log the troubles of another tenant: a port, a session, a device nobody drew.

    All of it begins within the incident, and none of it is about a port or a neighbour that the topology knows.
    """
    dice = random.Random(f"alarms {seed}")
    copy_folder(bundle, target)
    incident = read_incident(target)
    graph = read_graph(target / incident["topology"])
    start = _complained_start(incident)
    sides = {node["id"]: node["side"] for node in graph.nodes if node["kind"] not in ("host", "switch", "transport")}
    for side in ("customer", "provider"):
        ours = [name for name in way_between(graph, incident["service"]["ends"]) if sides.get(name) == side]
        if not ours:
            continue
        lines = _tenants_troubles(dice.choice(ours), dice, start) + _tenants_troubles(f"lab-{side}", dice, start)
        write_text(target / "unrelated" / f"tenants-{side}.log", "".join(lines))
        entry = {"file": f"unrelated/tenants-{side}.log", "type": "syslog", "supplied_by": side}
        entries_of(incident).insert(dice.randrange(len(entries_of(incident)) + 1), entry)
    write_incident(target, incident)
    return target


def _tenants_troubles(device: str, dice: random.Random, start: datetime) -> list[str]:
    """A port that no link of the drawing uses goes down and up, and a session over it with a neighbour unknown."""
    port, peer = f"TenGigabitEthernet9/{dice.randrange(8, 48)}", f"198.18.{dice.randrange(256)}.9"
    down = start + timedelta(seconds=dice.randrange(4), milliseconds=dice.randrange(1000))
    up = down + timedelta(seconds=dice.randrange(5, 30))
    messages = (
        (down, f"%LINK-3-UPDOWN: Interface {port}, changed state to down"),
        (down, f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {port}, changed state to down"),
        (down, f"%BGP-5-ADJCHANGE: neighbor {peer} Down Interface flap"),
        (up, f"%LINK-3-UPDOWN: Interface {port}, changed state to up"),
        (up, f"%BGP-5-ADJCHANGE: neighbor {peer} Up"),
    )
    return [_line(time, device, message) for time, message in messages]


def duplicate_file(bundle: Path, target: Path, file: str) -> Path:
    """One file of evidence handed in once more under another name."""
    copy_folder(bundle, target)
    incident = read_incident(target)
    entry = next(entry for entry in entries_of(incident) if entry["file"] == file)
    again = f"again/copy{format_suffixes(Path(file))}"
    (target / again).parent.mkdir()
    (target / again).write_bytes((target / file).read_bytes())
    entries_of(incident).append({**entry, "file": again})
    write_incident(target, incident)
    return target


def duplicate_all(bundle: Path, target: Path) -> Path:
    """Every file of evidence handed in once more, octet for octet."""
    return _doubled(bundle, target, lambda file, again: again.write_bytes(file.read_bytes()), format_suffixes)


def duplicate_all_packed(bundle: Path, target: Path) -> Path:
    """Every file of evidence once more; tables and captures that were compressed plain, and plain ones compressed.

    Of the other types the contract knows no compressed form: they stand there twice as they are.
    """

    def suffixes(file: Path) -> str:
        plain = plain_suffix(file)
        if plain not in (".csv", ".pcap", ".pcapng"):
            return format_suffixes(file)
        return plain if file.suffix in (".gz", ".zst") else f"{plain}.gz"

    return _doubled(bundle, target, lambda file, again: write_octets(again, read_octets(file)), suffixes)


def _doubled(
    bundle: Path, target: Path, write: Callable[[Path, Path], object], suffixes: Callable[[Path], str]
) -> Path:
    copy_folder(bundle, target)
    incident = read_incident(target)
    (target / "again").mkdir()
    for number, entry in enumerate(list(entries_of(incident))):
        again = f"again/copy{number}{suffixes(Path(entry['file']))}"
        write(target / entry["file"], target / again)
        entries_of(incident).append({**entry, "file": again})
    write_incident(target, incident)
    return target


def _add_spur(graph: Graph, ends: list[str], dice: random.Random) -> tuple[str, str]:
    """Hang a router onto a device of the path that forwards, by a link that leads nowhere else."""
    nodes = {node["id"]: node for node in graph.nodes}
    inner = [name for name in way_between(graph, ends) if nodes[name]["kind"] not in ("host", "switch", "transport")]
    neighbour, device = nodes[dice.choice(inner)], f"spur{len(nodes)}"
    graph.nodes.append({"id": device, "side": neighbour["side"], "kind": "router", "vendor": "Cisco"})
    ports = {device: _OWN_PORT, neighbour["id"]: f"{device}-port"}
    link: Keys = {"source": neighbour["id"], "target": device, "interfaces": ports, "side": neighbour["side"]}
    graph.links.append({**link, "key": 0} if any("key" in other for other in graph.links) else link)
    return device, neighbour["side"]


def _complained_start(incident: Keys) -> datetime:
    return datetime.fromisoformat(incident["window"]["start"])


def _log(device: str, start: datetime) -> str:
    """What a Cisco router says when its far port goes down for a while."""
    down, up = start + timedelta(seconds=1), start + timedelta(seconds=9)
    session = "%BGP-5-ADJCHANGE: neighbor 198.18.0.1"
    messages = (
        (down, f"%LINK-3-UPDOWN: Interface {_FAR_PORT}, changed state to down"),
        (down, f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {_FAR_PORT}, changed state to down"),
        (down, f"{session} Down Interface flap"),
        (up, f"%LINK-3-UPDOWN: Interface {_FAR_PORT}, changed state to up"),
        (up, f"{session} Up"),
    )
    return "".join(_line(time, device, message) for time, message in messages)


def _change(device: str, side: str, start: datetime) -> Table:
    """A change nobody was asked about, on that port, at that time."""
    row = dict.fromkeys(_RECORD_COLUMNS, "")
    row |= {"id": "CHG00001", "start": _written(start - timedelta(seconds=5)), "performed_by": side, "device": device}
    row |= {"end": _written(start + timedelta(seconds=20)), "interface": _FAR_PORT, "action": "replace transceiver"}
    return Table(list(_RECORD_COLUMNS), [row | {"description": "port of another tenant"}])


def _counters(device: str, start: datetime) -> Table:
    """The spur idles; the far port goes down and comes back."""
    columns = ["time", "device", "interface", "metric", "value"]
    rows: list[Keys] = []
    for second in range(-20, 30, 2):
        time = _written(start + timedelta(seconds=second))
        far = "0" if 1 <= second < 9 else "1"
        for port, metric, value in (
            (_OWN_PORT, "oper_status", "1"),
            (_OWN_PORT, "in_packets", "10"),
            (_OWN_PORT, "out_packets", "10"),
            (_FAR_PORT, "oper_status", far),
            (_FAR_PORT, "admin_status", "1"),
        ):
            rows.append(dict(zip(columns, (time, device, port, metric, value), strict=True)))
    return Table(columns, rows)


def _line(time: datetime, device: str, message: str) -> str:
    return f"<187>1 {_written(time)} {device} - - - - {message}\n"


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
