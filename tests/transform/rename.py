"""Every device, interface, address and file is called something else, everywhere alike; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.transform.folder import (
    Keys,
    Table,
    entries_of,
    format_suffixes,
    is_table,
    read_incident,
    read_json,
    read_octets,
    read_table,
    read_truth,
    type_of,
    write_incident,
    write_json,
    write_octets,
    write_table,
    write_truth,
)
from tests.transform.frames import FrameNames
from tests.transform.graph import Graph, read_graph, write_graph
from tests.transform.log_lines import read_lines, sender_of, write_lines
from tests.transform.packets import rename_capture
from tests.transform.renaming import Renaming, draw_renaming

_NUMBERS = frozenset({"time", "start", "end", "value", "sent", "received", "lost", "rtt_avg_ms", "rtt_max_ms"})
_DEVICE_LABELS = ("device", "instance", "host", "node", "hostname")


def rename(bundle: Path, target: Path, seed: int) -> Path:
    """Rename consistently; `draw_renaming(bundle, seed)` tells what became what. Other files are left behind."""
    renaming = draw_renaming(bundle, seed)
    incident = read_incident(bundle)
    for number, entry in enumerate(entries_of(incident), start=1):
        source = bundle / entry["file"]
        entry["file"] = f"evidence/{number:03}{format_suffixes(source)}"
        _rename_file(source, target / entry["file"], entry, renaming)
    topology = Path(incident["topology"])
    incident["topology"] = f"topology{topology.suffix}"
    write_graph(target / incident["topology"], _renamed_graph(read_graph(bundle / topology), renaming))
    write_incident(target, _renamed(incident, renaming, None))
    write_truth(target, _renamed_truth(read_truth(bundle), renaming))
    return target


def _rename_file(source: Path, goal: Path, entry: Keys, renaming: Renaming) -> None:
    kind = type_of(source, entry)
    device = entry.get("device")
    if kind == "capture":
        names = FrameNames.of(renaming)
        write_octets(goal, rename_capture(read_octets(source), names, lambda words: renaming.text(words, device)))
    elif is_table(source):
        write_table(goal, _renamed_table(read_table(source), renaming))
    elif kind == "syslog":
        write_lines(goal, [renaming.text(line, sender_of(line, entry)) for line in read_lines(source)])
    else:
        write_json(goal, _renamed(read_json(source), renaming, None))


def _renamed_table(table: Table, renaming: Renaming) -> Table:
    """Interfaces are renamed as those of the device in the same row."""
    for row in table.rows:
        device = row.get("device") or None
        for column, cell in row.items():
            if column == "interface" and cell:
                row[column] = renaming.interface(device, cell)
            elif column not in _NUMBERS and isinstance(cell, str):
                row[column] = renaming.text(cell, device)
    return table


def _renamed_graph(graph: Graph, renaming: Renaming) -> Graph:
    graph.nodes = [_renamed(node, renaming, node["id"]) for node in graph.nodes]
    graph.links = [_renamed_link(link, renaming) for link in graph.links]
    return graph


def _renamed_link(link: Keys, renaming: Renaming) -> Keys:
    renamed: Keys = _renamed({name: value for name, value in link.items() if name != "interfaces"}, renaming, None)
    if "interfaces" in link:
        ports = link["interfaces"].items()
        renamed["interfaces"] = {renaming.device(node): renaming.interface(node, port) for node, port in ports}
    return renamed


def _renamed_truth(truth: Keys, renaming: Renaming) -> Keys:
    for cause in truth.get("causes", ()):
        cause["component"] = renaming.component(cause["component"])
        if "admissible_components" in cause:
            cause["admissible_components"] = [renaming.component(name) for name in cause["admissible_components"]]
    for said in truth.get("told", ()):
        said |= {name: renaming.component(said[name]) for name in ("device", "about")}
    return truth


def _renamed(value: Any, renaming: Renaming, device: str | None) -> Any:
    """Rename within lists and mappings; a mapping that names a device tells whose interfaces it means."""
    if isinstance(value, dict):
        device = _device_named(value, renaming) or device
        return {_renamed(key, renaming, device): _renamed(item, renaming, device) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, renaming, device) for item in value]
    return renaming.text(value, device) if isinstance(value, str) else value


def _device_named(labels: Keys, renaming: Renaming) -> str | None:
    named = (renaming.device_at(labels[label]) for label in _DEVICE_LABELS if isinstance(labels.get(label), str))
    return next((device for device in named if device), None)
