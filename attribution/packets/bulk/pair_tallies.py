"""Seconds of a direction of traffic while they are open, and samples of how long packets took."""

from __future__ import annotations

from typing import Any

from attribution.packets.bulk.pair_columns import (
    BIN_FRAMES,
    BIN_GROUP,
    BIN_KEPT,
    BIN_LARGEST,
    BIN_LEAST,
    BIN_MATCHED,
    BIN_MOST,
    BIN_REORDERED,
    BIN_SAMPLES,
    BIN_SECOND,
    BIN_SKIP,
    BIN_STRIDE,
    BIN_TAKEN,
    BIN_TIME,
    CLOSED,
    FINE_GROUPS,
    FINE_SLICES,
    SAMPLE_PAIRS,
    SAMPLE_SKIP,
    SAMPLE_STRIDE,
    SAMPLE_TAKEN,
    Rows,
    Vector,
)

Array = Any


def clear_samples(samples: Array, row: int) -> None:
    """No samples yet, and every packet is one."""
    samples[row, SAMPLE_TAKEN] = 0
    samples[row, SAMPLE_STRIDE] = 1
    samples[row, SAMPLE_SKIP] = 0


def sample_pair(samples: Array, row: int, kept: int, time_ns: int, ahead: int) -> None:
    """Keep every so many packets' times; where there is no more room, every second of them goes."""
    if samples[row, SAMPLE_SKIP] > 0:
        samples[row, SAMPLE_SKIP] -= 1
        return
    taken = samples[row, SAMPLE_TAKEN]
    if taken == kept:
        for number in range(kept // 2):
            samples[row, SAMPLE_PAIRS + 2 * number] = samples[row, SAMPLE_PAIRS + 4 * number]
            samples[row, SAMPLE_PAIRS + 2 * number + 1] = samples[row, SAMPLE_PAIRS + 4 * number + 1]
        taken = kept // 2
        samples[row, SAMPLE_STRIDE] *= 2
    samples[row, SAMPLE_PAIRS + 2 * taken] = time_ns
    samples[row, SAMPLE_PAIRS + 2 * taken + 1] = ahead
    samples[row, SAMPLE_TAKEN] = taken + 1
    samples[row, SAMPLE_SKIP] = samples[row, SAMPLE_STRIDE] - 1


def sample_bin(bins: Array, place: int, ahead: int) -> None:
    """As `sample_pair`, of the differences alone."""
    if bins[place, BIN_SKIP] > 0:
        bins[place, BIN_SKIP] -= 1
        return
    taken = bins[place, BIN_TAKEN]
    if taken == BIN_KEPT:
        for number in range(BIN_KEPT // 2):
            bins[place, BIN_SAMPLES + number] = bins[place, BIN_SAMPLES + 2 * number]
        taken = BIN_KEPT // 2
        bins[place, BIN_STRIDE] *= 2
    bins[place, BIN_SAMPLES + taken] = ahead
    bins[place, BIN_TAKEN] = taken + 1
    bins[place, BIN_SKIP] = bins[place, BIN_STRIDE] - 1


def close_bin(place: int, state: Array, bins: Array, closed: Array) -> None:
    """Hand out a second that is over."""
    if bins[place, BIN_MATCHED] == 0:
        return
    row = state[CLOSED]
    state[CLOSED] += 1
    for column in range(BIN_SAMPLES + bins[place, BIN_TAKEN]):
        closed[row, column] = bins[place, column]
    bins[place, BIN_MATCHED] = 0


def open_bin(group: int, second: int, time_ns: int, state: Array, bins: Array, closed: Array) -> Any:
    """The place of a group's second; what stood there of an earlier second is over and is handed out."""
    place = group << 1 | second & 1
    if bins[place, BIN_SECOND] != second or bins[place, BIN_MATCHED] == 0:
        close_bin(place, state, bins, closed)
        bins[place, BIN_GROUP] = group
        bins[place, BIN_SECOND] = second
        bins[place, BIN_TIME] = time_ns
        bins[place, BIN_REORDERED] = 0
        bins[place, BIN_LEAST] = 1 << 62
        bins[place, BIN_MOST] = -(1 << 62)
        bins[place, BIN_LARGEST] = 0
        bins[place, BIN_FRAMES] = 1 << 62
        bins[place, BIN_FRAMES + 1] = 1 << 62
        bins[place, BIN_TAKEN] = 0
        bins[place, BIN_STRIDE] = 1
        bins[place, BIN_SKIP] = 0
    return place


def close_all(state: Vector, bins: Rows, closed: Rows, start: int, count: int) -> Any:
    """Hand out the seconds of all groups, from place `start` on, as far as there is room. Answers how far it came."""
    for place in range(start, count):
        if state[CLOSED] >= closed.shape[0] - 1:
            return place
        close_bin(place, state, bins, closed)
    return count


def note_finely(fine: Array, group: int, piece: int, time_ns: int, ahead: int) -> None:
    """Keep the tightest packets of a slice of time."""
    if group >= FINE_GROUPS or piece < 0 or piece >= FINE_SLICES:
        return
    if fine[group, piece, 0] == 0 or ahead < fine[group, piece, 1]:
        fine[group, piece, 0] = time_ns
        fine[group, piece, 1] = ahead
    if fine[group, piece, 2] == 0 or ahead > fine[group, piece, 3]:
        fine[group, piece, 2] = time_ns
        fine[group, piece, 3] = ahead
