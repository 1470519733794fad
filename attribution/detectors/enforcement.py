"""What the provider did to the account or an address, and whether the account's own events tell a ground for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attribution.detectors.addresses import networks_in
from attribution.detectors.loss import Surroundings
from attribution.detectors.records import FOREVER_NS, is_of_service
from attribution.model.evidence import Citation, Condition, Record, RecordKind
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import AccountEvent, AccountEventKind, Observation
from attribution.model.phrase import Phrase
from attribution.model.topology import IpNetwork, NodeKind, Side, parse_network

PAYMENTS = frozenset({AccountEventKind.PAYMENT_DUE, AccountEventKind.PAYMENT_RECEIVED})
TERMINATION_AFTER_NS = 15 * 86_400 * NANOSECONDS
ENFORCEMENTS = {
    AccountEventKind.RESTRICTED: Phrase("restricted"),
    AccountEventKind.SUSPENDED: Phrase("suspended"),
    AccountEventKind.LINK_BLOCKED: Phrase("link blocked"),
    AccountEventKind.TERMINATED: Phrase("terminated"),
}
# How the words of an enforcement say on what ground it rests.
ARREARS = re.compile(r"arrears|overdue|unpaid|past due|non-?payment|late payment|欠费|逾期|未付|未缴|未支付", re.I)
VIOLATION = re.compile(r"violat|abuse|illegal|spam|attack|ddos|违规|违法|违反|滥用|攻击|垃圾", re.I)
# What may send under an address that is not its own: behind a translation or a tunnel of these an end of the service
# may go by theirs.
TRANSLATES = frozenset({NodeKind.ROUTER, NodeKind.FIREWALL, NodeKind.GATEWAY})


def detect_enforcement(observations: Sequence[Observation], around: Surroundings) -> Iterator[Record]:
    """The provider restricts or suspends the service; the account's own events tell whether it had a ground."""
    events = sorted((o for o in observations if isinstance(o, AccountEvent)), key=lambda event: event.time_ns)
    for position, event in enumerate(events):
        if event.kind not in ENFORCEMENTS:
            continue
        restored = (e.time_ns for e in events[position + 1 :] if e.kind is AccountEventKind.RESTORED)
        ground, reasons = judge_ground(event, events[:position], events[position + 1 :])
        yield Record(
            interval=Interval(event.time_ns, next(restored, FOREVER_NS)),
            actor=Side.PROVIDER,
            component=_restricted_node(event, around),
            kind=RecordKind.ENFORCEMENT,
            harmful=_hits_service(event, around),
            consent=Condition.NOT_MET,
            citation=Citation(event.origin, event.locator),
            statement=Phrase("account event: {event} ({detail})", event=ENFORCEMENTS[event.kind], detail=event.detail),
            ground=ground,
            reasons=(event.kind.value, *reasons),
        )


def judge_ground(
    event: AccountEvent, earlier: Sequence[AccountEvent], later: Sequence[AccountEvent] = ()
) -> tuple[Condition, tuple[str, ...]]:
    """Whether the Agreement allowed the act: an invoice was due and unpaid (3.2), or a violation was notified (4.3).

    An invoice that the event names is judged alone; otherwise any invoice counts. A notice about other addresses than
    those that the event names is no ground for it. MET with its reasons; NOT_MET where the account's events hold none:
    the provider keeps them, and whoever acts by right can show the ground. UNKNOWN where the act's own words name a
    ground, or a payment after it suggests one, of which the events show nothing at all: there they are incomplete.
    """
    known = {invoice_of(past.detail) for past in earlier if past.kind in PAYMENTS} - {None}
    named = invoice_of(event.detail) if invoice_of(event.detail) in known else None
    overdue = overdue_since([past for past in earlier if named is None or invoice_of(past.detail) == named])
    reasons: list[str] = []
    if overdue:
        reasons.append("late_payment")
        if event.time_ns - min(overdue) >= TERMINATION_AFTER_NS:
            reasons.append("overdue_15_days")
    notices = [past for past in earlier if past.kind is AccountEventKind.VIOLATION_NOTICE]
    violations = [notice for notice in notices if named is None and invoice_of(notice.detail) not in known]
    if any(_concerns(notice, event) for notice in violations):
        reasons.append("violation")
    if reasons:
        return Condition.MET, tuple(reasons)
    billed = any(past.kind is AccountEventKind.PAYMENT_DUE for past in earlier)
    paid_then = any(other.kind is AccountEventKind.PAYMENT_RECEIVED for other in later)
    incomplete = not billed and (paid_then or ARREARS.search(event.detail))
    unexplained = not violations and VIOLATION.search(event.detail)
    return Condition.UNKNOWN if incomplete or unexplained else Condition.NOT_MET, ()


def _concerns(notice: AccountEvent, event: AccountEvent) -> bool:
    """Whether a notice is about what an enforcement befell: about the account, or an address that both name."""
    told, hit = list(networks_in(notice.detail)), list(networks_in(event.detail))
    return not told or not hit or any(_overlap(one, other) for one in told for other in hit)


def _overlap(one: IpNetwork, other: IpNetwork) -> bool:
    return one.version == other.version and (one.network_address in other or other.network_address in one)


def _hits_service(event: AccountEvent, around: Surroundings) -> Condition:
    """Whether an enforcement can stop the service's traffic: one for addresses does where an end has one of them."""
    named = list(networks_in(event.detail))
    if not named:
        return Condition.MET
    found = {is_of_service(str(network), around) for network in named}
    owners = (owner for network in named for owner in around.book.owners_within(network))
    if found == {Condition.NOT_MET} and any(around.topology.nodes[owner].kind in TRANSLATES for owner in owners):
        return Condition.UNKNOWN
    return next(one for one in (Condition.MET, Condition.UNKNOWN, Condition.NOT_MET) if one in found)


def overdue_since(events: Sequence[AccountEvent]) -> list[int]:
    """When each invoice fell due that has not been paid since, or, if it has a number, before."""
    due: dict[str, int] = {}
    credit: set[str] = set()
    for event in events:
        number = invoice_of(event.detail)
        invoice = number or event.detail
        if event.kind is AccountEventKind.PAYMENT_DUE and invoice not in credit:
            due.setdefault(invoice, event.time_ns)
        elif event.kind is AccountEventKind.PAYMENT_RECEIVED:
            due.pop(invoice, None)
            if number is not None:
                credit.add(invoice)
    return list(due.values())


def invoice_of(detail: str) -> str | None:
    """The invoice's own number in an account event's words: the first token with a digit that is no address."""
    for match in re.finditer(r"[A-Za-z0-9][A-Za-z0-9_/.:-]*[0-9][A-Za-z0-9_/-]*", detail):
        token = match.group()
        if is_address(token):
            continue
        if re.search(r"[A-Za-z]", token) or token.isdigit():
            return token
    return None


def is_address(token: str) -> bool:
    try:
        parse_network(token)
    except ValueError:
        return False
    return "." in token or ":" in token


def _restricted_node(event: AccountEvent, around: Surroundings) -> str | None:
    """`restricted` with an address is a black hole for that address; otherwise the service as a whole is meant."""
    for network in networks_in(event.detail):
        node = around.book.resolve(str(network.network_address)) if network.num_addresses == 1 else None
        if node is not None:
            return None if around.topology.nodes[node].side is Side.CUSTOMER else node
    return None
