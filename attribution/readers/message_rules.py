"""What vendors' messages mean, looked up in the rule files `attribution/rules/messages/*.toml`.

A rule names a literal word that stands in each of its messages, whole (`BFD_CHANGE_FSM`) or as a part between
underscores (`FSM`); only rules whose word a message holds are tried, so hundreds of them cost little. Patterns are
compiled when first tried, the files read when the first message is asked for. The order of files and rules decides
where several would match; tests prove that then they agree on the kind.

A pattern's named groups are the fields of `Meaning`; where alternatives name a field twice, the second is called
`peer_other` or the like. The group `state` chooses among the kinds of a rule.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from attribution.errors import RuleError
from attribution.model.observation import DownReason, LogKind

Reasons = tuple[tuple[DownReason, re.Pattern[str]], ...]

_NOT_MESSAGES = ("commands.toml", "reasons.toml", "severity.toml")
_BETWEEN_WORDS = "".join(chr(code) if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128))


@dataclass(frozen=True, slots=True)
class MessageRule:
    """One vendor message: its words, and what they say. `kinds` is keyed by the pattern's `state`, "" for any state."""

    id: str
    words: tuple[str, ...]
    pattern: str
    kinds: Mapping[str, LogKind]
    protocol: str | None
    reason: DownReason | None
    reasons: str | None
    examples: tuple[str, ...]
    counterexamples: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one message says, by the rule named."""

    rule: str
    kind: LogKind
    interface: str | None = None
    peer: str | None = None
    protocol: str | None = None
    reason: DownReason | None = None
    user: str | None = None
    command: str | None = None
    process: str | None = None


@lru_cache(maxsize=4096)
def understand(message: str) -> Meaning | None:
    """What the message says, by the first rule that matches; None where no rule does."""
    return next(meanings(message), None)


def meanings(message: str) -> Iterator[Meaning]:
    """What every matching rule says of the message, in the rules' order."""
    index = _index()
    candidates = {number for word in words(message) if word in index for number in index[word]}
    for number in sorted(candidates):
        match = _compiled(number).search(message)
        if match is not None:
            meaning = _meaning(message_rules()[number], match)
            if meaning is not None:
                yield meaning


def words(message: str) -> set[str]:
    """The message's words, and the parts that underscores join; Huawei's `%%01` and H3C's `%%10` are no part of one."""
    if "%%" in message:
        message = message.replace("%%01", "").replace("%%10", "")
    text = message.translate(_BETWEEN_WORDS)
    found = set(text.split())
    if "_" in text:
        found.update(text.replace("_", " ").split())
    return found


def fields(match: re.Match[str]) -> dict[str, str]:
    """The groups that took part and hold something, by field: `peer_other` is another way to write `peer`."""
    found: dict[str, str] = {}
    for name, value in match.groupdict().items():
        if value:
            found.setdefault(name.partition("_")[0], value)
    return found


@cache
def message_rules() -> tuple[MessageRule, ...]:
    """All rules, in the order in which they are tried: files by name, rules as they stand in them."""
    folder = files("attribution").joinpath("rules", "messages")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(
        _read_rule(name, entry)
        for name in names
        if name not in _NOT_MESSAGES
        for entry in rule_entries(name, "message")
    )


def read_rule_file(name: str) -> dict[str, Any]:
    """One file of the folder as TOML gives it; RuleError where it is none."""
    try:
        return tomllib.loads(files("attribution").joinpath("rules", "messages", name).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"rules/messages/{name}", f"found {error}", "expected a readable TOML file") from error


def rule_entries(name: str, table: str) -> Iterator[dict[str, Any]]:
    """The rules in one table of a file, with its `[parts]` put in where a pattern names one in braces."""
    content = read_rule_file(name)
    for entry in content.get(table, ()):
        for part, pattern in content.get("parts", {}).items():
            entry["pattern"] = str(entry["pattern"]).replace(f"{{{part}}}", pattern)
        yield entry


def _read_rule(name: str, entry: dict[str, Any]) -> MessageRule:
    try:
        words, kind, reason = entry["word"], entry["kind"], entry.get("reason")
        return MessageRule(
            id=entry["id"],
            words=(words,) if isinstance(words, str) else tuple(words),
            pattern=entry["pattern"],
            kinds={"": LogKind(kind)} if isinstance(kind, str) else {key: LogKind(kind[key]) for key in kind},
            protocol=entry.get("protocol"),
            reason=None if reason is None else DownReason(reason),
            reasons=entry.get("reasons"),
            examples=tuple(entry["example"]),
            counterexamples=tuple(entry.get("counterexample", ())),
            source=entry["source"],
        )
    except (KeyError, ValueError) as error:
        place = f"rules/messages/{name} [{entry.get('id', '?')}]"
        raise RuleError(place, f"found {error!r}", "expected id, word, pattern, kind, source and example") from error


def _meaning(rule: MessageRule, match: re.Match[str]) -> Meaning | None:
    """The rule's words filled in; None where its kind hangs on a state that it does not know."""
    found = fields(match)
    kind = rule.kinds.get(found.get("state", "").lower()) or rule.kinds.get("")
    if kind is None:
        return None
    interface = found.get("interface")
    protocol = found.get("protocol")
    words = found.get("reason")
    return Meaning(
        rule=rule.id,
        kind=kind,
        interface=interface.rstrip(".,;:") if interface else None,
        peer=found.get("peer"),
        protocol=protocol.lower() if protocol else rule.protocol,
        reason=_reason(rule, words) if words else rule.reason,
        user=found.get("user"),
        command=found.get("command"),
        process=found.get("process"),
    )


def _reason(rule: MessageRule, words: str) -> DownReason | None:
    """The first reason of the rule's family whose pattern stands in the words; else the rule's own."""
    if rule.reasons is None:
        return rule.reason
    return _reason_in_words(rule.reasons, words) or rule.reason


@lru_cache(maxsize=1024)
def _reason_in_words(family: str, words: str) -> DownReason | None:
    for reason, pattern in reason_families()[family]:
        if pattern.search(words):
            return reason
    return None


@cache
def reason_families() -> Mapping[str, Reasons]:
    """How devices put reasons into words, by family (`bgp`, `bfd` …), most telling first."""
    return {
        family: tuple((DownReason(entry["reason"]), re.compile(entry["pattern"], re.IGNORECASE)) for entry in entries)
        for family, entries in read_rule_file("reasons.toml").items()
    }


@cache
def _index() -> Mapping[str, tuple[int, ...]]:
    """Which rules to try for a word."""
    index: dict[str, list[int]] = {}
    for number, rule in enumerate(message_rules()):
        for word in rule.words:
            index.setdefault(word, []).append(number)
    return {word: tuple(numbers) for word, numbers in index.items()}


@cache
def _compiled(number: int) -> re.Pattern[str]:
    return pattern_of(message_rules()[number])


def pattern_of(rule: MessageRule) -> re.Pattern[str]:
    """The rule's pattern, compiled; RuleError where it is none."""
    try:
        return re.compile(rule.pattern)
    except re.error as error:
        raise RuleError(
            f"rules/messages [{rule.id}]", f"found a wrong pattern ({error})", "expected one of re"
        ) from error
