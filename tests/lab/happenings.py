"""What happens on a device that it would write into its log, before any vendor's words are put to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A port gained or lost its carrier; `admin` where a command of this device did it."""

    port: str
    up: bool
    admin: bool = False


class BgpEnd(StrEnum):
    """Why a BGP session ended, as the device that logs it sees it."""

    HOLD_TIMER = "hold timer expired"
    NOTIFICATION_RECEIVED = "notification received"
    PEER_CLOSED = "peer closed the session"
    INTERFACE_DOWN = "interface down"
    BFD_DOWN = "bfd down"
    ADMIN_SHUTDOWN = "admin shutdown"
    MAXIMUM_PREFIXES = "maximum prefixes reached"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BgpDown:
    """A BGP session ended; the code and subcode of the NOTIFICATION that went with it, if one did.

    `port` and `own` are the device's port and address towards the peer, where it is a neighbour.
    """

    peer: str
    asn: int
    internal: bool
    end: BgpEnd
    code: tuple[int, int] | None
    port: str
    own: str = ""


@dataclass(frozen=True, slots=True)
class BgpUp:
    """A BGP session was established."""

    peer: str
    asn: int
    internal: bool


@dataclass(frozen=True, slots=True)
class OspfChange:
    """An OSPF neighbour became full or was lost; `event` as OSPF names it."""

    router_id: str
    address: str
    port: str
    up: bool
    event: str


class Deed(StrEnum):
    """What an operator or an automaton does on a device by command."""

    SHUT_PORT = "shut a port"
    OPEN_PORT = "open a port"
    DROP_PREFIX = "drop a prefix"
    PASS_PREFIX = "pass a prefix again"
    DISCARD_ROUTE = "route a prefix into the void"
    REMOVE_DISCARD_ROUTE = "remove the route into the void"
    SHUT_PEER = "shut a BGP peer"
    OPEN_PEER = "open a BGP peer"
    LIMIT_PORT = "limit a port's rate"
    UNLIMIT_PORT = "lift a port's rate limit"
    SET_ROUTE = "set a static route"
    UNSET_ROUTE = "remove a static route"
    STOP_ANNOUNCING = "announce a prefix no more"
    ANNOUNCE = "announce a prefix again"
    RELOAD = "reload"
    DESCRIBE_PORT = "write a port's description"
    DROP_PROTOCOL = "drop a protocol towards a prefix"
    PASS_PROTOCOL = "pass the protocol again"
    SET_MTU = "set a port's MTU"
    UNSET_MTU = "give a port its usual MTU back"
    SET_PASSWORD = "set a BGP peer's password"
    UNSET_PASSWORD = "remove a BGP peer's password"
    LIMIT_PREFIXES = "limit how many prefixes a BGP peer may announce"
    UNLIMIT_PREFIXES = "lift that limit"
    SET_VLAN = "move a port into another VLAN"
    UNSET_VLAN = "move a port back into its VLAN"


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody typed commands; `subject` is the port, prefix or peer, `detail` a rate or next hop."""

    deed: Deed
    user: str
    origin: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Restart:
    """The device came up after a loss of power or a reset."""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody logged in, or out again."""

    user: str
    origin: str
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Routine:
    """A line that every log is full of and that means nothing; `choice` picks among the vendor's."""

    choice: int


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A daemon ended without having been told to."""

    daemon: str
    process_id: int


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """A daemon was started."""

    daemon: str
    process_id: int


@dataclass(frozen=True, slots=True)
class DuplicateAddress:
    """Another device answers for an address that this device knows elsewhere: with `mac`, where it was `known_mac`."""

    address: str
    mac: str
    known_mac: str
    port: str


@dataclass(frozen=True, slots=True)
class AddressMoved:
    """A switch sees one hardware address alternately on two ports: a loop or a copy."""

    mac: str
    port: str
    other_port: str


@dataclass(frozen=True, slots=True)
class HighLoad:
    """The processor is busier than the device's threshold allows."""

    percent: int
    over: bool


@dataclass(frozen=True, slots=True)
class WeakLight:
    """A port receives less optical power than its threshold."""

    port: str
    dbm: float


@dataclass(frozen=True, slots=True)
class Attack:
    """The device's own defence noticed a flood towards an address."""

    address: str
    port: str


@dataclass(frozen=True, slots=True)
class TableFull:
    """A host's connection table is full, or its memory is: its service process died for it."""

    process: str


@dataclass(frozen=True, slots=True)
class LowMemory:
    """So much of the device's memory is in use that its threshold is passed, or no longer is."""

    percent: int
    over: bool


@dataclass(frozen=True, slots=True)
class DuplexMismatch:
    """The device on the other end of a port's cable says half duplex where this one says full."""

    port: str
    neighbour: str
    neighbour_port: str


@dataclass(frozen=True, slots=True)
class WrongDigest:
    """A BGP peer's segment came without the agreed signature (RFC 2385)."""

    peer: str
    own: str
    missing: bool


What = (
    LinkChange | BgpDown | BgpUp | OspfChange | Command | Restart | Login | Routine | ProcessEnded | ProcessStarted
    | DuplicateAddress | AddressMoved | HighLoad | WeakLight | Attack | TableFull | LowMemory
    | DuplexMismatch | WrongDigest
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened on a device at a time of the true clock."""

    time: float
    role: str
    what: What
