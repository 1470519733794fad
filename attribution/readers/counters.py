"""Interface counters and device gauges as tidy tables: one reading of one metric a row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, CounterSample, Metric
from attribution.model.phrase import Phrase
from attribution.readers.tables import Row, read_table

COLUMNS = ("time", "device", "interface", "metric", "value")
STATES = frozenset({Metric.OPER_STATUS, Metric.ADMIN_STATUS, Metric.POWER_OK, Metric.FAN_OK})
SIGNED = frozenset({Metric.TEMPERATURE_C, Metric.RX_POWER_DBM})
NO_LIGHT_DBM = -40.0  # SFF-8472 counts received power in 0.1 µW, so that nothing at all is written as -40 dBm or -inf


def read_counters(content: bytes, origin: Origin) -> Iterator[CounterSample | Caveat]:
    """A device counted packets, or gauged its own health; counters are cumulative, and one that falls was reset.

    Metrics that the bundle does not name, and empty or `nan` values (not measured), become one caveat each, counted.
    Errors: EvidenceError at the first cell that breaks the contract: a negative counter, a state that is not 0 or 1.
    """
    metrics = {metric.value: metric for metric in Metric}
    unknown: Counter[str] = Counter()
    unmeasured: Counter[str] = Counter()
    for row in read_table(content, origin, COLUMNS):
        if isinstance(row, Caveat):
            yield row
            continue
        name = row.text("metric")
        metric = metrics.get(name)
        if metric is None:
            unknown[name] += 1
            continue
        value = _value(row, metric)
        if value is None:
            unmeasured[name] += 1
            continue
        yield CounterSample(
            time_ns=row.time("time"),
            origin=origin,
            locator=row.locator,
            device=row.text("device"),
            interface=row.cell("interface") or None,
            metric=metric,
            value=value,
        )
    for name, count in sorted(unknown.items()):
        reason = Phrase("the metric {name!r} is not one of the bundle's", name=name)
        yield Caveat(origin.file, "metric", reason, count)
    for name, count in sorted(unmeasured.items()):
        yield Caveat(origin.file, "value", Phrase("no value of {name}: not measured", name=name), count)


def _value(row: Row, metric: Metric) -> float | None:
    """The reading within what its metric can be; None where the cell is empty or not a number."""
    if not row.cell("value"):
        return None
    value = row.number_of("value")
    if math.isnan(value):
        return None
    if metric in STATES:
        if value not in (0.0, 1.0):
            raise row.error("value", row.cell("value"), f"1 or 0 for {metric}")
    elif metric is Metric.RX_POWER_DBM and value == -math.inf:
        return NO_LIGHT_DBM
    elif math.isinf(value):
        raise row.error("value", row.cell("value"), "a finite number")
    elif value < 0 and metric not in SIGNED:
        raise row.error("value", row.cell("value"), f"0 or more for {metric}")
    return value
