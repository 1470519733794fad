"""Which evidence carried an answer: signed, one piece for each kind, the weightiest first, each with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.inference.fits import Situation
from attribution.inference.interruption import detect_interruption
from attribution.inference.modes import load_modes
from attribution.inference.phases import split_phases
from attribution.inference.posterior import Assignment, Solver, solve_incident
from attribution.inference.weighing import Piece, number_pieces, weigh_evidence
from attribution.model.evidence import Alarm, AlarmKind, Findings
from attribution.model.verdict import Cause
from tests.inference.chain import (
    CHAIN,
    ENDS,
    PATHS,
    alarm,
    findings,
    infer,
    link_name,
    measured,
    probed,
)
from tests.inference.stories import OUTAGE, crash_of_the_customer_s_edge, gray_loss_behind_the_customer_s_edge


def whose(cause: Cause) -> str:
    side = CHAIN.side_of(cause.component)
    return side.value if side is not None else "unknown"


def solve(found: Findings) -> tuple[Solver, tuple[Assignment, ...]]:
    situation = Situation(
        CHAIN, PATHS, {}, found.measurements, found.alarms, found.records, found.coverage, load_modes()
    )
    return solve_incident(situation, split_phases(detect_interruption(found.measurements), found.measurements))


def test_what_only_the_chosen_cause_explains_speaks_for_it() -> None:
    inference = infer(crash_of_the_customer_s_edge())
    weights = {e.statement: e.weight for e in inference.weigh(0, whose)}

    restarted = next(statement for statement in weights if "device_restarted" in statement)
    assert weights[restarted] > 0


def test_of_what_was_counted_again_and_again_the_most_is_cited() -> None:
    """What it has nothing to do with is another thing."""
    found = crash_of_the_customer_s_edge()
    port = link_name("customer-edge", "provider-edge")

    def dropped(start: float, end: float, most: float) -> Alarm:
        full = alarm(start, "provider-edge", port, AlarmKind.INTERFACE_DISCARDS, end=end, magnitude=most)
        return replace(full, statement=f"dropped {most:g}")

    full = (dropped(20, 25, 10), dropped(30, 35, 30), dropped(-900, -890, 99))
    solver, _ = solve(replace(found, alarms=full))
    queues = (c for c in solver.candidates if c.mode.name == "congestion" and c.link == port)
    congested = next(c for c in queues if c.component == "provider-edge")
    crashed = next(c for c in solver.candidates if c.mode.name == "crash")
    chosen, rival = (Assignment((c,) * len(solver.phases), 0.0) for c in (congested, crashed))
    told = [piece.statement for piece in weigh_evidence(solver, chosen, rival) if "dropped" in piece.statement]
    assert told == ["dropped 30"]


def test_the_evidence_for_the_answer_outweighs_that_against_it() -> None:
    pieces = infer(crash_of_the_customer_s_edge()).weigh(0, whose)
    assert sum(e.weight for e in pieces) > 1


def test_against_itself_nothing_speaks() -> None:
    solver, assignments = solve(crash_of_the_customer_s_edge())
    assert weigh_evidence(solver, assignments[0], assignments[0]) == ()


def test_the_contrast_with_a_rival_is_that_of_the_rival_turned_round() -> None:
    solver, assignments = solve(crash_of_the_customer_s_edge())
    first = assignments[0].choices[0]
    rival = next(a for a in assignments if a.choices[0] and first and a.choices[0].component != first.component)
    ours = {e.statement: e.weight for e in weigh_evidence(solver, assignments[0], rival)}
    theirs = {e.statement: e.weight for e in weigh_evidence(solver, rival, assignments[0])}

    assert ours
    assert ours == {statement: pytest.approx(-weight, abs=0.011) for statement, weight in theirs.items()}


def test_evidence_against_the_answer_is_shown_with_a_negative_weight() -> None:
    """The provider's own port went down, although the packets were lost at the customer's."""
    found = findings(
        [*probed(*ENDS, OUTAGE, sent=2), *probed("customer-host", "customer-edge", OUTAGE, sent=1, every=3)],
        [alarm(20.2, "provider-edge", link_name("provider-core", "provider-edge"), AlarmKind.INTERFACE_DOWN)],
    )
    pieces = infer(found).weigh(0, whose)

    assert next(e for e in pieces if "interface_down" in e.statement).weight < 0
    assert next(e for e in pieces if "customer-host to customer-edge" in e.statement).weight > 0


def test_each_kind_of_measurement_is_one_piece() -> None:
    pieces = infer(crash_of_the_customer_s_edge()).weigh(0, whose)
    ways = [e.statement.split(" probes ")[1] for e in pieces if " probes " in e.statement]
    assert len(ways) == len(set(ways))
    assert len(ways) <= 4


def test_pieces_are_numbered_by_weight_and_can_be_opened() -> None:
    pieces = infer(crash_of_the_customer_s_edge()).weigh(0, whose)

    assert [e.id for e in pieces] == [f"e{number}" for number in range(1, len(pieces) + 1)]
    assert [abs(e.weight) for e in pieces] == sorted((abs(e.weight) for e in pieces), reverse=True)
    assert all(e.file and e.locator for e in pieces)


def test_a_piece_of_measurement_cites_the_window_that_lost_most() -> None:
    pieces = infer(gray_loss_behind_the_customer_s_edge()).weigh(0, whose)
    lossy = next(e for e in pieces if "customer-host to customer-edge" in e.statement)
    row = int(lossy.locator.removeprefix("row "))
    assert 21 <= row <= 100


def test_weightless_pieces_are_left_out_and_many_are_cut() -> None:
    item = measured(0, 1, 10, 0)
    pieces = [Piece(item, f"piece {number}", None, number / 1000) for number in range(2000)]
    shown = number_pieces(pieces)

    assert 10 <= len(shown) <= 50
    assert shown[0].statement == "piece 1999"
    assert number_pieces([Piece(item, "nothing", None, 0.0)]) == ()


def test_what_is_said_once_in_a_file_is_shown_once_whatever_it_is_about() -> None:
    """Packets that come by again tell of a loop between two routers: for the one cause, and as much against it."""
    item = measured(0, 1, 10, 0)
    pieces = [Piece(item, "they come by again", "p1", 1.4), Piece(item, "they come by again", "p2", -0.7)]

    (shown,) = number_pieces([*pieces, Piece(item, "nothing", None, 0.0)])
    assert (shown.component, shown.weight) == ("p1", 0.7)
