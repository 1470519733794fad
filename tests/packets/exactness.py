"""Our judgement of a capture beside tshark's, packet for packet, with every difference named and explained.

Three things are compared: the plain judgement, the compiled one, and the numbers of connections and of duplicate
acknowledgements. A segment whose options the snap length cut is compared as Wireshark shows it, that is not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from attribution.model.incident import EvidenceType, Origin
from attribution.packets import Capture, read_capture
from attribution.packets.columns import (
    DESTINATION,
    FRAGMENT,
    LAYER_MALFORMED,
    LAYER_OPTIONS_CUT,
    LAYERS,
    NETWORK,
    SOURCE,
    VERSION,
    WIRE,
)
from attribution.packets.judgement import Judgement, judge_capture
from attribution.packets.tcp_health import DUPLICATE_ACK, HEALTH_NAMES
from tests.packets.tshark import APPLICATIONS, Shown, shown_by_tshark

FOLLOWED = 10_000  # segments that tshark remembers of a direction until they are acknowledged

NOTHING = Shown("", "", 0, "")
Health = list[tuple[int, int]]
"""Of each packet, the bits of its health and the number of a duplicate acknowledgement."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One frame of which two programs think differently, and why, where that is known."""

    file: str
    frame: int
    kind: str
    ours: str
    theirs: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} frame {self.frame}: {self.kind}: {self.ours}; tshark: {self.theirs} ({self.reason})"


@dataclass(slots=True)
class Comparison:
    """What came of comparing one capture, or several."""

    packets: int = 0
    segments: int = 0
    cut: int = 0
    found: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        self.packets += other.packets
        self.segments += other.segments
        self.cut += other.cut
        self.found.update(other.found)
        self.differences += other.differences

    def of_kind(self, *kinds: str) -> list[Difference]:
        return [difference for difference in self.differences if difference.kind in kinds]


def names_of(health: int) -> str:
    return "+".join(name for bit, name in enumerate(HEALTH_NAMES) if health >> bit & 1) or "nothing"


def compare(
    file: Path, compiled: Callable[[bytes], Health] | None = None, shown: dict[int, Shown] | None = None
) -> Comparison:
    """Read, judge and compare one capture. Raises CaptureError where the file is refused."""
    data = file.read_bytes()
    capture = read_capture(data, Origin(file.name, EvidenceType.CAPTURE))
    judged = judge_capture(capture)
    theirs = shown_by_tshark(file) if shown is None else shown
    found = Comparison(len(capture.packets), len(theirs))
    reasons = _Reasons(file, capture, judged, theirs)
    for index, health in enumerate(judged.health):
        if capture.packets[index][LAYERS] & LAYER_OPTIONS_CUT:
            found.cut += health > 0
        elif health:
            found.found.update(name for bit, name in enumerate(HEALTH_NAMES) if health >> bit & 1)
    numbers = [
        number if health & DUPLICATE_ACK else 0 for health, number in zip(judged.health, judged.duplicates, strict=True)
    ]
    plain = list(zip(judged.health, numbers, strict=True))
    found.differences += _of_health("health", plain, reasons)
    if compiled is not None:
        found.differences += _of_health("compiled health", compiled(data), reasons)
    found.differences += _of_streams(reasons)
    return found


def _of_health(kind: str, ours: Health, reasons: _Reasons) -> Iterator[Difference]:
    for index, (health, number) in enumerate(ours):
        packet = reasons.capture.packets[index]
        shown = reasons.theirs.get(index + 1, NOTHING)
        if _is_quoted(shown) or (packet[LAYERS] & LAYER_OPTIONS_CUT and not shown.health):
            continue
        if health != shown.health or str(number or "") != shown.number:
            yield reasons.difference(
                index, kind, f"{names_of(health)} {number or ''}", f"{names_of(shown.health)} {shown.number}"
            )


def _of_streams(reasons: _Reasons) -> Iterator[Difference]:
    for index, stream in enumerate(reasons.judged.stream):
        shown = reasons.theirs.get(index + 1, NOTHING)
        if _is_quoted(shown) or str(stream if stream >= 0 else "") == shown.streams:
            continue
        seen = "TCP" if stream < 0 or not shown.streams else "stream"
        yield reasons.difference(index, seen, f"stream {stream}", f"stream {shown.streams or 'none'}")


def _is_quoted(shown: Shown) -> bool:
    """The last TCP header stands in an ICMP error's quotation: it did not pass here."""
    return "icmp" in shown.protocols.split(":tcp")[0]


class _Reasons:
    """What is known of one file that explains a difference in it."""

    def __init__(self, file: Path, capture: Capture, judged: Judgement, theirs: dict[int, Shown]) -> None:
        self.file = file
        self.capture = capture
        self.judged = judged
        self.theirs = theirs
        self._renumbered: dict[int, Shown] | None = None
        self._malformed = {
            stream
            for stream, packet in zip(judged.stream, capture.packets, strict=True)
            if stream >= 0 and packet[LAYERS] & LAYER_MALFORMED
        }

    def difference(self, index: int, kind: str, ours: str, theirs: str) -> Difference:
        return Difference(str(self.file), index + 1, kind, ours.strip(), theirs.strip(), self._reason(index, kind))

    def _reason(self, index: int, kind: str) -> str:
        packet, stream = self.capture.packets[index], self.judged.stream[index]
        shown = self.theirs.get(index + 1, NOTHING)
        if any(":cfp:" in f":{one.protocols}:" for one in self.theirs.values()):
            return "tshark takes the last four octets of a FabricPath frame for its checksum"
        if "," in shown.streams:
            return "several TCP headers in one frame, of which we read one or, in samples of sFlow, none"
        if ":wg:" in shown.protocols:
            return "decrypted with keys that the file holds"
        if ":sflow:" in shown.protocols:
            return "a sampled header inside sFlow: it did not pass here"
        if packet[FRAGMENT] == 1:
            return "the first of several fragments that were not all captured"
        if packet[WIRE] > 65_535 or not shown.protocols:
            return "tshark does not look into it: longer than 65,535 octets, or options of IP that it refuses"
        if not shown.streams and shown.protocols:
            return "too little of the TCP header was captured"
        if stream in self._malformed:
            return "a TCP header that contradicts itself came before in the connection"
        if self._refused_before(index):
            return "tshark refused a segment of the connection for its IP options"
        if self._unacknowledged(index):
            return f"tshark counts no SYN or FIN after {FOLLOWED:,} segments without an acknowledgement"
        if kind == "stream" and self._malformed:
            return "a TCP header that contradicts itself came before, which tshark takes for a new connection"
        if kind == "stream" and self._is_renumbered(index):
            return f"an application ({', '.join(APPLICATIONS)}) makes tshark number connections again"
        return "not explained"

    def _refused_before(self, index: int) -> bool:
        stream = self.judged.stream[index]
        return any(
            other == stream and place + 1 not in self.theirs for place, other in enumerate(self.judged.stream[:index])
        )

    def _unacknowledged(self, index: int) -> bool:
        stream = self.judged.stream[index]
        sent = Counter(
            (packet[VERSION], *packet[SOURCE : DESTINATION + 4])
            for packet, other in zip(self.capture.packets[:index], self.judged.stream, strict=False)
            if other == stream and packet[NETWORK] >= 0
        )
        return any(count >= FOLLOWED for count in sent.values())

    def _is_renumbered(self, index: int) -> bool:
        if self._renumbered is None:
            self._renumbered = shown_by_tshark(self.file, without=APPLICATIONS)
        return self._renumbered.get(index + 1, NOTHING).streams == str(self.judged.stream[index])
