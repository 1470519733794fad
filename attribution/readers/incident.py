"""incident.yaml: what the exporter states about an incident, checked key by key before anything else is read."""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime
from typing import Protocol

from attribution.errors import BundleError, EvidenceError
from attribution.model.incident import NANOSECONDS, EvidenceType, Incident, Interval, Origin, Service
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.topology import Side, Topology
from attribution.readers.sniff import sniff_type
from attribution.readers.tables import PARQUET
from attribution.readers.times import parse_seconds, parse_zone
from attribution.readers.values import Value, nearest, read_yaml

INCIDENT_FILE = "incident.yaml"
INCIDENT_KEYS = ("schema", "id", "title", "agreement", "service", "window", "topology", "evidence")
SERVICE_KEYS = ("ends", "bandwidth_bps", "account")
WINDOW_KEYS = ("start", "end")
SETTINGS = ("time", "labels")
EVIDENCE_KEYS = ("file", "type", "supplied_by", "device", "interface", "clock_offset_s", "timezone", *SETTINGS)


class Files(Protocol):
    """The files beside incident.yaml, as far as reading it needs them. Errors: BundleError for a wrong name."""

    def head(self, name: str) -> bytes:
        """The beginning of a file."""

    def read(self, name: str) -> bytes:
        """The whole of a file."""


def read_incident(content: bytes, files: Files) -> Incident:
    """The exporter's statement: the service, the complaint, and which file is whose word.

    Errors: BundleError with line, key, what was found and what would have been right, at the first thing that breaks
    the contract; a file that is absent, empty or outside the folder is such a thing, and so is a key nobody knows.
    """
    document = read_yaml(content, INCIDENT_FILE, BundleError)
    document.only(INCIDENT_KEYS)
    version = document.required("schema")
    if version.data != "1":
        raise version.wrong("1, the only schema version there is")
    title = document.optional("title")
    window = _window(document.required("window"))
    topology = document.required("topology")
    _present(topology, files)
    return Incident(
        id=document.required("id").text(),
        title=title.text() if title is not None else "",
        agreement=document.required("agreement").text(),
        service=_service(document.required("service")),
        window=window,
        topology_file=topology.text(),
        origins=_origins(document.required("evidence"), files, window),
    )


def check_against_topology(incident: Incident, topology: Topology) -> tuple[Caveat, ...]:
    """The service ends and the capture points are nodes of the topology.

    Other devices that it does not know are evidence of nothing on it: a caveat each. So is a capture point's interface
    that no link uses. Errors: BundleError for a service end or a capture's device that is no node.
    """
    for index, end in enumerate(incident.service.ends):
        _require_node(f"service.ends[{index}]", end, incident, topology)
    caveats: list[Caveat] = []
    for index, origin in enumerate(incident.origins):
        place = f"evidence[{index}]"
        if origin.device is None:
            continue
        if origin.type is EvidenceType.CAPTURE:
            _require_node(f"{place}.device", origin.device, incident, topology)
            links = topology.links_of(origin.device)
            if origin.interface and links and topology.link_at(origin.device, origin.interface) is None:
                reason = Phrase(
                    "{file} was taken at {device} {interface}, which no link of the topology uses",
                    file=origin.file, device=origin.device, interface=origin.interface,
                )  # fmt: skip
                caveats.append(Caveat(INCIDENT_FILE, f"{place}.interface", reason))
        elif origin.device not in topology.nodes:
            reason = Phrase(
                "{file} is of {device}, which is not in the topology: evidence of nothing on it",
                file=origin.file, device=origin.device,
            )  # fmt: skip
            caveats.append(Caveat(INCIDENT_FILE, f"{place}.device", reason))
    return tuple(caveats)


def _require_node(key: str, name: str, incident: Incident, topology: Topology) -> None:
    if name not in topology.nodes:
        near = nearest(name, topology.nodes)
        expected = f"expected a node of {incident.topology_file}" + (f" (is {near} meant?)" if near else "")
        raise BundleError(f"{INCIDENT_FILE}: {key}", f"found the unknown device {name!r}", expected)


def _window(window: Value) -> Interval:
    window.only(WINDOW_KEYS)
    start, end = window.required("start"), window.required("end")
    if end.time() < start.time():
        raise end.error(f"{end.text()}, before the start {start.text()}", "a time after the start")
    return Interval(start.time(), end.time())


def _service(service: Value) -> Service:
    service.only(SERVICE_KEYS)
    ends = list(service.required("ends").items("a list of two nodes"))
    if len(ends) != 2:
        raise service.required("ends").error(f"{len(ends)} ends", "two nodes")
    first, second = (end.text("the name of a node") for end in ends)
    if first == second:
        raise ends[1].error(f"{second!r} twice", "two different nodes")
    bandwidth, account = service.optional("bandwidth_bps"), service.optional("account")
    bandwidth_bps = bandwidth.number("bits per second") if bandwidth is not None else None
    if bandwidth is not None and bandwidth_bps is not None and bandwidth_bps <= 0:
        raise bandwidth.wrong("bits per second, more than 0")
    return Service((first, second), bandwidth_bps, account.text() if account is not None else None)


def _origins(evidence: Value, files: Files, window: Interval) -> tuple[Origin, ...]:
    """The entries in order; each file once, so that nothing counts twice."""
    seen: dict[str, str] = {}
    origins: list[Origin] = []
    for entry in evidence.items("a list of files"):
        origin = _origin(entry, files, window)
        name = posixpath.normpath(origin.file)
        if name in seen:
            raise entry.required("file").error(f"{origin.file!r} again, as in {seen[name]}", "each file once")
        seen[name] = entry.path
        origins.append(origin)
    return tuple(origins)


def _origin(entry: Value, files: Files, window: Interval) -> Origin:
    entry.only(EVIDENCE_KEYS)
    file = entry.required("file")
    head = _present(file, files)
    stated = entry.optional("type")
    kind = stated.choice(EvidenceType) if stated is not None else _sniffed(file, head, files)
    supplied_by = entry.required("supplied_by").choice(Side)
    device, interface = entry.optional("device"), entry.optional("interface")
    if kind is EvidenceType.CAPTURE and device is None:
        raise entry.error("a capture without a device", "`device:`, the node at which it was taken")
    began = datetime.fromtimestamp(window.start_ns // NANOSECONDS, UTC)
    return Origin(
        file=file.text(),
        type=kind,
        supplied_by=supplied_by,
        device=device.text() if device is not None else None,
        interface=interface.text() if interface is not None else None,
        clock_offset_ns=_clock_offset(entry.optional("clock_offset_s")),
        timezone_name=_timezone(entry.optional("timezone")),
        window_year=began.year,
        window_month=began.month,
        settings=_settings(entry),
    )


def _present(file: Value, files: Files) -> bytes:
    """The beginning of the file. Errors: BundleError at the key where it is absent, outside the folder, or empty."""
    name = file.text("the name of a file")
    try:
        head = files.head(name)
    except BundleError as error:
        raise BundleError(file.place, error.found, error.expected) from None
    if not head:
        raise file.error(f"{name!r}, which is empty (0 octets)", "a file with content")
    return head


def _sniffed(file: Value, head: bytes, files: Files) -> EvidenceType:
    name = file.text()
    try:
        return sniff_type(name, files.read(name) if head.startswith(PARQUET) else head)
    except EvidenceError as error:
        raise BundleError(file.place, f"{error.found} in {name}", error.expected) from None


def _clock_offset(offset: Value | None) -> int | None:
    if offset is None:
        return None
    try:
        return parse_seconds(offset.text())
    except ValueError:
        raise offset.wrong("seconds to add to the source's times") from None


def _timezone(zone: Value | None) -> str | None:
    if zone is None:
        return None
    try:
        parse_zone(zone.text())
    except ValueError:
        raise zone.wrong("a time zone such as Asia/Shanghai or +08:00") from None
    return zone.text()


def _settings(entry: Value) -> dict[str, object]:
    """The keys that one type of evidence alone understands, checked for what they must be."""
    settings: dict[str, object] = {}
    if (time := entry.optional("time")) is not None:
        time.time()
        settings["time"] = time.text()
    if (labels := entry.optional("labels")) is not None:
        settings["labels"] = {key: label.text("the name of a label") for key, label in labels.members()}
    return settings
