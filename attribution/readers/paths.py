"""Traceroutes, whoever made them: tables of hops, mtr reports and RIPE Atlas results."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from attribution.errors import EvidenceError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, Hop, PathTrace, ProbeResult
from attribution.model.phrase import Phrase
from attribution.readers.compression import read_plain
from attribution.readers.tables import PARQUET, Row, read_table
from attribution.readers.times import parse_time
from attribution.readers.values import Value, decode, read_json

COLUMNS = ("time", "source", "destination", "hop", "address", "sent", "received", "rtt_avg_ms")
NOBODY = frozenset({"", "*", "???"})
_NAMED_ADDRESS = re.compile(r".*\(([0-9A-Fa-f.:]+)\)")


def read_paths(content: bytes, origin: Origin) -> Iterator[PathTrace | ProbeResult | Caveat]:
    """Whoever answered at each distance from a source towards a destination.

    Tables, `mtr --json` reports (whose time is the evidence entry's `time:`) and RIPE Atlas traceroutes and pings. Loss
    at a hop in the middle alone is how that hop treats probes to itself, not what it forwards.
    Errors: EvidenceError at the first line or key that breaks the format; an mtr report without a time.
    """
    content = read_plain(content, origin.file)
    if content.startswith(PARQUET) or not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        yield from _table(content, origin)
        return
    for result in _results(content, origin.file):
        if isinstance(result.data, dict) and "report" in result.data:
            yield _mtr(result, origin)
        else:
            yield from _atlas(result, origin)


def _table(content: bytes, origin: Origin) -> Iterator[PathTrace | Caveat]:
    """One trace for all the rows of the same time, source and destination, wherever in the table they stand."""
    traces: dict[tuple[int, str, str], list[tuple[Row, Hop]]] = {}
    for row in read_table(content, origin, COLUMNS):
        if isinstance(row, Caveat):
            yield row
            continue
        ends = (row.time("time"), row.text("source"), row.text("destination"))
        sent, received = row.part("sent", "received")
        number = row.count("hop")
        if not 1 <= number <= 255:
            raise row.error("hop", row.cell("hop"), "a distance from 1 to 255")
        address = row.cell("address")
        hop = Hop(number, None if address in NOBODY else address, sent, received, row.optional_duration("rtt_avg_ms"))
        traces.setdefault(ends, []).append((row, hop))
    for (time_ns, source, destination), rows in traces.items():
        rows.sort(key=lambda pair: (pair[1].number, pair[1].address or "", pair[0].number))
        first = min((row for row, _ in rows), key=lambda row: row.number)
        yield PathTrace(
            time_ns=time_ns,
            origin=origin,
            locator=first.locator,
            source=source,
            destination=destination,
            hops=tuple(hop for _, hop in rows),
        )


def _results(content: bytes, file: str) -> Iterator[Value]:
    """The results of a file that holds one, a list of them, or one a line as RIPE Atlas streams them."""
    lines = [line for line in decode(content, file).splitlines() if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
        for number, line in enumerate(lines, start=1):
            yield Value(read_json(line.encode(), f"{file}:{number}").data, file, f"[{number - 1}]")
        return
    document = read_json(content, file)
    if isinstance(document.data, list):
        yield from document.items()
    else:
        yield document


def _mtr(result: Value, origin: Origin) -> PathTrace:
    """An mtr report; old versions write its numbers as text."""
    report = result.required("report")
    ends = report.required("mtr")
    stated = origin.settings.get("time")
    if stated is None:
        raise EvidenceError(
            origin.file, "found an mtr report, which has no time", "expected `time:` on its evidence entry"
        )
    return PathTrace(
        time_ns=parse_time(str(stated), f"{origin.file}: time") + (origin.clock_offset_ns or 0),
        origin=origin,
        locator=report.path,
        source=origin.device or ends.required("src").text(),
        destination=ends.required("dst").text(),
        hops=tuple(_mtr_hop(hub) for hub in report.required("hubs").items()),
    )


def _mtr_hop(hub: Value) -> Hop:
    """One hub; mtr gives the loss in per cent, `???` for a host that never answered, and `name (address)` if asked."""
    sent = hub.required("Snt").count()
    loss = hub.required("Loss%").number()
    if not 0 <= loss <= 100:
        raise hub.required("Loss%").wrong("0 to 100 per cent")
    received = round(sent * (1 - loss / 100))
    host = hub.required("host").text()
    match = _NAMED_ADDRESS.fullmatch(host)
    average = hub.optional("Avg")
    rtt_ms = average.number() if average is not None and received else None
    return Hop(
        hub.required("count").count(), None if host in NOBODY else match[1] if match else host, sent, received, rtt_ms
    )


def _atlas(result: Value, origin: Origin) -> Iterator[PathTrace | ProbeResult | Caveat]:
    """One RIPE Atlas result: a traceroute or a ping; other measurements become a caveat."""
    kind = result.required("type").text()
    if kind not in ("traceroute", "ping"):
        reason = Phrase("a RIPE Atlas {kind} result is not a path", kind=kind[:40])
        yield Caveat(origin.file, result.path or "line 1", reason)
        return
    seconds = result.required("timestamp")
    destination = result.optional("dst_addr") or result.required("dst_name")
    source = result.optional("src_addr") or result.optional("from")
    if source is None and origin.device is None:
        raise result.error("no source", "src_addr, from, or `device:` on the evidence entry")
    time_ns = seconds.time() + (origin.clock_offset_ns or 0)
    name = origin.device or (source.text() if source else "")
    if kind == "traceroute":
        hops = tuple(hop for item in result.required("result").items() for hop in _atlas_hops(item))
        yield PathTrace(
            time_ns=time_ns,
            origin=origin,
            locator=result.path or "line 1",
            source=name,
            destination=destination.text(),
            hops=hops,
        )
        return
    sent, received = result.required("sent").count(), result.required("rcvd").count()
    if received > sent:
        raise result.required("rcvd").wrong(f"at most the {sent} sent")
    yield ProbeResult(
        time_ns=time_ns,
        origin=origin,
        locator=result.path or "line 1",
        source=name,
        destination=destination.text(),
        protocol="icmp",
        sent=sent,
        received=received,
        rtt_avg_ms=_atlas_rtt(result, "avg"),
        rtt_max_ms=_atlas_rtt(result, "max"),
    )


def _atlas_hops(item: Value) -> Iterator[Hop]:
    """The answers at one distance, one Hop for each address that gave some; timeouts count to the first of them."""
    number = item.required("hop").count()
    replies = item.optional("result")
    if replies is None:  # the probe could not send at all and says so under `error`
        return
    answers: Counter[str] = Counter()
    rtts: dict[str, list[float]] = {}
    timeouts = 0
    for reply in replies.items():
        address = reply.optional("from")
        if address is None:
            timeouts += 1
            continue
        answers[address.text()] += 1
        if (rtt := reply.optional("rtt")) is not None:
            rtts.setdefault(address.text(), []).append(rtt.number())
    if not answers:
        yield Hop(number, None, timeouts, 0)
    for address_text, received in answers.items():
        measured = rtts.get(address_text)
        rtt_ms = sum(measured) / len(measured) if measured else None
        yield Hop(number, address_text, received + timeouts, received, rtt_ms)
        timeouts = 0


def _atlas_rtt(result: Value, key: str) -> float | None:
    """RIPE Atlas writes -1 where no answer came back."""
    value = result.optional(key)
    rtt_ms = value.number() if value is not None else -1.0
    return rtt_ms if rtt_ms >= 0 else None
