"""The table of contents of the program: from an incident's folder to a verdict, stage by stage."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from attribution.bundle import Bundle, open_bundle
from attribution.case import (
    check_intact,
    compare_inputs,
    compare_program,
    compare_results,
    compile_case,
    read_manifest,
    remark_environment,
    seal_of,
    state_program,
)
from attribution.detectors import detect_evidence
from attribution.dossier import Grounds, compile_dossier, plan_quotations
from attribution.errors import AttributionError, BundleError, EvidenceError
from attribution.inference import Inference, infer_causes, leave_out, note_papers
from attribution.inference.reported_time import shift_into_window
from attribution.model.agreement import Agreement
from attribution.model.dossier import Dossier, Excerpt, Reliability
from attribution.model.evidence import Findings
from attribution.model.explanation import Explanation, Lacking, Omission, Rival
from attribution.model.flow_table import FlowTable
from attribution.model.incident import EvidenceType, Incident, Interval, Origin
from attribution.model.kept_case import Difference, KeptCase, Part, Verification
from attribution.model.observation import CaptureCoverage, Caveat, Observation
from attribution.model.phrase import Phrase, Template
from attribution.model.quotation import Quotation
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, Hypothesis, InputFile, Party, Verdict, WeighedEvidence
from attribution.packets import (
    Capture,
    compare_captures,
    compare_points,
    interface_names,
    observe_point,
    quote_frames,
)
from attribution.packets.sources import open_source
from attribution.readers import (
    check_against_topology,
    count_strangers,
    quote_places,
    read_evidence,
    read_flow_table,
    read_incident,
    read_topology,
    recognise_devices,
    recognise_nodes,
)
from attribution.report import quantities, render_json, summarise
from attribution.responsibility import (
    Calibration,
    answering_side,
    decide_responsibility,
    load_agreement,
    load_calibration,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

INCIDENT_FILE = "incident.yaml"
UNPLACED = Template(
    "was captured at {device}, nobody says at which of its ports: what passed there is not used to tell places apart"
)
MOST_PILLARS = 5
LONG_READ_OCTETS = 4 << 20  # text of this size is worth a word before it is read
Stated = tuple[tuple[Observation | FlowTable | Caveat, ...], Capture | None]
Place = tuple[str, str]
"""A file, and the locator in it that a piece of evidence cites."""


class Watcher(Protocol):
    """Who is told how reading goes on: which file was begun, how many octets of it were read, what takes its time."""

    def begin(self, name: str, size: int | None) -> None: ...
    def advance(self, octets: int) -> None: ...
    def announce(self, message: str) -> None: ...


class Nobody:
    """Nobody watches."""

    def begin(self, name: str, size: int | None) -> None:
        """A file was begun."""

    def advance(self, octets: int) -> None:
        """So much of it was read."""

    def announce(self, message: str) -> None:
        """Something takes its time."""


NOBODY = Nobody()


def decide(path: str | Path, without: Collection[str] = (), watcher: Watcher = NOBODY) -> Verdict:
    """Decide an incident: a folder, or an archive of one, as the incident bundle describes it.

    `without` names files of evidence to leave aside, as if nobody had handed them in.
    Errors: AttributionError, saying which file and place of the bundle breaks the contract and what was expected.
    """
    with open_bundle(path) as bundle:
        reading = Reading(bundle, watcher)
        check_names(reading, without)
        return conclude(reading, frozenset(without))


def check_names(reading: Reading, without: Collection[str]) -> None:
    for unknown in sorted(set(without) - {origin.file for origin in reading.incident.origins}):
        raise EvidenceError(f"without {unknown}", "found no such file", "expected one of the incident's evidence")


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that an incident's files gave, before anything is concluded from it."""

    incident: Incident
    topology: Topology
    agreement: Agreement
    findings: Findings
    inputs: tuple[InputFile, ...]
    caveats: tuple[Caveat, ...]
    observations: tuple[Observation, ...]


class Reading:
    """An incident's files, each read once: it can be decided by all that they state, or without some of it."""

    def __init__(self, bundle: Bundle, watcher: Watcher = NOBODY) -> None:
        self.bundle = bundle
        self.watcher = watcher
        incident = read_incident(bundle.read(INCIDENT_FILE), bundle)
        self._ahead = _read_ahead(bundle, incident.origins)
        self.incident, self.topology, self.caveats = _with_topology(incident, bundle)
        self.agreement = load_agreement(self.incident.agreement, f"{INCIDENT_FILE}: agreement")
        self._stated: dict[str, Stated] = {}
        self._compared: dict[tuple[str, ...], Stated] = {}

    def observe(self, without: Collection[str]) -> Iterator[Observation | FlowTable | Caveat]:
        """All that the other files state, in the order of their names; captures also say what was lost between them."""
        read: dict[tuple[str, EvidenceType], str] = {}
        captures: list[tuple[Origin, Capture | None]] = []
        for origin in sorted(self.incident.origins, key=lambda origin: origin.file):
            if origin.file in without:
                continue
            if origin.file in self._ahead:
                self._ahead[origin.file].exception()  # waits
            known = replace(origin, sha256=self.bundle.digest(origin.file))
            first = read.setdefault((known.sha256, known.type), known.file)
            if first != known.file:
                reason = Phrase("the same, octet for octet, as {first}: read once", first=first)
                yield Caveat(known.file, "the whole file", reason)
                continue
            points, unplaced = self._points(known)
            yield from unplaced
            told: set[Caveat] = set()
            for point in points:
                stated, capture = self._state(point)
                yield from (one for one in stated if one not in told)
                told.update(one for one in stated if isinstance(one, Caveat))
                if point.type is EvidenceType.CAPTURE:
                    captures.append((point, capture))
        yield from self._compare(captures)

    def _points(self, origin: Origin) -> tuple[list[Origin], list[Caveat]]:
        """The capture points of a file: where its entry names no port, those whose names the file itself gives."""
        if origin.type is not EvidenceType.CAPTURE or origin.device is None or origin.interface is not None:
            return [origin], []
        with self.bundle.open(origin.file) as file:
            names = interface_names(file, origin.file)
        ports = [name for name in names if self.topology.link_at(origin.device, name) is not None]
        if ports:
            return [replace(origin, interface=port, is_part=len(names) > 1) for port in ports], []
        return [origin], [Caveat(origin.file, "the whole file", UNPLACED.fill(device=origin.device))]

    def _state(self, origin: Origin) -> Stated:
        if origin.part not in self._stated:
            size = self.bundle.size(origin.file)
            self.watcher.begin(origin.file, size)
            if origin.type is EvidenceType.CAPTURE:
                with (
                    self.bundle.open(origin.file) as file,
                    open_source(file, origin.file, self.watcher.advance) as stream,
                ):
                    seen, capture = observe_point(stream, origin)
                    self._stated[origin.part] = (tuple(seen), capture)
            else:
                if size >= LONG_READ_OCTETS:
                    self.watcher.announce(f"{origin.file}: {quantities.octets(size)}")
                self._stated[origin.part] = (tuple(self._read(origin)), None)
                self.watcher.advance(size)
        return self._stated[origin.part]

    def _read(self, origin: Origin) -> Iterable[Observation | FlowTable | Caveat]:
        if origin.file in self._ahead:
            told = self._ahead.pop(origin.file).result()
            return (replace(one, origin=origin) if isinstance(one, FlowTable) else one for one in told)
        read = read_flow_table if origin.type is EvidenceType.FLOWS else read_evidence
        return read(self.bundle.read(origin.file), origin)

    def _compare(self, captures: Sequence[tuple[Origin, Capture | None]]) -> Sequence[Observation | FlowTable | Caveat]:
        files = tuple(origin.part for origin, _ in captures)
        if files not in self._compared:
            if len(files) > 1:
                self.watcher.announce(f"comparing {len(files)} captures")
            self._compared[files] = (tuple(compare_all(self.bundle, captures, self._recorded(captures))), None)
        return self._compared[files][0]

    def _recorded(self, captures: Sequence[tuple[Origin, Capture | None]]) -> list[Interval | None]:
        """From when to when each capture recorded, by its own clock."""
        told = (self._stated[origin.part][0] for origin, _ in captures)
        found = (next((one for one in stated if isinstance(one, CaptureCoverage)), None) for stated in told)
        return [Interval(one.time_ns, one.end_ns) if one is not None else None for one in found]


def conclude(reading: Reading, without: Collection[str] = (), places: Collection[Place] = ()) -> Verdict:
    """The verdict by all that was read, but for the files left aside and the evidence cited at the places named."""
    return judge(gather(reading, without, places)).verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the inference that it follows from, and the hypothesis it rests on."""

    verdict: Verdict
    inference: Inference
    chosen: int
    answers: Callable[[Cause], str]


def gather(reading: Reading, without: Collection[str] = (), places: Collection[Place] = ()) -> Gathered:
    """The evidence of an incident, without the files left aside and what is cited at the places named."""
    incident, topology = _without_files(reading.incident, without), reading.topology
    caveats: list[Caveat] = list(reading.caveats)
    observations: list[Observation] = []
    tables: list[FlowTable] = []
    for seen in reading.observe(without):
        if isinstance(seen, Caveat):
            caveats.append(seen)
        elif isinstance(seen, FlowTable):
            tables.append(seen)
        else:
            observations.append(seen)
    with _no_collection():
        observations, tables = recognise_devices(observations, topology), recognise_nodes(tables, topology)
        caveats += count_strangers(observations, topology, tables)
        detected = detect_evidence(observations, topology, incident, tables)
        if (shift := shift_into_window(detected, topology, incident)) is not None:
            detected = detect_evidence(observations, topology, incident, tables, shift.added_ns)
        findings = leave_out(detected, places)
    inputs = tuple(file for file in reading.bundle.inputs if file.file not in without)
    return Gathered(
        incident, topology, reading.agreement, findings, inputs, (*caveats, *findings.caveats), tuple(observations)
    )  # fmt: skip


def judge(gathered: Gathered, calibrated: bool = True) -> Judgement:
    """The verdict that follows from the evidence by the Agreement; not `calibrated`: with the posterior at its word."""
    incident, topology = gathered.incident, gathered.topology
    with _no_collection():
        inference = infer_causes(gathered.findings, topology, incident.service, incident.window)
    calibration = None if calibrated else Calibration()
    judgement = apply_agreement(incident, topology, gathered.agreement, inference, calibration)
    papers = note_papers(judgement.verdict.causes, gathered.findings.records)
    caveats = (*gathered.caveats, *inference.caveats, *papers)
    verdict = replace(judgement.verdict, inputs=gathered.inputs, caveats=caveats)
    return replace(judgement, verdict=verdict)


def _without_files(incident: Incident, without: Collection[str]) -> Incident:
    return replace(incident, origins=tuple(origin for origin in incident.origins if origin.file not in without))


def read_statement(bundle: Bundle) -> tuple[Incident, Topology, list[Caveat]]:
    """What the exporter states: the incident, and the network that its evidence is about."""
    return _with_topology(read_incident(bundle.read(INCIDENT_FILE), bundle), bundle)


def _with_topology(incident: Incident, bundle: Bundle) -> tuple[Incident, Topology, list[Caveat]]:
    with _no_collection():
        topology, caveats = read_topology(bundle.read(incident.topology_file), incident.topology_file)
    incident = replace(incident, origins=tuple(_as_drawn(origin, topology) for origin in incident.origins))
    return incident, topology, [*caveats, *check_against_topology(incident, topology)]


def _read_ahead(bundle: Bundle, origins: Iterable[Origin]) -> dict[str, Future[tuple[FlowTable | Caveat, ...]]]:
    """Large files of flow records, being read while the topology is: mostly by libraries that leave the interpreter
    alone. What is wrong with one comes out where its result is asked for."""
    large = [origin for origin in origins if origin.type is EvidenceType.FLOWS and _is_long(bundle, origin.file)]
    if not large:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    def read(origin: Origin) -> tuple[FlowTable | Caveat, ...]:
        return tuple(read_flow_table(bundle.read(origin.file), origin))

    pool = ThreadPoolExecutor(1)
    reading = {origin.file: pool.submit(read, origin) for origin in large}
    pool.shutdown(wait=False)
    return reading


def _is_long(bundle: Bundle, file: str) -> bool:
    try:
        return bundle.size(file) >= LONG_READ_OCTETS
    except BundleError:
        return False


def _as_drawn(origin: Origin, topology: Topology) -> Origin:
    """An entry with its device by the topology's name."""
    return replace(origin, device=topology.node_called(origin.device) or origin.device) if origin.device else origin


@contextmanager
def _no_collection() -> Iterator[None]:
    """A large network is a million objects that all stay: to look for garbage among them is a waste."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def compare_all(
    bundle: Bundle, captures: Sequence[tuple[Origin, Capture | None]], recorded: Sequence[Interval | None]
) -> Iterator[Observation | Caveat]:
    """What was lost between the capture points. Where a capture is too large to be kept, neighbours are read again."""
    small = [capture for _, capture in captures if capture is not None]
    if len(small) == len(captures):
        yield from compare_captures(small)
        return
    with ExitStack() as opened:
        streams = [opened.enter_context(bundle.open(origin.file)) for origin, _ in captures]
        yield from compare_points(streams, [origin for origin, _ in captures], recorded)


SETTLED: Final = 0.99
"""A party that is as probable as this is not worth another letter: no answer is expected to change it."""


def apply_agreement(
    incident: Incident,
    topology: Topology,
    agreement: Agreement,
    inference: Inference,
    calibration: Calibration | None = None,
) -> Judgement:
    """Who answers by the Agreement, with the evidence that carried the answer and what is still missing."""
    answer = decide_responsibility(
        inference.hypotheses, agreement, inference.interruption, topology, calibration=calibration
    )

    def side_of(cause: Cause) -> str:
        side = answering_side(cause, topology, agreement)
        return side.value if side is not None else "unknown"

    chosen = _chosen(inference.hypotheses, answer.causes)
    evidence = inference.weigh(chosen, side_of)
    causes = tuple(
        replace(cause, evidence=tuple(e.id for e in evidence if e.weight > 0 and e.component == cause.component))
        for cause in answer.causes
    )
    verdict = Verdict(
        incident=incident.id,
        party=answer.party,
        clause=answer.clause,
        probability=answer.probability,
        summary="",
        parties=answer.parties,
        interruption=answer.interruption,
        causes=causes,
        evidence=evidence,
        requests=() if answer.probability >= SETTLED else inference.request(side_of),
        inputs=(),
        caveats=(),
        provisions=answer.provisions,
        service_level=answer.service_level,
    )
    return Judgement(replace(verdict, summary=summarise(verdict)), inference, chosen, side_of)


def _chosen(hypotheses: Sequence[Hypothesis], causes: Sequence[Cause]) -> int:
    """Which hypothesis the answer rests on."""
    wanted = [(cause.component, cause.kind) for cause in causes]
    alike = (i for i, h in enumerate(hypotheses) if [(cause.component, cause.kind) for cause in h.causes] == wanted)
    return next(alike, 0)


def draw_up(path: str | Path, without: Collection[str] = (), watcher: Watcher = NOBODY) -> Dossier:
    """The dossier of an incident: the verdict, and all that a reader is shown of what it rests on.

    `without` names files of evidence to leave aside. Errors: AttributionError as in `decide`.
    """
    with open_bundle(path) as bundle:
        reading = Reading(bundle, watcher)
        check_names(reading, without)
        return dossier_of(reading, frozenset(without))


def dossier_of(reading: Reading, without: Collection[str] = ()) -> Dossier:
    """The dossier of what was read, but for the files left aside; files that are quoted are opened once more."""
    gathered = gather(reading, without)
    return _draw_up(reading, gathered, judge(gathered))


def _draw_up(reading: Reading, gathered: Gathered, judgement: Judgement) -> Dossier:
    grounds = Grounds(gathered.incident, gathered.topology, judgement.verdict, gathered.findings, gathered.observations)
    excerpts = _quote(reading.bundle, grounds)
    return compile_dossier(grounds, gathered.agreement, _rivals(judgement), excerpts, _reliability(judgement, gathered))


def keep_case(path: str | Path, without: Collection[str] = (), watcher: Watcher = NOBODY) -> tuple[Verdict, KeptCase]:
    """The verdict on an incident, and all that it takes to show later that it follows from what was read.

    `without` names files of evidence to leave aside. Errors: AttributionError as in `decide`.
    """
    with open_bundle(path) as bundle:
        return _keep(bundle, without, watcher)


def _keep(bundle: Bundle, without: Collection[str], watcher: Watcher = NOBODY) -> tuple[Verdict, KeptCase]:
    reading, left = Reading(bundle, watcher), frozenset(without)
    check_names(reading, without)
    gathered = gather(reading, left)
    judgement = judge(gathered)
    case = compile_case(
        render_json(judgement.verdict),
        _draw_up(reading, gathered, judgement),
        reading.observe(left),
        gathered.findings,
        judgement.inference.hypotheses,
        state_program(),
        left,
    )
    return judgement.verdict, case


def verify_case(case: KeptCase, path: str | Path, watcher: Watcher = NOBODY) -> Verification:
    """Decide an incident anew, and say whether everything that the case keeps came out as it keeps it.

    Errors: AttributionError for a case that cannot be read, and a path at which there is no incident. Whatever else is
    wrong with the incident by now is a difference.
    """
    manifest, program = read_manifest(case), state_program()
    differences = [*check_intact(case, manifest), *compare_program(manifest.program, program)]
    with open_bundle(path) as bundle:
        found = tuple(_found(bundle, (file.file for file in manifest.inputs)))
        try:
            verdict, anew = _keep(bundle, manifest.without, watcher)
        except AttributionError as error:
            differences += [*compare_inputs(manifest.inputs, found), Difference(Part.VERDICT, "all", "one", str(error))]
        else:
            further = [file for file in verdict.inputs if file.file not in {known.file for known in found}]
            differences += compare_inputs(manifest.inputs, (*found, *further))
            differences += compare_results(case, anew)
    remarks = tuple(remark_environment(manifest.program, program))
    return Verification(manifest.incident, seal_of(case), tuple(differences), remarks)


def _found(bundle: Bundle, names: Iterable[str]) -> Iterator[InputFile]:
    """Those of the files that are there, as they are now."""
    for name in names:
        with suppress(BundleError):
            bundle.path(name)
            yield from (file for file in bundle.inputs if file.file == name)


def _quote(bundle: Bundle, grounds: Grounds) -> Iterator[Excerpt]:
    """What each piece of evidence rests on, in the words of the files: each of them is read once."""
    types = {origin.file: origin.type for origin in grounds.incident.origins}
    wanted: dict[str, list[Quotation]] = defaultdict(list)
    for quotation in plan_quotations(grounds):
        wanted[quotation.file].append(quotation)
    for file, quotations in wanted.items():
        if types[file] is EvidenceType.CAPTURE:
            with bundle.open(file) as stream:
                yield from quote_frames(stream, quotations)
        else:
            yield from quote_places(bundle.read(file), types[file], quotations)


def _reliability(judgement: Judgement, gathered: Gathered) -> Reliability | None:
    """How often verdicts were right for which the posterior said as much as for this one; None where nobody counted."""
    calibration = load_calibration()
    inference = judgement.inference
    uncalibrated = decide_responsibility(
        inference.hypotheses, gathered.agreement, inference.interruption, gathered.topology, calibration=Calibration()
    )
    stated = max(uncalibrated.parties.values())
    experience = calibration.experience(stated)
    if experience is None:
        return None
    return Reliability(
        stated=stated,
        right=experience.right,
        incidents=experience.incidents,
        fitted_on=calibration.source,
        steps=tuple((entry.stated, entry.right) for entry in calibration.counted),
    )


def explain(path: str | Path, without: Sequence[str] = (), watcher: Watcher = NOBODY) -> Explanation:
    """Why an incident is decided as it is, why not otherwise, and what the verdict is without some of the evidence.

    `without` names files, ids of evidence as the verdict gives them (`e3`), types of evidence or suppliers.
    Errors: AttributionError as in `decide`, and for a name that nothing in the incident goes by.
    """
    with open_bundle(path) as bundle:
        return explanation_of(Reading(bundle, watcher), without)


def explanation_of(reading: Reading, without: Sequence[str] = ()) -> Explanation:
    """The explanation of what was read."""
    full = judge(gather(reading))
    rivals = tuple(_rivals(full))
    omission = select_evidence(without, reading.incident, full.verdict, rivals)
    lacking = None
    if omission.asked:
        verdict = conclude(reading, frozenset(omission.files), frozenset(omission.places))
        lacking = Lacking(omission, verdict)
    return Explanation(full.verdict, rivals, tuple(_pillars(reading, full.verdict)), lacking)


def _rivals(full: Judgement) -> Iterator[Rival]:
    """The parties that the verdict does not name, with the best case that can be made for each.

    Where no party is named, the explanation shown has one: the others are its rivals.
    """
    verdict, known = full.verdict, list(full.verdict.evidence)
    roots = [cause for cause in full.inference.hypotheses[full.chosen].causes if cause.caused_by is None]
    own = {full.answers(cause) for cause in roots}
    for party in (Party.CUSTOMER, Party.PROVIDER, Party.SHARED, Party.NEITHER):
        if party is verdict.party or (verdict.party is Party.UNDETERMINED and own == {party.value}):
            continue
        causes: tuple[Cause, ...] = ()
        evidence: tuple[WeighedEvidence, ...] = ()
        if party in (Party.CUSTOMER, Party.PROVIDER):
            opposed = full.inference.oppose(full.chosen, Side(party.value), full.answers)
            if opposed is not None:
                causes, evidence = opposed[0].causes, tuple(_numbered(opposed[1], known))
        yield Rival(party, verdict.parties[party], causes, evidence)


def _numbered(evidence: Sequence[WeighedEvidence], known: list[WeighedEvidence]) -> Iterator[WeighedEvidence]:
    """Evidence by the ids that it goes by already, and what is new by the next ones."""
    for piece in evidence:
        same = (other for other in known if (other.file, other.locator) == (piece.file, piece.locator))
        found = next((other for other in same if other.statement == piece.statement), None)
        if found is None:
            found = replace(piece, id=f"e{len(known) + 1}")
            known.append(found)
        yield replace(piece, id=found.id)


def _pillars(reading: Reading, verdict: Verdict) -> Iterator[Lacking]:
    """What the verdict would be without each of the files that carry most of it."""
    weights: dict[str, float] = defaultdict(float)
    for piece in verdict.evidence:
        weights[piece.file] += max(0.0, piece.weight)
    heaviest = sorted((file for file in weights if weights[file] > 0), key=lambda file: (-weights[file], file))
    for file in heaviest[:MOST_PILLARS]:
        yield Lacking(Omission((file,), (file,), ()), conclude(reading, {file}))


def select_evidence(names: Sequence[str], incident: Incident, verdict: Verdict, rivals: Sequence[Rival]) -> Omission:
    """What the names stand for: a file, a type, a supplier, or a piece of evidence by its id."""
    pieces = {piece.id: piece for rival in rivals for piece in rival.evidence}
    pieces |= {piece.id: piece for piece in verdict.evidence}
    files: dict[str, None] = {}
    places: dict[Place, None] = {}
    for name in names:
        meant = [
            origin.file
            for origin in incident.origins
            if name in (origin.file, origin.type.value, origin.supplied_by.value if origin.supplied_by else None)
        ]
        if not meant and name not in pieces:
            expected = _names(incident, pieces)
            raise EvidenceError(f"--without {name}", "found nothing of that name in the incident", expected)
        files |= dict.fromkeys(meant)
        if not meant:
            places[(pieces[name].file, pieces[name].locator)] = None
    return Omission(tuple(names), tuple(files), tuple(places))


def _names(incident: Incident, pieces: Collection[str]) -> str:
    types = sorted({origin.type.value for origin in incident.origins})
    ids = f", an id from e1 to e{len(pieces)}" if pieces else ""
    return f"expected a file of its evidence{ids}, customer, provider, or a type: {', '.join(types)}"
