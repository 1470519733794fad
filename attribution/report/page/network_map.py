"""The network as a drawing: who owns what, where the sides meet, where packets were captured, and what failed.

One drawing lies along the page, one stands upright for narrow screens; the page shows the one that fits. Nothing is
told by colour alone: sides have a pattern and a name, kinds of node a shape and a letter, causes a number and words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from attribution.model.dossier import Dossier
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.model.verdict import Cause, Party
from attribution.report.drawings import number
from attribution.report.page.labels import Labels
from attribution.report.page.markup import Canvas, box, element, join, line, lines_of, text, titled
from attribution.report.page.network_layout import Layout, lay_out

_GLYPH = 17.0
_FLAG = 19.0  # the height of a flag, and how far one stands above another
LETTERS = {
    NodeKind.HOST: "H",
    NodeKind.SWITCH: "S",
    NodeKind.ROUTER: "R",
    NodeKind.FIREWALL: "F",
    NodeKind.GATEWAY: "G",
    NodeKind.TRANSPORT: "T",
    NodeKind.SERVICE: "V",
}
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Direction:
    """How columns and rows become a drawing: along the page, or upright.

    A node's cell reaches from its centre to `left`, `top`, `right`, `bottom`; its name stands below it, or beside it.
    """

    name: str
    along: float
    across: float
    is_upright: bool
    left: float
    top: float
    right: float
    bottom: float

    def point(self, place: Point) -> Point:
        column, row = place
        return (row * self.across, column * self.along) if self.is_upright else (column * self.along, row * self.across)


LENGTHWISE = Direction("lengthwise", 136, 142, False, -60, -50, 60, 58)
UPRIGHT = Direction("upright", 108, 168, True, -30, -34, 128, 36)


@dataclass(frozen=True, slots=True)
class Fault:
    """One cause on the map: its number in the chain, and whether it is a root or only what followed from one."""

    number: int
    cause: Cause
    is_root: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """What failed, in words, above the place `at` which it failed."""

    fault: Fault
    at: Point
    words: str
    centre: float
    bottom: float
    width: float

    def hides(self, other: Flag) -> bool:
        beside = abs(self.centre - other.centre) >= (self.width + other.width) / 2
        return not beside and abs(self.bottom - other.bottom) < _FLAG


def draw_map(dossier: Dossier, labels: Labels) -> tuple[Markup, Markup, Layout]:
    """The map lengthwise and upright, and what it shows."""
    layout = map_layout(dossier)
    return (
        _Map(dossier, layout, _fitted(dossier.topology, layout, labels), labels).draw(),
        _Map(dossier, layout, UPRIGHT, labels).draw(),
        layout,
    )


def _fitted(topology: Topology, layout: Layout, labels: Labels) -> Direction:
    """Lengthwise, with columns only as wide as the names ask for, so that long ways stay legible on one screen."""
    names = [words for node in layout.places for words, _ in _written(topology.nodes[node], LENGTHWISE)]
    along = min(LENGTHWISE.along, max(96.0, 28 + max(labels.width(words, 6.8) for words in names)))
    return replace(LENGTHWISE, along=along, left=8 - along / 2, right=along / 2 - 8)


def _written(node: Node, direction: Direction) -> list[tuple[str, str]]:
    """A node's name on one or two lines, with who runs it or where it is below a short one; each with its style."""
    columns = 13 if direction.is_upright else 15
    below = [node.operator] if node.operator else [node.region] if node.region else []
    lines = [(words, "name") for words in lines_of(node.id, columns)]
    return lines + [(lines_of(words, columns + 2, 1)[0], "under") for words in below if len(lines) == 1]


def map_layout(dossier: Dossier) -> Layout:
    """The neighbourhood of the service's way, with whatever causes and capture points lie farther off."""
    topology, ends = dossier.topology, dossier.incident.service.ends
    travelled = [series.components for series in dossier.losses if len(series.components) > 1]
    wanted = {node for cause in dossier.verdict.causes for node in _nodes_of(topology, cause.component)}
    wanted |= {device for device, _ in dossier.capture_points if device in topology.nodes}
    return lay_out(topology, ends, travelled, wanted)


def _nodes_of(topology: Topology, component: str) -> tuple[str, ...]:
    link = topology.links.get(component)
    return link.ends if link is not None else (component,) if component in topology.nodes else ()


def faults_of(causes: Sequence[Cause]) -> tuple[Fault, ...]:
    """Causes with their numbers: roots in order of onset, each followed by what it brought about."""
    ordered: list[Cause] = []

    def follow(cause: Cause) -> None:
        if not any(cause is seen for seen in ordered):
            ordered.append(cause)
            for other in causes:
                if other.caused_by == cause.component and other is not cause:
                    follow(other)

    for cause in causes:
        if cause.caused_by is None or cause.caused_by not in {other.component for other in causes}:
            follow(cause)
    for cause in causes:
        follow(cause)
    return tuple(Fault(place, cause, cause.caused_by is None) for place, cause in enumerate(ordered, start=1))


def component_side(topology: Topology, link: Link) -> Side | None:
    """Whose a link is where it joins two nodes of one side; None on the demarcation."""
    sides = {topology.nodes[end].side for end in link.ends}
    return next(iter(sides)) if len(sides) == 1 else None


class _Map:
    """One drawing in the making."""

    def __init__(self, dossier: Dossier, layout: Layout, direction: Direction, labels: Labels) -> None:
        self.dossier, self.layout, self.direction, self.labels = dossier, layout, direction, labels
        self.topology = dossier.topology
        self.points = {node: direction.point(place) for node, place in layout.places.items()}
        self.faults = faults_of(dossier.verdict.causes)
        self.suspected = dossier.verdict.party is Party.UNDETERMINED
        self.prefix = f"map-{direction.name}"
        self.flags = tuple(self._raised())

    def draw(self) -> Markup:
        xs, ys = zip(*self.points.values(), strict=True)
        way = self.direction
        left = min(xs) + way.left - 14
        top = min([min(ys) + way.top - 14, *(flag.bottom - 28 for flag in self.flags)])
        right, bottom = max(xs) + way.right + 14, max(ys) + way.bottom + 24
        canvas = Canvas(
            self.prefix,
            right - left,
            bottom - top,
            self.labels("map.title"),
            self.labels("map.description", nodes=len(self.points), ends=" → ".join(self.dossier.incident.service.ends)),
        )
        parts = (
            self._patterns(),
            *self._regions(),
            *self._links(),
            *self._demarcations(),
            *self._nodes(),
            *self._captures(),
            *self._consequences(),
            *self._faults(),
        )
        return canvas.draw(parts, f"map {way.name}", left, top)

    def _patterns(self) -> Markup:
        """The provider's regions are hatched, so that they differ in print and for every eye."""
        stroke = element("path", d="M-2 2L2 -2M0 10L10 0M8 12L12 8", class_="hatch")
        tint = box(0, 0, 10, 10, "tint-provider")
        hatch = element(
            "pattern", tint, stroke, id=f"{self.prefix}-hatch", width=10, height=10, patternUnits="userSpaceOnUse"
        )
        arrow = element("path", d="M0 0L8 4L0 8z", class_="arrowhead")
        marker = element(
            "marker", arrow, id=f"{self.prefix}-arrow", viewBox="0 0 8 8", refX=7, refY=4, markerWidth=8,
            markerHeight=8, orient="auto", markerUnits="userSpaceOnUse",
        )  # fmt: skip
        return element("defs", hatch, marker)

    def _regions(self) -> Iterator[Markup]:
        """Each side's ground: first all edges, then all fills, so that pieces of one side grow together."""
        sizes = {side: sum(self.topology.nodes[node].side is side for node in self.points) for side in Side}
        for side in sorted(Side, key=lambda side: -sizes[side]):  # the smaller ground lies above the larger one
            members = [node for node in self.points if self.topology.nodes[node].side is side]
            own = [link for link in self.layout.links if component_side(self.topology, link) is side]
            paint = f"url(#{self.prefix}-hatch)" if side is Side.PROVIDER else None
            for layer in ("edge", "ground"):
                painted = paint if layer == "ground" else None
                pieces = [
                    *(self._cell(node, f"{layer} {side.value}", painted) for node in members),
                    *(self._band(link, f"band {layer} {side.value}", painted) for link in own),
                ]
                yield element("g", *pieces)
            for node in self._corners(members, own):
                x, y = self.points[node]
                left = x + (30 if self.direction.is_upright else self.direction.left + 8)
                yield text(left, y + self.direction.top + 13, self.labels.side(side), f"region {side}")

    def _cell(self, node: str, style: str, paint: str | None) -> Markup:
        x, y = self.points[node]
        way = self.direction
        return element(
            "rect", x=x + way.left, y=y + way.top, width=way.right - way.left, height=way.bottom - way.top, rx=14,
            class_=f"cell {style}", fill=paint,
        )  # fmt: skip

    def _band(self, link: Link, style: str, paint: str | None) -> Markup:
        return element("path", d=self._path(link), class_=style, stroke=paint)

    def _corners(self, members: Iterable[str], links: Sequence[Link]) -> Iterator[str]:
        """The uppermost, leftmost node of each connected piece of a side's ground: there its name stands."""
        left = set(members)
        while left:
            piece, waiting = set(), [min(left)]
            while waiting:
                node = waiting.pop()
                if node in left:
                    left.discard(node)
                    piece.add(node)
                    waiting += [link.far_end(node) for link in links if node in link.ends]
            yield min(piece, key=lambda node: (self.points[node][1], self.points[node][0]))

    def _path(self, link: Link) -> str:
        """A straight line; bent where it would run through a third node, or where the link has a parallel."""
        (x1, y1), (x2, y2) = self.points[link.source], self.points[link.target]
        bend = self._bend(link)
        if bend == 0:
            return f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"
        middle = self._middle(link, 2 * bend)
        return f"M{number(x1)} {number(y1)}Q{number(middle[0])} {number(middle[1])} {number(x2)} {number(y2)}"

    def _bend(self, link: Link) -> float:
        parallel = sorted(self.topology.links_between(link.source, link.target), key=lambda other: other.component)
        if len(parallel) > 1:
            return (parallel.index(link) - (len(parallel) - 1) / 2) * 34
        ends = (self.points[link.source], self.points[link.target])
        others = [point for node, point in self.points.items() if node not in link.ends]
        for bend in (0.0, 46.0, -46.0, 80.0, -80.0):
            if not any(_near(ends, self._middle(link, bend), other) for other in others):
                return bend
        return 0.0

    def _middle(self, link: Link, bend: float) -> Point:
        (x1, y1), (x2, y2) = self.points[link.source], self.points[link.target]
        if (x1, y1) > (x2, y2):
            (x1, y1), (x2, y2) = (x2, y2), (x1, y1)
        length = max(1.0, ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5)
        return (x1 + x2) / 2 - (y2 - y1) / length * bend, (y1 + y2) / 2 + (x2 - x1) / length * bend

    def _links(self) -> Iterator[Markup]:
        way = list(zip(self.layout.way, self.layout.way[1:], strict=False))
        steps = {frozenset(step) for step in way}
        for link in self.layout.links:
            style = "link way" if frozenset(link.ends) in steps else "link"
            named = ", ".join([link.component, *(f"{end} {port}" for end, port in sorted(link.interfaces.items()))])
            yield titled(named, element("path", d=self._path(link), class_=style))

    def _demarcations(self) -> Iterator[Markup]:
        """A dashed line across every link on which the sides meet."""
        for link in self.layout.links:
            if component_side(self.topology, link) is not None:
                continue
            x, y = self._middle(link, self._bend(link))
            (x1, y1), (x2, y2) = self.points[link.source], self.points[link.target]
            flat = abs(x2 - x1) >= abs(y2 - y1)
            words = self.labels("map.demarcation")
            if flat:
                yield line(x, y - 44, x, y + 62, "demarcation")
                yield text(x, y + 75, words, "boundary", "middle")
            elif self.direction.is_upright:
                yield line(x - 34, y, x + 128, y, "demarcation")
                yield text(x + 128, y - 4, words, "boundary", "end")
            else:
                yield line(x - 58, y, x + 58, y, "demarcation")
                yield text(x + 62, y + 4, words, "boundary", "start")

    def _nodes(self) -> Iterator[Markup]:
        ends = self.dossier.incident.service.ends
        for node in self.points:
            found = self.topology.nodes[node]
            x, y = self.points[node]
            parts = [*_glyph(found, x, y), text(x, y + 5, LETTERS[found.kind], "letter", "middle")]
            if node in ends:
                parts.insert(0, element("circle", cx=x, cy=y, r=_GLYPH + 7, class_="end"))
            parts += self._name(found, x, y)
            yield titled(self.describe(found), *parts, class_=f"node {found.side}")

    def describe(self, node: Node) -> str:
        operator = self.labels("map.run_by", operator=node.operator) if node.operator else None
        made = " ".join(part for part in (node.vendor, node.model) if part)
        parts = (node.id, self.labels.node_kind(node.kind), self.labels.side(node.side), operator, made, node.region)
        return ", ".join(part for part in parts if part)

    def _name(self, node: Node, x: float, y: float) -> Iterator[Markup]:
        upright = self.direction.is_upright
        written = _written(node, self.direction)
        for place, (words, style) in enumerate(written):
            if upright:
                yield text(x + 30, y - 5 + 23 * place, words, style)  # links beside each other run between the lines
            else:
                yield text(x, y + 37 + 14 * place, words, style, "middle")

    def _captures(self) -> Iterator[Markup]:
        """A lens on the link, next to the device at whose port packets were captured; on the device without a port."""
        for device, interface in self.dossier.capture_points:
            if device not in self.points:
                continue
            x, y = self.points[device]
            link = self.topology.link_at(device, interface) if interface else None
            if link is not None and link.far_end(device) in self.points:
                far_x, far_y = self.points[link.far_end(device)]
                length = max(1.0, ((far_x - x) ** 2 + (far_y - y) ** 2) ** 0.5)
                is_below = not self.direction.is_upright and far_y - y > abs(far_x - x)
                reach = 60 if is_below else 33  # below a node stands its name
                x, y = x + (far_x - x) / length * reach, y + (far_y - y) / length * reach
            else:
                x, y = x - 22, y + 16
            named = self.labels("map.capture_at", point=f"{device} {interface or ''}".strip())
            yield titled(named, _lens(x, y), class_="capture")

    def _place(self, component: str) -> Point | None:
        if component in self.points:
            return self.points[component]
        link = self.topology.links.get(component)
        if link is None or any(end not in self.points for end in link.ends):
            return None
        return self._middle(link, self._bend(link))

    def _consequences(self) -> Iterator[Markup]:
        """An arc from each cause to what it brought about."""
        for fault in self.faults:
            source = self._place(fault.cause.caused_by) if fault.cause.caused_by is not None else None
            target = self._place(fault.cause.component)
            if source is None or target is None or source == target:
                continue
            (x1, y1), (x2, y2) = source, target
            rise = 40 if not self.direction.is_upright else -40
            over = ((x1 + x2) / 2, (y1 + y2) / 2 - rise) if rise > 0 else ((x1 + x2) / 2 + rise, (y1 + y2) / 2)
            shrink = 22 / max(22.0, ((x2 - over[0]) ** 2 + (y2 - over[1]) ** 2) ** 0.5)
            tip = (x2 + (over[0] - x2) * shrink, y2 + (over[1] - y2) * shrink)
            curve = f"M{number(x1)} {number(y1)}Q{number(over[0])} {number(over[1])} {number(tip[0])} {number(tip[1])}"
            yield element("path", d=curve, class_="consequence", marker_end=f"url(#{self.prefix}-arrow)")

    def _faults(self) -> Iterator[Markup]:
        """What failed: a ring or a cross, and a flag with its number and what it was."""
        for flag in self.flags:
            x, y = flag.at
            cause = flag.fault.cause
            is_node = cause.component in self.points
            style = f"fault{'' if flag.fault.is_root else ' follows'}{' suspected' if self.suspected else ''}"
            mark = (
                element("circle", cx=x, cy=y, r=_GLYPH + 6, class_="ring")
                if is_node
                else element("path", d=f"M{number(x - 9)} {number(y - 9)}l18 18m0 -18l-18 18", class_="cross")
            )
            stem = line(x, flag.bottom, x, y - (_GLYPH + 7 if is_node else 9), "stem")
            pole = () if self.direction.is_upright else (stem,)
            cloth = box(flag.centre - flag.width / 2, flag.bottom - 18, flag.width, 18, "flag", 9)
            words = text(flag.centre, flag.bottom - 5, flag.words, "flag-words", "middle")
            said = f"{flag.fault.number}: {self.labels.cause(cause)}"
            yield titled(said, *pole, mark, cloth, words, class_=style)

    def _raised(self) -> Iterator[Flag]:
        """A flag for each cause that has a place on the map, above the flags that it would hide."""
        flags: list[Flag] = []
        for fault in self.faults:
            place = self._place(fault.cause.component)
            if place is None:
                continue
            x, y = place
            is_node = fault.cause.component in self.points
            words = f"{fault.number} {self.labels.cause_kind(fault.cause.kind)}{'?' if self.suspected else ''}"
            width = self.labels.width(words, 6.6) + 14
            if self.direction.is_upright:
                centre, bottom = (x + 49, y - 28) if is_node else (x + 20 + width / 2, y + 9)
                flag = Flag(fault, place, words, centre, bottom, width)
            else:
                flag = Flag(fault, place, words, x, y - 52, width)
            while any(flag.hides(other) for other in flags):
                flag = replace(flag, bottom=flag.bottom - _FLAG)
            flags.append(flag)
            yield flag


def _near(ends: tuple[Point, Point], middle: Point, other: Point) -> bool:
    """Whether a link bent to that middle would touch a third node or its name."""
    (x1, y1), (x2, y2) = ends
    for step in range(1, 20):
        t = step / 20
        control = (2 * middle[0] - (x1 + x2) / 2, 2 * middle[1] - (y1 + y2) / 2)
        x = (1 - t) ** 2 * x1 + 2 * t * (1 - t) * control[0] + t * t * x2
        y = (1 - t) ** 2 * y1 + 2 * t * (1 - t) * control[1] + t * t * y2
        if abs(x - other[0]) < 26 and abs(y - other[1]) < 26:
            return True
    return False


def _lens(x: float, y: float) -> Markup:
    return join(
        (
            element("circle", cx=x, cy=y, r=5.5, class_="lens"),
            element("path", d=f"M{number(x + 4)} {number(y + 4)}l5 5", class_="handle"),
        )
    )


def _glyph(node: Node, x: float, y: float) -> Iterator[Markup]:
    """A shape for each kind of node."""
    r = _GLYPH
    match node.kind:
        case NodeKind.ROUTER:
            yield element("circle", cx=x, cy=y, r=r, class_="shape")
        case NodeKind.SWITCH:
            yield box(x - r - 4, y - r + 4, 2 * r + 8, 2 * r - 8, "shape", 3)
        case NodeKind.GATEWAY:
            yield element("path", d=f"M{number(x)} {number(y - r - 3)}l20 20l-20 20l-20 -20z", class_="shape")
        case NodeKind.TRANSPORT:
            yield element("path", d=f"M{number(x - 10)} {number(y - r)}h20l10 17l-10 17h-20l-10 -17z", class_="shape")
        case NodeKind.SERVICE:
            yield element("ellipse", cx=x, cy=y, rx=r + 5, ry=r - 2, class_="shape")
        case NodeKind.FIREWALL:
            yield box(x - r, y - r, 2 * r, 2 * r, "shape", 0)
            wall = f"M{number(x - r)} {number(y - 9)}h34m-34 18h34m-17 -18v-8m-9 26v8m18 0v-8"
            yield element("path", d=wall, class_="wall")
        case _:
            yield box(x - r + 1, y - r + 1, 2 * r - 2, 2 * r - 2, "shape", 5)
