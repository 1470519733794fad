"""How grave a log message is that no rule understands, by the rules in `rules/messages/severity.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from attribution.errors import RuleError
from attribution.readers.message_rules import read_rule_file


@dataclass(frozen=True, slots=True)
class SeverityRules:
    """The forms in which devices state a severity, its names, and from which one on a message is grave."""

    forms: tuple[re.Pattern[str], ...]
    names: Mapping[str, int]
    grave: int
    grave_with_words: int
    words: re.Pattern[str]


def is_grave(message: str, priority: int | None = None) -> bool:
    """Whether a message tells of trouble, as far as one can say without understanding it.

    `priority` is the severity that the line itself came with (RFC 5424 §6.2.1), None where it states none.
    """
    rules = severity_rules()
    severity = stated_severity(message, priority)
    if severity is not None and severity <= rules.grave:
        return True
    by_words = severity is None or severity <= rules.grave_with_words
    return by_words and rules.words.search(message) is not None


def stated_severity(message: str, priority: int | None = None) -> int | None:
    """The severity by the message's own code, else by its priority (0 emergency … 7 debug); None if none is stated."""
    rules = severity_rules()
    for form in rules.forms:
        found = form.search(message)
        if found is not None:
            code = found["severity"]
            return int(code) if code.isdigit() else rules.names.get(code.lower(), priority)
    return priority


@cache
def severity_rules() -> SeverityRules:
    """The rule file, read once. Errors: RuleError where it is damaged."""
    content = read_rule_file("severity.toml")
    try:
        grave = content["grave"]
        return SeverityRules(
            forms=tuple(re.compile(form["pattern"]) for form in content["form"]),
            names={str(name): int(severity) for name, severity in content["names"].items()},
            grave=int(grave["up_to"]),
            grave_with_words=int(grave["up_to_with_words"]),
            words=re.compile(grave["words"], re.IGNORECASE),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        found = f"found {type(error).__name__}: {error}"
        raise RuleError("rules/messages/severity.toml", found, "expected forms, names and words") from error
