"""The same facts in another order; only the order in which one device logged stays, for that is a fact itself."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

from tests.transform.folder import (
    copy_folder,
    entries_of,
    is_table,
    read_incident,
    read_json,
    read_table,
    type_of,
    write_incident,
    write_json,
    write_table,
)
from tests.transform.graph import read_graph, write_graph
from tests.transform.log_lines import read_lines, sender_of, write_lines


def shuffle(bundle: Path, target: Path, seed: int) -> Path:
    """Shuffle evidence entries, rows of tables, keys, nodes and links, and the devices' log lines among each other."""
    dice = random.Random(f"shuffle {seed}")
    copy_folder(bundle, target)
    incident = read_incident(target)
    for entry in entries_of(incident):
        path = target / entry["file"]
        kind = type_of(path, entry)
        if is_table(path):
            table = read_table(path)
            dice.shuffle(table.rows)
            write_table(path, table)
        elif kind == "syslog":
            lines = read_lines(path)
            write_lines(path, _merged([(sender_of(line, entry) or "", line) for line in lines], dice))
        elif kind != "capture":
            write_json(path, _with_keys_shuffled(read_json(path), dice))
    dice.shuffle(entries_of(incident))
    write_incident(target, _with_keys_shuffled(incident, dice))
    _shuffle_topology(target / incident["topology"], dice)
    return target


def _merged(lines: list[tuple[str, str]], dice: random.Random) -> list[str]:
    """Deal the devices' lines out anew, each device's in its own order."""
    waiting: dict[str, deque[str]] = defaultdict(deque)
    for sender, line in lines:
        waiting[sender].append(line if line.endswith("\n") else line + "\n")
    order = [sender for sender, _ in lines]
    dice.shuffle(order)
    return [waiting[sender].popleft() for sender in order]


def _with_keys_shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        dice.shuffle(items)
        return {key: _with_keys_shuffled(item, dice) for key, item in items}
    return [_with_keys_shuffled(item, dice) for item in value] if isinstance(value, list) else value


def _shuffle_topology(path: Path, dice: random.Random) -> None:
    graph = read_graph(path)
    dice.shuffle(graph.nodes)
    dice.shuffle(graph.links)
    graph.nodes = [_with_keys_shuffled(node, dice) for node in graph.nodes]
    graph.links = [_with_keys_shuffled(link, dice) for link in graph.links]
    write_graph(path, graph)
