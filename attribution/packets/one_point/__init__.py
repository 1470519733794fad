"""Loss before and beyond a single capture point, told while the segments pass; `segments` says how.

    numbers    does a sender count its packets, and which numbers were left out
    nodes      a shared row of small records, bounded
    state      what is remembered of a connection, and how a loss is told
    waiting    losses that something may still take back
    gaps       octets and numbers that were left out: lost before the point
    copies     segments in flight: lost beyond the point
    limits     segments that a router dropped for their size, and said so: not lost
    segments   one call for each segment; the end of a connection

What one point cannot know, and what is said then:

- An opening SYN that never came leaves no trace, nor does the answer to one if timestamps are off and several SYNs
  came.
- Without a counter in the IP identification (Windows, IPv6, random or zero), a retransmission lost before the point is
  only assumed, as often as segments that were sent once are lost; a request that is sent again after a silence looks
  like one that was sent late, and is missed.
- A sender that counts more than the connection leaves numbers out without loss. That other packets of it have them is
  seen (`taken_numbers`); where they pass elsewhere, only that it leaves numbers out after most of its pauses.
- A number that is left out may have been a bare acknowledgement: both are told apart by what the connection was doing,
  else by how often either passes. So a host that mostly acknowledges shows its few segments' loss less exactly.
- Where the answers are lost as well, or the receiver does not tell what came twice (no SACK; SYNs and last FINs), a
  copy that was sent again without need may have been lost or not: it is `unanswered`. The truth lies between the losses
  beyond the point and those with the unanswered ones.
- What the receiving host itself drops or refuses was lost beyond the point.
"""
