"""Loss before and beyond one capture point beside what a dropping rule counted: `python benchmarks/one_point_loss.py`.

Two hosts talk through a router that drops a share of their TCP at random and counts what it drops, each kind of
segment and each direction by a rule of its own (network namespaces; needs root, iptables, tcpdump). Captures stand on
the router's both ports, so that every drop lies between them: what the farther one says was lost before it
(`upstream`), and what the nearer one says was lost beyond it (`downstream`), each from its one file alone, are both
compared with the rule's count.

What is compared with what
    upstream    segments with octets or FIN, and answers to SYNs. An opening SYN that never came leaves no trace at the
                farther point.
    downstream  SYNs, answers to them, segments with octets or FIN. Acknowledgements without octets are counted by a
                rule of their own: nothing is said about those lost beyond a point, and those lost before it are shown.
                What a receiving host refuses (a timestamp that is too old after reordering, RFC 7323 §5) is lost
                beyond both points and counted by no rule: what the farther point says was lost beyond it is taken off
                what the nearer one says, and shown in the last column; it is nothing where nothing is reordered.

An error is marked where it is more than 2 % of the count and more than three packets. `unanswered` are segments of
which nothing told whether they or the answer to them was lost: the truth should lie between `downstream` and the sum
of both. They become many where half of what tells is lost itself, and without SACK after timeouts (everything is sent
again, and the receiver does not say what came twice).

`numbers` rewrites the IP identification in the captures: `own` is Linux's counter for each connection, `random` and
`zero` are other systems' habits, `swapped` a counter in the other order of octets. Without a counter, a retransmission
lost before the point leaves no trace: as many are assumed as of the segments that were sent once; and a request that
is sent again after a silence looks like one that was sent late.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.packets import network  # noqa: E402
from tests.packets.dropping import Condition, Recorded, record, seen_from  # noqa: E402

RATES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


def conditions() -> list[Condition]:
    base = [Condition(rate, traffic="bulk", right_ms=2) for rate in RATES]
    base += [Condition(rate) for rate in RATES[2:]]
    for rate in (0.01, 0.05, 0.2):
        base += [Condition(rate, traffic="talk", right_ms=5), Condition(rate, traffic="short", right_ms=5)]
        base += [Condition(rate, "there", left_ms=10), Condition(rate, "back", right_ms=10)]
        base += [Condition(rate, traffic="bulk talk", right_ms=5, sack=False)]
        base += [Condition(rate, right_ms=5, timestamps=False)]
        base += [Condition(rate, traffic="bulk talk", left_ms=5, reordered=0.02)]
        base += [Condition(rate, traffic="bulk talk", right_ms=5, reordered=0.02)]
    return base


def beside(figure: int, truth: int) -> str:
    """A figure and its error; marked where it is off by more than three packets and two in a hundred."""
    off = figure - truth
    mark = "!" if abs(off) > max(3, 0.02 * truth) else " "
    return f"{figure:6d} {100 * off / max(truth, 1):+6.1f}%{mark}"


def compare(recorded: Recorded, numbers: str) -> None:
    """Print a line for each direction."""
    left, right = seen_from(recorded.left, numbers), seen_from(recorded.right, numbers)
    for way, near, far in (("there", left, right), ("back", right, left)):
        dropped = recorded.dropped[way]
        upstream, downstream = recorded.upstream(way), recorded.downstream(way)
        one, two = near[way], far[way]
        beyond = one.downstream - two.downstream
        both = beyond + one.unanswered
        print(
            f"{recorded.condition!s:46} {numbers:7} {way:5} | {upstream:6d} {beside(two.upstream, upstream)} | "
            f"{downstream:6d} {beside(beyond, downstream)} {beside(both, downstream)}"
            f" | {dropped['acknowledgement']:6d} {two.upstream_bare:6d} | {one.upstream} {two.downstream} "
            f"{two.unanswered} of {one.sent}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="keep the captures there")
    parser.add_argument("--only", default="", help="conditions whose description contains this")
    parser.add_argument("--numbers", default="own", help="own, random, zero, swapped; several separated by commas")
    arguments = parser.parse_args()
    lacking = network.missing()
    if lacking:
        sys.exit(lacking)
    print(
        f"{'condition':46} {'numbers':7} {'way':5} | {'true':>6} {'upstream':>15} | {'true':>6} {'downstream':>15} "
        f"{'with unanswered':>15} | {'bare':>6} {'seen':>6} | of nearer upstream, farther downstream, unanswered"
    )
    with tempfile.TemporaryDirectory() as scratch:
        for number, condition in enumerate(conditions()):
            if arguments.only in str(condition):
                recorded = record((arguments.folder or Path(scratch)) / str(number), condition)
                for numbers in arguments.numbers.split(","):
                    compare(recorded, numbers)


if __name__ == "__main__":
    main()
