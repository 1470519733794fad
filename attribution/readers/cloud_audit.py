"""Tencent CloudAudit events: which account called which action of the cloud API, on what, and with what success."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone, tzinfo

from attribution.errors import EvidenceError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, CloudCall
from attribution.model.phrase import Phrase
from attribution.readers.times import parse_naive_time, parse_time, parse_zone
from attribution.readers.values import Value, read_json

TENCENT_ZONE = timezone(timedelta(hours=8))  # where Tencent writes a time without a zone, it is China Standard Time
READING = ("Describe", "Get", "List", "Query", "Inquire", "Inquiry", "Check", "Lookup", "LookUp", "Search", "Download")
_RESOURCE = re.compile(
    r"(?<![A-Za-z0-9-])(?:ccnr|ccn|vpc|dcg|dcx|dc|vpngw|vpnx|pcx|netd|subnet|rtb|ins|eni|eip|acl|sg|lb|nat|havip|cgw)"
    r"-[0-9a-z]{4,}(?![A-Za-z0-9])"
)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)

# Whose a resource is, in its six-segment name: qcs:id/0:vpc:ap-guangzhou:uin/100012345678:ccn/ccn-abc.
OWNER = re.compile(r"\buin/([0-9]+)", re.ASCII)


def read_cloud_audit(content: bytes, origin: Origin) -> Iterator[CloudCall | Caveat]:
    """An account called the cloud API: a call that failed, or only read, changed nothing.

    Events of DescribeEvents or LookUpEvents, each with its details as JSON text under `CloudAuditEvent`. Times are Unix
    seconds, or `YYYY-MM-DD hh:mm:ss` in the entry's `timezone:`, else in Tencent's own zone (+08:00) with a caveat.
    Errors: EvidenceError for an answer that is an error, and at the first event without a name or a readable time.
    """
    document = read_json(content, origin.file)
    zone = _zone(origin)
    assumed = 0
    for event in _events(document):
        details = _details(event)
        time_ns, naive = _time(event, details, zone or TENCENT_ZONE)
        assumed += naive and zone is None
        yield _call(event, details, time_ns, origin)
    if assumed:
        reason = Phrase("no zone: taken as +08:00 (state `timezone:` on the evidence entry)")
        yield Caveat(origin.file, "EventTime", reason, assumed)


def resources_in(text: str) -> tuple[str, ...]:
    """The ids of cloud resources in a text, each once, in order: `qcs::vpc:ap-guangzhou:uin/1:ccn/ccn-1a2b` has one."""
    return tuple(dict.fromkeys(_RESOURCE.findall(text)))


def _zone(origin: Origin) -> tzinfo | None:
    if origin.timezone_name is None:
        return None
    try:
        return parse_zone(origin.timezone_name)
    except ValueError as error:
        raise EvidenceError(origin.file, f"found the timezone {error}", "expected Asia/Shanghai or +08:00") from None


def _events(document: Value) -> Iterator[Value]:
    """The events of an answer, or of a bare list of them."""
    if isinstance(document.data, list):
        yield from document.items()
        return
    response = document.optional("Response") or document
    if (error := response.optional("Error")) is not None:
        told = f"{error.mapping().get('Code')}: {error.mapping().get('Message')}"
        raise error.error(f"Tencent's own error ({told[:200]})", "the answer of a call that succeeded")
    yield from response.required("Events").items("a list of events")


def _details(event: Value) -> Value:
    """What the event keeps as JSON text under CloudAuditEvent; the event itself where it is already unpacked."""
    packed = event.optional("CloudAuditEvent")
    if packed is None:
        return event
    if isinstance(packed.data, dict):
        return packed
    inner = read_json(packed.text().encode("utf-8", "surrogatepass"), packed.place)
    return Value(inner.data, packed.file, packed.path)


def _time(event: Value, details: Value, zone: tzinfo) -> tuple[int, bool]:
    """When the call was made, and whether its zone had to be taken from elsewhere: a time with a zone is preferred."""
    stated = [time for time in (event.optional("EventTime"), details.optional("eventTime")) if time is not None]
    if not stated:
        raise event.error("no EventTime", "the time of the call")
    for time in stated:
        if not _NAIVE.fullmatch(time.text("a time").strip()):
            return parse_time(time.text(), time.place), False
    return parse_naive_time(stated[0].text(), zone, stated[0].place), True


def _call(event: Value, details: Value, time_ns: int, origin: Origin) -> CloudCall:
    name = details.optional("eventName") or event.required("EventName")
    identity = details.optional("userIdentity")
    person: Mapping[str, object] = identity.mapping() if identity is not None else {}
    parameters = _as_text(details.mapping().get("requestParameters"))
    named = [
        _as_text(part)
        for part in (
            details.mapping().get("resources"),
            details.mapping().get("resourceName"),
            event.mapping().get("Resources"),
            parameters,
        )
    ]
    return CloudCall(
        time_ns=time_ns + (origin.clock_offset_ns or 0),
        origin=origin,
        locator=event.path,
        action=name.text(),
        account=_as_text(person.get("accountId") or event.mapping().get("AccountID")) or None,
        user=_as_text(person.get("userName") or event.mapping().get("Username")) or None,
        succeeded=_succeeded(event, details),
        writes=_writes(name.text(), details),
        resources=resources_in(" ".join(named)),
        parameters=parameters,
        owners=tuple(dict.fromkeys(OWNER.findall(named[0]))),
    )


def _succeeded(event: Value, details: Value) -> bool:
    """No error code but 0, in any of the places where one may stand."""
    codes = (
        event.mapping().get("ErrorCode"),
        details.mapping().get("errorCode"),
        details.mapping().get("apiErrorCode"),
    )
    return all(str(code).strip() in ("", "0", "None") for code in codes)


def _writes(name: str, details: Value) -> bool:
    """Whether the call can change anything: by its own word, else by the verb of its name."""
    stated = details.mapping().get("actionType")
    if isinstance(stated, str) and stated.lower() in ("read", "write"):
        return stated.lower() == "write"
    return not name.startswith(READING)


def _as_text(data: object) -> str:
    if data is None:
        return ""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, sort_keys=True)
