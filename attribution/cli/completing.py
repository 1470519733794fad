"""What a shell offers while a command is typed: files, types and suppliers of the incident, clauses, schemas.

Nothing here may fail or say anything: an incident that cannot be read offers nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from attribution.model.incident import Incident


def complete_evidence(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """What `--without` can be given: the incident's files, their types and suppliers."""
    incident = _incident(context)
    if incident is None:
        return []
    files = [origin.file for origin in incident.origins]
    types = sorted({origin.type.value for origin in incident.origins})
    suppliers = sorted({origin.supplied_by.value for origin in incident.origins if origin.supplied_by is not None})
    return _beginning([*types, *suppliers, *files], incomplete)


def complete_file(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The files of the incident's evidence."""
    incident = _incident(context)
    return [] if incident is None else _beginning([origin.file for origin in incident.origins], incomplete)


def complete_node(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The nodes of the topology, or of the incident's topology."""
    from attribution.cli.topology import load_topology
    from attribution.errors import AttributionError

    path = _path(context)
    try:
        found = load_topology(path)[0] if path is not None else None
    except (AttributionError, OSError):
        return []
    return [] if found is None else _beginning(list(found.nodes), incomplete)


def complete_clause(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The clauses of the agreement that is asked for."""
    from attribution.errors import AttributionError
    from attribution.responsibility import load_agreement

    name = context.params.get("name") or "tencent-cross-region-connection"
    try:
        return _beginning(list(load_agreement(name, "--agreement").clauses), incomplete)
    except AttributionError:
        return []


def complete_agreement(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from attribution.responsibility import known_agreements

    return _beginning(list(known_agreements()), incomplete)


def complete_schema(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return _beginning(known_schemas(), incomplete)


def known_schemas() -> list[str]:
    """The names of the JSON Schemas that the program holds."""
    from importlib import resources

    folder = resources.files("attribution") / "rules" / "schemas"
    return sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))


def _incident(context: click.Context) -> Incident | None:
    """What incident.yaml of the PATH already typed states; the files of evidence are not opened."""
    from attribution.bundle import INCIDENT_FILE, open_bundle
    from attribution.errors import AttributionError
    from attribution.readers import read_incident

    path = _path(context)
    if path is None:
        return None
    try:
        with open_bundle(path) as bundle:
            return read_incident(bundle.read(INCIDENT_FILE), bundle)
    except (AttributionError, OSError):
        return None


def _path(context: click.Context) -> Path | None:
    """The PATH already typed; while an option waits for its value, click leaves it among what is still to be read."""
    path = context.params.get("path") or next(iter(context.args), None)
    return None if path is None else Path(path)


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]
