"""Other names for every device, interface and address of one incident, drawn by seed and used everywhere alike."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

from tests.transform.addresses import AddressMap, keeps_its_meaning
from tests.transform.folder import Keys, entries_of, is_table, read_incident, read_table, read_text, type_of
from tests.transform.graph import read_graph
from tests.transform.log_lines import read_lines, sender_of

_LETTERS = "kqvwxz"
_PORTS = 32

_STYLES = (
    "(?:Ten|Forty|Hundred|TwentyFive|Twenty-Five)?-?Gig(?:abit)?(?:Ethernet|E)?|XGigabitEthernet|FastEthernet|Ethernet"
    "|X?GE|Gi|Te|Fa|Hu|Eth-Trunk|Bridge-Aggregation|BAGG|Port-channel|Vlanif|Vlan-interface|LoopBack|Tunnel"
    "|(?:ge|xe|et|fe)-|eth|ens|enp|eno|bond|br|vxlan|gre|irb|ae"
)
_NUMBERED_INTERFACE = re.compile(rf"({_STYLES})(\d+(?:/\d+)*)((?:\.\d+)?)", re.IGNORECASE)
_ADDRESS_V4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2}(?!\d))?(?!\w|\.\d)"
_ADDRESS_V6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:/\d{1,3})?(?!\w)"
_HARDWARE = (
    r"(?<![\w:.-])(?:(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4})(?![\w:-])"
)


class Renaming:
    """What everything is called afterwards. Device names keep their length, so that packets that carry them do too."""

    def __init__(
        self, devices: Mapping[str, str], interfaces: Mapping[str, frozenset[str]], owners: Mapping[str, str], seed: str
    ) -> None:
        self.devices = dict(devices)
        self.addresses = AddressMap(seed)
        self._interfaces = interfaces
        self._owners = dict(owners)
        self._seed = seed
        self._ports: dict[str, list[int]] = {}
        self._patterns: dict[str | None, re.Pattern[str]] = {}
        self._known: dict[tuple[str, str | None], str] = {}

    def device(self, name: str) -> str:
        """The other name of a device; a name that is none stays."""
        return self.devices.get(name, name)

    def device_at(self, place: str) -> str | None:
        """The device that a label means: by its name, or by an address of its own with or without a port."""
        host = place if place in self.devices else place.rpartition(":")[0] or place
        return host if host in self.devices else self._owners.get(host)

    def interface(self, device: str | None, name: str) -> str:
        """The other name of a device's interface: the vendor's style with another port, else a neutral word."""
        if device is None or not name:
            return name
        numbered = _NUMBERED_INTERFACE.fullmatch(name)
        if numbered is None:
            return f"if{_PORTS + sorted(self._interfaces[device]).index(name)}" if self._names(device, name) else name
        stem, numbers, unit = numbered.groups()
        slots, _, port = numbers.rpartition("/")
        return f"{stem}{slots}{'/' if slots else ''}{self._port(device, int(port))}{unit}"

    def component(self, name: str) -> str:
        """The other name of a node, or of a link `a--b` or `a--b#key` with its ends in alphabetical order."""
        if "--" not in name:
            return self.device(name)
        ends, mark, key = name.partition("#")
        return "--".join(sorted(self.device(end) for end in ends.split("--"))) + mark + key

    def text(self, text: str, device: str | None = None) -> str:
        """Replace every name and address in words; interfaces are those of the device, where one is given."""
        place = (text, device)
        if place not in self._known:
            self._known[place] = self._pattern(device).sub(lambda found: self._replacement(found, device), text)
        return self._known[place]

    def _pattern(self, device: str | None) -> re.Pattern[str]:
        """One pattern for everything, so that nothing new is replaced once more."""
        if device not in self._patterns:
            own = _any_of(self._interfaces.get(device, ()) if device else ())
            self._patterns[device] = re.compile(
                rf"(?P<hardware>{_HARDWARE})|(?P<v4>{_ADDRESS_V4})|(?P<v6>{_ADDRESS_V6})"
                rf"|(?<![A-Za-z0-9])(?:(?P<own>{own})(?![\w/])|(?P<device>{_any_of(self.devices)})(?![A-Za-z0-9])"
                rf"|(?P<port>{_NUMBERED_INTERFACE.pattern})(?![\w/]))"
            )
        return self._patterns[device]

    def _replacement(self, found: re.Match[str], device: str | None) -> str:
        words = found.group()
        if found["device"]:
            return self.device(words)
        if found["own"] or found["port"]:
            return self.interface(device, words)
        if found["hardware"]:
            return self._hardware(words)
        return self._address(words)

    def _address(self, words: str) -> str:
        """An address or a prefix; what only looks like one (a time of day) stays."""
        try:
            return self.addresses.network(words) if "/" in words else self.addresses.text(words)
        except ValueError:
            return self._address(words[:-1]) + ":" if words.endswith(":") else words

    def _hardware(self, words: str) -> str:
        """The separators and the case stay as the vendor writes them."""
        digits = re.sub(r"[^0-9A-Fa-f]", "", words)
        mapped = iter(self.addresses.hardware(bytes.fromhex(digits)).hex())
        capital = digits != digits.lower()
        return "".join(
            (next(mapped).upper() if capital else next(mapped)) if letter.isalnum() else letter for letter in words
        )

    def _names(self, device: str, interface: str) -> bool:
        return interface in self._interfaces.get(device, ())

    def _port(self, device: str, number: int) -> int:
        """Port numbers below 32 are dealt out anew above 31, differently for each device; higher ones move up."""
        if number >= _PORTS:
            return number + _PORTS
        if device not in self._ports:
            self._ports[device] = random.Random(f"{self._seed} {device}").sample(range(_PORTS, 2 * _PORTS), _PORTS)
        return self._ports[device][number]


def draw_renaming(bundle: Path, seed: int) -> Renaming:
    """Names and addresses for a bundle, none of which stood in it before."""
    interfaces = _interfaces_by_device(bundle)
    text = "\n".join(_texts(bundle))
    words = set(re.findall(r"[A-Za-z0-9]+", text))
    networks = {match.rpartition(".")[0] for match in re.findall(_ADDRESS_V4, text)}
    dice = random.Random(f"names {seed}")
    devices: dict[str, str] = {}
    for name in sorted(interfaces):
        devices[name] = _draw_name(len(name), dice, words | set(devices.values()))
    owners = _owners(bundle)
    for attempt in range(1000):
        renaming = Renaming(devices, interfaces, owners, f"{seed}/{attempt}")
        if not _overlap(networks, renaming.addresses):
            return renaming
    raise AssertionError(f"no addresses found that {bundle} does not use already")


def _overlap(networks: set[str], addresses: AddressMap) -> bool:
    """Whether a network would be called what it, or another, was called before."""
    old = {network for network in networks if _is_address(f"{network}.0") and not keeps_its_meaning(f"{network}.0")}
    return any(addresses.text(f"{network}.0").rpartition(".")[0] in old for network in old)


def _is_address(words: str) -> bool:
    try:
        ip_address(words)
    except ValueError:
        return False
    return True


def _draw_name(length: int, dice: random.Random, taken: set[str]) -> str:
    """A word of that length (two letters at least) that is no word of the incident: letters, then a digit."""
    while True:
        letters = "".join(dice.choices(_LETTERS, k=max(length, 2) - 1))
        name = letters + str(dice.randrange(10))
        if name not in taken:
            return name


def _owners(bundle: Path) -> dict[str, str]:
    """Which node of the topology has an address."""
    nodes = read_graph(bundle / read_incident(bundle)["topology"]).nodes
    return {address: node["id"] for node in nodes for address in node.get("addresses", ())}


def _interfaces_by_device(bundle: Path) -> dict[str, frozenset[str]]:
    """Every device that the topology, the entries or a table names, with the interfaces that are named with it."""
    named: dict[str, set[str]] = {}
    for device, interface in _named_ports(bundle):
        named.setdefault(device, set()).update((interface,) if interface else ())
    return {device: frozenset(interfaces) for device, interfaces in named.items()}


def _named_ports(bundle: Path) -> Iterator[tuple[str, str]]:
    incident = read_incident(bundle)
    graph = read_graph(bundle / incident["topology"])
    yield from ((node["id"], "") for node in graph.nodes)
    for link in graph.links:
        yield from link.get("interfaces", {}).items()
    for entry in entries_of(incident):
        if "device" in entry:
            yield entry["device"], entry.get("interface", "")
        if is_table(bundle / entry["file"]):
            yield from _ports_of_table(bundle / entry["file"])
        elif type_of(bundle / entry["file"], entry) == "syslog":
            yield from _senders(bundle, entry)


def _ports_of_table(path: Path) -> Iterator[tuple[str, str]]:
    """Devices outside the topology are named by counters and change records alone."""
    table = read_table(path)
    if "device" in table.columns:
        yield from {(row["device"], row.get("interface") or "") for row in table.rows if row["device"]}
    for column in ("source", "destination"):
        if column in table.columns:
            yield from {(row[column], "") for row in table.rows if not _is_address(row[column])}


def _senders(bundle: Path, entry: Keys) -> Iterator[tuple[str, str]]:
    """Devices that nothing but their own log names."""
    senders = {sender_of(line, entry) for line in read_lines(bundle / entry["file"])}
    yield from ((sender, "") for sender in senders if sender and not _is_address(sender))


def _texts(bundle: Path) -> Iterator[str]:
    """All that can be read in the bundle as words."""
    incident = read_incident(bundle)
    yield (bundle / "incident.yaml").read_text(encoding="utf-8")
    yield (bundle / incident["topology"]).read_text(encoding="utf-8")
    for entry in entries_of(incident):
        path = bundle / entry["file"]
        if is_table(path):
            yield from {str(cell) for row in read_table(path).rows for cell in row.values()}
        elif type_of(path, entry) != "capture":
            yield read_text(path)


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first; for none, a pattern that never matches."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word))) or r"(?!)"
