"""Whether the polls of one balance show a loss: each is held against what the others usually miss.

A balance of counters is never perfect, and what it misses scatters. Loss only ever adds to it, and lasts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import ceil, sqrt
from statistics import median

from attribution.model.evidence import Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CounterSample

# A balance has to be off by this many packets, this share of what passed, and this many times its usual scatter.
LEAST_PACKETS = 4.0
# … and by this many a second: while sessions break and routes change, devices have more to say to each other.
LEAST_PACE = 3.0
LEAST_SHARE = 0.02
SCATTERS = 4.0
# A device of whose packets usually more than this share end in it (or begin) does more than to pass them on.
MOST_OWN = 0.05
# A balance's usual value is that of its lower polls, of this share of all; the median of this part of a normal
# distribution lies so many scatters below that of the whole.
LOWER = 0.6
BELOW = 0.5242
# Loss lasts, and scatter does not: the median step from one poll to the next is so many scatters.
STEP = 0.9539
# A balance over fewer polls than this has no usual value of its own.
LEAST_POLLS = 5
# What this share of the polls stays below, in which the service lost nothing, a balance may be off by of itself.
STRAYING = 0.75
# This share of a normal distribution lies within so many scatters of its middle.
FAR, FAR_SCATTERS = 0.8, 1.2816
# Loss has to stay when a poll is taken together with its neighbours: what was counted a moment later is no loss.
STAYS = 0.5
# Polls that are looked at together, and the share of a run's loss that each half of it must have.
RUNS = (1, 2, 4, 8, 16)
UNEVEN = 0.25
# A balance confirms what the service lost if at least this share of it is missing there, and clears its place if less
# is, by more than so many scatters.
FOUND, SURELY_LESS = 0.55, 2.5
# A loss of less than this share of what passed may be the balance's own doing, if nothing else speaks for it.
SLIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Poll:
    """Between two polls: what should have come through, what did not, and how far that may be the polls' own doing;
    and what the device says it discarded."""

    sample: CounterSample
    start_ns: int
    end_ns: int
    through: float
    missing: float
    slack: float = 0.0
    discarded: float = 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """What the polls of one balance show.

    `off` is by how much each poll misses more than usual, `lossy` the numbers of those that lost packets, `unclear` of
    those that miss more than the others, but no more than those before them always did. `looked_for` are those that
    tell whether it was what the service lost, lossy or not: with how much was wanted there, and which share of it is
    missing.
    """

    polls: tuple[Poll, ...]
    off: tuple[float, ...]
    lossy: frozenset[int]
    unclear: frozenset[int]
    looked_for: Mapping[int, tuple[float, float]]

    def lost_within(self, interval: Interval) -> float:
        """How many packets its lossy polls miss of an interval, as if they had lost them evenly."""
        lost = 0.0
        for index in sorted(self.lossy):
            poll = self.polls[index]
            shared = min(poll.end_ns, interval.end_ns) - max(poll.start_ns, interval.start_ns)
            lost += self.off[index] * max(0, shared) / (poll.end_ns - poll.start_ns)
        return lost


def weigh_polls(polls: Iterable[Poll], wanted: Wanted | None = None, look_for: bool = True) -> Balance | None:
    """The balance of polls in order of time; None where it is not usually even, or has too few polls to be usual.

    By what the service lost, `wanted`, polls are known that are usual for sure; whether it is missing here can be
    looked for.
    """
    known = tuple(poll for poll in polls if poll.through > 0)
    if len(known) < LEAST_POLLS:
        return None
    quiet = [i for i, poll in enumerate(known) if wanted is not None and wanted.is_quiet(poll.start_ns, poll.end_ns)]
    lower = _lower_of(known)
    if abs(_usual_share(lower)) > MOST_OWN and len(quiet) >= LEAST_POLLS:
        lower = _lower_of([known[index] for index in quiet])  # a loss that lasted for most of what was recorded
    usual = _usual_share(lower)
    if abs(usual) > MOST_OWN:
        return None
    scatter = median(abs(later.missing - earlier.missing) for earlier, later in pairwise(known)) / STEP
    # What ends in a device may be a share of what comes, as probes of its neighbours are, or as much in any time, as
    # keepalives are: where much less comes than usual, or more, either may be so.
    pace = median(poll.missing / (poll.end_ns - poll.start_ns) for poll in lower)
    own = [max(usual * poll.through, pace * (poll.end_ns - poll.start_ns)) for poll in known]
    first = tuple(poll.missing - missed - BELOW * scatter for poll, missed in zip(known, own, strict=True))
    # A device that restarts, or whose sessions do, may miss less afterwards than it ever did before.
    ever = _always_missed(known, usual)
    stray = _stray([first[index] for index in quiet]) if look_for else 0.0
    off = tuple(
        poll.missing - max(share * poll.through, missed) - BELOW * scatter - stray
        for poll, share, missed in zip(known, ever, own, strict=True)
    )
    missed = _lossy_polls(known, first, scatter)
    unclear = frozenset(index for index in missed if first[index] > 0 and off[index] < STAYS * first[index])
    lossy = frozenset(_lossy_polls(known, off, scatter)) - unclear
    noise = BalanceNoise(scatter, _wander([off[index] for index in quiet], scatter))
    looked_for = _look_for(wanted, known, off, noise, lossy) if wanted is not None and look_for else {}
    return Balance(known, off, lossy, unclear, looked_for)


def _lower_of(polls: Sequence[Poll]) -> Sequence[Poll]:
    """The polls that miss the smaller shares, which tell what is usual."""
    return sorted(polls, key=lambda poll: poll.missing / poll.through)[: ceil(LOWER * len(polls))]


def _usual_share(polls: Iterable[Poll]) -> float:
    return median(poll.missing / poll.through for poll in polls)


def without_fewer_copies(balance: Balance) -> Balance:
    """The balance of a device that copies packets, as a switch floods frames: that it sends out fewer copies than usual
    is no loss. Lost for sure is only what came in and went out nowhere; of polls that miss nothing so, nothing is said.
    """
    off = tuple(min(own, poll.missing) for own, poll in zip(balance.off, balance.polls, strict=True))
    fewer = frozenset(index for index in balance.lossy if balance.off[index] > 0 and off[index] < LEAST_PACKETS)
    return replace(balance, off=off, lossy=balance.lossy - fewer, unclear=balance.unclear | fewer)


def without_what_others_lost(balance: Balance, others: Iterable[Balance]) -> Balance:
    """A balance that confirms no loss of which as much is missing in another place, by clear signs of its own.

    Nothing is lost twice; and a device whose neighbour loses packets has a few more of its own to say.
    """
    confirmed = sorted(index for index, (_, share) in balance.looked_for.items() if share > 0)
    dropped: set[int] = set()
    for _, run in groupby(enumerate(confirmed), lambda entry: entry[1] - entry[0]):
        indices = [index for _, index in run]
        whole = Interval(balance.polls[indices[0]].start_ns, balance.polls[indices[-1]].end_ns)
        want = sum(balance.looked_for[index][0] for index in indices)
        if any(other.lost_within(whole) >= FOUND * want for other in others):
            dropped.update(indices)
    kept = {index: told for index, told in balance.looked_for.items() if index not in dropped}
    return replace(balance, looked_for=kept)


def _always_missed(polls: Sequence[Poll], usual: float) -> list[float]:
    """For each poll the share that all polls before it missed at least (of the first polls: these), or the usual."""
    shares = [poll.missing / poll.through for poll in polls]
    return [max(usual, min(shares[: max(index, LEAST_POLLS)])) for index in range(len(polls))]


def _stray(quiet: Sequence[float]) -> float:
    """By how much polls miss too much although the service lost nothing: slow wandering shows in no single step."""
    return max(0.0, sorted(quiet)[int(STRAYING * len(quiet))]) if len(quiet) >= LEAST_POLLS else 0.0


def _wander(quiet: Sequence[float], scatter: float) -> float:
    """How far a balance wanders from its usual value although the service lost nothing, beyond its scatter."""
    if len(quiet) < LEAST_POLLS:
        return 0.0
    far = sorted(map(abs, quiet))[int(FAR * len(quiet))] / FAR_SCATTERS
    return sqrt(max(0.0, far * far - scatter * scatter))


@dataclass(frozen=True, slots=True)
class BalanceNoise:
    """How far one poll is off by chance, and how far all polls of a run are together."""

    scatter: float
    wander: float

    def of_run(self, polls: int) -> float:
        return sqrt(polls * self.scatter**2 + (polls * self.wander) ** 2)


class Wanted:
    """How many packets the service lost between its ends in any time: each is missing in one place on its way.

    By its probes and its flows, of which nobody counts a packet of the others'. Connections that nobody answered at a
    capture point tell of trouble, not of how many packets: of those from the other end it never saw one.
    """

    def __init__(self, counted: Sequence[Measurement]) -> None:
        whole = [m for m in counted if m.end_to_end and m.method in (Method.PROBES, Method.FLOWS)]
        in_vain = (m.interval for m in counted if m.of_service and m.counts_connections and m.lost)
        self._in_vain = sorted({(interval.start_ns, interval.end_ns) for interval in in_vain})
        self._asked = [start_ns for start_ns, _ in self._in_vain]
        self._longest_asked_ns = max((end_ns - start_ns for start_ns, end_ns in self._in_vain), default=0)
        self._first_ns = min((m.interval.start_ns for m in whole), default=0)
        self._last_ns = max((m.interval.end_ns for m in whole), default=0)
        self._lossy = sorted((m.interval.start_ns, m.interval.end_ns, m.lost) for m in whole if m.lost)
        self._starts = [start_ns for start_ns, _, _ in self._lossy]
        self._longest_ns = max((end_ns - start_ns for start_ns, end_ns, _ in self._lossy), default=0)

    def within(self, start_ns: int, end_ns: int) -> float:
        """What was lost from when to when; of a longer window as if it had been lost evenly."""
        first = bisect_left(self._starts, start_ns - self._longest_ns)
        found = 0.0
        for start, end, lost in self._lossy[first : bisect_left(self._starts, end_ns)]:
            shared = min(end, end_ns) - max(start, start_ns)
            found += lost * max(0, shared) / max(1, end - start)
        return found

    def is_quiet(self, start_ns: int, end_ns: int) -> bool:
        """Whether the service was measured and lost nothing, just before and after either."""
        around = end_ns - start_ns
        first_ns, last_ns = start_ns - around, end_ns + around
        asked = slice(bisect_left(self._asked, first_ns - self._longest_asked_ns), bisect_left(self._asked, last_ns))
        if any(end > first_ns for _, end in self._in_vain[asked]):
            return False
        measured = self._first_ns <= start_ns and end_ns <= self._last_ns
        return measured and self.within(first_ns, last_ns) == 0


def _lossy_polls(polls: Sequence[Poll], off: Sequence[float], scatter: float) -> set[int]:
    """The polls of which too much is missing, each or as a run: a little in each adds up, its scatter does not."""
    found: set[int] = set()
    for length in RUNS:
        for start in range(len(polls) - length + 1):
            run = range(start, start + length)
            gone = sum(off[index] for index in run)
            own = LEAST_PACE * sum(polls[index].end_ns - polls[index].start_ns for index in run) / NANOSECONDS
            share = LEAST_SHARE * sum(polls[index].through for index in run)
            slack = max(polls[index].slack for index in run)
            if gone <= max(LEAST_PACKETS, own, share, SCATTERS * scatter * sqrt(length)) + slack:
                continue
            if length == 1:
                even = sum(off[max(0, start - 1) : start + 2]) >= STAYS * gone
            else:
                first = sum(off[index] for index in run[: length // 2])
                even = UNEVEN * gone <= first <= (1 - UNEVEN) * gone
            if even:
                found.update(run)
    return found


def _look_for(
    wanted: Wanted, polls: Sequence[Poll], off: Sequence[float], noise: BalanceNoise, lossy: Collection[int]
) -> dict[int, tuple[float, float]]:
    """The polls that tell whether what the service lost is missing here: how much is wanted, what share is missing."""
    wants = [wanted.within(poll.start_ns, poll.end_ns) for poll in polls]
    told: dict[int, tuple[float, float]] = {}
    for (looked_at, is_lossy), run in groupby(range(len(polls)), lambda index: (wants[index] > 0, index in lossy)):
        if not looked_at:
            continue
        indices = list(run)
        want = sum(wants[index] for index in indices)
        if is_lossy:
            # A slight loss is what the service lost if it is about as much; of more, others lost a part.
            missing = sum(off[index] for index in indices)
            slight = missing <= SLIGHT * sum(polls[index].through for index in indices)
            if slight and FOUND * want <= missing <= want / FOUND:
                told.update((index, (wants[index], min(1.0, missing / want))) for index in indices)
            continue
        # What was lost at an edge may have been counted in the poll before or after.
        edges = [index for index in (indices[0] - 1, indices[-1] + 1) if 0 <= index < len(polls) and index not in lossy]
        missing = sum(off[index] for index in (*indices, *edges))
        spread = noise.of_run(len(indices) + len(edges))
        if missing >= max(FOUND * want, LEAST_PACKETS, SCATTERS * spread):
            told.update((index, (wants[index], min(1.0, missing / want))) for index in indices)
        elif missing + max(LEAST_PACKETS, SURELY_LESS * spread) <= FOUND * want:
            told.update((index, (wants[index], 0.0)) for index in indices)
    return told
