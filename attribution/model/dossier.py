"""All that a reader is shown of a decided incident: the verdict, and what it rests on in a form that can be looked at.

A dossier is made once and drawn many times: as a page, as a postmortem, as a timeline in a terminal. It holds no
judgement of its own. Times are those of the aligned clocks, as the inference used them; `stated_ns` keeps what the
file itself says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from attribution.model.agreement import Agreement
from attribution.model.clock import ClockCorrection as ClockCorrection
from attribution.model.explanation import Rival
from attribution.model.incident import Incident, Interval
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Verdict


class EntryKind(StrEnum):
    """What an entry of the timeline is: somebody's act, a device's word, or packets that were counted."""

    LOSS = "loss"
    ALARM = "alarm"
    LOG = "log"
    ROUTE = "route"
    OPERATION = "operation"
    CHANGE = "change"
    CLOUD_CALL = "cloud_call"
    ACCOUNT = "account"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened, as one source tells it.

    `lane` names the source: the device whose log or port it is, the two ends of probes, or the kind of record.
    A point in time has an interval of no length. `count` entries that say the same one after the other stand as one.
    `evidence` is the id by which the verdict cites it, None where it does not; `text` is a sentence, `raw` the line
    itself where the source has lines.
    """

    interval: Interval
    stated_ns: int
    lane: str
    kind: EntryKind
    component: str | None
    side: Side | None
    text: str
    file: str
    locator: str
    supplied_by: Side | None
    evidence: str | None = None
    raw: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class LossSeries:
    """Packets sent and lost over time on one stretch of path; `components` in the order of travel.

    Three tuples of equal length: bin i is [starts_ns[i], ends_ns[i]) and says that of `sent[i]` packets `lost[i]` did
    not arrive. Bins do not overlap; where nothing was measured, there is none. `name` is for reading, `method` how it
    was measured (evidence.Method), `files` where it stands.
    """

    name: str
    components: tuple[str, ...]
    method: str
    traffic: str
    files: tuple[str, ...]
    starts_ns: tuple[int, ...]
    ends_ns: tuple[int, ...]
    sent: tuple[int, ...]
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RateSeries:
    """Bits per second over time through a port or past a capture point, one way; `capacity_bps` where it is known.

    Bin i is [starts_ns[i], ends_ns[i]).
    """

    name: str
    device: str
    interface: str | None
    outgoing: bool
    files: tuple[str, ...]
    starts_ns: tuple[int, ...]
    ends_ns: tuple[int, ...]
    bps: tuple[float, ...]
    capacity_bps: float | None = None


@dataclass(frozen=True, slots=True)
class ExcerptRow:
    """One line, table row or packet; `cells` by the excerpt's columns, `cited` where the evidence rests on it.

    `detail` are further lines for one who opens the row: the decoded layers of a packet.
    """

    number: int
    cells: tuple[str, ...]
    cited: bool
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The very lines, rows or packets that a piece of evidence rests on, with their neighbours.

    `evidence` is its id. `columns` are headings: `line`, the columns of a table, or those of a packet list.
    `display_filter` finds the packets in Wireshark, and is empty for what is no capture. `omitted` cited rows are not
    shown, for length.
    """

    evidence: str
    file: str
    locator: str
    columns: tuple[str, ...]
    rows: tuple[ExcerptRow, ...]
    display_filter: str = ""
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often verdicts like this one were right on labelled incidents.

    `stated` is what the posterior says for its favourite before calibration. Of `incidents` for which it said about as
    much, a share `right` had that party; `fitted_on` says in words which they were. `steps` are all that was counted:
    from which stated probability on, and the share that was right.
    """

    stated: float
    right: float
    incidents: int
    fitted_on: str
    steps: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """A decided incident with everything that its reports show. Entries, series and excerpts are in order of time."""

    incident: Incident
    topology: Topology
    agreement: Agreement
    verdict: Verdict
    rivals: tuple[Rival, ...]
    timeline: tuple[Entry, ...]
    losses: tuple[LossSeries, ...]
    rates: tuple[RateSeries, ...]
    clocks: tuple[ClockCorrection, ...]
    excerpts: tuple[Excerpt, ...]
    reliability: Reliability | None
    capture_points: tuple[tuple[str, str | None], ...] = ()
