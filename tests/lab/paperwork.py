"""What people and businesses wrote down: change records, account events, calls of the cloud API."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Resources:
    """What the customer's cloud resources are called."""

    region: str
    account: int
    user: str
    ccn: str
    vpc: str
    dcx: str

    @staticmethod
    def draw(dice: random.Random) -> Resources:
        """Names as the cloud gives them."""
        return Resources(
            region=dice.choice(("ap-shanghai", "ap-guangzhou", "ap-beijing")),
            account=dice.randrange(100_000_000_000, 200_000_000_000),
            user=dice.choice(("ops-li", "cloud-admin", "netops-chen", "terraform")),
            ccn=f"ccn-{dice.getrandbits(32):08x}", vpc=f"vpc-{dice.getrandbits(32):08x}",
            dcx=f"dcx-{dice.getrandbits(32):08x}",
        )

    def attachment(self) -> dict[str, object]:
        """The parameters of a call that attaches the VPC or detaches it."""
        instance = {"InstanceId": self.vpc, "InstanceRegion": self.region, "InstanceType": "VPC"}
        return {"CcnId": self.ccn, "Instances": [instance]}

    def bandwidth_limits(self, megabits_per_second: int) -> dict[str, object]:
        """The parameters of a call that sets the bandwidth between two regions."""
        limit = {"Region": "ap-chengdu", "DstRegion": self.region, "BandwidthLimit": megabits_per_second}
        return {"CcnId": self.ccn, "CcnRegionBandwidthLimits": [limit]}


@dataclass(slots=True)
class Paperwork:
    """All records of one recording; empty lists mean that the bundle carries no such file."""

    resources: Resources
    changes: list[Change] = field(default_factory=list)
    account: list[AccountEvent] = field(default_factory=list)
    calls: list[ApiCall] = field(default_factory=list)


def render_audit(paperwork: Paperwork, dice: random.Random) -> str:
    """CloudAudit's answer to a look-up of the account's events, as its API gives it."""
    resources = paperwork.resources
    address = f"203.0.113.{dice.randrange(130, 250)}"
    events = [_audit_event(call, resources, address, dice)
              for call in sorted(paperwork.calls, key=lambda call: call.time)]
    answer = {"Response": {"ListOver": True, "NextToken": 0, "Events": events,
                           "RequestId": f"{dice.getrandbits(32):08x}-8a52-4e2c-9d53-8d3ff0f6e0b1"}}
    return json.dumps(answer, indent=1)


def _audit_event(call: ApiCall, resources: Resources, address: str, dice: random.Random) -> dict[str, object]:
    """One event: an envelope, and inside it the event itself as a string of JSON."""
    when = int(call.time)
    request = f"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4b1f-8e0d-{dice.getrandbits(48):012x}"
    kind, name = ("ccn", resources.ccn) if "Ccn" in call.name else ("vpc", resources.vpc)
    inner = {
        "userIdentity": {"type": "CAMUser", "principalId": str(resources.account // 7),
                         "accountId": str(resources.account), "userName": resources.user},
        "eventTime": when, "eventName": call.name, "eventSource": "vpc.tencentcloudapi.com",
        "eventType": dice.choice(("ApiCall", "ConsoleCall")), "actionType": "Write" if call.write else "Read",
        "eventRegion": resources.region, "sourceIPAddress": address, "userAgent": "API3.0", "requestID": request,
        "requestParameters": call.parameters, "errorCode": call.error_code,
        "apiErrorCode": "UnauthorizedOperation" if call.error_code else "", "apiVersion": "2017-03-12",
        "resourceType": kind, "resourceName": name, "eventVersion": 2,
    }
    return {
        "EventId": request, "EventName": call.name, "EventNameCn": call.name, "EventSource": "vpc.tencentcloudapi.com",
        "EventTime": str(when), "EventRegion": resources.region, "ResourceRegion": resources.region,
        "Username": resources.user, "AccountID": resources.account, "SourceIPAddress": address,
        "SecretId": "AKID**********", "ErrorCode": call.error_code, "RequestID": request, "ResourceTypeCn": kind,
        "Resources": {"ResourceType": kind, "ResourceName": name}, "Location": "",
        "CloudAuditEvent": json.dumps(inner),
    }


@lru_cache(maxsize=1024)  # all counters of a device are read at one moment
def stamp(moment: float) -> str:
    """A time as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_seconds(moment: float) -> str:
    """A time as RFC 3339 in UTC with whole seconds, as people write it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
