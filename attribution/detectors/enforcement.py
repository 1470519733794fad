"""What the provider did to the account or an address, and whether the account's own events tell a ground for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attribution.detectors.addresses import networks_in
from attribution.detectors.loss import Surroundings
from attribution.detectors.records import is_of_service
from attribution.model.evidence import Citation, Condition, Record, RecordKind
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval
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
OF_AN_ATTACK = re.compile(r"attack|ddos|flood|攻击", re.I)
# What an attack goes towards, as words say it: the address stands behind the word, perhaps after the host's name. Where
# they speak of whom it comes from, the address that is blocked may be the attacker's.
_ATTACKED = re.compile(
    r"(?:\b(?:towards?|against|targeting|targets?|aimed at|attacks? on|hitting)\b|攻击目标|目标|针对|指向|攻击了?)"
    r"(?:\s*(?:host|ip|address|is|was|为|是|主机|地址))*[\s:：=]*"
    r"(?P<address>[0-9a-fA-F][0-9a-fA-F.:]*[0-9a-fA-F:](?:/\d{1,3})?)",
    re.I,
)
_SENT_BY = re.compile(
    r"\b(?:from|by|sources?|sourced|sent|sends|sending|out(?:bound|going)|originat\w+|attackers?|attacks?\s+\d|attacked\s+\d|compromised|"
    r"infected|botnet|bot|participat\w+|takes? part)\b|来自|源|对外|外发|出方向|出向|发起|被控|感染|肉鸡",
    re.I,
)
# A payment of less than what is due.
IN_PART = re.compile(r"\bpart(ial(ly)?)?\b|instal?ment|部分|分期", re.I)
# An invoice's number stands behind the word, or is what is neither a day, nor a time, nor a sum, nor how long.
CALLED_INVOICE = re.compile(
    r"(?:\b(?:invoice|bill|statement|order)\b|账单|发票|订单|单号)(?:\s*(?:no|number|nr|id|号|编号)\b\.?)?[\s:：#№]*"
    r"((?=[A-Za-z_/.-]*[0-9])[A-Za-z0-9][A-Za-z0-9_/.-]*[A-Za-z0-9])",
    re.I,
)
# A word as the names of nodes and of the cloud's resources are written.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/.:-]*[0-9][A-Za-z0-9_/.:-]*")
NO_NUMBER = re.compile(
    r"""(?<![\w.-])\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+Z?)?(?![\w-])  # a day, or a moment
    |(?<![\w.:])\d{1,2}:\d{2}(?::[\d.]+)?(?![\w:])  # a time of day
    |(?:CNY|RMB|USD|EUR|HKD|[¥￥$€])\s*\d[\d,.]*  # a sum
    |(?<![\w.-])\d[\d,.]*\s*(?:CNY|RMB|USD|EUR|HKD|yuan|元|days?|天|%)
    |(?<![\w.-])\d{1,3}(?:,\d{3})+(?:\.\d+)?""",
    re.I | re.X | re.A,
)
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
        if ground is Condition.UNKNOWN and _is_misplaced(event, around):
            ground = Condition.NOT_MET
        yield Record(
            interval=Interval(event.time_ns, next(restored, FOREVER_NS)),
            actor=Side.PROVIDER,
            component=_device_restricted(event, around),
            kind=RecordKind.ENFORCEMENT,
            harmful=_hits_service(event, around),
            consent=Condition.NOT_MET,
            citation=Citation(event.origin, event.locator),
            statement=Phrase("account event: {event} ({detail})", event=ENFORCEMENTS[event.kind], detail=event.detail),
            ground=ground,
            reasons=(event.kind.value, *reasons),
            target=_target(event, around),
        )


def detect_notices(observations: Sequence[Observation], around: Surroundings) -> Iterator[Record]:
    """The provider gave notice of attacks that a host, or the account as a whole, draws: it is asked to end that."""
    for event in observations:
        if not (isinstance(event, AccountEvent) and event.kind is AccountEventKind.VIOLATION_NOTICE):
            continue
        if not OF_AN_ATTACK.search(event.detail):
            continue
        named = list(networks_in(event.detail))
        hosts = {owner for network in named for owner in around.book.owners_within(network)}
        for host in sorted(hosts) if named else (None,):
            yield Record(
                interval=Interval(event.time_ns, event.time_ns + NANOSECONDS),
                actor=Side.PROVIDER,
                component=host,
                kind=RecordKind.VIOLATION,
                harmful=Condition.NOT_MET,
                consent=Condition.NOT_MET,
                citation=Citation(event.origin, event.locator),
                statement=Phrase("account event: violation notice ({detail})", detail=event.detail),
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
    unpaid, unassigned = settle(earlier)
    overdue = [due_ns for invoice, due_ns in unpaid.items() if named in (None, invoice)]
    if overdue and unassigned:
        return Condition.UNKNOWN, ()
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
    told, hit = list(networks_in(notice.detail)), blocked_by(event)
    return not told or not hit or any(_overlap(one, other) for one in told for other in hit)


def blocked_by(event: AccountEvent) -> list[IpNetwork]:
    """The addresses that an enforcement takes off the network: those that it names, but for others that it calls
    attacked."""
    named, attacked = list(networks_in(event.detail)), _named_as_attacked(event)
    return [network for network in named if not any(_overlap(network, one) for one in attacked)] or named


def attacked_by(event: AccountEvent) -> list[IpNetwork]:
    """The addresses that an enforcement for an attack calls attacked, or else those that it takes off the network."""
    return _named_as_attacked(event) or blocked_by(event)


def _named_as_attacked(event: AccountEvent) -> list[IpNetwork]:
    found = (match.group("address") for match in _ATTACKED.finditer(event.detail))
    return [network for address in found for network in networks_in(address)]


def _is_misplaced(event: AccountEvent, around: Surroundings) -> bool:
    """Whether an enforcement for an attack, by its own words, befell another address than the attacked one, which is no
    customer's here: digits are swapped easily."""
    blocked, attacked = blocked_by(event), _named_as_attacked(event)
    for_an_attack = OF_AN_ATTACK.search(event.detail) and not ARREARS.search(event.detail)
    if not (attacked and for_an_attack) or _SENT_BY.search(event.detail):
        return False
    if any(_overlap(one, other) for one in blocked for other in attacked):
        return False
    owners = {owner for network in attacked for owner in around.book.owners_within(network)}
    return not any(around.topology.nodes[owner].side is Side.CUSTOMER for owner in owners)


def _overlap(one: IpNetwork, other: IpNetwork) -> bool:
    return one.version == other.version and (one.network_address in other or other.network_address in one)


def _hits_service(event: AccountEvent, around: Surroundings) -> Condition:
    """Whether an enforcement can stop the service's traffic: one for addresses does where an end has one of them, one
    for what else it names where that lies on a way between the ends."""
    named = blocked_by(event)
    if not named:
        places = _places_named(event, around)
        return Condition.NOT_MET if places and not _on_the_way(places, around) else Condition.MET
    found = {is_of_service(str(network), around) for network in named}
    owners = (owner for network in named for owner in around.book.owners_within(network))
    if found == {Condition.NOT_MET} and any(around.topology.nodes[owner].kind in TRANSLATES for owner in owners):
        return Condition.UNKNOWN
    return next(one for one in (Condition.MET, Condition.UNKNOWN, Condition.NOT_MET) if one in found)


def settle(events: Sequence[AccountEvent]) -> tuple[Mapping[str, int], bool]:
    """When each invoice fell due that has not been paid since, or, if it has a number, before; and whether money came
    in that may have paid any of several.

    A payment that names no invoice pays the only one that is open.
    """
    due: dict[str, int] = {}
    credit: set[str] = set()
    unnamed = False
    for event in events:
        number = invoice_of(event.detail)
        invoice = number or event.detail
        if event.kind is AccountEventKind.PAYMENT_DUE and invoice not in credit:
            due.setdefault(invoice, event.time_ns)
        elif event.kind is AccountEventKind.PAYMENT_RECEIVED and not IN_PART.search(event.detail):
            if number is not None:
                due.pop(number, None)
                credit.add(number)
            elif invoice in due or len(due) == 1:
                due.pop(invoice if invoice in due else next(iter(due)))
            else:
                unnamed = unnamed or bool(due)
    return due, unnamed


def invoice_of(detail: str) -> str | None:
    """The invoice's own number in an account event's words: what is called one, else the first token that may be.

    Addresses, days, times of day and sums of money are none.
    """
    called = CALLED_INVOICE.search(detail)
    tokens = [called.group(1)] if called else []
    tokens += [match.group().rstrip("-_/.:") for match in TOKEN.finditer(NO_NUMBER.sub(" ", detail))]
    return next((token.casefold() for token in tokens if re.search("[0-9]", token) and not is_address(token)), None)


def is_address(token: str) -> bool:
    try:
        parse_network(token)
    except ValueError:
        return False
    return "." in token or ":" in token


def _device_restricted(event: AccountEvent, around: Surroundings) -> str | None:
    """The provider's device that an enforcement names by an address; otherwise the service as a whole is meant.

    Packets for a host, on whosever ground it stands, are dropped on the way to it, not by the host.
    """
    owner = _owner_of_blocked(event, around)
    if owner is None:
        return None
    node = around.topology.nodes[owner]
    return None if node.side is Side.CUSTOMER or node.kind is NodeKind.HOST else owner


def _owner_of_blocked(event: AccountEvent, around: Surroundings) -> str | None:
    single = (network for network in blocked_by(event) if network.num_addresses == 1)
    owners = (around.book.resolve(str(network.network_address)) for network in single)
    return next((owner for owner in owners if owner is not None), None)


def _target(event: AccountEvent, around: Surroundings) -> str | None:
    """The node that an enforcement is about by its words: the owner of the address that it blocks, else what has the
    resource or the name that it tells."""
    owner = _owner_of_blocked(event, around)
    if owner is not None or blocked_by(event):
        return owner
    places = _places_named(event, around)
    return next(iter(_on_the_way(places, around) or places), None)


def _places_named(event: AccountEvent, around: Surroundings) -> list[str]:
    """The nodes to which the drawing ties a resource, or of a link that has it the provider's end; and nodes that go by
    a name with a number or a hyphen in it, which no other word is."""
    words = set(_NAME.findall(event.detail))
    topology = around.topology
    found = [node.id for node in topology.nodes.values() if words & set(node.resource_ids)]
    for link in topology.links.values():
        if words & set(link.resource_ids):
            found += sorted(end for end in link.ends if topology.nodes[end].side is Side.PROVIDER)[:1]
    return [*found, *(word for word in sorted(words) if word in topology.nodes and re.search(r"[\d_-]", word))]


def _on_the_way(places: Sequence[str], around: Surroundings) -> list[str]:
    way = {name for way in around.routes.all_ways(*around.first_and_second, 0) for name in way}
    return [place for place in places if place in way]
