"""Prometheus query_range answers: the same counters and gauges as the bundle's own, under other people's names."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from attribution.errors import EvidenceError, RuleError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, CounterSample, Metric
from attribution.model.phrase import Phrase
from attribution.readers.counters import SIGNED
from attribution.readers.times import parse_time
from attribution.readers.values import Value, parse_number, read_json

RULES = "prometheus_metrics.toml"
DEVICE_LABELS = ("device", "instance", "host", "node")
INTERFACE_LABELS = ("interface", "ifName", "ifDescr", "port")
_PORT = re.compile(r"(\[[^\]]+\]|[^:]+):\d+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a series name means: the metric, how its values are read, and its rank among the names of that metric."""

    metric: Metric
    reading: str
    rank: int


@dataclass(frozen=True, slots=True)
class Series:
    """One series that was understood: where it was measured, what it means, and its place in the file."""

    device: str
    interface: str | None
    meaning: Meaning
    value: Value


def read_prometheus(content: bytes, origin: Origin) -> Iterator[CounterSample | Caveat]:
    """A device's counters and gauges, as a monitoring system polled them.

    Series that are not understood, that name no device, or that repeat another one in a coarser form become caveats,
    and so do values that are not numbers (`NaN` and `Inf`: not measured). Sample times are Unix seconds.
    Errors: EvidenceError for an answer that reports an error, is no matrix, or holds a malformed sample.
    """
    document = read_json(content, origin.file)
    skipped: Counter[str] = Counter()
    understood = [series for value in _matrix(document) if (series := _series(value, origin, skipped)) is not None]
    best: dict[tuple[str, str | None, Metric], int] = {}
    for series in understood:
        key = (series.device, series.interface, series.meaning.metric)
        best[key] = min(best.get(key, series.meaning.rank), series.meaning.rank)
    for series in understood:
        if series.meaning.rank > best[(series.device, series.interface, series.meaning.metric)]:
            repeated = Phrase("series that repeat {metric} of the same interface", metric=str(series.meaning.metric))
            skipped[repeated] += 1
            continue
        yield from _samples(series, origin, skipped)
    warnings = document.optional("warnings")
    for warning in warnings.items() if warnings is not None else ():
        told = Phrase("Prometheus warned: {warning}", warning=warning.text()[:200])
        yield Caveat(origin.file, warning.path, told)
    for reason, count in sorted(skipped.items()):
        yield Caveat(origin.file, "data.result", reason, count)
    if not understood and not skipped:
        yield Caveat(origin.file, "data.result", Phrase("an answer without series: nothing was recorded"))


def meaning_of(name: str) -> Meaning | None:
    """What a series of this name means; None where the rules do not know it."""
    exact, endings = _meanings()
    name = name.removesuffix("_total")
    if name in exact:
        return exact[name]
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower())
    return next((meaning for ending, meaning in endings if plain.endswith(ending)), None)


def value_of(meaning: Meaning, text: str) -> float | None:
    """The value in the bundle's own terms; None where nothing was measured. Raises ValueError for an impossible one."""
    number = parse_number(text)
    if not math.isfinite(number):
        return None
    if meaning.reading == "if_status":
        return None if number == 4 else float(number == 1)
    if meaning.reading == "flag":
        return float(number == 1)
    if number < 0 and meaning.metric not in SIGNED:
        raise ValueError
    return number


@cache
def _meanings() -> tuple[Mapping[str, Meaning], tuple[tuple[str, Meaning], ...]]:
    """The names of the rule file and the bundle's own, and the endings of names."""
    rules = tomllib.loads((resources.files("attribution") / "rules" / RULES).read_text("utf-8"))
    exact = {metric.value: Meaning(metric, "number", 0) for metric in Metric}
    endings: list[tuple[str, Meaning]] = []
    for index, rule in enumerate(rules["metric"]):
        if rule["reading"] not in ("number", "if_status", "flag"):
            raise RuleError(
                f"{RULES}: metric[{index}].reading", f"found {rule['reading']!r}", "expected a known reading"
            )
        for rank, name in enumerate(rule["names"]):
            meaning = Meaning(Metric(rule["metric"]), rule["reading"], rank)
            if name.startswith("*"):
                endings.append((name[1:], meaning))
            else:
                exact[name] = meaning
    return exact, tuple(endings)


def _matrix(document: Value) -> Iterator[Value]:
    """The series of an answer. Errors: EvidenceError where Prometheus itself answered with an error."""
    if document.has("error") or document.mapping().get("status") == "error":
        told = f"{document.mapping().get('errorType', 'error')}: {document.mapping().get('error', '')}"
        raise document.error(
            f"Prometheus's own error ({told[:200]})", "the answer of a query_range call that succeeded"
        )
    data = document.required("data")
    kind = data.required("resultType")
    if kind.data != "matrix":
        raise kind.wrong("'matrix', the answer of a query_range call")
    return data.required("result").items("a list of series")


def _series(value: Value, origin: Origin, skipped: Counter[str]) -> Series | None:
    """The series with its meaning and place, or None, counted, where either cannot be told."""
    labels = {key: str(item.data) for key, item in value.required("metric").members() if item.data is not None}
    chosen = _label_choices(origin)
    name = labels.get(chosen.get("metric", "__name__"), "")
    meaning = meaning_of(name)
    if meaning is None:
        named = Phrase("series named {name!r} are not understood", name=name)
        skipped[named if name else Phrase("series without a name")] += 1
        return None
    device, interface = _place(name, labels, chosen)
    device = device or origin.device
    if device is None:
        skipped[Phrase("series of {name} name no device", name=name)] += 1
        return None
    return Series(device, interface or origin.interface, meaning, value)


def _place(name: str, labels: Mapping[str, str], chosen: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Device and interface by the labels that usually name them, or by those that the evidence entry chose.

    node exporter calls the interface `device`, and the machine `instance`.
    """
    device_labels: tuple[str, ...] = (chosen["device"],) if "device" in chosen else DEVICE_LABELS
    interface_labels: tuple[str, ...] = (chosen["interface"],) if "interface" in chosen else INTERFACE_LABELS
    interface = next((labels[label] for label in interface_labels if labels.get(label)), None)
    if name.startswith("node_network_") and interface is None and "device" not in chosen:
        interface, device_labels = labels.get("device"), DEVICE_LABELS[1:]
    device = next((labels[label] for label in device_labels if labels.get(label)), None)
    if device is not None and (match := _PORT.fullmatch(device)):
        device = match[1].strip("[]")
    return device, interface


def _label_choices(origin: Origin) -> Mapping[str, str]:
    """The `labels:` map of the evidence entry as {device, interface, metric: label}, whichever way round it stands."""
    stated = origin.settings.get("labels")
    if not isinstance(stated, Mapping):
        return {}
    roles = ("device", "interface", "metric")
    pairs = [(str(key), str(item)) for key, item in stated.items()]
    if any(key not in roles for key, _ in pairs):
        pairs = [(item, key) for key, item in pairs]
    return dict(pairs)


def _samples(series: Series, origin: Origin, skipped: Counter[str]) -> Iterator[CounterSample]:
    """The samples of one series: pairs of Unix seconds and a number as text."""
    values = series.value.required("values")
    offset = origin.clock_offset_ns or 0
    if not isinstance(values.data, list):
        raise values.wrong("a list of [time, value] pairs")
    for index, sample in enumerate(cast("list[object]", values.data)):
        place = f"{values.path}[{index}]"
        try:
            seconds, text = cast("list[object]", sample)
            if not isinstance(seconds, int | float | str) or not isinstance(text, int | float | str):
                raise TypeError
            number = value_of(series.meaning, str(text))
        except (TypeError, ValueError):
            found = f"found {str(sample)[:60]}"
            raise EvidenceError(f"{origin.file}: {place}", found, "expected [Unix seconds, a number]") from None
        if number is None:
            metric = str(series.meaning.metric)
            skipped[Phrase("values of {metric} that are no number: not measured", metric=metric)] += 1
            continue
        yield CounterSample(
            time_ns=parse_time(str(seconds), f"{origin.file}: {place}") + offset,
            origin=origin,
            locator=place,
            device=series.device,
            interface=series.interface,
            metric=series.meaning.metric,
            value=number,
        )
