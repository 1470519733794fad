"""What people and businesses wrote down: change records, account events, calls of the cloud API."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.lab.plan import Side

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a change calendar; `device` is a role, or a name outside the laboratory."""

    start: float
    end: float
    performed_by: Side
    device: str
    interface: str
    action: str
    consented_by: str
    consented_at: float | None
    description: str


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One row of the customer's account history."""

    time: float
    event: str
    detail: str


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the customer's account to the cloud API."""

    time: float
    name: str
    parameters: dict[str, object]
    write: bool = True
    error_code: int = 0


@dataclass(slots=True)
class Paperwork:
    """All records of one recording; empty lists mean that the bundle carries no such file."""

    changes: list[Change] = field(default_factory=list)
    account: list[AccountEvent] = field(default_factory=list)
    calls: list[ApiCall] = field(default_factory=list)


def render_audit(calls: list[ApiCall], resources: dict[str, str], seed: int) -> str:
    """CloudAudit's answer to a look-up of the account's events, as its API gives it."""
    dice = random.Random(f"audit {seed}")
    account = dice.randrange(100_000_000_000, 200_000_000_000)
    user = dice.choice(("ops-li", "cloud-admin", "netops-chen", "terraform"))
    address = f"203.0.113.{dice.randrange(130, 250)}"
    events = []
    for number, call in enumerate(sorted(calls, key=lambda call: call.time), start=1):
        stamp = int(call.time)
        request = f"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4b1f-8e0d-{dice.getrandbits(48):012x}"
        kind = "vpc" if call.name.startswith(("Replace", "Delete", "Modify")) else "ccn"
        inner = {
            "userIdentity": {"type": "CAMUser", "principalId": str(account // 7), "accountId": str(account),
                             "userName": user},
            "eventTime": stamp, "eventName": call.name, "eventSource": "vpc.tencentcloudapi.com",
            "eventType": "ApiCall" if number % 2 else "ConsoleCall", "actionType": "Write" if call.write else "Read",
            "eventRegion": resources["region"], "sourceIPAddress": address, "userAgent": "API3.0",
            "requestID": request, "requestParameters": call.parameters, "errorCode": call.error_code,
            "apiErrorCode": "" if not call.error_code else "UnauthorizedOperation", "apiVersion": "2017-03-12",
            "resourceType": kind, "resourceName": resources["ccn"], "eventVersion": 2,
        }
        events.append({
            "EventId": request, "EventName": call.name, "EventNameCn": call.name,
            "EventSource": "vpc.tencentcloudapi.com", "EventTime": str(stamp), "EventRegion": resources["region"],
            "ResourceRegion": resources["region"], "Username": user, "AccountID": account,
            "SourceIPAddress": address, "SecretId": "AKID**********", "ErrorCode": call.error_code,
            "RequestID": request, "ResourceTypeCn": kind,
            "Resources": {"ResourceType": kind, "ResourceName": resources["ccn"]}, "Location": "",
            "CloudAuditEvent": json.dumps(inner),
        })
    answer = {"Response": {"ListOver": True, "NextToken": 0, "Events": events,
                           "RequestId": f"{dice.getrandbits(32):08x}-8a52-4e2c-9d53-8d3ff0f6e0b1"}}
    return json.dumps(answer, indent=1)


def stamp(moment: float) -> str:
    """A time as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_seconds(moment: float) -> str:
    """A time as RFC 3339 in UTC with whole seconds, as people write it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
