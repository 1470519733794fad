"""The two sides change places: what was the customer's is the provider's, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.transform.folder import (
    Keys,
    Table,
    copy_folder,
    entries_of,
    read_incident,
    read_table,
    read_truth,
    type_of,
    write_incident,
    write_table,
    write_text,
    write_truth,
)
from tests.transform.graph import read_graph, write_graph

ACCOUNT = "records/account-in-order.csv"
_OTHER = {"customer": "provider", "provider": "customer"}
_SIDE_WORD = re.compile(r"\b(customer|provider)\b")

CUSTOMER_CLAUSES = {
    "device_failure": ("4.2(2)",),
    "host_failure": ("4.2(2)",),
    "device_degraded": ("4.2(2)", "4.2(1)"),
    "link_failure": ("4.2(1)", "4.2(2)"),
    "link_degraded": ("4.2(1)", "4.2(2)"),
    "routing_failure": ("4.2(1)", "4.2(2)", "4.2(4)"),
    "misconfiguration": ("4.2(1)", "4.2(2)", "4.2(3)", "4.2(4)"),
}
"""By kind of cause: the clauses that may be named once it is the customer's.

A device that fails or hangs is "a self-owned or third-party device" (2); one that forwards badly may as well be "a
problem with your internal network" (1). A cable is either part of the internal network (1) or a device (2). A routing
process that dies is a device's failure (2), a problem of the network (1), or what (4) gathers up. A null route or a
filter is the network's problem (1), the device's (2), an operation that the other side had not agreed to (3), or (4).

The kinds that are missing are not symmetrical: enforcement, payment, overuse, consent and the cloud account's own calls
mean something for one side only.
"""


def is_symmetrical(truth: Keys) -> bool:
    """Whether the Agreement treats both sides alike in this incident, so that the verdict must swap with them."""
    return all(cause["kind"] in CUSTOMER_CLAUSES for cause in truth["causes"])


def swap_sides(bundle: Path, target: Path) -> Path:
    """Mirror the topology, the suppliers, who performed a change, and the truth. File names stay and may mislead."""
    copy_folder(bundle, target)
    incident = read_incident(target)
    graph = read_graph(target / incident["topology"])
    for place in (*graph.nodes, *graph.links, *entries_of(incident)):
        _swap_value(place, "side")
        _swap_value(place, "supplied_by")
    for entry in entries_of(incident):
        path = target / entry["file"]
        if type_of(path, entry) == "change-records":
            write_table(path, _swapped_records(read_table(path)))
    write_graph(target / incident["topology"], graph)
    write_incident(target, incident)
    write_truth(target, swapped_truth(read_truth(target)))
    return target


def swap_with_the_account_in_order(bundle: Path, target: Path) -> Path:
    """Swap the sides. What a customer's operator cut the provider's cuts now, and that may have been a suspension:
    where nobody handed in the account's events, they are, and there are none."""
    incident = read_incident(swap_sides(bundle, target))
    if all(type_of(target / entry["file"], entry) != "account-events" for entry in entries_of(incident)):
        entries_of(incident).append({"file": ACCOUNT, "type": "account-events", "supplied_by": "provider"})
        write_text(target / ACCOUNT, "time,event,detail\n")
        write_incident(target, incident)
    return target


def _swap_value(place: Keys, key: str) -> None:
    if place.get(key) in _OTHER:
        place[key] = _OTHER[place[key]]


def _swapped_records(table: Table) -> Table:
    """Consent is the other side's still: whoever is named by side is now of the other."""
    for row in table.rows:
        _swap_value(row, "performed_by")
        for column in ("consented_by", "description"):
            row[column] = _swapped_words(row.get(column))
    return table


def _swapped_words(words: Any) -> Any:
    return _SIDE_WORD.sub(lambda found: _OTHER[found.group()], words) if isinstance(words, str) else words


def swapped_truth(truth: Keys) -> Keys:
    """The party and each cause's side; the clause as the party that it burdens now."""
    if not truth:
        return truth
    _swap_value(truth, "party")
    for cause in truth["causes"]:
        _swap_value(cause, "side")
    if truth["party"] in ("provider", "customer", "shared"):
        earliest = min(truth["causes"], key=lambda cause: cause["start"])
        by_the_provider = earliest["side"] == "provider"
        truth["clause"] = "4.2" if by_the_provider else list(CUSTOMER_CLAUSES.get(earliest["kind"], ("4.2(4)",)))
    return truth
