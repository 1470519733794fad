"""What counters tell: ports that were down, discards where a queue or a policer was full, devices that fell silent."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CounterSample, Metric, Observation
from attribution.model.phrase import Phrase
from attribution.model.ports import find_link

STATUS = {Metric.OPER_STATUS: AlarmKind.INTERFACE_DOWN, Metric.ADMIN_STATUS: AlarmKind.INTERFACE_ADMIN_DOWN}
DROPS = {
    Metric.IN_DISCARDS: AlarmKind.INTERFACE_DISCARDS,
    Metric.OUT_DISCARDS: AlarmKind.INTERFACE_DISCARDS,
    Metric.IN_ERRORS: AlarmKind.INTERFACE_ERRORS,
    Metric.OUT_ERRORS: AlarmKind.INTERFACE_ERRORS,
}
COUNTED = {
    Metric.IN_DISCARDS: Phrase("in discards"),
    Metric.OUT_DISCARDS: Phrase("out discards"),
    Metric.IN_ERRORS: Phrase("in errors"),
    Metric.OUT_ERRORS: Phrase("out errors"),
}
GAUGES = {
    Metric.POWER_OK: Phrase("power_ok"),
    Metric.FAN_OK: Phrase("fan_ok"),
    Metric.CPU_PERCENT: Phrase("cpu_percent"),
    Metric.MEMORY_PERCENT: Phrase("memory_percent"),
}
# A port that discards fewer packets than this in a poll, or this share of what passed, is not congested.
LEAST_DROPS = 3
LEAST_DROP_RATIO = 0.005
# A CPU or memory at this level is exhausted by every vendor's default threshold (Cisco, Huawei, Juniper: 80–90 %).
EXHAUSTED_PERCENT = 90.0
# Missed polls in a row, while others were polled, before a device counts as unreachable.
MISSED_POLLS = 2
# What counts up for as long as a device runs, and starts from nothing when it starts (RFC 2863 §3.1.5).
RUNNING = frozenset({Metric.IN_OCTETS, Metric.OUT_OCTETS, Metric.IN_PACKETS, Metric.OUT_PACKETS})
# Of so many ports all counters have to fall at once: one port's do if it is made anew, and one counter if it wraps.
LEAST_PORTS = 2
# A counter of 32 bits wraps again and again, and goes on anywhere; one that begins again does so from nothing.
WRAPS_AT, MANY_FALLS, FROM_NOTHING = 2**32, 3, 0.1
# Who starts anew passes nothing on for at least so long (seconds); neighbours that received this share of the usual
# meanwhile show that it went on, and that somebody cleared its counters.
STARTS_FOR_S, WENT_ON = 20.0, 0.8

Series = list[CounterSample]


def detect_counter_alarms(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """All alarms that the counter files of the topology's devices give rise to."""
    series: dict[tuple[str, str, str | None, Metric], Series] = defaultdict(list)
    polls: dict[str, dict[str, dict[int, CounterSample]]] = defaultdict(lambda: defaultdict(dict))
    for sample in observations:
        if isinstance(sample, CounterSample) and sample.device in around.topology.nodes:
            series[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
            polls[sample.origin.file][sample.device][sample.time_ns] = sample
    for (file, device, interface, metric), samples in series.items():
        samples.sort(key=lambda sample: sample.time_ns)
        if interface is None:
            yield from _gauge_alarms(device, metric, samples)
            continue
        link = find_link(around.topology, device, interface)
        if link is None:
            continue
        if metric in STATUS:
            yield from _status_alarms(device, link.component, metric, samples)
        elif metric in DROPS:
            way = "in" if metric in (Metric.IN_DISCARDS, Metric.IN_ERRORS) else "out"
            passed = series.get((file, device, interface, Metric(f"{way}_packets")), [])
            yield from _drop_alarms(device, link.component, metric, samples, passed)
        elif metric is Metric.RX_POWER_DBM:
            yield from _optics_alarms(device, link.component, samples)
    for file_polls in polls.values():
        yield from _missed_polls(file_polls)
    running: dict[tuple[str, str], list[Series]] = defaultdict(list)
    received: dict[str, list[Series]] = defaultdict(list)
    for (file, device, interface, metric), samples in series.items():
        if metric in RUNNING or metric in DROPS:
            running[(file, device)].append(samples)
        link = find_link(around.topology, device, interface) if interface is not None else None
        if link is not None and metric is Metric.IN_PACKETS:
            received[link.far_end(device)].append(samples)
    for (file, device), counts in running.items():
        yield from _restarts(device, counts, received[device], polled_alone=len(polls[file]) == 1)


def _status_alarms(device: str, component: str, metric: Metric, samples: Series) -> Iterator[Alarm]:
    """A run of polls in which a port was down; it went down and came back between two polls."""
    for run, before_ns, after_ns in _runs(samples, lambda sample: sample.value == 0):
        word = Phrase("down") if metric is Metric.OPER_STATUS else Phrase("administratively down")
        yield Alarm(
            Interval((before_ns + run[0].time_ns) // 2, (run[-1].time_ns + after_ns) // 2),
            device,
            component,
            STATUS[metric],
            Citation(run[0].origin, run[0].locator),
            Phrase(
                "{device} {interface} was polled {word} {count} times",
                device=device,
                interface=run[0].interface,
                word=word,
                count=len(run),
            ),
            slack_ns=(run[0].time_ns - before_ns) // 2,
            read_ns=run[0].time_ns,
        )


def _runs(samples: Series, wanted: object) -> Iterator[tuple[Series, int, int]]:
    """Maximal runs of samples that satisfy a predicate, with the times of the samples before and after them."""
    assert callable(wanted)
    start: int | None = None
    for index, sample in enumerate([*samples, None]):
        if sample is not None and wanted(sample):
            start = index if start is None else start
        elif start is not None:
            before = samples[start - 1].time_ns if start else samples[start].time_ns
            after = sample.time_ns if sample is not None else samples[-1].time_ns + NANOSECONDS
            yield samples[start:index], before, after
            start = None


def _drop_alarms(device: str, component: str, metric: Metric, samples: Series, passed: Series) -> Iterator[Alarm]:
    """Polls between which a drop counter rose by more than a stray packet; neighbouring polls make one alarm."""
    times = [sample.time_ns for sample in passed]
    group: list[tuple[CounterSample, CounterSample, float]] = []
    for earlier, later in pairwise(samples):
        dropped = later.value - earlier.value
        through = _difference(passed, times, earlier.time_ns, later.time_ns)
        if dropped >= LEAST_DROPS and dropped >= LEAST_DROP_RATIO * (through + dropped):
            group.append((earlier, later, dropped))
        elif group and later.time_ns - group[-1][1].time_ns > 3 * (later.time_ns - earlier.time_ns):
            yield _drop_alarm(device, component, metric, group, samples[0])
            group = []
    if group:
        yield _drop_alarm(device, component, metric, group, samples[0])


def _drop_alarm(
    device: str,
    component: str,
    metric: Metric,
    group: list[tuple[CounterSample, CounterSample, float]],
    very_first: CounterSample,
) -> Alarm:
    total = sum(dropped for _, _, dropped in group)
    before, first, last = group[0][0], group[0][1], group[-1][1]
    return Alarm(
        Interval((before.time_ns + first.time_ns) // 2, last.time_ns),
        device,
        component,
        DROPS[metric],
        Citation(first.origin, first.locator),
        Phrase(
            "{device} {interface} counted {total:.0f} {counted} between two and more polls",
            device=device,
            interface=first.interface,
            total=total,
            counted=COUNTED[metric],
        ),
        magnitude=total,
        slack_ns=(first.time_ns - before.time_ns) // 2,
        read_ns=first.time_ns,
        since_first=before is very_first,
    )


def _difference(samples: Series, times: list[int], start_ns: int, end_ns: int) -> float:
    first, last = bisect_left(times, start_ns), bisect_left(times, end_ns)
    if first >= len(samples) or last >= len(samples):
        return 0.0
    return max(0.0, samples[last].value - samples[first].value)


def _optics_alarms(device: str, component: str, samples: Series) -> Iterator[Alarm]:
    """Received light far below its usual level: the fibre or the far end's laser."""
    usual = median(sample.value for sample in samples)
    for run, before_ns, after_ns in _runs(samples, lambda sample: sample.value < usual - 6.0):
        yield Alarm(
            Interval((before_ns + run[0].time_ns) // 2, (run[-1].time_ns + after_ns) // 2),
            device,
            component,
            AlarmKind.OPTICS_FAULT,
            Citation(run[0].origin, run[0].locator),
            Phrase(
                "{device} {interface} received {power:g} dBm, usually {usual:g} dBm",
                device=device,
                interface=run[0].interface,
                power=run[0].value,
                usual=usual,
            ),
            slack_ns=(run[0].time_ns - before_ns) // 2,
            read_ns=run[0].time_ns,
        )


def _gauge_alarms(device: str, metric: Metric, samples: Series) -> Iterator[Alarm]:
    if metric in (Metric.POWER_OK, Metric.FAN_OK):
        kind = AlarmKind.POWER_FAULT if metric is Metric.POWER_OK else AlarmKind.HARDWARE_FAULT
        found = _runs(samples, lambda sample: sample.value == 0)
    elif metric in (Metric.CPU_PERCENT, Metric.MEMORY_PERCENT):
        kind = AlarmKind.RESOURCES_EXHAUSTED
        found = _runs(samples, lambda sample: sample.value >= EXHAUSTED_PERCENT)
    else:
        return
    for run, before_ns, after_ns in found:
        yield Alarm(
            Interval((before_ns + run[0].time_ns) // 2, (run[-1].time_ns + after_ns) // 2),
            device,
            device,
            kind,
            Citation(run[0].origin, run[0].locator),
            Phrase("{device} reported {gauge} {value:g}", device=device, gauge=GAUGES[metric], value=run[0].value),
            slack_ns=(run[0].time_ns - before_ns) // 2,
            read_ns=run[0].time_ns,
        )


def _restarts(
    device: str, counts: Iterable[Series], received: Sequence[Series], polled_alone: bool
) -> Iterator[Alarm]:
    """Between two polls a device started anew: the counters of all its ports begin again, and its neighbours `received`
    less from it, where they counted that. If it was not polled for some time before, it was down, and not its poller.
    """
    read: dict[int, dict[tuple[str | None, Metric], CounterSample]] = defaultdict(dict)
    for sample in (sample for own in counts if not _wraps(own) for sample in own):
        read[sample.time_ns][(sample.interface, sample.metric)] = sample
    times = sorted(read)
    usual = median(later - earlier for earlier, later in pairwise(times)) if len(times) > 1 else 0
    for earlier, later in pairwise(times):
        before, after = read[earlier], read[later]
        counting = [key for key in before.keys() & after.keys() if before[key].value > 0]
        if len({port for port, _ in counting}) < LEAST_PORTS:
            continue
        if any(after[key].value >= before[key].value for key in counting):
            continue
        if any(_went_on(own, earlier, later) for own in received):
            continue
        last, first = next(iter(before.values())), next(iter(after.values()))
        yield Alarm(
            Interval((earlier + later) // 2, (earlier + later) // 2 + NANOSECONDS),
            device,
            device,
            AlarmKind.DEVICE_RESTARTED,
            Citation(first.origin, first.locator),
            Phrase("the counters of all ports of {device} began again", device=device),
            slack_ns=(later - earlier) // 2,
            read_ns=later,
        )
        if polled_alone and (later - earlier) / usual - 1 >= MISSED_POLLS:
            yield Alarm(
                Interval(int(earlier + usual / 2), later),
                device,
                device,
                AlarmKind.DEVICE_UNREACHABLE,
                Citation(last.origin, last.locator),
                Phrase(
                    "{device} answered no poll for {seconds:.1f} s, and its counters began again",
                    device=device,
                    seconds=(later - earlier) / NANOSECONDS,
                ),
                slack_ns=int(usual / 2),
            )


def _wraps(samples: Series) -> bool:
    """Whether a counter falls because it has no more than 32 bits."""
    fallen = [later.value for earlier, later in pairwise(samples) if later.value < earlier.value]
    most = max(sample.value for sample in samples)
    return len(fallen) >= MANY_FALLS and most < WRAPS_AT and median(fallen) > FROM_NOTHING * most


def _went_on(received: Series, start_ns: int, end_ns: int) -> bool:
    """Whether a port received as much as usual in all polls of a time, which are too short for a break to hide there.
    """
    rises = [
        (earlier.time_ns, later.time_ns, (later.value - earlier.value) / (later.time_ns - earlier.time_ns))
        for earlier, later in pairwise(received)
        if later.time_ns > earlier.time_ns
    ]
    usual = median(rate for _, _, rate in rises) if rises else 0.0
    within = [(first, last, rate) for first, last, rate in rises if first < end_ns and last > start_ns]
    if usual <= 0 or not within or within[0][0] > start_ns or within[-1][1] < end_ns:
        return False
    longest_ns = STARTS_FOR_S * NANOSECONDS / (1 - WENT_ON)
    return all(rate >= WENT_ON * usual and last - first <= longest_ns for first, last, rate in within)


def _missed_polls(polls: Mapping[str, Mapping[int, CounterSample]]) -> Iterator[Alarm]:
    """A device that answers no poll while the others in the same file do is down, or cut off from its poller."""
    if len(polls) < 2:
        return
    for device, samples in polls.items():
        others = sorted(set().union(*(seen for name, seen in polls.items() if name != device)))
        own = sorted(samples)
        gaps = [later - earlier for earlier, later in pairwise(own)]
        usual = median(gaps) if gaps else 0
        for earlier, later in pairwise([*own, max(own[-1], others[-1] + 1)]):
            missed = (later - earlier) / usual - 1 if usual else 0
            answered = bisect_left(others, later - usual // 2) - bisect_left(others, earlier + usual // 2)
            if missed >= MISSED_POLLS and answered >= MISSED_POLLS * (len(polls) - 1):
                last = samples[earlier]
                yield Alarm(
                    Interval(int(earlier + usual / 2), int(later)),
                    device,
                    device,
                    AlarmKind.DEVICE_UNREACHABLE,
                    Citation(last.origin, last.locator),
                    Phrase(
                        "{device} answered no poll for {seconds:.1f} s while others did",
                        device=device,
                        seconds=(later - earlier) / NANOSECONDS,
                    ),
                    slack_ns=int(usual / 2),
                )
