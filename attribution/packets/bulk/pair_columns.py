"""The tables of two captures that are laid over each other, column by column."""

from __future__ import annotations

from typing import Any, Final

# Arrays as the compiled entrances take them: of 64-bit integers in one, two and three dimensions; of 32-bit in one
Vector = Any
Rows = Any
Cube = Any
Slots = Any

# A packet in the ring of its capture
SEEN_KEY: Final = 0  # the number, its flow mixed in
SEEN_TIME: Final = 1  # by the capture's own clock
SEEN_COMMON: Final = 2  # by the clock that both are compared on
SEEN_FLOW: Final = 3  # flow × 2 + direction
SEEN_SIZE: Final = 4  # octets on the wire × 256 + time to live
SEEN_STATE: Final = 5
SEEN_OLDER_ALIKE: Final = 6  # the next older packet of its chain
SEEN_OLDER_OPEN: Final = 7  # unmatched segments of a flow, a list in both directions; NOT_LISTED where it is in none
SEEN_NEWER_OPEN: Final = 8
SEEN_LOOSE: Final = 9  # the number without its flow, -1 where its flow is known at both points
SEEN_OLDER_LOOSE: Final = 10
SEEN_SEQUENCE: Final = 11
SEEN_LENGTH: Final = 12  # octets of a TCP segment's sequence space, 0 where it has none
SEEN_COVERED: Final = 13  # how many of them the other side got in other pieces
SEEN_MARK: Final = 14  # IP identification; of what is not TCP, octets behind the IP header × 2^32 besides
SEEN_PART: Final = 15  # fragment offset and "more"; CUT where the snap length cut the headers
SEEN_WIDTH: Final = 16  # two lines of a processor's cache; what every packet needs is in the first

NOT_LISTED: Final = -2
CUT: Final = -1

# SEEN_STATE
OPEN: Final = 0
MATCHED: Final = 1
SUSPECT: Final = 2  # unmatched, but its like was matched before: a copy that the network made, if it stays so
IGNORED: Final = 3  # no IP packet, or the same packet seen again by the same capture: a mirror's copy, a loop

# A flow, the same for both captures; the lower end first, as in `flow_table`
FLOW_KEY: Final = 0
FLOW_HASH: Final = 5
FLOW_GROUP: Final = 6
FLOW_SEEN: Final = 7  # bit 0: by the first capture, bit 1: by the second
FLOW_ALIAS: Final = 8  # flow × 2 + flip as the first capture knows it, where addresses are translated; else -1
FLOW_CLAIM: Final = 9  # the alias that is being considered, and how often it was borne out
FLOW_CLAIMS: Final = 10
FLOW_OUTSIDE: Final = 11  # on the aliased flow: flow × 2 + flip as the second capture knows it; else -1
FLOW_SIDES: Final = 12  # then for each capture and direction (capture × 2 + direction):
SIDE_NEXT: Final = 0  # the sequence number after the highest seen, -1 at first
SIDE_ANSWER: Final = 1  # highest acknowledgement that was sent this way, -1 at first
SIDE_GAP: Final = 2  # newest gap in the sequence
SIDE_OLDEST_OPEN: Final = 3
SIDE_NEWEST_OPEN: Final = 4
SIDE_WIDTH: Final = 5
ECHO_BITS: Final = 48  # of a word; an exchange of echoes keeps in those five words which were answered
FLOW_WAYS: Final = FLOW_SIDES + 4 * SIDE_WIDTH  # then for each direction:
WAY_MATCHED: Final = 0
WAY_LATEST: Final = 1  # when the latest sent of its matched packets was sent
WAY_REORDERED: Final = 2
WAY_SAMPLES: Final = 3  # its place in the samples, -1 where it has none
WAY_LOST: Final = 4  # shown by the first capture alone, by the second alone
WAY_PIECES: Final = 6  # those of which the other has the octets
WAY_COPIES: Final = 8  # those whose like was matched before
WAY_WIDTH: Final = 10
FLOW_WIDTH: Final = FLOW_WAYS + 2 * WAY_WIDTH

# Two addresses and a protocol; number 0 takes in what there is no more room for, and is not told of
GROUP_KEY: Final = 0
GROUP_COUNT: Final = 5  # then for each direction:
GROUP_FALL: Final = 6  # sum of what the time to live fell by from the first capture to the second
GROUP_FIRST: Final = 7  # how much more often the first capture saw it first
GROUP_USUAL: Final = 8  # second capture's time minus first's, of the latest packet matched
GROUP_WAY: Final = 4  # columns from GROUP_COUNT on that stand twice
GROUP_OUTSIDE: Final = GROUP_COUNT + 2 * GROUP_WAY  # 1 + (group × 2 + flip) as the second capture knows it, or 0
GROUP_WIDTH: Final = GROUP_OUTSIDE + 1
MOST_GROUPS: Final = 1 << 12
MOST_FLOWS: Final = 1 << 20  # packets of any further flow are counted and not compared

# One second of a direction between two addresses; two of them are open at a time
BIN_GROUP: Final = 0  # group × 2 + direction
BIN_SECOND: Final = 1
BIN_MATCHED: Final = 2
BIN_REORDERED: Final = 3
BIN_LEAST: Final = 4  # least difference of the two times, and when at the first capture
BIN_LEAST_TIME: Final = 5
BIN_MOST: Final = 6
BIN_MOST_TIME: Final = 7
BIN_LARGEST: Final = 8  # octets of the largest that passed
BIN_FRAMES: Final = 9  # first packet at the first capture, at the second
BIN_TIME: Final = 11  # when its first packet passed the first capture
BIN_TAKEN: Final = 12  # how many samples there are, one of how many packets is taken, and how many are to be skipped
BIN_STRIDE: Final = 13
BIN_SKIP: Final = 14
BIN_SAMPLES: Final = 15
BIN_KEPT: Final = 128
BIN_WIDTH: Final = BIN_SAMPLES + BIN_KEPT

# The tightest packets of the first half minute, for the clocks of short captures: group × 2 + direction, slice, and
# the time at the first capture and the difference, where that is least and where it is greatest; time 0 for none
FINE_NS: Final = 125_000_000
FINE_SLICES: Final = 256
FINE_GROUPS: Final = 256

# Samples of a flow or of a group: (time at the first capture, difference) each
SAMPLE_TAKEN: Final = 0
SAMPLE_STRIDE: Final = 1
SAMPLE_SKIP: Final = 2
SAMPLE_PAIRS: Final = 3
GROUP_KEPT: Final = 256
FLOW_KEPT: Final = 64

# A gap in a flow's sequence at one capture
GAP_LEFT: Final = 0
GAP_RIGHT: Final = 1
GAP_OLDER: Final = 2
GAP_WIDTH: Final = 3

# A packet that left the ring unmatched
LEFT_SIDE: Final = 0
LEFT_INDEX: Final = 1
LEFT_COMMON: Final = 2
LEFT_FLOW: Final = 3
LEFT_GROUP: Final = 4
LEFT_SIZE: Final = 5
LEFT_WHY: Final = 6
LEFT_MARK: Final = 7
LEFT_PART: Final = 8
LEFT_OCTETS: Final = 9
LEFT_WIDTH: Final = 10

# LEFT_WHY
MISSING: Final = 0
IN_PIECES: Final = 1  # the other side has its octets in other segments
ANSWERED: Final = 2  # it arrived, for it was acknowledged, and no other copy passed the other side
COPIED: Final = 3  # its like had passed before
PARTIAL: Final = 4  # a fragment, or cut headers: not to be known again, but it may explain another
UNLIKE: Final = 5  # both captures show its direction of the flow, and not one packet of it is the same

# The state of the whole
AT: Final = 0  # how far into each batch
HEAD: Final = 2  # how many packets of each capture were taken in
TAIL: Final = 4  # how many have left its ring
FLOWS: Final = 6
GROUPS: Final = 7
GAPS: Final = 8
LEFT: Final = 9
CLOSED: Final = 10
NOW: Final = 11  # the common time that has been reached
PAIRS: Final = 12
COPIES: Final = 13  # packets that one capture saw twice at once
FLOW_SAMPLES: Final = 15
STRAYS: Final = 16  # packets of flows whose group is not kept
SET_CLOCK: Final = 17  # which capture's clock is the common one
SET_OFFSET: Final = 18  # the second capture's time minus the first's, at SET_REFERENCE of the first
SET_REFERENCE: Final = 19
SET_DRIFT: Final = 20  # in parts of 2^40
SET_WINDOW: Final = 21
SET_MIRRORED: Final = 22  # whether a capture sees packets twice
ENDED: Final = 24  # whether a capture's last batch is here
BEGINNING: Final = 26  # the common time of the first packet
STATE_WIDTH: Final = 27

# Why `advance` came back
WANTS_FIRST: Final = 0
WANTS_SECOND: Final = 1
WANTS_ROOM: Final = 2  # for what it hands out
WANTS_TABLES: Final = 3  # for flows
FINISHED: Final = 4

CHAIN_WALK: Final = 48
LIST_WALK: Final = 64
GAP_WALK: Final = 4096
MIRROR_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
HALF: Final = 1 << 31
WORD: Final = 0xFFFFFFFF
NEVER: Final = -(1 << 62)
