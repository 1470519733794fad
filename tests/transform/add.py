"""Things added that must not matter: a device off the path with troubles of its own, a file handed in twice."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

from tests.transform.folder import (
    Keys,
    Table,
    copy_folder,
    entries_of,
    format_suffixes,
    read_incident,
    write_incident,
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
    return "".join(f"<187>1 {_written(time)} {device} - - - - {message}\n" for time, message in messages)


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


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
