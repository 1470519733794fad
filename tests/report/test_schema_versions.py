"""Whoever reads version 1 of a document can go on doing so: nothing of it is ever taken away or given another type.

`frozen/` holds the schemas of version 1 as they were when they were first published, and documents of that time.
A schema may come to describe more; what it described stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

FROZEN = Path(__file__).parent / "frozen"
SCHEMAS = sorted(FROZEN.glob("*.schema.json"))
DOCUMENTS = sorted(FROZEN.glob("*.document.json"))


def name_of(path: Path) -> str:
    return path.name.split(".")[0]


def schema_now(path: Path) -> Any:
    text = (resources.files("attribution") / "rules" / "schemas" / f"{name_of(path)}.json").read_text(encoding="utf-8")
    return json.loads(text)


def promises(schema: Any, root: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What a schema promises its readers: each field that is always there, each field's type and values."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = {**root["$defs"][name], **{key: item for key, item in schema.items() if key != "$ref"}}
    kinds = schema.get("type")
    if kinds is not None:
        yield path, f"type {sorted([kinds] if isinstance(kinds, str) else kinds)}"
    for key in ("const", "pattern", "minimum", "maximum"):
        if key in schema:
            yield path, f"{key} {schema[key]!r}"
    for required in schema.get("required", ()):
        yield path, f"always has {required}"
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}", "is a field"
        yield from promises(part, root, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from promises(schema["items"], root, f"{path}[]")
    for number, part in enumerate(schema.get("anyOf", ())):
        yield from promises(part, root, f"{path}|{number}")


@pytest.mark.parametrize("frozen", SCHEMAS, ids=name_of)
def test_no_field_is_taken_away_or_given_another_type(frozen: Path) -> None:
    then, now = json.loads(frozen.read_text(encoding="utf-8")), schema_now(frozen)

    assert set(promises(then, then)) - set(promises(now, now)) == set()
    assert now["$id"] == then["$id"]


@pytest.mark.parametrize("frozen", DOCUMENTS, ids=name_of)
def test_documents_of_the_first_version_still_validate(frozen: Path) -> None:
    document = json.loads(frozen.read_text(encoding="utf-8"))

    Draft202012Validator(schema_now(frozen)).validate(document)


def test_the_comparison_can_fail() -> None:
    """A schema that lost a field, or gave one another type, breaks a promise."""
    then = json.loads((FROZEN / "verdict.schema.json").read_text(encoding="utf-8"))
    lost, retyped = json.loads(json.dumps(then)), json.loads(json.dumps(then))
    del lost["properties"]["evidence"]["items"]["properties"]["weight"]
    retyped["properties"]["incident"]["type"] = "integer"

    assert ".evidence[].weight" in {path for path, _ in set(promises(then, then)) - set(promises(lost, lost))}
    assert (".incident", "type ['string']") in set(promises(then, then)) - set(promises(retyped, retyped))


def test_a_schema_may_describe_more() -> None:
    then = json.loads((FROZEN / "verdict.schema.json").read_text(encoding="utf-8"))
    more = json.loads(json.dumps(then))
    more["properties"]["more"] = {"type": "string"}

    assert set(promises(then, then)) <= set(promises(more, more))
