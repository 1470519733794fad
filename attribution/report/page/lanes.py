"""What happened, source by source, on one axis of time: a lane for each device or record, the interruption across all.

A mark is one entry, or several of one kind that would stand on each other. Its shape tells what kind of entry it is;
one that the verdict cites is filled and leads to the evidence. Where a clock was set right, the lane says by how much.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from attribution.model.dossier import Dossier, Entry, EntryKind
from attribution.model.incident import NANOSECONDS, Interval
from attribution.report.drawings import number
from attribution.report.layout import shortened, width_of
from attribution.report.moment import render_time
from attribution.report.page.labels import Labels
from attribution.report.page.markup import Canvas, Value, box, element, line, text, titled
from attribution.report.page.network_map import Fault, faults_of
from attribution.report.page.time_axis import Axis, shown_time

MOST_LANES = 40
_CLOSE = 5.0  # pixels within which two marks of one kind become one
_LONG = 9.0  # pixels from which an entry is drawn as a stretch of time
_HEIGHTS = {EntryKind.ALARM: 6.0, EntryKind.LOG: 4.0, EntryKind.CAPTURE: 4.0}
_SKEWED_NS = 1_000_000  # what a clock was set right by, to be worth a word


@dataclass(frozen=True, slots=True)
class Measures:
    """A drawing's sizes: names stand beside the lanes, or above each where the drawing is narrow."""

    name: str
    width: float
    left: float
    row: float
    ticks: int

    @property
    def is_narrow(self) -> bool:
        return self.left < 50


WIDE = Measures("wide", 1000, 236, 26, 8)
NARROW = Measures("narrow", 344, 8, 40, 4)


@dataclass(frozen=True, slots=True)
class Lanes:
    """The drawings, and how many entries and lanes they leave out."""

    wide: Markup
    narrow: Markup
    before: int
    after: int
    lanes_left_out: int


def draw_lanes(dossier: Dossier, order: Mapping[str, float], labels: Labels) -> Lanes:
    """All lanes twice, for wide screens and for narrow ones; devices in `order`, which is along the service's way."""
    shown = shown_time(dossier)
    known = {piece.id for piece in dossier.verdict.evidence}
    inside = [
        entry if entry.evidence in known else replace(entry, evidence=None)
        for entry in dossier.timeline
        if _touches(entry.interval, shown)
    ]
    lanes = _lanes(inside, order)
    wide, narrow = (_draw(dossier, lanes[:MOST_LANES], shown, measures, labels) for measures in (WIDE, NARROW))
    before = sum(entry.interval.end_ns < shown.start_ns for entry in dossier.timeline)
    after = len(dossier.timeline) - len(inside) - before
    return Lanes(wide, narrow, before, after, max(0, len(lanes) - MOST_LANES))


def _touches(interval: Interval, shown: Interval) -> bool:
    return interval.start_ns <= shown.end_ns and interval.end_ns >= shown.start_ns


def _lanes(entries: Sequence[Entry], order: Mapping[str, float]) -> list[tuple[str, list[Entry]]]:
    """Lanes with their entries; those with cited entries survive where there are too many."""
    lanes: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        lanes[entry.lane].append(entry)
    kept = sorted(lanes, key=lambda name: (-sum(e.evidence is not None for e in lanes[name]), -len(lanes[name]), name))
    last = max(order.values(), default=0.0) + 1
    chosen = set(kept[:MOST_LANES])
    return [
        (name, lanes[name])
        for name in sorted(lanes, key=lambda name: (name not in chosen, order.get(name, last), name))
    ]


def _draw(
    dossier: Dossier, lanes: Sequence[tuple[str, list[Entry]]], shown: Interval, measures: Measures, labels: Labels
) -> Markup:
    axis = Axis(shown, measures.left, measures.width - 14)
    faults = faults_of(dossier.verdict.causes)
    top = 10.0
    rows = len(lanes) + len(faults) + 2
    bottom = top + measures.row * rows
    shade = axis.shade(dossier.verdict.interruption.intervals, top, bottom)
    parts: list[str] = [*axis.scale(top, bottom, measures.ticks), *shade]
    place = top
    parts += _band(labels("lanes.window"), [(dossier.incident.window, "window", "")], axis, place, measures)
    place += measures.row
    phases = [(interval, "lost", "") for interval in dossier.verdict.interruption.intervals]
    parts += _band(labels("lanes.interruption"), phases, axis, place, measures)
    for fault in faults:
        place += measures.row
        parts += _band(*_phase(fault, labels), axis, place, measures)
    for name, entries in lanes:
        place += measures.row
        parts += _lane(labels.say(name), entries, axis, place, measures, labels)
    description = labels("lanes.description", lanes=len(lanes), entries=sum(len(entries) for _, entries in lanes))
    canvas = Canvas(f"lanes-{measures.name}", measures.width, bottom + 22, labels("lanes.title"), description, True)
    return canvas.draw(parts, f"lanes {measures.name}")


def _phase(fault: Fault, labels: Labels) -> tuple[str, list[tuple[Interval, str, str]]]:
    side = fault.cause.side.value if fault.cause.side is not None else "nobody"
    name = f"{fault.number} {labels.cause_kind(fault.cause.kind)} · {fault.cause.component}"
    return name, [(fault.cause.interval, f"phase {side}", labels.owner(fault.cause.side))]


def _head(name: str, place: float, measures: Measures, corrected: str = "") -> Iterator[Markup]:
    """The lane's name, and by how much its clock was set right: below the name, or behind it in a narrow drawing."""
    if measures.is_narrow:
        columns = 50 - width_of(corrected)
        words = f"{shortened(name, columns)} {corrected}".strip()
        yield titled(name, text(measures.left, place + 13, words, "lane-name"))
    else:
        written = text(measures.left - 10, place + (11 if corrected else 17), shortened(name, 34), "lane-name", "end")
        yield titled(name, written)
        if corrected:
            yield text(measures.left - 10, place + 22, corrected, "skew", "end")
    yield line(0, place, measures.width, place, "lane-edge")


def _middle(place: float, measures: Measures) -> float:
    return place + (27 if measures.is_narrow else 13)


def _band(
    name: str, stretches: Sequence[tuple[Interval, str, str]], axis: Axis, place: float, measures: Measures
) -> Iterator[Markup]:
    yield from _head(name, place, measures)
    y = _middle(place, measures)
    for interval, style, words in stretches:
        if not _touches(interval, axis.shown):
            continue
        x, width = axis.span(interval)
        start, end = render_time(interval.start_ns)[11:-1], render_time(interval.end_ns)[11:-1]
        tip = f"{name}: {start} – {end}, {interval.seconds:.1f} s"
        yield titled(tip, box(x, y - 8, width, 16, f"band-bar {style}", 2))
        seconds = f"{words} {interval.seconds:.1f} s".strip()
        if width > 7.2 * len(seconds) + 8:
            yield text(x + width / 2, y + 4, seconds, f"band-words {style}", "middle")


def _lane(
    name: str, entries: Sequence[Entry], axis: Axis, place: float, measures: Measures, labels: Labels
) -> Iterator[Markup]:
    yield from _head(name, place, measures, _corrected(entries, labels))
    y = _middle(place, measures)
    for mark in sorted(_marks(entries, axis), key=lambda mark: _depth(mark[0], axis)):
        yield _mark(mark, axis, y, labels)


def _corrected(entries: Sequence[Entry], labels: Labels) -> str:
    """What was added to the times of most entries, in words; nothing where their clock was right."""
    added = Counter(entry.interval.start_ns - entry.stated_ns for entry in entries)
    usual, _ = max(added.items(), key=lambda pair: (pair[1], abs(pair[0])))
    if abs(usual) < _SKEWED_NS:
        return ""
    seconds = f"{usual / NANOSECONDS:+,.3f}".rstrip("0").rstrip(".").replace("-", "−")
    return labels("lanes.corrected", added=f"{seconds} s")


def _marks(entries: Sequence[Entry], axis: Axis) -> Iterator[list[Entry]]:
    """Entries that become one mark: of one kind, cited alike, and too close to be told apart."""
    open_marks: dict[tuple[EntryKind, bool], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.interval.start_ns):
        key = (entry.kind, entry.evidence is not None)
        mark = open_marks.get(key)
        if mark is not None and axis.x(entry.interval.start_ns) - axis.x(mark[0].interval.start_ns) < _CLOSE:
            mark.append(entry)
            continue
        if mark is not None:
            yield mark
        open_marks[key] = [entry]
    yield from open_marks.values()


def _depth(entry: Entry, axis: Axis) -> tuple[bool, float, bool]:
    """What lasts lies behind what is a moment, the longest farthest back, and what is cited before what is not."""
    width = axis.span(entry.interval, 0.0)[1]
    return width < _LONG, -width if width >= _LONG else 0.0, entry.evidence is not None


def _mark(entries: Sequence[Entry], axis: Axis, y: float, labels: Labels) -> Markup:
    first = entries[0]
    count = sum(entry.count for entry in entries)
    more = f" (+{count - 1})" if count > 1 else ""
    tip = (
        f"{render_time(first.interval.start_ns)[11:-1]} {labels.entry_kind(first.kind)}: {labels.say(first.text)}{more}"
    )
    cited = next((entry.evidence for entry in entries if entry.evidence is not None), None)
    style = f"mark {first.kind.value}{' cited' if cited is not None else ''}"
    x, width = axis.span(first.interval, 0.0)
    shape = mark_shape(first.kind, x, y, width if width >= _LONG else 0.0)
    if cited is None:
        return titled(shortened(tip, 200), shape, class_=style)
    target: dict[str, Value] = {"href": f"#{cited}", "aria_label": f"{cited}: {shortened(tip, 120)}"}
    return element("a", titled(shortened(f"{cited} · {tip}", 200), shape, class_=style), **target)


def mark_shape(kind: EntryKind, x: float, y: float, width: float = 0.0) -> Markup:
    """One shape for each kind of entry; what lasts is drawn as long as it lasted."""
    if width:
        height = _HEIGHTS.get(kind, 10.0)
        return box(x, y - height / 2, width, height, "shape long", 2)
    match kind:
        case EntryKind.LOSS | EntryKind.CAPTURE:
            return box(x - 2, y - 6, 4, 12, "shape")
        case EntryKind.ALARM:
            return _path(x, y, "M0 -6L6 5H-6z")
        case EntryKind.ROUTE:
            return _path(x, y, "M0 -6L6 0L0 6L-6 0z")
        case EntryKind.OPERATION | EntryKind.CHANGE:
            return box(x - 5, y - 5, 10, 10, "shape", 1)
        case EntryKind.CLOUD_CALL:
            return _path(x, y, "M-6 0L-3 -5H3L6 0L3 5H-3z")
        case EntryKind.ACCOUNT:
            return _path(x, y, "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2z")
        case _:
            return element("circle", cx=x, cy=y, r=4, class_="shape")


def _path(x: float, y: float, path: str) -> Markup:
    return element("path", d=path, transform=f"translate({number(x)} {number(y)})", class_="shape")
