"""A kept case: what a decision read, by which program and rules, and all that came of it, to be reproduced later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from attribution.model.verdict import InputFile

MANIFEST_FILE = "case.json"


@dataclass(frozen=True, slots=True)
class ProgramStatement:
    """Which program decided: its version, each of its source and rule files with its digest, and what it ran on.

    `sources` and `rules` map a file's name within the package to its SHA-256; `libraries` a library to its version.
    """

    name: str
    version: str
    sources: Mapping[str, str]
    rules: Mapping[str, str]
    python: str
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeptCase:
    """The files of a case, by name: `case.json`, which names and digests the others, and those.

    Contents are as they are before compression, which is no part of what is compared.
    """

    contents: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What case.json states: the incident, what was asked, the program, what was read, and the digests of the files."""

    incident: str
    without: tuple[str, ...]
    program: ProgramStatement
    inputs: tuple[InputFile, ...]
    files: Mapping[str, str]


class Part(StrEnum):
    """What of a case may differ when it is decided anew."""

    CASE = "case"
    INPUT = "input"
    RULE = "rule"
    PROGRAM = "program"
    OBSERVATION = "observation"
    EVIDENCE = "evidence"
    HYPOTHESIS = "hypothesis"
    VERDICT = "verdict"
    DOSSIER = "dossier"


@dataclass(frozen=True, slots=True)
class Difference:
    """`place` of a part is not as the case keeps it: what it keeps, and what was found instead."""

    part: Part
    place: str
    kept: str
    found: str


@dataclass(frozen=True, slots=True)
class Verification:
    """A case decided anew: `differences` are none where it was reproduced; `seal` is the digest of its case.json.

    `remarks` say what is not as it was and changed nothing, such as another version of a library.
    """

    incident: str
    seal: str
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        return not self.differences
