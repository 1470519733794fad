"""What people did: operations, tickets and calls of the cloud API."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from attribution.detectors.cloud_actions import CloudActions
from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Citation, Condition, Record, RecordKind
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval, Service
from attribution.model.observation import (
    ChangeRecord,
    CloudCall,
    CommandEffect,
    CommandEffectKind,
    LogEvent,
    LogKind,
    Observation,
)
from attribution.model.phrase import SIDES, Phrase, Template
from attribution.model.ports import canonical_port, find_link
from attribution.model.topology import NodeKind, Side, parse_network

STOPPING = frozenset(
    {
        CommandEffectKind.INTERFACE_SHUTDOWN,
        CommandEffectKind.FILTER_ADDED,
        CommandEffectKind.NULL_ROUTE_ADDED,
        CommandEffectKind.ROUTE_REMOVED,
        CommandEffectKind.PROCESS_STOPPED,
        CommandEffectKind.NEIGHBOUR_SHUTDOWN,
        CommandEffectKind.RELOAD,
        CommandEffectKind.RATE_LIMIT_SET,
        CommandEffectKind.ROUTE_CHANGED,
        CommandEffectKind.ADDRESS_CHANGED,
        CommandEffectKind.VLAN_CHANGED,
        CommandEffectKind.MTU_CHANGED,
        CommandEffectKind.SESSION_CLEARED,
        CommandEffectKind.PROCESS_RESTARTED,
    }
)
FOR_A_DESTINATION = frozenset(
    {CommandEffectKind.FILTER_ADDED, CommandEffectKind.NULL_ROUTE_ADDED, CommandEffectKind.ROUTE_REMOVED}
)
# Commands are typed within this before the line that says the configuration was changed; the lines of one change
# follow each other within less.
TYPED_WITHIN_NS, ONE_COMMIT_NS = 900 * NANOSECONDS, 30 * NANOSECONDS
# How a command is negated: before its words (IOS and EOS; VRP and Comware), or by another verb (Junos).
NEGATIVE = frozenset({("no",), ("undo",), ("delete",), ("deactivate",)})
POSITIVE = frozenset({("set",), ("activate",)})
# A prefix shorter than this covers so much that it covers the service (0.0.0.0/0, 10.0.0.0/8).
WHOLE_PREFIX = 8
# Prefixes and bandwidths in the parameters of a call of the cloud API; a CCN's BandwidthLimit is in Mbit/s.
_PREFIX = re.compile(r"(?<![\w.:])[0-9a-fA-F.:]+/[0-9]{1,3}(?![\w.])")
_BANDWIDTH_LIMIT = re.compile(r'"BandwidthLimit"\s*:\s*([0-9]+)')
MEGABIT = 1_000_000
# How a ticket says that it is about how much may pass.
ABOUT_A_LIMIT = re.compile(
    r"\b(?:rate|speed)[ -]?(?:limit|cap)|\b(?:shap|polic)(?:er|ing)s?\b|\bqos\b|\bbandwidth\b|\blimits? (?:re)?set\b"
    r"|\d ?(?:[mg]bit/s|[mg]bps)\b|限速|带宽|流控|整形",
    re.I,
)
AGREED = Template("ticket {id}: the {side} did '{action}' on {place}, agreed by the other side")
NOT_AGREED = Template("ticket {id}: the {side} did '{action}' on {place}, without the other side's consent")
TAKEN_BACK = Template(
    "ticket {id}: the {side} did '{action}' on {place}, to which the other side had taken its consent back"
)
CALLED = Template("account {account} (user {user}) called {action}")
CALLED_BY_ANOTHER = Template("account {account} (user {user}), which is not the customer's, called {action}")

UNDONE = Template("{called}, which {undo} (user {user}) took back {seconds:.0f} s later")


def detect_operations(observations: Sequence[Observation], around: Surroundings) -> Iterator[Record]:
    """Commands typed on the topology's devices that can stop traffic, each until the command that takes it back."""
    changes = [change for change in observations if isinstance(change, ChangeRecord)]
    events = sorted(
        (e for e in observations if isinstance(e, LogEvent) and e.effect and e.device in around.topology.nodes),
        key=lambda event: event.time_ns,
    )
    for position, event in enumerate(events):
        effect = as_change(event, events[:position])
        if effect is None or effect.restores or effect.kind not in STOPPING:
            continue
        port = effect.interface or event.interface
        link = find_link(around.topology, event.device, port) if port else None
        if port and link is None and is_foreign_port(event.device, port, around):
            continue
        undone = _taken_back(event, effect, events[position + 1 :])
        actor = around.topology.nodes[event.device].side
        component = link.component if link is not None else None
        yield Record(
            interval=Interval(event.time_ns, FOREVER_NS if undone is None else undone.time_ns),
            actor=actor,
            component=event.device,
            kind=RecordKind.OPERATION,
            harmful=_hits_service(effect, event, around),
            consent=_consent(changes, event.device, component, event.time_ns, around),
            citation=Citation(event.origin, event.locator),
            statement=Phrase(
                "{device} logged what {who} typed: {command}",
                device=event.device,
                who=event.user or Phrase("an operator"),
                command=event.command or event.text,
            ),
            link=component,
            effect=effect.kind,
            diverts=_diverted(effect, around),
            protocol=effect.protocol,
            revised=undone is not None and event.user is not None and event.user == undone.user,
        )


def detect_commits(observations: Sequence[Observation], around: Surroundings) -> Iterator[Record]:
    """Configurations put in force on the topology's devices without a word of what they changed, each until the next.

    Where the device logged the commands that led to it, these tell what it changed. Consent to work on one of its ports
    is none to a change that may have been of another.
    """
    changes = [change for change in observations if isinstance(change, ChangeRecord) and change.interface is None]
    on_devices = [o for o in observations if isinstance(o, LogEvent) and o.device in around.topology.nodes]
    commits, commands = defaultdict(list), defaultdict(list)
    for event in sorted(on_devices, key=lambda event: event.time_ns):
        if event.kind is LogKind.CONFIG_CHANGED:
            commits[event.device].append(event)
        elif event.effect is not None and event.effect.kind is not CommandEffectKind.HARMLESS:
            commands[event.device].append(event.time_ns)
    for device, events in commits.items():
        for position, event in enumerate(events):
            if any(event.time_ns - TYPED_WITHIN_NS <= time_ns <= event.time_ns for time_ns in commands[device]):
                continue
            later = (other for other in events[position + 1 :] if other.time_ns - event.time_ns > ONE_COMMIT_NS)
            after = next(later, None)
            yield Record(
                interval=Interval(event.time_ns, FOREVER_NS if after is None else after.time_ns),
                actor=around.topology.nodes[device].side,
                component=device,
                kind=RecordKind.OPERATION,
                harmful=Condition.UNKNOWN,
                consent=_consent(changes, device, None, event.time_ns, around),
                citation=Citation(event.origin, event.locator),
                statement=Phrase(
                    "{device} logged that {who} changed its configuration: {text}",
                    device=device,
                    who=event.user or Phrase("an operator"),
                    text=event.text.strip(),
                ),
                effect=CommandEffectKind.CONFIGURATION,
                revised=after is not None and event.user is not None and event.user == after.user,
            )


def _diverted(effect: CommandEffect, around: Surroundings) -> str | None:
    """The end of the service that a new route is for: the longest prefix wins, wherever the end really is."""
    if effect.kind is not CommandEffectKind.ROUTE_CHANGED or effect.restores or effect.prefix is None:
        return None
    try:
        prefix = parse_network(effect.prefix)
    except ValueError:
        return None
    if prefix.prefixlen < prefix.max_prefixlen:
        return None
    return next(iter(sorted(around.book.owners_within(prefix) & around.ends)), None)


def as_change(event: LogEvent, earlier: Sequence[LogEvent]) -> CommandEffect | None:
    """What a command changes. A route that is announced without having been taken away before is a new one, and to take
    away a new one is to restore what was."""
    effect = event.effect
    if effect is None or effect.kind is not CommandEffectKind.ROUTE_REMOVED:
        return effect
    own = [o.effect for o in earlier if o.device == event.device and o.effect and o.effect.prefix == effect.prefix]
    if effect.restores:
        if any(o.kind is effect.kind and not o.restores for o in own):
            return effect
        return replace(effect, kind=CommandEffectKind.ROUTE_CHANGED, restores=False)
    if effect.prefix is not None and _is_put_in(own):
        return replace(effect, kind=CommandEffectKind.ROUTE_CHANGED, restores=True)
    return effect


def _is_put_in(commands: Iterable[CommandEffect]) -> bool:
    """Whether the commands for one prefix, in their order, left a route there that had not been there before."""
    put_in = taken_away = False
    for command in commands:
        if command.kind is CommandEffectKind.ROUTE_CHANGED:
            put_in = put_in or not command.restores
        elif command.kind is CommandEffectKind.ROUTE_REMOVED and command.restores:
            put_in, taken_away = put_in or not taken_away, False
        elif command.kind is CommandEffectKind.ROUTE_REMOVED:
            put_in, taken_away = False, not put_in
    return put_in


def is_foreign_port(device: str, port: str, around: Surroundings) -> bool:
    """Whether this is a port like the device's others, but one that the drawing does not know: it serves somebody else.

    Names of another type (a VLAN, a tunnel, a loopback) may well be on the service's way.
    """
    links = around.topology.links_of(device)
    types = {canonical_port(link.interfaces[device])[0] for link in links if device in link.interfaces}
    return canonical_port(port)[0] in types


def _taken_back(event: LogEvent, effect: CommandEffect, later: Sequence[LogEvent]) -> LogEvent | None:
    """The later command of the same device that takes an effect back: as it says, by being the first one's opposite,
    or as a route just put in is deleted."""
    for other in later:
        for undo in (other.effect, as_change(other, [event])):
            if (
                other.device == event.device
                and undo is not None
                and undo.kind is effect.kind
                and (undo.restores or _are_opposites(event.command, other.command))
                and _same_port(undo.interface or other.interface, effect.interface or event.interface)
                and undo.prefix in (None, effect.prefix)
            ):
                return other
    return None


def _are_opposites(one: str | None, other: str | None) -> bool:
    """Whether of two commands one is the other's negation, if with fewer words: `mtu 9000` and `undo mtu`."""
    if one is None or other is None:
        return False
    (negative, words), (is_too, others) = _parted(one), _parted(other)
    fewer, more = (words, others) if negative else (others, words)
    return negative is not is_too and bool(fewer) and fewer == more[: len(fewer)]


@lru_cache(maxsize=1024)
def _parted(command: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a command is a negative one, and its words without what makes it one."""
    words = tuple(command.lower().split())
    negative = words[:1] in NEGATIVE
    return negative, words[1:] if negative or words[:1] in POSITIVE else words


def _same_port(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return canonical_port(one) == canonical_port(other)


def _hits_service(effect: CommandEffect, event: LogEvent, around: Surroundings) -> Condition:
    """Whether what the command drops is the service's traffic: by the destination it names, if it names one."""
    if effect.kind is CommandEffectKind.ROUTE_CHANGED and _leads_in_a_circle(effect, event, around):
        return Condition.MET
    if effect.kind not in FOR_A_DESTINATION or effect.prefix is None:
        return Condition.MET if effect.kind in FOR_A_DESTINATION else Condition.UNKNOWN
    return is_of_service(effect.prefix, around)


def _leads_in_a_circle(effect: CommandEffect, event: LogEvent, around: Surroundings) -> bool:
    """Whether a route for an end of the service leads to a neighbour from which every way there comes back."""
    if effect.prefix is None:
        return False
    try:
        prefix = parse_network(effect.prefix)
    except ValueError:
        return False
    hop = around.book.resolve(effect.next_hop)
    if hop is None or hop == event.device:
        return False
    ends = around.book.owners_within(prefix) & around.ends
    ways = [way for end in sorted(ends) for way in around.routes.all_ways(hop, end, event.time_ns)]
    return bool(ways) and all(event.device in way for way in ways)


def is_of_service(text: str, around: Surroundings) -> Condition:
    """Whether a prefix covers an end of the service."""
    try:
        prefix = parse_network(text)
    except ValueError:
        return Condition.UNKNOWN
    if prefix.prefixlen <= WHOLE_PREFIX or around.book.owners_within(prefix) & around.ends:
        return Condition.MET
    possible = any(around.book.may_have_address_in(end, prefix) for end in around.ends)
    return Condition.UNKNOWN if possible else Condition.NOT_MET


def _consent(
    changes: Sequence[ChangeRecord], device: str, link: str | None, time_ns: int, around: Surroundings
) -> Condition:
    """Whether the other side had agreed to work on this device and port at this time, by the tickets."""
    found = Condition.NOT_MET if changes else Condition.UNKNOWN
    for change in changes:
        if around.book.resolve(change.device) != device or not _covers(change, device, link, time_ns, around):
            continue
        if change.is_agreed_at(time_ns):
            return Condition.MET
    return found


def _covers(change: ChangeRecord, device: str, link: str | None, time_ns: int, around: Surroundings) -> bool:
    slack = 2 * NANOSECONDS
    if time_ns < change.time_ns - slack or (change.end_ns is not None and time_ns > change.end_ns + slack):
        return False
    if change.interface is None:
        return True
    named = find_link(around.topology, device, change.interface)
    return named is not None and (link is None or named.component == link)


def detect_changes(observations: Sequence[Observation], around: Surroundings) -> Iterator[Record]:
    """Tickets for the topology's devices and ports; work on a port that the drawing does not know is left out.

    One whose words are about a limit may have set it. One to which consent was taken back is another from then on.
    """
    for change in observations:
        if not isinstance(change, ChangeRecord):
            continue
        device = around.book.resolve(change.device)
        link = find_link(around.topology, device, change.interface) if device and change.interface else None
        if device is None or (change.interface and link is None):
            continue
        end_ns = change.end_ns if change.end_ns is not None else FOREVER_NS
        agreed, withdrawn_ns = change.is_agreed_at(change.time_ns), change.withdrawn_ns
        words = f"{change.action} {change.description}"
        record = Record(
            interval=Interval(change.time_ns, end_ns),
            actor=change.performed_by,
            component=device,
            kind=RecordKind.PLANNED_CHANGE,
            harmful=Condition.UNKNOWN,
            consent=Condition.MET if agreed else Condition.NOT_MET,
            citation=Citation(change.origin, change.locator),
            statement=_told(change, device, AGREED if agreed else NOT_AGREED),
            link=link.component if link is not None else None,
            effect=CommandEffectKind.RATE_LIMIT_SET if ABOUT_A_LIMIT.search(words) else None,
        )
        if withdrawn_ns is None or withdrawn_ns >= end_ns:
            yield record
            continue
        since_ns = max(change.time_ns, withdrawn_ns)
        if since_ns > change.time_ns:
            yield replace(record, interval=Interval(change.time_ns, since_ns))
        yield replace(
            record,
            interval=Interval(since_ns, end_ns),
            consent=Condition.NOT_MET,
            statement=_told(change, device, TAKEN_BACK),
            withdrawn=True,
        )


def _told(change: ChangeRecord, device: str, words: Template) -> Phrase:
    place = f"{device} {change.interface or ''}".rstrip()
    return words.fill(id=change.id, side=SIDES[change.performed_by], action=change.action, place=place)


def detect_cloud_calls(
    observations: Sequence[Observation], around: Surroundings, service: Service, actions: CloudActions
) -> Iterator[Record]:
    """Successful calls of the cloud API that cut or throttle a connection, until the call that undoes them.

    Those of the customer's own account, and those of another for what the drawing ties to the service: who is not the
    customer, and may do that, acts for the provider, unless what it changed is not the customer's either. What another
    does to anything else is another tenant's affair.
    """
    calls = sorted((o for o in observations if isinstance(o, CloudCall)), key=lambda call: call.time_ns)
    for position, call in enumerate(calls):
        action = actions.get(call.action.lower())
        if action is None or not call.succeeded:
            continue
        undone = (
            later
            for later in calls[position + 1 :]
            if later.succeeded and later.action.lower() in action.undone_by and _same_resource(call, later)
        )
        undo = next(undone, None)
        another = None not in (service.account, call.account) and call.account != service.account
        if another and not _is_tied(call, around):
            continue
        spares = _spares_service(call, around, service.bandwidth_bps)
        yield Record(
            interval=Interval(call.time_ns, FOREVER_NS if undo is None else undo.time_ns),
            actor=Side.PROVIDER if another else Side.CUSTOMER,
            component=attached_node(call, around),
            kind=RecordKind.OPERATION,
            harmful=Condition.NOT_MET if spares else Condition.MET if action.cuts else Condition.UNKNOWN,
            consent=Condition.NOT_MET,
            citation=Citation(call.origin, call.locator),
            statement=_called(call, CALLED_BY_ANOTHER if another else CALLED, undo),
            effect=CommandEffectKind.RATE_LIMIT_SET if action.limits else None,
            cloud_call=True,
            account=call.account if another else None,
            stranger=another and bool(call.owners) and service.account not in call.owners,
            tied=bool(_tied_nodes(call, around)),
            beside=_beside(call, around) if action.cuts else (),
        )


def _called(call: CloudCall, words: Template, undo: CloudCall | None) -> Phrase:
    called = words.fill(account=call.account or "?", user=call.user or "?", action=call.action)
    if undo is None:
        return called
    seconds = (undo.time_ns - call.time_ns) / NANOSECONDS
    return UNDONE.fill(called=called, undo=undo.action, user=undo.user or "?", seconds=seconds)


def _beside(call: CloudCall, around: Surroundings) -> tuple[str, ...]:
    """The network's own nodes beside what a call detaches from it: it has no route there any more, either."""
    node = attached_node(call, around)
    networks = {name for name in _tied_nodes(call, around) if name != node}
    if node is not None:
        nearby = {link.far_end(node) for link in around.topology.links_of(node)}
        networks |= {name for name in nearby if around.topology.nodes[name].kind is NodeKind.SERVICE}
    return tuple(sorted(networks))


def _spares_service(call: CloudCall, around: Surroundings, bandwidth_bps: float | None) -> bool:
    """Whether all that a call names is known not to be the service's: other destinations, or as much as was bought."""
    prefixes = _PREFIX.findall(call.parameters)
    if prefixes:
        return all(is_of_service(prefix, around) is Condition.NOT_MET for prefix in prefixes)
    limits = [int(limit) * MEGABIT for limit in _BANDWIDTH_LIMIT.findall(call.parameters)]
    return bool(limits) and bandwidth_bps is not None and min(limits) >= bandwidth_bps


def _same_resource(first: CloudCall, second: CloudCall) -> bool:
    return not first.resources or not second.resources or bool(set(first.resources) & set(second.resources))


def attached_node(call: CloudCall, around: Surroundings) -> str | None:
    """The node that a call detaches: the one its resources are tied to, else the gateway next to a service end."""
    tied = _tied_nodes(call, around)
    if tied:
        return tied[0]
    nodes = around.topology.nodes.values()
    of_cloud = [node.id for node in nodes if node.kind is NodeKind.GATEWAY and node.side is Side.PROVIDER]
    gateways = of_cloud or [node.id for node in nodes if node.kind is NodeKind.GATEWAY]
    beside = [one for one in gateways if any(set(link.ends) & around.ends for link in around.topology.links_of(one))]
    return next(iter(beside or gateways), None)


def _is_tied(call: CloudCall, around: Surroundings) -> bool:
    """Whether the drawing has what a call names, on whatever node or link."""
    named, topology = set(call.resources), around.topology
    drawn = [node.resource_ids for node in topology.nodes.values()]
    drawn += [link.resource_ids for link in topology.links.values()]
    return any(named & set(resource_ids) for resource_ids in drawn)


def _is_network(resources: Iterable[str]) -> bool:
    """Whether resources are but the network that others are attached to: who calls names both."""
    return all(name.startswith("ccn-") for name in resources)


def _tied_nodes(call: CloudCall, around: Surroundings) -> list[str]:
    """The nodes to which the drawing ties what a call names, what is attached to a network (CCN) before the network."""
    named = set(call.resources)
    ties = {node.id: named & set(node.resource_ids) for node in around.topology.nodes.values()}
    nodes = sorted((name for name, tied in ties.items() if tied), key=lambda name: _is_network(ties[name]))
    links = [link for link in around.topology.links.values() if named & set(link.resource_ids)]
    beyond = (
        link.far_end(end) for link in links for end in link.ends if around.topology.nodes[end].side is Side.CUSTOMER
    )
    return [*nodes, *beyond]
