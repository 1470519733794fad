"""JSON, YAML and GraphML values together with their place in the file, so that an error can say where it stands."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

import yaml

from attribution.errors import AttributionError, EvidenceError
from attribution.readers.times import parse_time

Choice = TypeVar("Choice", bound=StrEnum)

DEEPEST = 64  # an incident's files nest a handful of levels; more is an attack on the reader


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a structured file, and where it stands: `incident.yaml:12: evidence[3].supplied_by`.

    `data` is what the json module makes of it; in YAML every scalar is text and only an empty one or `null` is None.
    `lines` gives the line of each path where the format has lines to give. `raises` is the error of its kind of file.
    """

    data: object
    file: str
    path: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    raises: type[AttributionError] = EvidenceError
    title: str = ""

    @property
    def place(self) -> str:
        line = self.lines.get(self.path)
        file = f"{self.file}:{line}" if line else self.file
        title = f" ({self.title})" if self.title else ""
        return f"{file}: {self.path}{title}" if self.path else file

    def titled(self, title: str) -> Value:
        """The same value, whose place and that of all it holds also say what it is about: `nodes[2].side (pe1)`."""
        return replace(self, title=title)

    def error(self, found: str, expected: str) -> AttributionError:
        return self.raises(self.place, f"found {found}", f"expected {expected}")

    def wrong(self, expected: str) -> AttributionError:
        return self.error(describe(self.data), expected)

    def mapping(self, expected: str = "a mapping of keys to values") -> Mapping[str, object]:
        if not isinstance(self.data, dict):
            raise self.wrong(expected)
        return self.data

    def entries(self, expected: str = "a list") -> list[object]:
        """What a list holds, without the places."""
        if not isinstance(self.data, list):
            raise self.wrong(expected)
        return self.data

    def items(self, expected: str = "a list") -> Iterator[Value]:
        """The members of a list in order."""
        return (self.item(index) for index in range(len(self.entries(expected))))

    def item(self, index: int) -> Value:
        """One member of a list, by its place."""
        return replace(self, data=self.entries()[index], path=f"{self.path}[{index}]")

    def members(self) -> Iterator[tuple[str, Value]]:
        """The keys of a mapping and what they hold, in order."""
        for key, item in self.mapping().items():
            yield key, self._at(key, item)

    def has(self, key: str) -> bool:
        """Whether the key is there and not empty."""
        return self.mapping().get(key) is not None

    def optional(self, key: str) -> Value | None:
        """What the key holds; None where it is absent or null."""
        item = self.mapping().get(key)
        return None if item is None else self._at(key, item)

    def required(self, key: str) -> Value:
        item = self.mapping().get(key)
        if item is None:
            keys = self.mapping()
            found = f"no {key!r}" if key not in keys else f"nothing under {key!r}"
            near = "" if key in keys else nearest(key, keys)
            raise self.error(found, f"the key {key!r}" + (f" (is {near} meant?)" if near else ""))
        return self._at(key, item)

    def only(self, keys: Collection[str]) -> None:
        """Every key must be one of these: a misspelt one would else be silently without effect."""
        for key in self.mapping():
            if key not in keys:
                raise self._at(key, None).error(f"the unknown key {key!r}", one_of(keys, key))

    def text(self, expected: str = "text") -> str:
        """A non-empty text; a number counts as its own digits."""
        if isinstance(self.data, str) and self.data.strip():
            return self.data
        if isinstance(self.data, int | float) and not isinstance(self.data, bool):
            return str(self.data)
        raise self.wrong(expected)

    def number(self, expected: str = "a number") -> float:
        """A finite number, which may stand there as text."""
        try:
            number = parse_number(self.text(expected))
        except (ValueError, OverflowError):
            raise self.wrong(expected) from None
        if not math.isfinite(number):
            raise self.wrong(expected)
        return number

    def count(self, expected: str = "a whole number, 0 or more") -> int:
        number = self.number(expected)
        if number < 0 or not number.is_integer():
            raise self.wrong(expected)
        return int(number)

    def time(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return parse_time(self.text("a time"), self.place, self.raises)

    def choice(self, kinds: type[Choice]) -> Choice:
        text = self.text(f"one of {', '.join(kinds)}")
        try:
            return kinds(text)
        except ValueError:
            raise self.wrong(one_of([kind.value for kind in kinds], text)) from None

    def member(self, key: str) -> Value:
        """What the key holds, null where it is absent."""
        return self._at(key, self.mapping().get(key))

    def _at(self, key: str, item: object) -> Value:
        return replace(self, data=item, path=f"{self.path}.{key}" if self.path else key)


def parse_number(text: str) -> float:
    """A number as data formats write it, not as Python does (`1_000`, other scripts' digits). Raises ValueError."""
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)


def describe(data: object) -> str:
    """What a reader of an error should see of a value: itself where it is short, else what it is."""
    if isinstance(data, dict):
        return "a mapping" if data else "an empty mapping"
    if isinstance(data, list):
        return f"a list of {len(data)}" if data else "an empty list"
    if data is None:
        return "nothing"
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(word: str, words: Iterable[str]) -> str:
    """The most similar of the words, quoted, or nothing where none is similar."""
    matches = difflib.get_close_matches(word[:100], [other for other in words if len(other) < 200], n=1)
    return repr(matches[0]) if matches else ""


def one_of(words: Collection[str], found: str) -> str:
    """`a, b or c`, with the one that was probably meant."""
    known = list(words)
    listed = " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
    near = nearest(found, known)
    return listed + (f" (is {near} meant?)" if near and len(known) > 2 else "")


def decode(content: bytes, file: str, raises: type[AttributionError] = EvidenceError) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise raises(f"{file}:{line}", f"found the octet 0x{content[error.start]:02x}", "expected UTF-8 text") from None


def read_json(content: bytes, file: str, raises: type[AttributionError] = EvidenceError) -> Value:
    """A JSON document. Errors: `raises` with the line where it stops being JSON."""
    text = decode(content, file, raises)
    try:
        return Value(json.loads(text), file, raises=raises)
    except json.JSONDecodeError as error:
        raise raises(f"{file}:{error.lineno}", f"found {error.msg} at column {error.colno}", "expected JSON") from None
    except (RecursionError, ValueError):
        raise raises(file, "found values nested too deeply or numbers too long", "expected JSON") from None


def read_yaml(content: bytes, file: str, raises: type[AttributionError]) -> Value:
    """A YAML document in which every scalar stays the text that stands there, with the line of every value.

    Times, octal numbers and the word `no` are thus never turned into something else. Anchors are refused: the bundle
    needs none, and they can make a small file huge. Errors: `raises` with the line where it stops being YAML.
    """
    text = decode(content, file, raises)
    lines: dict[str, int] = {}
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        data = _Composer(file, lines, raises, events).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else file
        raise raises(place, f"found broken YAML ({error.problem})", "expected YAML") from None
    except (yaml.YAMLError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise raises(file, f"found characters that YAML does not allow ({problem})", "expected YAML") from None
    return Value(data, file, lines=lines, raises=raises)


class _Composer:
    """Builds the one document of a stream of YAML events, noting the line of each path."""

    def __init__(
        self, file: str, lines: dict[str, int], raises: type[AttributionError], events: Iterable[yaml.Event]
    ) -> None:
        self._file = file
        self._lines = lines
        self._raises = raises
        self._events = iter(events)

    def document(self) -> object:
        data: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "found a second document", "expected one")
            elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                data = self._compose(event, "", 0)
        return data

    def _compose(self, event: yaml.Event, path: str, depth: int) -> object:
        self._lines.setdefault(path, _line(event))
        if depth > DEEPEST:
            raise self._error(event, "found values nested too deeply", f"expected at most {DEEPEST} levels")
        if isinstance(event, yaml.ScalarEvent):
            empty = event.implicit[0] and event.value in ("", "~", "null", "Null", "NULL")
            return None if empty else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        raise self._error(event, "found a YAML alias", "expected the value itself")

    def _sequence(self, path: str, depth: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._compose(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _mapping(self, path: str, depth: int) -> dict[str, object]:
        members: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "found a key that is no word", "expected a name before the colon")
            inner = f"{path}.{event.value}" if path else event.value
            if event.value in members:
                raise self._error(event, f"found the key {event.value!r} twice", "expected it once")
            self._lines[inner] = _line(event)
            members[event.value] = self._compose(next(self._events), inner, depth + 1)
        return members

    def _error(self, event: yaml.Event, found: str, expected: str) -> AttributionError:
        return self._raises(f"{self._file}:{_line(event)}", found, expected)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
