"""The public interface: an incident decided, explained, and drawn up, as Python values, documents and tables.

    import attribution

    verdict = attribution.decide("incident-folder")          # a Verdict: typed attributes, documents, tables
    case = attribution.load("incident-folder.tar.gz")        # a Case: read once, asked often
    case.decide(without=["telemetry/syslog.log"])
    case.observations()                                      # a pandas DataFrame

Everything raises `attribution.AttributionError` for an incident that cannot be used: *where: what was found; what was
expected*. pandas is loaded when the first table is asked for, and not before.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attribution import pipeline
from attribution.bundle import open_bundle
from attribution.errors import AttributionError, EvidenceError
from attribution.model import verdict as model
from attribution.model.capture_tables import FlatTable
from attribution.model.case_tables import evidence_table, observation_table, timeline_table
from attribution.model.dossier import Dossier
from attribution.model.explanation import Explanation
from attribution.model.flow_table import FlowTable
from attribution.model.incident import Incident
from attribution.model.observation import Caveat, Observation
from attribution.model.topology import Topology
from attribution.report.json_document import render_json, verdict_document
from attribution.report.letter import render_letter
from attribution.report.notebook import render_notebook
from attribution.report.postmortem import render_postmortem
from attribution.report.wording import LANGUAGES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Source:
    """Where a verdict's incident lies, and which of its files were left aside."""

    path: Path
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict(model.Verdict):
    """Who answers for an interruption: under which clause, how surely, for how many seconds, by which evidence.

    A value: it compares by what it says, pickles, and never changes. Its attributes are typed:

    | attribute | meaning |
    | --- | --- |
    | `incident` | the incident's id |
    | `party` | a `Party`: customer, provider, shared, neither or undetermined |
    | `clause` | of the earliest root cause; None for neither and undetermined |
    | `probability` | calibrated, 0 to 1; of the most probable party where it is undetermined |
    | `summary` | sentences that a customer can be sent |
    | `parties` | the probability of each party by name; they add up to 1 |
    | `interruption` | an `Interruption`: `intervals`, `seconds` (s), `seconds_by_party` (s), `full_loss`, `is_open` |
    | `causes` | `Cause`s in order of onset |
    | `evidence` | `WeighedEvidence`, the weightiest first; `weight` is a log10 likelihood ratio |
    | `requests` | `Request`s: what would settle the case best; `gain_bits` in bits |
    | `inputs` | an `InputFile` for every file read: name, SHA-256, octets |
    | `caveats` | what was left out of the files, or is less sure than it looks |
    | `provisions` | the clauses in both languages |
    | `service_level` | whole minutes of full loss, as the service level agreement counts; None where it has none |

    What is more than the verdict itself (`dossier`, `timeline_frame`, `to_markdown`, `to_html`, `to_letter`) is read
    from the incident again when it is asked for the first time: the files must lie where they lay, unchanged, or an
    AttributionError names the one that differs.
    """

    source: Source | None = field(default=None, compare=False, repr=False)
    _kept: list[Dossier] = field(default_factory=list, init=False, compare=False, repr=False)

    def __reduce__(self) -> tuple[type[Verdict], tuple[object, ...]]:
        return Verdict, tuple(getattr(self, known.name) for known in fields(self) if known.init)

    def to_dict(self) -> dict[str, object]:
        """The verdict as dictionaries, lists, text and numbers: what `attribution schema verdict` describes."""
        return verdict_document(self)

    def to_json(self) -> str:
        """The verdict as one JSON object in ASCII, byte for byte what `attribution decide --format json` prints."""
        return render_json(self)

    def to_markdown(self, lang: str = "en") -> str:
        """The postmortem as Markdown, in English (`en`) or Chinese (`zh`). Errors: AttributionError as in `dossier`."""
        return render_postmortem(self.dossier(), _language(lang))

    def to_letter(self, lang: str = "en") -> str:
        """The letter to the customer as Markdown, in English or Chinese. Errors: AttributionError as in `dossier`."""
        return render_letter(self.dossier(), _language(lang))

    def to_html(self, lang: str = "en") -> str:
        """The report as one HTML page that holds everything, in English or Chinese. Errors: as in `dossier`."""
        from attribution.report.page import render_page

        return render_page(self.dossier(), _language(lang))

    def dossier(self) -> Dossier:
        """The verdict with all that its reports show: timeline, series, clocks, and what its evidence is in the files.

        Reads the incident again, once. Errors: AttributionError where it cannot be read any more, and for the first
        file that is not, octet for octet, what it was when the verdict was given; also for a verdict that never had
        files.
        """
        if not self._kept:
            if self.source is None:
                raise EvidenceError(self.incident, "found a verdict without its files", "expected one from `decide`")
            dossier = pipeline.draw_up(self.source.path, self.source.without)
            _check_unchanged(self, dossier.verdict)
            self._kept.append(dossier)
        return self._kept[0]

    def evidence_frame(self) -> pd.DataFrame:
        """The evidence as a pandas DataFrame, one row for each piece, the weightiest first; the index is its `id`.

        | column | meaning |
        | --- | --- |
        | `id` (the index) | by which causes and reports cite it |
        | `time` | datetime64[ns, UTC], on the aligned clocks |
        | `component` | string: the node or link that it is about, missing where it is about none |
        | `supplied_by` | string: customer or provider, whose word it is |
        | `statement` | string: what it says. It comes from evidence: escape it where that matters |
        | `weight` | float64: log10 of the likelihood ratio, positive for the verdict |
        | `file`, `locator` | string: where it can be opened |
        """
        return _frame(evidence_table(self.evidence)).set_index("id")

    def timeline_frame(self) -> pd.DataFrame:
        """What happened, as a pandas DataFrame; see `Case.timeline`. Errors: AttributionError as in `dossier`."""
        return _timeline_frame(self.dossier())

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer, its seconds, causes and strongest evidence; all text is escaped."""
        return render_notebook(self)


class Case:
    """One incident, read once: to be decided by all of its evidence or by some, explained, and looked at.

    `load` makes it. An archive stays unpacked in a temporary folder until the case is closed, by `close()`, a `with`
    statement, or when nobody holds it any more.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).absolute()
        opened = ExitStack()
        try:
            self._reading = pipeline.Reading(opened.enter_context(open_bundle(self._path)))
            self._seen = tuple(self._reading.observe(()))
        except BaseException:
            opened.close()
            raise
        self._finalizer = weakref.finalize(self, opened.close)
        self._dossiers: dict[tuple[str, ...], Dossier] = {}

    @property
    def incident(self) -> Incident:
        """What the exporter stated: id, title, service, window, and each file of evidence."""
        return self._reading.incident

    @property
    def topology(self) -> Topology:
        """The nodes and links, by name, and whose they are."""
        return self._reading.topology

    def decide(self, without: Collection[str] = ()) -> Verdict:
        """The verdict, by all evidence or without some of its files. Errors: AttributionError for an unknown name."""
        pipeline.check_names(self._reading, without)
        left = tuple(sorted(set(without)))
        return _public(pipeline.conclude(self._reading, frozenset(left)), Source(self._path, left))

    def explain(self, without: Sequence[str] = ()) -> Explanation:
        """Why that verdict, why not another, and what would change it.

        `without` names files, ids of evidence (`e3`), types of evidence or suppliers to decide without as well.
        """
        return pipeline.explanation_of(self._reading, without)

    def dossier(self, without: Collection[str] = ()) -> Dossier:
        """The verdict with all that reports show of it. Errors: AttributionError for an unknown name."""
        pipeline.check_names(self._reading, without)
        left = tuple(sorted(set(without)))
        if left not in self._dossiers:
            self._dossiers[left] = pipeline.dossier_of(self._reading, frozenset(left))
        return self._dossiers[left]

    def timeline(self) -> pd.DataFrame:
        """What happened, in order of time, as a pandas DataFrame: one row for each entry.

        | column | meaning |
        | --- | --- |
        | `time`, `end` | datetime64[ns, UTC], on the aligned clocks; equal for what has no length |
        | `stated` | datetime64[ns, UTC]: the beginning as the file itself states it |
        | `lane` | string: whose word it is: a device, a capture point, two ends of probes, a kind of record |
        | `kind` | string: loss, alarm, log, route, operation, change, cloud_call, account or capture |
        | `component`, `side` | string: what it is about, and who answers for that; missing where nothing tells |
        | `text` | string: a sentence. It quotes evidence: escape it where that matters |
        | `count` | Int64: how many times it was said, or how many windows of a count it sums up |
        | `evidence` | string: the id by which the verdict cites it, missing where it does not |
        | `file`, `locator`, `supplied_by` | string: where it can be opened, and who handed that in |
        | `raw` | string: the log line itself, missing where there is none |
        """
        return _timeline_frame(self.dossier())

    def observations(self) -> pd.DataFrame:
        """What the files state, before anyone reasons about it, as a pandas DataFrame: one row for each fact or caveat.

        | column | meaning |
        | --- | --- |
        | `time`, `end` | datetime64[ns, UTC], by the file's own clock, with its stated offset added; not aligned |
        | `observation` | string: probe, path, flow, counter, cloud_metric, log, change, account, cloud_call, \
capture_point, capture_load, capture_pair, packets, capture, or caveat for what was left out |
        | `what` | string: the kind of log line, the metric, the kind of packets, the action |
        | `supplied_by`, `device`, `interface`, `source`, `destination`, `protocol` | string |
        | `value`, `unit` | float64 and string: a metric's reading, mean round trip of probes (ms), octets captured |
        | `sent`, `lost`, `count` | Int64: packets; how often, or of how many |
        | `text` | string: the line, the hops, the words. It comes from evidence: escape it where that matters |
        | `file`, `locator` | string: where it can be opened |

        A column that a kind has no use for is missing there: not stated, never zero.
        """
        return _frame(observation_table(_flat(self._seen)))

    def close(self) -> None:
        """Remove what an archive was unpacked to; the case cannot be asked any further where it was one."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Case({str(self._path)!r}, incident={self.incident.id!r})"


def decide(path: str | Path, without: Collection[str] = ()) -> Verdict:
    """Decide an incident: a folder, or an archive (.tar.gz, .tgz, .tar.zst, .tar, .zip) of one.

    `without` names files of evidence to leave aside, as if nobody had handed them in. Errors: AttributionError, saying
    which file and place breaks the contract, what was found and what was expected.
    """
    left = tuple(sorted(set(without)))
    return _public(pipeline.decide(Path(path), left), Source(Path(path).absolute(), left))


def explain(path: str | Path, without: Sequence[str] = ()) -> Explanation:
    """Why an incident is decided as it is, why not otherwise, and what the verdict is without some of the evidence.

    `without` names files, ids of evidence as the verdict gives them (`e3`), types of evidence (`syslog`) or suppliers
    (`provider`). Errors: AttributionError as in `decide`, and for a name that nothing in the incident goes by.
    """
    return pipeline.explain(Path(path), without)


def load(path: str | Path) -> Case:
    """Read an incident once, to ask it often. Errors: AttributionError as in `decide`."""
    return Case(path)


def _public(verdict: model.Verdict, source: Source) -> Verdict:
    stated = {known.name: getattr(verdict, known.name) for known in fields(model.Verdict)}
    return Verdict(**stated, source=source)


def _check_unchanged(given: model.Verdict, now: model.Verdict) -> None:
    """A dossier must be of the very files that the verdict was given on."""
    before, after = ({file.file: file.sha256 for file in verdict.inputs} for verdict in (given, now))
    for file in sorted({**before, **after}):
        if before.get(file) != after.get(file):
            known = f"that with SHA-256 {before[file]}" if file in before else "no such file"
            raise EvidenceError(file, "has changed since the verdict was given", f"expected {known}")


def _language(lang: str) -> str:
    if lang not in LANGUAGES:
        raise AttributionError("lang", f"found {lang!r}", f"expected {' or '.join(LANGUAGES)}")
    return lang


def _flat(seen: Sequence[Observation | FlowTable | Caveat]) -> list[Observation | Caveat]:
    return [one for part in seen for one in (part.records() if isinstance(part, FlowTable) else (part,))]


def _timeline_frame(dossier: Dossier) -> pd.DataFrame:
    return _frame(timeline_table(dossier.timeline))


def _frame(table: FlatTable) -> pd.DataFrame:
    from attribution.packets.table import as_frame

    return as_frame(table)
