"""What stands around a log message: when it was logged, by whom, and how sure the device was of its own clock.

One line in, one `Envelope` out, without any judgement of the message itself. The forms that devices really write:
RFC 5424; RFC 3164 with and without PRI, year or zone; Cisco's sequence numbers, origin names and clock marks; IOS XR's
node names; NX-OS (year first), Huawei (year after the day), H3C (year after the time); FRR's own file; the journal's
short forms and JSON; `dmesg -T`; RouterOS; key=value firewalls.
Sources: RFC 3164 §4.1, RFC 5424 §6, RFC 6587 §3.4.1, the vendors' logging guides; samples in the tests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Envelope:
    """One line taken apart. The time stays as it was written, in three pieces, for `LogClock` to date.

    `minute` is the date and time to the minute (`Nov 23 01:35`), `second` has up to nine decimals, `suffix` is a year
    or a zone or both that follow the time. `synchronised` is False where the device marked its clock as not so.
    `severity` is that of the PRI, or the journal's PRIORITY (0 emergency … 7 debug), None where neither is stated.
    """

    minute: str
    second: str
    suffix: str
    host: str | None
    message: str
    synchronised: bool = True
    severity: int | None = None


_MONTH = r"(?:[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov|[Dd]ec)"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ZONE = r"(?:UTC|GMT|CST|CCT|BJT|HKT|SGT|JST|KST|CET|CEST|EST|EDT|PST|PDT|MST|MDT|CDT|MSK)"

_MINUTE = (
    rf"(?P<minute>(?:{_WEEKDAY},?\s+)?"
    rf"(?:{_MONTH}\s+\d{{1,2}}(?:,?\s+\d{{4}})?"
    rf"|\d{{4}}\s+{_MONTH}\s+\d{{1,2}}"
    r"|\d{4}-\d{1,2}-\d{1,2}"
    rf"|{_MONTH}/\d{{2}}(?:/\d{{4}})?)[T\s]\s*\d{{1,2}}:\d{{2}})"
)
_SECOND = r":(?P<second>\d{2}(?:[.:,]\d{1,9})?)(?:\.\d)?"
_SUFFIX = (
    r"(?P<suffix>\s?(?:Z(?=[\s:\]]|$)|(?:UTC|GMT)?[+-]\d{2}:?\d{2})?(?:\s(?:19|20)\d{2}(?=[\s\]]|:\s|$))?"
    rf"(?:\s{_ZONE}(?:[+-]\d{{1,2}}(?::?\d{{2}})?)?(?=[\s\]:]|$)|\s[A-Z][A-Za-z]{{1,4}}(?=:\s))?(?:\sDST(?=\s))?)"
)
_NODE = r"(?:\d+/)?[A-Z]{2,4}/?\d*/[\w/]+/CPU\d"

_BEFORE_TIME = rf"(?:\d+:\s+)?(?:{_NODE}:|[*.]?{_MONTH}\s+\d|\d{{4}}\s)"
_ORIGIN = rf"(?P<origin>(?![%*\[.]|\d{{4}}\s|{_WEEKDAY}\b|{_NODE}:)[^\s,=<>]+?):?\s+(?={_BEFORE_TIME})"
_HOST = r"(?P<host>(?![%\[(*])[^\s,=]*[^\s,=:])(?=\s|$)"
_HOST_WITH_COLON = r"(?P<named>(?![A-Z][A-Za-z]+:)[^\s,=:%\[\]]+):\s+(?=%[A-Z][\w-]*-\d-)"

_DATED_LINE = re.compile(
    r"\ufeff?(?:\d{1,5}\s(?=<))?(?:<\d{1,3}>)?:?\s*(?:%(?:@\d+%?)?|\d+:\s+)?"
    rf"(?:{_ORIGIN})?(?:\d+:\s+)?(?:{_NODE}:)?"
    rf"(?P<bracket>\[)?(?P<mark>[*.])?{_MINUTE}{_SECOND}{_SUFFIX}(?(bracket)\]|)"
    rf"(?:\s?:\s*|\s+(?(bracket)|(?:{_HOST}|{_HOST_WITH_COLON})?)\s*|$)"
    r"(?P<message>.*)",
    re.DOTALL,
)
_RFC5424_LINE = re.compile(
    r"\ufeff?(?:\d{1,5}\s(?=<))?(?:<\d{1,3}>)?1\s"
    r"(?P<minute>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}):(?P<second>\d{2}(?:\.\d{1,9})?)(?P<suffix>[Zz]|[+-]\d{2}:\d{2})\s"
    r"(?P<host>\S+)\s+(?P<app>\S+)\s+(?P<process>\S+)\s+(?P<id>\S+)\s+"
    r'(?P<data>-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\])+)(?:\s+\ufeff?(?P<message>.*))?',
    re.DOTALL,
)
_FRR_LINE = re.compile(
    r"(?:<\d{1,3}>)?(?P<minute>\d{4}/\d{2}/\d{2} \d{2}:\d{2}):(?P<second>\d{2}(?:\.\d{1,9})?)\s(?P<message>.*)",
    re.DOTALL,
)
_UNIX_LINE = re.compile(r"(?P<time>\d{10}(?:\.\d{1,9})?)\s+(?P<host>[^\s:\[%]+)\s+(?P<message>.*)", re.DOTALL)
_KEY_VALUE_LINE = re.compile(
    r"(?:<\d{1,3}>)?\s*(?=.{0,200}?\btime=)(?P<message>.*?\bdate=(?P<date>\d{4}-\d{2}-\d{2})[\s,].*)", re.DOTALL
)
_KEY_VALUE = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s,]*)')
_RELAYED = re.compile(
    r"(?:\d+:\s+)?(?:(?P<origin>[^\s:,=%]+):\s+)?"
    rf"(?:{_NODE}:)?[*.]?(?:\d{{4}}\s)?{_MONTH}\s+\d{{1,2}}\s[\d:. ]{{8,20}}[^%]{{0,8}}:\s(?=%|\w+\[\d+\]:)"
)
_RELAYED_BEGINS = frozenset("0123456789*.")
_PRI = re.compile(r"\ufeff?(?:\d{1,5}\s)?<(\d{1,3})>")
_SEVERITIES = 8
_SEVERITY = {str(severity): severity for severity in range(_SEVERITIES)}


def open_envelope(line: str) -> Envelope | None:
    """Take the line apart; None where it has no time that any of the known forms would give it."""
    envelope = _opened(line)
    priority = _PRI.match(line) if envelope is not None else None
    if envelope is None or priority is None:
        return envelope
    return replace(envelope, severity=int(priority[1]) % _SEVERITIES)


def _opened(line: str) -> Envelope | None:
    match = _RFC5424_LINE.match(line)
    if match is not None:
        return _from_rfc5424(match)
    match = _FRR_LINE.match(line)
    if match is not None:
        return Envelope(match["minute"], match["second"], "", None, match["message"])
    match = _DATED_LINE.match(line)
    if match is not None:
        return _from_dated_line(match)
    return _from_key_values(line) or _from_unix_time(line) or _from_journal_json(line)


def _from_rfc5424(match: re.Match[str]) -> Envelope:
    """RFC 5424 splits the tag into APP-NAME, PROCID and MSGID; rules know them as `app[process]: ID: text`."""
    minute, second, suffix, host, app, process, identity, data, message = match.groups()
    text = message or ""
    if not text and data != "-":
        text = data
    if identity != "-" and not text.startswith(identity):
        text = f"{identity}: {text}"
    if app != "-":
        text = f"{app}: {text}" if process == "-" else f"{app}[{process}]: {text}"
    return Envelope(minute, second, suffix, None if host == "-" else host, text)


def _from_dated_line(match: re.Match[str]) -> Envelope:
    """A device names itself before the time (Cisco, IOS XR) or a relay names it after; the inner name is the sender."""
    host = match["host"] or match["named"] or match["origin"]
    message = match["message"].removeprefix(": ")
    inner = _RELAYED.match(message) if message[:1] in _RELAYED_BEGINS or "CPU" in message[:40] else None
    if inner is not None:
        host = inner["origin"] or host
        message = message[inner.end() :]
    return Envelope(match["minute"], match["second"], match["suffix"], host, message, match["mark"] is None)


def _from_key_values(line: str) -> Envelope | None:
    """FortiOS and its like write `date=… time=… devname=… tz=…` among the other keys, in any order."""
    match = _KEY_VALUE_LINE.match(line)
    if match is None:
        return None
    values = {key: value.strip('"') for key, value in _KEY_VALUE.findall(match["message"])}
    clock = re.fullmatch(r"(\d{2}:\d{2}):(\d{2}(?:\.\d{1,9})?)", values.get("time", ""))
    if clock is None:
        return None
    host = values.get("devname") or values.get("device_name") or values.get("dvchost")
    return Envelope(f"{match['date']} {clock[1]}", clock[2], values.get("tz", ""), host, match["message"])


def _from_unix_time(line: str) -> Envelope | None:
    """`journalctl -o short-unix` begins with seconds since the epoch."""
    match = _UNIX_LINE.match(line)
    return None if match is None else Envelope("@", match["time"], "Z", match["host"], match["message"])


def _from_journal_json(line: str) -> Envelope | None:
    """`journalctl -o json`: one object a line, microseconds since the epoch in __REALTIME_TIMESTAMP."""
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    stamp, message = entry.get("__REALTIME_TIMESTAMP"), entry.get("MESSAGE")
    if not isinstance(message, str) or not str(stamp).isascii() or not str(stamp).isdigit():
        return None
    host, process = entry.get("_HOSTNAME"), entry.get("_PID")
    tag = str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or "")
    text = (f"{tag}[{process}]: {message}" if process else f"{tag}: {message}") if tag else message
    digits = str(stamp).rjust(7, "0")
    severity = _SEVERITY.get(str(entry.get("PRIORITY")))
    return Envelope("@", f"{digits[:-6]}.{digits[-6:]}", "Z", str(host) if host else None, text, severity=severity)
