"""What entries of a timeline say: every sentence in one place, as templates that another language has its own of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attribution.model.observation import AccountEventKind, DownReason, LogEvent, LogKind, WitnessKind
from attribution.model.phrase import Phrase

SERVICE_FLOWS = "packets of flows between {first} and {second}"
WAY_CHANGED = "the way from {source} to {destination} changed: it now leads over {nodes}"
NO_FARTHER = "a traceroute from {source} to {destination} got no farther than {node}"
ARRIVES_AGAIN = "traceroutes from {source} to {destination} arrive again"
CAPTURED = "a capture at {point} recorded {packets} packets"
TYPED = "{user} typed on {device}: {command}"
SOMEONE = "an operator"
CALLED = "account {account} (user {user}) called {action}"
CALLED_IN_VAIN = "account {account} (user {user}) called {action}, which failed"
TESTIFIED = "packets at {points}: {detail}"
AND = "{first} and {last}"
NAMED = "{name} ({address})"
A_PORT = "a port"
A_NEIGHBOUR = "a neighbour"
A_PROCESS = "a process"
ROUTING = "routing"
WHY = "{what} ({why})"
TICKETS = "tickets"
ACCOUNT = "account"
CLOUD = "cloud API"

STATED = "the offset of its clock was stated"
STATED_FOR = "the offset of its clocks was stated, for {files} files"
AMONG_CAPTURES = "by the packets that it and {other} recorded both"

# For {device}, {port} (a name, or `a port`), {peer} and {process}.
LOG_SENTENCES: Mapping[LogKind, str] = {
    LogKind.INTERFACE_DOWN: "{device}: {port} went down",
    LogKind.INTERFACE_UP: "{device}: {port} came up",
    LogKind.INTERFACE_ADMIN_DOWN: "{device}: {port} was shut down by an operator",
    LogKind.INTERFACE_ERRORS: "{device}: {port} counts errors",
    LogKind.LOCAL_FAULT: "{device}: {port} reports a local fault",
    LogKind.REMOTE_FAULT: "{device}: {port} reports a remote fault",
    LogKind.OPTICS_LOW_RX: "{device}: {port} receives too little light",
    LogKind.OPTICS_LOW_TX: "{device}: {port} sends too little light",
    LogKind.NEIGHBOUR_DYING: "{device}: the device at {port} says that it goes down",
    LogKind.TRANSCEIVER_REMOVED: "{device}: the transceiver of {port} was removed",
    LogKind.TRANSCEIVER_INSERTED: "{device}: a transceiver was put into {port}",
    LogKind.SESSION_DOWN: "{device}: the {protocol} session with {peer} went down",
    LogKind.SESSION_UP: "{device}: the {protocol} session with {peer} came up",
    LogKind.PROCESS_DOWN: "{device}: {process} stopped",
    LogKind.PROCESS_UP: "{device}: {process} started",
    LogKind.DEVICE_RESTARTED: "{device} restarted",
    LogKind.RELOAD_REQUESTED: "{device}: a restart was requested",
    LogKind.POWER_FAULT: "{device}: a power supply failed",
    LogKind.HARDWARE_FAULT: "{device}: a hardware fault",
    LogKind.HARDWARE_CLEARED: "{device}: a hardware fault is over",
    LogKind.CPU_HIGH: "{device}: the processor is overloaded",
    LogKind.MEMORY_LOW: "{device}: memory runs out",
    LogKind.TEMPERATURE_HIGH: "{device} is too hot",
    LogKind.PREFIX_LIMIT: "{device}: {peer} sent more prefixes than allowed",
    LogKind.AUTHENTICATION_MISMATCH: "{device}: authentication with {peer} fails",
    LogKind.LOOP_DETECTED: "{device}: a loop, or its signs",
    LogKind.TOPOLOGY_CHANGED: "{device}: the spanning tree changed",
    LogKind.REDUNDANCY_CHANGED: "{device}: a redundancy group changed its state",
    LogKind.DUPLICATE_ADDRESS: "{device}: somebody else has the same address",
    LogKind.ADDRESS_ASSIGNED: "{device} took an address for its own",
    LogKind.RATE_EXCEEDED: "{device}: a rate limit was exceeded",
    LogKind.CONTROL_PLANE_DROPS: "{device}: drops packets meant for its own processor",
    LogKind.TRAFFIC_DENIED: "{device}: a filter dropped packets for {peer}",
    LogKind.TRAFFIC_UNANSWERED: "{device}: packets for {peer} passed, but nothing came back",
    LogKind.CONNTRACK_FULL: "{device}: the table of connections is full",
    LogKind.ATTACK_DETECTED: "{device}: an attack was detected",
    LogKind.CONFIG_CHANGED: "{device}: the configuration was changed",
    LogKind.MAINTENANCE: "{device}: maintenance",
    LogKind.CLOCK_CHANGED: "{device}: the clock was set",
    LogKind.GRAVE: "{device}: a message of trouble that is not understood",
}

REASONS: Mapping[DownReason, str] = {
    DownReason.HOLD_TIMER: "the hold timer ran out",
    DownReason.NOTIFICATION_SENT: "it sent a notification",
    DownReason.NOTIFICATION_RECEIVED: "the peer sent a notification",
    DownReason.ADMIN_LOCAL: "by its own operator",
    DownReason.ADMIN_REMOTE: "by the peer's operator",
    DownReason.INTERFACE: "its port went down",
    DownReason.PEER_CLOSED: "the peer closed it",
    DownReason.DETECTION: "a watcher such as BFD reported it",
    DownReason.NEIGHBOUR: "the neighbour is gone",
    DownReason.PREFIX_LIMIT: "too many prefixes",
    DownReason.AUTHENTICATION: "authentication failed",
    DownReason.PARAMETERS: "the two ends do not agree",
    DownReason.PROTECTION: "the device protected itself",
    DownReason.RESOURCES: "it ran out of resources",
}

ACCOUNT_SENTENCES: Mapping[AccountEventKind, str] = {
    AccountEventKind.PAYMENT_DUE: "a payment fell due ({detail})",
    AccountEventKind.PAYMENT_RECEIVED: "a payment was received ({detail})",
    AccountEventKind.VIOLATION_NOTICE: "a violation was notified ({detail})",
    AccountEventKind.RESTRICTED: "the service was restricted ({detail})",
    AccountEventKind.SUSPENDED: "the service was suspended ({detail})",
    AccountEventKind.LINK_BLOCKED: "the link was blocked ({detail})",
    AccountEventKind.RESTORED: "the service was restored ({detail})",
    AccountEventKind.TERMINATED: "the service was terminated ({detail})",
}

# Where a witness has no words of its own.
WITNESS_SENTENCES: Mapping[WitnessKind, str] = {kind: kind.value.replace("_", " ") for kind in WitnessKind}


TEMPLATES: tuple[str, ...] = (
    SERVICE_FLOWS, WAY_CHANGED, NO_FARTHER, ARRIVES_AGAIN, CAPTURED, TYPED, SOMEONE, CALLED, CALLED_IN_VAIN,
    TESTIFIED, AND, NAMED, A_PORT, A_NEIGHBOUR, A_PROCESS, ROUTING, WHY, TICKETS, ACCOUNT, CLOUD, STATED, STATED_FOR,
    AMONG_CAPTURES, *LOG_SENTENCES.values(), *REASONS.values(), *ACCOUNT_SENTENCES.values(),
    *WITNESS_SENTENCES.values(),
)  # fmt: skip
"""Everything that this stage says by itself, for whoever says it in another language."""


def say_log(event: LogEvent, name_of: Callable[[str | None], str | None]) -> Phrase | None:
    """A log line in a sentence; None for lines that tell nothing of weight (logins, routine).

    `name_of` tells the node that an address means.
    """
    if event.kind is LogKind.COMMAND:
        typed = event.command or event.text.strip()
        return Phrase(TYPED, user=event.user or Phrase(SOMEONE), device=event.device, command=typed)
    template = LOG_SENTENCES.get(event.kind)
    if template is None:
        return None
    what = Phrase(
        template,
        device=event.device,
        port=event.interface or Phrase(A_PORT),
        peer=_peer(event.peer, name_of),
        protocol=event.protocol.upper() if event.protocol else Phrase(ROUTING),
        process=event.process or Phrase(A_PROCESS),
    )
    is_plain = event.reason is None or (event.kind, event.reason) == (LogKind.INTERFACE_DOWN, DownReason.INTERFACE)
    return what if event.reason is None or is_plain else Phrase(WHY, what=what, why=Phrase(REASONS[event.reason]))


def _peer(peer: str | None, name_of: Callable[[str | None], str | None]) -> str:
    name = name_of(peer)
    if peer is None:
        return Phrase(A_NEIGHBOUR)
    return peer if name is None or name == peer else Phrase(NAMED, name=name, address=peer)


def enumerate_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else Phrase(AND, first=", ".join(names[:-1]), last=names[-1])
