"""A topology for reading: the way of the service from end to end, who answers for each part, and where the fault is.

The drawing goes down the page, so that it fits a narrow terminal: a node a line, the links between them, several ways
beside each other where there are several. Of a large topology there is a table instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attribution.model.topology import Link, Node, Side, Topology
from attribution.report.grid import Column, Line, render_grid
from attribution.report.layout import Page, Style, width_of
from attribution.report.topology_ways import Stage, Way, farthest_ends, find_stages
from attribution.report.topology_wording import TOPOLOGY_WORDINGS, TopologyWording

LARGEST_DRAWN = 100
_BESIDE_SHOWN = 6
_RULE = 60
_WAYS_WITH_PORTS = 2
_COLOURS = {Side.CUSTOMER: Style.BLUE, Side.PROVIDER: Style.RED}


@dataclass(frozen=True, slots=True)
class Marks:
    """What an incident adds to its topology: the service's ends, capture points by node, and faults by component."""

    ends: tuple[str, str] | None = None
    captures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters of a drawing."""

    node: str = "●"
    fault: str = "✗"
    capture: str = "◉"
    link: str = "│"
    demarcation: str = "║"
    branch: str = "├─"
    last: str = "╰─"
    joint: str = "──"
    rule: str = "─"
    dash: str = "—"


PLAIN_SIGNS = Signs("o", "X", "@", "|", "H", "+-", "`-", "--", "-", "-")


def render_topology(
    topology: Topology, marks: Marks | None = None, width: int = 100, colour: bool = False, lang: str = "en",
    signs: Signs | None = None,
) -> str:  # fmt: skip
    """The drawing, or of a large topology the table, as text of at most `width` columns."""
    page = Page(max(40, width), colour)
    marks, words = marks or Marks(), TOPOLOGY_WORDINGS[lang]
    if len(topology.nodes) > LARGEST_DRAWN:
        return "\n".join(_table(topology, marks, page, words)) + "\n"
    return "\n".join(_Drawing(topology, marks, page, words, signs or Signs()).lines()) + "\n"


def count_topology(topology: Topology) -> str:
    """One line on what a topology holds."""
    nodes = ", ".join(f"{sum(node.side is side for node in topology.nodes.values())} {side}'s" for side in Side)
    nobodys = sum(link.side is None for link in topology.links.values())
    return f"{len(topology.nodes)} nodes ({nodes}), {len(topology.links)} links ({nobodys} of them demarcation)\n"


def ports_of(link: Link, start: str, dash: str = "—") -> str:
    """`eth0 — ge-0/0/1`, seen from one end; a question mark for a port that nobody named."""
    here, there = link.interfaces.get(start, ""), link.interfaces.get(link.far_end(start), "")
    return f"{here or '?'} {dash} {there or '?'}" if here or there else ""


@dataclass(frozen=True, slots=True)
class _Drawing:
    topology: Topology
    marks: Marks
    page: Page
    words: TopologyWording
    signs: Signs

    def lines(self) -> list[str]:
        ends = self.marks.ends or farthest_ends(self.topology)
        if ends is None:
            return _table(self.topology, self.marks, self.page, self.words)
        stages = find_stages(self.topology, *ends)
        counts = {"nodes": len(self.topology.nodes), "links": len(self.topology.links)}
        lines = self.page.paragraph(self.words.title.format(first=ends[0], last=ends[1], **counts), 0, Style.BOLD)
        if self.marks.ends is None:
            lines += self.page.paragraph(self.words.unasked, 0, Style.FAINT)
        if not stages:
            lines += self.page.paragraph(self.words.apart.format(first=ends[0], last=ends[1]))
        lines += [""]
        drawn = {ends[0], ends[1]} if stages else set()
        drawn |= {stage.end for stage in stages}
        drawn |= {node for stage in stages for way in stage.ways for node in nodes_of(way, stage.start)}
        side: Side | None = None
        told: set[str] = set(drawn)
        for number, stage in enumerate(stages):
            side = self._rule(lines, self.topology.nodes[stage.start], side)
            lines += self._node(self.topology.nodes[stage.start], told, is_last=False)
            lines += self._stage(stage)
            if number == len(stages) - 1:
                self._rule(lines, self.topology.nodes[stage.end], side)
                lines += self._node(self.topology.nodes[stage.end], told, is_last=True)
        left = [node for node in self.topology.nodes.values() if node.id not in told]
        if left:
            lines += self._elsewhere(left)
        return lines + self._faults()

    def _rule(self, lines: list[str], node: Node, side: Side | None) -> Side:
        """A line with the side's name where the side changes."""
        if node.side is not side:
            name = self.words.sides[node.side]
            rest = self.signs.rule * (min(self.page.width, _RULE) - width_of(name) - 1)
            lines.append(self.page.styled(f"{name} {rest}", _COLOURS[node.side]))
        return node.side

    def _node(self, node: Node, told: set[str], is_last: bool) -> list[str]:
        """A node of the chain, and what hangs on it beside the way."""
        sign = self.signs.fault if node.id in self.marks.faults else self.signs.node
        lines = self._marked(f"  {sign} ", self._describe(node), node.id in self.marks.faults)
        beside = [
            (link, self.topology.nodes[link.far_end(node.id)])
            for link in sorted(self.topology.links_of(node.id), key=lambda link: link.component)
            if link.far_end(node.id) not in told
        ]
        stem = " " if is_last else self.signs.link
        for place, (link, other) in enumerate(beside[:_BESIDE_SHOWN]):
            told.add(other.id)
            is_faulty = bool({link.component, other.id} & self.marks.faults.keys())
            sign = f" {self.signs.fault} " if is_faulty else " "
            corner = self.signs.last if is_last and place == len(beside) - 1 else self.signs.branch
            ports = ports_of(link, node.id, self.signs.dash)
            text = self.words.between.join(part for part in (self._describe(other), ports) if part)
            lines += self._marked(f"  {corner}{sign}", text, is_faulty, continued=f"  {stem}    ")
        if len(beside) > _BESIDE_SHOWN:
            told |= {other.id for _, other in beside}
            lines += self._marked(f"  {self.signs.branch} ", self.words.further.format(
                count=len(beside) - _BESIDE_SHOWN), False)  # fmt: skip
        return lines

    def _stage(self, stage: Stage) -> list[str]:
        if len(stage.ways) == 1 and len(stage.ways[0]) == 1 and stage.complete:
            return self._link(stage.ways[0][0], stage.start)
        template = self.words.ways if stage.complete else self.words.more_ways
        lines = self._marked(f"  {self.signs.link} ", template.format(count=len(stage.ways), end=stage.end), False)
        is_brief = len(stage.ways) > _WAYS_WITH_PORTS
        stem = f"  {self.signs.link}     "
        for way in stage.ways:
            on_way = {*nodes_of(way, stage.start)[1:-1], *(link.component for link in way)}
            is_faulty = bool(on_way & self.marks.faults.keys())
            sign = self.signs.fault if is_faulty else self.signs.joint[0]
            text = self._way_in_brief(way, stage.start) if is_brief else self._way(way, stage.start)
            lines += self._marked(f"  {self.signs.branch}{sign} ", text, is_faulty, stem)
        return lines + (self._ports_between(stage) if is_brief else [])

    def _way(self, way: Way, start: str) -> str:
        """`eth1 — ge0 ── ● p1 ── ge1 — eth0`: every node on the way between the ports on either side of it."""
        parts: list[str] = []
        here = start
        for link in way:
            there = link.far_end(here)
            parts.append(f"{self._fault_sign(link.component)}{self._ports(link, here) or self.signs.joint}")
            if link is not way[-1]:
                parts.append(self._passed(there))
            here = there
        text = f" {self.signs.joint} ".join(parts)
        return f"{text} ({self.words.direct})" if len(way) == 1 else text

    def _way_in_brief(self, way: Way, start: str) -> str:
        """The nodes alone: `● p1 ── ● p2`."""
        parts: list[str] = []
        here = start
        for link in way:
            here = link.far_end(here)
            joint = self.signs.demarcation if self._border(link, here) else self.signs.joint
            key = f" #{link.key}" if link.key is not None else ""
            parts.append(f"{self._fault_sign(link.component)}{joint}{key}")
            if link is not way[-1]:
                parts.append(self._passed(here))
        plain = self.signs.joint
        return " ".join(
            parts[parts[0] == plain and len(parts) > 1 : -1 if parts[-1] == plain and len(parts) > 1 else None]
        )

    def _ports_between(self, stage: Stage) -> list[str]:
        """The links of several ways, once each, with their ports."""
        found: dict[str, tuple[Link, str]] = {}
        for way in stage.ways:
            here = stage.start
            for link in way:
                found.setdefault(link.component, (link, here))
                here = link.far_end(here)
        lines = []
        for link, start in found.values():
            is_faulty = link.component in self.marks.faults
            text = f"{start} {self._ports(link, start) or self.signs.joint} {link.far_end(start)}"
            remark = self._whose(link, self._border(link, start))
            text = (
                f"{self._fault_sign(link.component)}{self.words.between.join(part for part in (text, remark) if part)}"
            )
            lines += self._marked(f"  {self.signs.link}   ", text, is_faulty, f"  {self.signs.link}     ")
        return lines

    def _ports(self, link: Link, start: str) -> str:
        return ports_of(link, start, self.signs.demarcation if self._border(link, start) else self.signs.dash)

    def _fault_sign(self, component: str) -> str:
        return f"{self.signs.fault} " if component in self.marks.faults else ""

    def _passed(self, node: str) -> str:
        sign = self.signs.fault if node in self.marks.faults else self.signs.node
        return f"{sign} {node}{self._captured(node)}"

    def _border(self, link: Link, start: str) -> bool:
        here, there = (self.topology.nodes[node] for node in (start, link.far_end(start)))
        return here.side is not there.side

    def _link(self, link: Link, start: str) -> list[str]:
        is_faulty = link.component in self.marks.faults
        border = self._border(link, start)
        stem = self.signs.demarcation if border else self.signs.link
        remarks = [ports_of(link, start, self.signs.dash), self._whose(link, border)]
        if link.operator:
            remarks.append(self.words.run_by.format(operator=link.operator))
        text = self.words.between.join(part for part in remarks if part)
        return self._marked(f"  {self.signs.fault if is_faulty else stem}   ", text, is_faulty, f"  {stem}   ")

    def _whose(self, link: Link, border: bool) -> str:
        if border and link.side is None:
            return self.words.demarcation
        if border and link.side is not None:
            return self.words.demarcation_of.format(side=self.words.sides[link.side])
        return ""

    def _describe(self, node: Node) -> str:
        parts = [f"{node.id}  {self.words.kinds[node.kind]}"]
        if node.operator:
            parts.append(self.words.run_by.format(operator=node.operator))
        if node.region:
            parts.append(node.region)
        return self.words.between.join(parts) + self._captured(node.id)

    def _captured(self, node: str) -> str:
        points = self.marks.captures.get(node)
        if points is None:
            return ""
        ports = self.words.between.join(port for port in points if port)
        said = self.words.capture_at.format(interface=ports) if ports else self.words.capture
        return f" {self.signs.capture} {said}"

    def _marked(self, head: str, text: str, is_faulty: bool, continued: str | None = None) -> list[str]:
        """Text behind the drawing's own column, red where the fault is."""
        blank = (continued or f"  {self.signs.link}").ljust(len(head))
        first, *rest = self.page.paragraph(text, len(head), hang=len(blank) - len(head))
        lines = [head + first[len(head) :], *(blank + line[len(blank) :] for line in rest)]
        return [
            self.page.styled(line.rstrip(), Style.BOLD, Style.RED) if is_faulty else line.rstrip() for line in lines
        ]

    def _elsewhere(self, left: Sequence[Node]) -> list[str]:
        """What lies on no way and beside none, side by side."""
        lines = [""]
        for side in Side:
            names = [self._describe(node) for node in left if node.side is side]
            heading = f"{self.words.elsewhere} ({self.words.sides[side]})"
            if names:
                lines += self.page.paragraph(f"{heading}: {'; '.join(names)}", 0, hang=2)
        return lines

    def _faults(self) -> list[str]:
        lines = [""] if self.marks.faults else []
        for text in self.marks.faults.values():
            lines += self.page.paragraph(f"{self.signs.fault} {text}", 0, Style.BOLD, hang=2)
        return lines


def nodes_of(way: Way, start: str) -> tuple[str, ...]:
    """The nodes that a way passes, both ends included."""
    nodes = [start]
    for link in way:
        nodes.append(link.far_end(nodes[-1]))
    return tuple(nodes)


def _table(topology: Topology, marks: Marks, page: Page, words: TopologyWording) -> list[str]:
    """Every device, then every link, with the side that answers for it."""
    devices = [
        Line((
            f"{_sign(node.id, marks)}{node.id}",
            words.kinds[node.kind],
            words.sides[node.side],
            node.region or "",
            node.operator or "",
        ))
        for node in topology.nodes.values()
    ]  # fmt: skip
    links = [
        Line((f"{_sign(link.component, marks)}{link.component}", _owner(link, words), ports_of(link, link.source)))
        for link in topology.links.values()
    ]
    lines = render_grid(page, _columns(words.device, words.kind, words.side, "", ""), devices, indent=0)
    lines += ["", *render_grid(page, _columns(words.link, words.side, words.ports), links, indent=0)]
    faults = [line for text in marks.faults.values() for line in page.paragraph(f"✗ {text}", 0, Style.BOLD, hang=2)]
    return [*lines, *([""] if faults else []), *faults]


def _columns(*headings: str) -> list[Column]:
    """The first two stay on a narrow page, the others go from the right."""
    return [Column(heading, max(0, place - 1), right=False) for place, heading in enumerate(headings)]


def _sign(component: str, marks: Marks) -> str:
    return "✗ " if component in marks.faults else ""


def _owner(link: Link, words: TopologyWording) -> str:
    return words.nobody if link.side is None else words.sides[link.side]
