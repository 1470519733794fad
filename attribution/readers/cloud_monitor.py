"""Tencent Cloud Monitor answers: rates and drops of cloud connections, as the cloud itself counted them."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, CloudMetric, Load
from attribution.model.phrase import Phrase, Template
from attribution.readers.values import Value, read_json

RULES = "cloud_monitor_metrics.toml"
STATISTICS = ("Values", "AvgValues", "MaxValues", "MinValues")

Dimensions = tuple[tuple[str, str], ...]
Point = tuple[Value, Value]


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one resource: its points are pairs of a time and a value, the latter null where one is missing."""

    name: str
    period_s: float
    dimensions: Dimensions
    points: tuple[Point, ...]


def read_cloud_monitor(content: bytes, origin: Origin) -> Iterator[CloudMetric | Caveat]:
    """The cloud counted traffic or drops of one of its resources over a period.

    Answers of GetMonitorData and DescribeStatisticData, one or a list of them; names are matched without regard to
    case, and units are those that Tencent documents for the resource's namespace. A missing point is absent, never
    zero. Times are Unix seconds. Metrics without a documented unit become caveats.
    Errors: EvidenceError for an answer that is an error, or that lacks what its call promises.
    """
    document = read_json(content, origin.file)
    skipped: Counter[str] = Counter()
    found = False
    for answer in document.items() if isinstance(document.data, list) else (document,):
        for series in _series(answer, skipped):
            found = True
            unit = unit_of(series.name, series.dimensions)
            if unit is None:
                named = ",".join(name for name, _ in series.dimensions) or Phrase("no resource")
                unknown = Template("points of {series} of {named}: not a documented metric")
                skipped[unknown.fill(series=series.name, named=named)] += len(series.points)
                continue
            yield from _metrics(series, unit, origin, skipped)
    for reason, count in sorted(skipped.items()):
        yield Caveat(origin.file, "Response", reason, count)
    if not found and not skipped:
        yield Caveat(origin.file, "Response", Phrase("an answer without points: nothing was recorded"))


def unit_of(name: str, dimensions: Dimensions) -> str | None:
    """The documented unit of a metric of the resource that the dimensions name; None where none is documented."""
    for namespace in _namespaces(dimensions):
        if name in namespace.lower_case_units:
            return namespace.lower_case_units[name]
        if name.lower() in namespace.units:
            return namespace.units[name.lower()]
    return None


def load_of(name: str, dimensions: Dimensions) -> Load | None:
    """What a metric of the resource that the dimensions name tells of load, if anything."""
    return next((n.loads[name.lower()] for n in _namespaces(dimensions) if name.lower() in n.loads), None)


@dataclass(frozen=True, slots=True)
class _Namespace:
    """Of the metrics of one kind of resource, by their names in lower case: the unit, and what they tell of load.

    `lower_case_units` are of those that the older interface spells in lower case.
    """

    units: Mapping[str, str]
    lower_case_units: Mapping[str, str]
    loads: Mapping[str, Load]


def _namespaces(dimensions: Dimensions) -> Iterator[_Namespace]:
    for dimension, _ in dimensions:
        if dimension.lower() in _known():
            yield _known()[dimension.lower()]


@cache
def _known() -> Mapping[str, _Namespace]:
    rules = tomllib.loads((resources.files("attribution") / "rules" / RULES).read_text("utf-8"))
    return {
        rule["dimension"].lower(): _Namespace(
            {name.lower(): unit for name, unit in rule["units"].items()},
            rule.get("lower_case_unit", {}),
            {name.lower(): load for load in Load for name in rule.get(load.value, ())},
        )
        for rule in rules["namespace"]
    }


def _series(answer: Value, skipped: Counter[str]) -> Iterator[Series]:
    """The series of one answer, in either call's shape. Errors: EvidenceError where Tencent answered with an error."""
    response = answer.optional("Response") or answer
    if (error := response.optional("Error")) is not None:
        told = f"{error.mapping().get('Code')}: {error.mapping().get('Message')}"
        raise error.error(f"Tencent's own error ({told[:200]})", "the answer of a GetMonitorData call that succeeded")
    period_s = response.required("Period").number()
    if response.has("Data"):
        for metric in response.required("Data").items():
            for point in metric.required("Points").items():
                values = list(point.required("Values").items())
                pairs = [(value.required("Timestamp"), value.member("Value")) for value in values]
                yield Series(metric.required("MetricName").text(), period_s, _dimensions(point), tuple(pairs))
        return
    name = response.required("MetricName").text()
    for point in response.required("DataPoints").items():
        yield Series(name, period_s, _dimensions(point), _paired(point, skipped))


def _paired(point: Value, skipped: Counter[str]) -> tuple[Point, ...]:
    """The times with the values of the first statistic that was asked for, averages before extremes."""
    times = list(point.required("Timestamps").items())
    chosen = next((name for name in STATISTICS if point.mapping().get(name)), None)
    if chosen is None:
        if times:
            skipped["times without values"] += len(times)
        return ()
    values = list(point.required(chosen).items())
    if len(values) != len(times):
        raise point.required(chosen).error(
            f"{len(values)} values for {len(times)} times", "one value for each of Timestamps"
        )
    return tuple(zip(times, values, strict=True))


def _dimensions(point: Value) -> Dimensions:
    dimensions = point.optional("Dimensions")
    items = dimensions.items() if dimensions is not None else ()
    return tuple(sorted((item.required("Name").text(), item.required("Value").text()) for item in items))


def _metrics(series: Series, unit: str, origin: Origin, skipped: Counter[str]) -> Iterator[CloudMetric]:
    for time, value in series.points:
        if value.data is None:
            skipped[Phrase("points of {series} are missing: not measured", series=series.name)] += 1
            continue
        number = value.number()
        if not math.isfinite(number) or number < 0:
            raise value.wrong("a number, 0 or more, or null")
        yield CloudMetric(
            time_ns=time.time() + (origin.clock_offset_ns or 0),
            origin=origin,
            locator=value.path,
            name=series.name.lower(),
            unit=unit,
            value=number,
            period_s=series.period_s,
            dimensions=series.dimensions,
            load=load_of(series.name, series.dimensions),
        )
