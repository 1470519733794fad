"""case.json: what a case states about itself, written and read; rules/schemas/case.json describes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attribution.errors import AttributionError
from attribution.model.kept_case import MANIFEST_FILE, KeptCase, Manifest, ProgramStatement
from attribution.model.verdict import InputFile

SCHEMA = "attribution/case/1"


def write_manifest(manifest: Manifest, contents: Mapping[str, bytes]) -> bytes:
    """The statement as JSON, with the digests of the contents."""
    program = manifest.program
    document = {
        "schema": SCHEMA,
        "incident": manifest.incident,
        "options": {"without": list(manifest.without)},
        "program": {
            "name": program.name,
            "version": program.version,
            "rules": dict(program.rules),
            "sources": dict(program.sources),
        },
        "environment": {"python": program.python, "libraries": dict(program.libraries)},
        "inputs": [{"file": file.file, "sha256": file.sha256, "bytes": file.octets} for file in manifest.inputs],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())},
    }
    return dump(document)


def dump(document: object) -> bytes:
    return f"{json.dumps(document, indent=1, ensure_ascii=True)}\n".encode("ascii")


def read_manifest(case: KeptCase) -> Manifest:
    """What case.json states. Errors: AttributionError where it is missing or is not what this program writes."""
    content = case.contents.get(MANIFEST_FILE)
    if content is None:
        raise AttributionError(MANIFEST_FILE, "found no such file in the case", "expected what `decide --case` wrote")
    try:
        document: dict[str, Any] = json.loads(content)
        if document["schema"] != SCHEMA:
            found = f"found the schema {document['schema']!r}"
            raise AttributionError(MANIFEST_FILE, found, f"expected {SCHEMA}")
        return _manifest(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"found {type(error).__name__} in it ({error})"
        raise AttributionError(MANIFEST_FILE, found, "expected what `decide --case` wrote") from None


def _manifest(document: dict[str, Any]) -> Manifest:
    program, environment = document["program"], document["environment"]
    return Manifest(
        incident=str(document["incident"]),
        without=tuple(map(str, document["options"]["without"])),
        program=ProgramStatement(
            name=str(program["name"]),
            version=str(program["version"]),
            sources={str(name): str(digest) for name, digest in program["sources"].items()},
            rules={str(name): str(digest) for name, digest in program["rules"].items()},
            python=str(environment["python"]),
            libraries={str(name): str(number) for name, number in environment["libraries"].items()},
        ),
        inputs=tuple(InputFile(str(f["file"]), str(f["sha256"]), int(f["bytes"])) for f in document["inputs"]),
        files={str(name): str(digest) for name, digest in document["files"].items()},
    )
