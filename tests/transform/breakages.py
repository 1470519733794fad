"""Bundles that break the contract, each in one place, and the words by which an error must name that place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.transform.folder import (
    Keys,
    copy_folder,
    entries_of,
    read_incident,
    read_octets,
    read_text,
    write_incident,
    write_octets,
    write_text,
)
from tests.transform.graph import read_graph, write_graph
from tests.transform.packets import count_frames, cut_capture
from tests.transform.recorded import captures_of


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is broken in a copy of a bundle; `break_at` does it and answers with the words that the error must hold."""

    name: str
    break_at: Callable[[Path], tuple[str, ...]]


def break_bundle(bundle: Path, target: Path, breakage: Breakage) -> tuple[str, ...]:
    """Leave a broken copy at the target; the answer is what the error must say."""
    copy_folder(bundle, target)
    return breakage.break_at(target)


def truncate_capture(bundle: Path, target: Path) -> str:
    """The last capture ends in the middle of a packet, as on a full disk: not an error, but to be told. Its name."""
    copy_folder(bundle, target)
    capture = captures_of(target)[-1]
    content = read_octets(capture)
    write_octets(capture, cut_capture(content, count_frames(content) * 9 // 10))
    return capture.relative_to(target).as_posix()


def _first(folder: Path, kind: str) -> str:
    """The file of the first entry of that type."""
    entries = entries_of(read_incident(folder))
    file: str = next(entry["file"] for entry in entries if entry["type"] == kind)
    return file


def _change_incident(folder: Path, change: Callable[[Keys], object]) -> None:
    incident = read_incident(folder)
    change(incident)
    write_incident(folder, incident)


def _missing_file(folder: Path) -> tuple[str, ...]:
    file = _first(folder, "probes")
    (folder / file).unlink()
    return "incident.yaml", file


def _missing_topology(folder: Path) -> tuple[str, ...]:
    topology = read_incident(folder)["topology"]
    (folder / topology).unlink()
    return "incident.yaml", topology


def _missing_incident(folder: Path) -> tuple[str, ...]:
    (folder / "incident.yaml").unlink()
    return ("incident.yaml",)


def _wrong_key(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident.update(windw=incident.pop("window")))
    return "incident.yaml", "windw"


def _missing_key(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident.pop("service"))
    return "incident.yaml", "service"


def _wrong_key_of_evidence(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident["evidence"][1].update(suplied_by="customer"))
    return "incident.yaml", "evidence[1]", "suplied_by"


def _bad_time(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident["window"].update(start="yesterday noon"))
    return "incident.yaml", "window.start", "yesterday noon"


def _bad_time_in_a_table(folder: Path) -> tuple[str, ...]:
    file = _first(folder, "probes")
    lines = read_text(folder / file).splitlines(keepends=True)
    lines[4] = "teatime" + lines[4][lines[4].index(",") :]
    write_text(folder / file, "".join(lines))
    return f"{file}:5", "teatime"


def _wrong_column(folder: Path) -> tuple[str, ...]:
    file = _first(folder, "probes")
    write_text(folder / file, read_text(folder / file).replace("received", "recieved", 1))
    return file, "received"


def _unknown_capture_device(folder: Path) -> tuple[str, ...]:
    def move(incident: Keys) -> None:
        next(entry for entry in entries_of(incident) if entry["type"] == "capture")["device"] = "nowhere7"

    _change_incident(folder, move)
    return "incident.yaml", "device", "nowhere7"


def _unknown_service_end(folder: Path) -> tuple[str, ...]:
    first = read_incident(folder)["service"]["ends"][0]
    _change_incident(folder, lambda incident: incident["service"].update(ends=[first, "gone9"]))
    return "incident.yaml", "service.ends", "gone9"


def _unknown_type(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident["evidence"][0].update(type="telepathy"))
    return "incident.yaml", "evidence[0]", "telepathy"


def _unknown_supplier(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident["evidence"][0].update(supplied_by="neighbour"))
    return "incident.yaml", "evidence[0]", "neighbour"


def _unknown_agreement(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident.update(agreement="handshake"))
    return "incident.yaml", "agreement", "handshake"


def _outside_the_folder(folder: Path) -> tuple[str, ...]:
    _change_incident(folder, lambda incident: incident["evidence"][0].update(file="../elsewhere.csv"))
    return "incident.yaml", "evidence[0]", "../elsewhere.csv"


def _no_yaml(folder: Path) -> tuple[str, ...]:
    (folder / "incident.yaml").write_text("schema: 1\nevidence: [\n", encoding="utf-8")
    return ("incident.yaml:3",)


def _empty_file(folder: Path) -> tuple[str, ...]:
    file = _first(folder, "probes")
    (folder / file).write_bytes(b"")
    return file, "empty"


def _topology_without_sides(folder: Path) -> tuple[str, ...]:
    path = folder / read_incident(folder)["topology"]
    graph = read_graph(path)
    for place in (*graph.nodes, *graph.links):
        place.pop("side", None)
    write_graph(path, graph)
    return path.name, "side"


def _unknown_side(folder: Path) -> tuple[str, ...]:
    path = folder / read_incident(folder)["topology"]
    graph = read_graph(path)
    graph.nodes[0]["side"] = "vendor"
    write_graph(path, graph)
    return path.name, "side", "vendor"


def _no_graph(folder: Path) -> tuple[str, ...]:
    path = folder / read_incident(folder)["topology"]
    path.write_text("nothing of the kind <", encoding="utf-8")
    return (path.name,)


def _no_capture(folder: Path) -> tuple[str, ...]:
    capture = captures_of(folder)[0]
    write_octets(capture, b"no packet was ever in here, only these words")
    return (capture.relative_to(folder).as_posix(),)


def _damaged_compression(folder: Path) -> tuple[str, ...]:
    capture = next(path for path in captures_of(folder) if path.suffix in (".gz", ".zst"))
    capture.write_bytes(b"\0\1\2\3" + capture.read_bytes()[4:])
    return (capture.relative_to(folder).as_posix(),)


BREAKAGES = (
    Breakage("missing file", _missing_file),
    Breakage("missing topology", _missing_topology),
    Breakage("missing incident.yaml", _missing_incident),
    Breakage("wrong key", _wrong_key),
    Breakage("missing key", _missing_key),
    Breakage("wrong key of an evidence entry", _wrong_key_of_evidence),
    Breakage("bad time", _bad_time),
    Breakage("bad time in a table", _bad_time_in_a_table),
    Breakage("wrong column", _wrong_column),
    Breakage("unknown device of a capture", _unknown_capture_device),
    Breakage("unknown service end", _unknown_service_end),
    Breakage("unknown type", _unknown_type),
    Breakage("unknown supplier", _unknown_supplier),
    Breakage("unknown agreement", _unknown_agreement),
    Breakage("file outside the folder", _outside_the_folder),
    Breakage("no YAML", _no_yaml),
    Breakage("empty file", _empty_file),
    Breakage("topology without sides", _topology_without_sides),
    Breakage("unknown side", _unknown_side),
    Breakage("no graph", _no_graph),
    Breakage("no capture", _no_capture),
    Breakage("damaged compression", _damaged_compression),
)
