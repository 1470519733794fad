"""The kernel's own word on a node's interfaces: every change as it happens, and their counters when asked."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.namespaces import inside

_LINK_GROUP = 1
_NEWLINK, _GETLINK, _NEWQDISC, _GETQDISC = 16, 18, 36, 38
_REQUEST, _DUMP = 0x1, 0x300
_UP, _RUNNING, _LOWER_UP = 0x1, 0x40, 0x10000
_NAME, _STATS64 = 3, 23
_ROOT = 0xFFFFFFFF
_QDISC_STATS2, _QUEUE = 7, 3


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as the kernel describes it."""

    index: int
    device: str
    admin_up: bool
    carrier: bool
    counters: dict[str, int]


def listen(namespace: str) -> socket.socket:
    """A socket that hears of every link change inside a namespace."""
    with inside(namespace):
        handle = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    handle.bind((0, _LINK_GROUP))
    handle.setblocking(False)
    return handle


def read_changes(handle: socket.socket) -> Iterator[Interface]:
    """The link changes that have arrived."""
    while True:
        try:
            data = handle.recv(65536)
        except BlockingIOError:
            return
        for kind, body in _messages(data):
            if kind == _NEWLINK:
                yield _interface(body)


def open_counters(namespace: str) -> socket.socket:
    """A socket that answers questions about a namespace's interfaces."""
    with inside(namespace):
        handle = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    handle.bind((0, 0))
    handle.settimeout(2.0)
    return handle


def read_interfaces(handle: socket.socket) -> tuple[Interface, ...]:
    """All interfaces with their counters; what a queue dropped counts as discarded on the way out."""
    dropped: dict[int, int] = {}
    for kind, body in _ask(handle, _GETQDISC, struct.pack("BxxxiIII", 0, 0, 0, 0, 0)):
        index, _, parent = struct.unpack_from("iII", body, 4)
        if kind == _NEWQDISC and parent == _ROOT:  # a discipline inside another counts the same packets again
            dropped[index] = dropped.get(index, 0) + _queue_drops(body[20:])
    found = []
    for kind, body in _ask(handle, _GETLINK, struct.pack("BxHiII", 0, 0, 0, 0, 0)):
        if kind == _NEWLINK:
            link = _interface(body)
            link.counters["out_discards"] = link.counters.get("out_discards", 0) + dropped.get(link.index, 0)
            found.append(link)
    return tuple(found)


def _ask(handle: socket.socket, kind: int, body: bytes) -> list[tuple[int, bytes]]:
    """Ask for a dump and collect all of its messages."""
    handle.send(struct.pack("IHHII", 16 + len(body), kind, _REQUEST | _DUMP, 1, 0) + body)
    answers: list[tuple[int, bytes]] = []
    while True:
        for answer, content in _messages(handle.recv(262144)):
            if answer == 3:  # NLMSG_DONE
                return answers
            answers.append((answer, content))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The netlink messages of one datagram, each as its type and body."""
    offset = 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("IH", data, offset)
        if length < 16:
            return
        yield kind, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes of a message body."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("HH", data, offset)
        if length < 4:
            return
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _interface(body: bytes) -> Interface:
    """Decode a link message."""
    index, flags = struct.unpack_from("iI", body, 4)
    device, counters = "", {}
    for kind, value in _attributes(body[16:]):
        if kind == _NAME:
            device = value.rstrip(b"\0").decode()
        elif kind == _STATS64:
            names = ("in_packets", "out_packets", "in_octets", "out_octets", "in_errors", "out_errors",
                     "in_discards", "out_discards")
            counters = dict(zip(names, struct.unpack_from("8Q", value), strict=True))
    return Interface(index, device, bool(flags & _UP), bool(flags & _LOWER_UP and flags & _RUNNING), counters)


def _queue_drops(attributes: bytes) -> int:
    """How many packets a queueing discipline has dropped."""
    for kind, value in _attributes(attributes):
        if kind == _QDISC_STATS2:
            for inner, statistics in _attributes(value):
                if inner == _QUEUE:
                    return int(struct.unpack_from("5I", statistics)[2])
    return 0
