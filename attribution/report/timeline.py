"""What happened, line by line, for a terminal: when, by whose word, on whose side, and where it can be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attribution.model.dossier import Dossier, Entry, EntryKind
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Side
from attribution.report.layout import Page, Style, escape, shortened, width_of, wrap
from attribution.report.local_time import local_moment, offset_name, utc_moment
from attribution.report.timeline_wording import TIMELINE_WORDINGS, TimelineWording

# Entries this near to the interruption are shown without being asked for; records at any time are.
NEAR_S = 120.0
_RECORDS = frozenset({EntryKind.OPERATION, EntryKind.CHANGE, EntryKind.CLOUD_CALL, EntryKind.ACCOUNT})
_TIME = 12
_SHARE_OF_LANES = 4  # a quarter of the page
_NARROW = 90
_SHIFTED_NS = NANOSECONDS // 10
_LASTS_NS = NANOSECONDS // 10
_COLOURS = {Side.CUSTOMER: Style.BLUE, Side.PROVIDER: Style.RED}

Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which entries are wanted: all or the telling ones, of some lanes, sides and kinds, in some time."""

    everything: bool = False
    lanes: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    around: Interval | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.lanes or self.sides or self.kinds or self.around is not None)


def choose_entries(dossier: Dossier, choice: Choice) -> tuple[Entry, ...]:
    """The entries of the timeline that are wanted, in order of time.

    A lane is asked for by any part of its name, in any case (`a -> b` for an arrow), or by the component that the
    entry is about.
    """
    return tuple(entry for entry in dossier.timeline if _is_wanted(entry, choice))


def telling_entries(dossier: Dossier, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """What one wants to see first: what the verdict cites, acts, what devices said, what the service lost."""
    near = [interval.widened(NEAR_S, NEAR_S) for interval in _trouble(dossier)]
    ends = dossier.incident.service.ends
    own = {f"{ends[0]} → {ends[1]}", f"{ends[1]} → {ends[0]}"}

    def is_telling(entry: Entry) -> bool:
        if entry.evidence is not None:
            return True
        if entry.kind in (EntryKind.LOSS, EntryKind.ROUTE):
            return str(entry.lane) in own
        if entry.kind is EntryKind.CAPTURE:
            return False
        if entry.kind in _RECORDS:
            return True
        return any(interval.overlaps(_with_length(entry.interval)) for interval in near)

    return tuple(entry for entry in entries if is_telling(entry))


def _trouble(dossier: Dossier) -> tuple[Interval, ...]:
    return dossier.verdict.interruption.intervals or (dossier.incident.window,)


def _with_length(interval: Interval) -> Interval:
    return Interval(interval.start_ns, max(interval.end_ns, interval.start_ns + 1))


def _is_wanted(entry: Entry, choice: Choice) -> bool:
    names = (str(entry.lane).casefold(), (entry.component or "").casefold())
    lanes = [lane.replace("->", "→").casefold() for lane in choice.lanes]
    if lanes and not any(lane in name for lane in lanes for name in names):
        return False
    if choice.sides and (entry.side.value if entry.side is not None else "") not in choice.sides:
        return False
    if choice.kinds and entry.kind.value not in choice.kinds:
        return False
    return choice.around is None or choice.around.overlaps(_with_length(entry.interval))


def render_timeline(
    dossier: Dossier, entries: Sequence[Entry], width: int = 100, colour: bool = False, lang: str = "en",
    zone: ZoneInfo | None = None, say: Say = str,
) -> str:  # fmt: skip
    """The entries as text of at most `width` columns, with lines where the interruption begins and ends.

    Times are in UTC, or in `zone`; `say` puts the entries' sentences into the language of `lang`.
    """
    page = Page(max(40, width), colour)
    words = TIMELINE_WORDINGS[lang]
    if not entries:
        return f"{words.nothing}\n"
    lane = min(page.width // _SHARE_OF_LANES, max(width_of(escape(say(entry.lane))) for entry in entries))
    printer = _Printer(page, words, zone, say, lane)
    items: list[tuple[int, Entry | str]] = [(entry.interval.start_ns, entry) for entry in entries]
    items += _marks(dossier, words)
    lines: list[str] = []
    day = ""
    for time_ns, item in sorted(items, key=lambda pair: (pair[0], isinstance(pair[1], str))):
        date = printer.moment(time_ns)[:10]
        if date != day:
            lines += [*([""] if day else []), page.styled(f"{date} {printer.zone_name(time_ns)}", Style.BOLD)]
            day = date
        lines += printer.mark(time_ns, item) if isinstance(item, str) else printer.entry(item)
    return "\n".join(lines) + "\n"


def _marks(dossier: Dossier, words: TimelineWording) -> Iterator[tuple[int, str]]:
    """Where the interruption begins and ends; what happened at that very moment stands above."""
    for interval in dossier.verdict.interruption.intervals:
        yield interval.start_ns, words.begins.format(seconds=f"{interval.seconds:.1f}")
        yield interval.end_ns, words.ends


@dataclass(frozen=True, slots=True)
class _Printer:
    page: Page
    words: TimelineWording
    zone: ZoneInfo | None
    say: Say
    lane: int

    def moment(self, time_ns: int) -> str:
        return utc_moment(time_ns) if self.zone is None else local_moment(time_ns, self.zone)

    def zone_name(self, time_ns: int) -> str:
        return "UTC" if self.zone is None else f"{self.zone.key} ({offset_name(time_ns, self.zone)})"

    def mark(self, time_ns: int, text: str) -> list[str]:
        line = f"{self.moment(time_ns)[11:]}  ── {text} "
        line += "─" * max(0, self.page.width - width_of(line))
        return [self.page.styled(shortened(line, self.page.width), Style.YELLOW)]

    def entry(self, entry: Entry) -> list[str]:
        time = self.moment(entry.interval.start_ns)[11:]
        lane = escape(self.say(entry.lane))
        side = self.words.sides[entry.side] if entry.side is not None else ""
        colours = (_COLOURS[entry.side],) if entry.side is not None else ()
        if self.page.width < _NARROW:
            who = " · ".join(part for part in (lane, side) if part)
            head = [f"{time}  {self.page.styled(shortened(who, self.page.width - _TIME - 2), *colours)}"]
            return head + self._text(entry, 2)
        at = _TIME + 2 + self.lane + 2 + self._side_width() + 2
        first, *rest = self._text(entry, at)
        shown = shortened(lane, self.lane)
        padding = " " * (self.lane - width_of(shown) + 2)
        gap = " " * (self._side_width() - width_of(side) + 2)
        head_line = f"{time}  {shown}{padding}{self.page.styled(side, *colours)}{gap}{first[at:]}"
        return [head_line, *rest]

    def _side_width(self) -> int:
        return max(width_of(side) for side in self.words.sides.values())

    def _text(self, entry: Entry, indent: int) -> list[str]:
        room = max(20, self.page.width - indent)
        label = f"{entry.evidence} " if entry.evidence is not None else ""
        lines = wrap(label + escape(self.say(entry.text)), room)
        if label:
            lines[0] = self.page.styled(label.strip(), Style.BOLD) + lines[0][len(label.strip()) :]
        below = wrap(escape(" · ".join(self._further(entry))), room)
        return [" " * indent + line for line in lines] + [
            " " * indent + self.page.styled(line, Style.FAINT) for line in below
        ]

    def _further(self, entry: Entry) -> Iterator[str]:
        """How long and how often, what the file says of the time, and where it stands."""
        if entry.interval.end_ns - entry.interval.start_ns >= _LASTS_NS:
            yield self.words.lasting.format(seconds=f"{entry.interval.seconds:.1f}")
        if entry.count > 1:
            yield self.words.often.format(count=entry.count)
        if abs(entry.stated_ns - entry.interval.start_ns) >= _SHIFTED_NS:
            yield self.words.stated.format(time=self.moment(entry.stated_ns)[11:])
        yield f"[{entry.file}, {entry.locator}]"
