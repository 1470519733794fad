"""Tencent's own records: what Cloud Monitor measured, and who called the cloud API."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import Any

import pytest

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, CloudCall, CloudMetric, Load, Observation
from attribution.readers import read_evidence
from attribution.readers.cloud_audit import resources_in
from attribution.readers.cloud_monitor import RULES, load_of, unit_of
from tests.readers.material import origin

TEN = 1_795_428_000 * 10**9
CCN = [
    {"Name": "SRegion", "Value": "ap-guangzhou"},
    {"Name": "CcnId", "Value": "ccn-8j0ph123"},
    {"Name": "DRegion", "Value": "ap-shanghai"},
]
CCN_DIMENSIONS = (("CcnId", "ccn-8j0ph123"), ("DRegion", "ap-shanghai"), ("SRegion", "ap-guangzhou"))
MONITOR: dict[str, Any] = {
    "Response": {
        "Period": 60,
        "MetricName": "OutDropPkgRate",
        "StartTime": "2026-11-23T18:00:00+08:00",
        "EndTime": "2026-11-23T18:05:00+08:00",
        "DataPoints": [
            {
                "Dimensions": CCN,
                "Timestamps": [1795428000, 1795428060, 1795428180],
                "Values": [0.0, 37.5, None],
                "MaxValues": None,
                "MinValues": None,
                "AvgValues": None,
            }
        ],
        "Msg": "",
        "RequestId": "5f1a0c52",
    }
}
STATISTIC: dict[str, Any] = {
    "Response": {
        "Period": 60,
        "Data": [
            {
                "MetricName": "outdroppkgrate",
                "Points": [
                    {
                        "Dimensions": CCN,
                        "Values": [
                            {"Timestamp": 1795428000, "Value": 0.0},
                            {"Timestamp": 1795428060, "Value": 37.5},
                            {"Timestamp": 1795428120, "Value": None},
                        ],
                    }
                ],
            }
        ],
        "RequestId": "5f1a0c52",
    }
}
INNER: dict[str, Any] = {
    "userIdentity": {"type": "CAMUser", "accountId": "100001", "userName": "ops-li", "principalId": "100021"},
    "eventTime": 1795428000,
    "eventName": "DetachCcnInstances",
    "actionType": "Write",
    "requestParameters": json.dumps({"CcnId": "ccn-63e86f94", "Instances": [{"InstanceId": "vpc-3d7c29f0"}]}),
    "resources": ["qcs:id/0:vpc:ap-guangzhou:uin/100001:ccn/ccn-63e86f94"],
    "resourceName": "ccn-63e86f94",
    "errorCode": 0,
}


def event(inner: dict[str, Any] | None = None, **outer: object) -> dict[str, Any]:
    return {
        "EventName": "DetachCcnInstances",
        "EventTime": "1795428000",
        "Username": "ops-li",
        "AccountID": 100001,
        "ErrorCode": 0,
        "Resources": {"ResourceType": "ccn", "ResourceName": "ccn-63e86f94"},
        "CloudAuditEvent": json.dumps({**INNER, **(inner or {})}),
        **outer,
    }


def read(kind: EvidenceType, document: object, **changed: object) -> list[Observation | Caveat]:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read_evidence(content, origin(kind, "c.json", **changed)))


def measured(document: object, **changed: object) -> list[CloudMetric]:
    return [item for item in read(EvidenceType.CLOUD_MONITOR, document, **changed) if isinstance(item, CloudMetric)]


def calls(*events: dict[str, Any], **changed: object) -> list[CloudCall]:
    found = read(EvidenceType.CLOUD_AUDIT, {"Response": {"Events": list(events)}}, **changed)
    return [item for item in found if isinstance(item, CloudCall)]


def caveats(kind: EvidenceType, document: object, **changed: object) -> list[tuple[str, int]]:
    return [(item.reason, item.count) for item in read(kind, document, **changed) if isinstance(item, Caveat)]


def refused(kind: EvidenceType, document: object) -> str:
    with pytest.raises(EvidenceError) as caught:
        read(kind, document)
    return str(caught.value)


def test_a_missing_point_is_absent_and_never_zero() -> None:
    first, second = measured(MONITOR, clock_offset_ns=7)
    assert (first.time_ns, first.value, second.time_ns, second.value) == (TEN + 7, 0.0, TEN + 60 * 10**9 + 7, 37.5)
    assert (first.name, first.unit, first.period_s, first.dimensions) == ("outdroppkgrate", "%", 60.0, CCN_DIMENSIONS)
    assert second.locator == "Response.DataPoints[0].Values[1]"
    assert caveats(EvidenceType.CLOUD_MONITOR, MONITOR) == [("points of OutDropPkgRate are missing: not measured", 1)]


def test_it_is_told_what_a_metric_says_of_load() -> None:
    assert {point.load for point in measured(MONITOR)} == {Load.DROPPED}
    tunnel = (("directConnectConnId", "dcx-1"),)
    assert [load_of(name, tunnel) for name in ("InBandwidth", "outbandwidth", "InPkg", "PkgDrop")] == [
        Load.OFFERED, Load.PASSED, None, None,
    ]  # fmt: skip
    for namespace in NAMESPACES:
        for load in Load:
            assert set(namespace.get(load.value, ())) <= set(namespace["units"])


def test_both_calls_of_cloud_monitor_say_the_same() -> None:
    by_statistic = measured(STATISTIC)
    assert [(point.time_ns, point.name, point.unit, point.value, point.dimensions) for point in by_statistic] == [
        (point.time_ns, point.name, point.unit, point.value, point.dimensions) for point in measured(MONITOR)
    ]
    assert by_statistic[1].locator == "Response.Data[0].Points[0].Values[1].Value"


def test_several_answers_in_one_file_and_answers_without_their_envelope() -> None:
    assert len(measured([MONITOR, STATISTIC["Response"]])) == 4


def test_where_only_another_statistic_was_asked_for_it_serves() -> None:
    document = json.loads(json.dumps(MONITOR))
    document["Response"]["DataPoints"][0] |= {"Values": [], "MaxValues": [1.0, 2.0, 3.0]}
    assert [point.value for point in measured(document)] == [1.0, 2.0, 3.0]


def test_metrics_without_a_documented_unit_are_counted() -> None:
    document = json.loads(json.dumps(MONITOR))
    document["Response"]["MetricName"] = "Mood"
    assert caveats(EvidenceType.CLOUD_MONITOR, document) == [
        ("points of Mood of CcnId,DRegion,SRegion: not a documented metric", 3)
    ]


def test_an_answer_without_points_is_no_error() -> None:
    document = {"Response": {"Period": 60, "MetricName": "OutPkg", "DataPoints": []}}
    assert caveats(EvidenceType.CLOUD_MONITOR, document) == [("an answer without points: nothing was recorded", 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"Error": {"Code": "AuthFailure", "Message": "no"}},
            "Response.Error: found Tencent's own error (AuthFailure: no)",
        ),
        ({"DataPoints": None}, "c.json: Response: found nothing under 'DataPoints'; expected the key 'DataPoints'"),
        ({"Period": None}, "c.json: Response: found nothing under 'Period'"),
        (
            {"DataPoints": [{"Dimensions": CCN, "Timestamps": [1, 2], "Values": [1.0]}]},
            "c.json: Response.DataPoints[0].Values: found 1 values for 2 times; expected one value for each of",
        ),
        (
            {"DataPoints": [{"Dimensions": CCN, "Timestamps": ["noon"], "Values": [1.0]}]},
            "c.json: Response.DataPoints[0].Timestamps[0]: found the time 'noon'; expected RFC 3339",
        ),
        (
            {"DataPoints": [{"Dimensions": CCN, "Timestamps": [1], "Values": [-1.0]}]},
            "c.json: Response.DataPoints[0].Values[0]: found -1.0; expected a number, 0 or more, or null",
        ),
    ],
)
def test_what_breaks_a_monitors_answer_is_named(change: dict[str, Any], message: str) -> None:
    assert message in refused(EvidenceType.CLOUD_MONITOR, {"Response": {**MONITOR["Response"], **change}})


NAMESPACES = tomllib.loads((resources.files("attribution") / "rules" / RULES).read_text("utf-8"))["namespace"]


@pytest.mark.parametrize("rule", NAMESPACES, ids=lambda rule: rule["name"])
def test_every_namespace_has_its_units_whatever_the_case_of_the_names(rule: dict[str, Any]) -> None:
    dimensions = ((rule["dimension"].upper(), "x-1"),)
    name, unit = rule["example"]
    assert unit_of(name, dimensions) == unit
    assert unit_of(rule["counterexample"], dimensions) is None
    for name, unit in rule["units"].items():
        assert unit_of(name, dimensions) == unit
        assert unit_of(name.upper(), dimensions) == unit
    assert rule["source"].startswith("https://")


def test_an_account_called_the_cloud_api() -> None:
    (call,) = calls(event(), clock_offset_ns=3)
    assert (call.time_ns, call.action, call.account, call.user) == (TEN + 3, "DetachCcnInstances", "100001", "ops-li")
    assert (call.succeeded, call.writes) == (True, True)
    assert call.resources == ("ccn-63e86f94", "vpc-3d7c29f0")
    assert json.loads(call.parameters)["CcnId"] == "ccn-63e86f94"
    assert call.locator == "Response.Events[0]"


def test_whose_the_resources_of_a_call_are_stands_in_their_names() -> None:
    named = ["qcs:id/0:vpc:ap-guangzhou:uin/100002:ccn/ccn-63e86f94", "qcs:id/0:vpc:ap-guangzhou:uin/100002:vpc/vpc-1"]
    assert calls(event({"resources": named}))[0].owners == ("100002",)
    assert calls(event({"resources": None}))[0].owners == ()


@pytest.mark.parametrize(
    ("inner", "outer"),
    [({"errorCode": 4102}, {}), ({"apiErrorCode": "UnauthorizedOperation"}, {}), ({}, {"ErrorCode": "1"})],
)
def test_a_call_with_an_error_code_anywhere_had_no_effect(inner: dict[str, Any], outer: dict[str, Any]) -> None:
    assert [call.succeeded for call in calls(event(inner, **outer))] == [False]


@pytest.mark.parametrize(
    ("inner", "writes"),
    [
        ({"actionType": "Read"}, False),
        ({"actionType": "Write", "eventName": "DescribeCcns"}, True),
        ({"actionType": None, "eventName": "DescribeCcns"}, False),
        ({"actionType": None, "eventName": "InquiryPriceCreateVpnGateway"}, False),
        ({"actionType": None, "eventName": "SetCcnRegionBandwidthLimits"}, True),
    ],
)
def test_a_call_writes_by_its_own_word_or_by_its_verb(inner: dict[str, Any], writes: bool) -> None:
    assert [call.writes for call in calls(event(inner))] == [writes]


def test_a_time_with_a_zone_anywhere_in_the_event_is_preferred() -> None:
    (call,) = calls(event({"eventTime": "2026-11-23 18:00:00"}))
    assert call.time_ns == TEN
    (call,) = calls(event({"eventTime": 1795428000}, EventTime="2026-11-23 03:00:00"))
    assert call.time_ns == TEN


def test_times_without_a_zone_are_in_the_entrys_or_else_in_tencents_own_and_said_so() -> None:
    naive = event({"eventTime": "2026-11-23 18:00:00"}, EventTime="2026-11-23 18:00:00")
    document = {"Response": {"Events": [naive, naive]}}
    assert [call.time_ns for call in calls(naive)] == [TEN]
    assert caveats(EvidenceType.CLOUD_AUDIT, document) == [
        ("no zone: taken as +08:00 (state `timezone:` on the evidence entry)", 2)
    ]
    assert [call.time_ns for call in calls(naive, timezone_name="UTC")] == [TEN + 8 * 3600 * 10**9]
    assert caveats(EvidenceType.CLOUD_AUDIT, document, timezone_name="UTC") == []


def test_events_may_come_unpacked_without_envelope_or_with_little_in_them() -> None:
    for document in ([INNER], {"Events": [{"CloudAuditEvent": INNER}]}):
        (call,) = read(EvidenceType.CLOUD_AUDIT, document)
        assert isinstance(call, CloudCall)
        assert (call.action, call.account) == ("DetachCcnInstances", "100001")
    (bare,) = read(EvidenceType.CLOUD_AUDIT, [{"EventName": "DeleteCcn", "EventTime": 1795428000}])
    assert isinstance(bare, CloudCall)
    assert (bare.account, bare.user, bare.resources, bare.succeeded, bare.writes) == (None, None, (), True, True)


@pytest.mark.parametrize(
    ("text", "resources"),
    [
        ("qcs::vpc:ap-guangzhou:uin/100001:ccn/ccn-63e86f94", ("ccn-63e86f94",)),
        (
            '{"DirectConnectTunnelId": "dcx-4ab1", "Ids": ["dcg-9o233uri", "dc-0001a"]}',
            ("dcx-4ab1", "dcg-9o233uri", "dc-0001a"),
        ),
        (
            "ccn-1a2b ccn-1a2b vpngw-8ccsnclt vpnx-nadifg3s rtb-kzk3",
            ("ccn-1a2b", "vpngw-8ccsnclt", "vpnx-nadifg3s", "rtb-kzk3"),
        ),
        ("ap-guangzhou xvpc-3d7c29f0 vpc- my-vpc-3d7c29f0", ()),
    ],
)
def test_resources_are_named_by_their_ids_wherever_they_stand(text: str, resources: tuple[str, ...]) -> None:
    assert resources_in(text) == resources


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"Response": {"Error": {"Code": "AuthFailure", "Message": "no"}}}, "Tencent's own error (AuthFailure: no)"),
        ({"Response": {}}, "c.json: Response: found no 'Events'; expected the key 'Events'"),
        ({"Response": {"Events": {}}}, "c.json: Response.Events: found an empty mapping; expected a list of events"),
        ([{"EventName": "DeleteCcn"}], "c.json: [0]: found no EventTime; expected the time of the call"),
        ([{"EventTime": 1}], "c.json: [0]: found no 'EventName'; expected the key 'EventName'"),
        ([event(EventTime="soon")], "c.json: [0].EventTime: found the time 'soon'; expected RFC 3339"),
        ([event(CloudAuditEvent="{")], "c.json: [0].CloudAuditEvent:1: found Expecting property name"),
        ([event(CloudAuditEvent="[]")], "c.json: [0].CloudAuditEvent: found an empty list; expected a mapping"),
        ([7], "c.json: [0]: found 7; expected a mapping"),
    ],
)
def test_what_breaks_an_audit_is_named(document: object, message: str) -> None:
    assert message in refused(EvidenceType.CLOUD_AUDIT, document)
