"""What differs between a case and the same incident decided anew: which input, rule or program file, and which result.

Inputs are the same where their names within the incident and their octets are: the incident may have moved, or be an
archive now, and other files may lie beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, zip_longest

from attribution.case.keeping import DOSSIER, EVIDENCE, HYPOTHESES, OBSERVATIONS, VERDICT
from attribution.case.manifest import dump, read_manifest
from attribution.model.kept_case import MANIFEST_FILE, Difference, KeptCase, Manifest, Part, ProgramStatement
from attribution.model.verdict import InputFile

MOST_SHOWN = 5
_LONGEST = 160
_NOTHING = "nothing"
_PARTS = {
    OBSERVATIONS: Part.OBSERVATION,
    EVIDENCE: Part.EVIDENCE,
    HYPOTHESES: Part.HYPOTHESIS,
    VERDICT: Part.VERDICT,
    DOSSIER: Part.DOSSIER,
}


def seal_of(case: KeptCase) -> str:
    """The digest of case.json, which holds those of all else: who knows it knows the case by it."""
    return hashlib.sha256(case.contents.get(MANIFEST_FILE, b"")).hexdigest()


def check_intact(case: KeptCase, manifest: Manifest) -> Iterator[Difference]:
    """Files of the case that are not those that its case.json names."""
    found = {name: _digest(content) for name, content in case.contents.items() if name != MANIFEST_FILE}
    yield from _differing(Part.CASE, manifest.files, found)
    content = case.contents[MANIFEST_FILE]
    if dump(json.loads(content)) != content:
        yield Difference(Part.CASE, MANIFEST_FILE, "the form in which this program writes it", "another form")


def compare_inputs(kept: Iterable[InputFile], found: Iterable[InputFile]) -> Iterator[Difference]:
    """Inputs that are missing, further ones, and those whose content is another."""
    yield from _differing(Part.INPUT, {f.file: f.sha256 for f in kept}, {f.file: f.sha256 for f in found})


def compare_program(kept: ProgramStatement, found: ProgramStatement) -> Iterator[Difference]:
    """Rule files, source files and the version that are not those of the case."""
    if kept.version != found.version:
        yield Difference(Part.PROGRAM, "version", kept.version, found.version)
    yield from _differing(Part.RULE, kept.rules, found.rules)
    yield from _differing(Part.PROGRAM, kept.sources, found.sources)


def remark_environment(kept: ProgramStatement, found: ProgramStatement) -> Iterator[str]:
    """Versions of Python and of libraries that are others than when the case was decided."""
    here = {"python": found.python, **found.libraries}
    for name, number in {"python": kept.python, **kept.libraries}.items():
        if here.get(name) != number:
            yield f"{name} {number} decided the case, {here.get(name, _NOTHING)} decided anew"


def _differing(part: Part, kept: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*kept, *found}):
        if kept.get(name) != found.get(name):
            yield Difference(part, name, _sha256(kept.get(name)), _sha256(found.get(name)))


def _sha256(digest: str | None) -> str:
    return _NOTHING if digest is None else f"sha256 {digest}"


def compare_results(kept: KeptCase, anew: KeptCase) -> Iterator[Difference]:
    """What came of it that is not as it was: the first line of each list, the first values of each document."""
    for name, part in _PARTS.items():
        before, after = kept.contents.get(name, b""), anew.contents.get(name, b"")
        if before != after:
            differing = _lines(part, before, after) if name.endswith(".ndjson") else _values(part, before, after)
            shown = list(islice(differing, MOST_SHOWN))
            yield from shown or [Difference(part, name, f"sha256 {_digest(before)}", f"sha256 {_digest(after)}")]
    stated, now = read_manifest(kept), read_manifest(anew)
    if stated.incident != now.incident:
        yield Difference(Part.CASE, f"{MANIFEST_FILE}: incident", stated.incident, now.incident)
    if stated.without != now.without:
        yield Difference(Part.CASE, f"{MANIFEST_FILE}: options", _shortened(stated.without), _shortened(now.without))
    sizes = {file.file: file.octets for file in now.inputs}
    for file in stated.inputs:
        if sizes.get(file.file, file.octets) != file.octets:
            place = f"{MANIFEST_FILE}: bytes of {file.file}"
            yield Difference(Part.CASE, place, str(file.octets), str(sizes[file.file]))


def _lines(part: Part, before: bytes, after: bytes) -> Iterator[Difference]:
    """The first line that differs, by the place in the incident's file that it speaks of."""
    pairs = zip_longest(before.splitlines(), after.splitlines())
    for number, (old, new) in enumerate(pairs, 1):
        if old != new:
            place = _place_of(new) or _place_of(old)
            yield Difference(part, f"line {number}{f' ({place})' if place else ''}", _text(old), _text(new))
            return


def _place_of(line: bytes | None) -> str:
    """File and locator of an observation or a piece of evidence."""
    try:
        value = json.loads(line) if line is not None else None
    except ValueError:
        return ""
    if not isinstance(value, dict):
        return ""
    cited = value.get("citation")
    told = cited if isinstance(cited, dict) else value
    file = told.get("origin") or told.get("file")
    return ", ".join(str(part) for part in (file, told.get("locator")) if part)


def _values(part: Part, before: bytes, after: bytes) -> Iterator[Difference]:
    """The values of two documents that differ, by their path of keys."""
    try:
        yield from _walk(part, json.loads(before), json.loads(after), "")
    except (ValueError, RecursionError):
        return


def _walk(part: Part, before: object, after: object, path: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _walk(part, before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip_longest(before, after)):
            yield from _walk(part, old, new, f"{path}[{index}]")
    elif before != after or type(before) is not type(after):
        yield Difference(part, path, _shortened(before), _shortened(after))


def _text(line: bytes | None) -> str:
    return _NOTHING if line is None else _cut(line.decode("utf-8", "replace"))


def _shortened(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
