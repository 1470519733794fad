"""What connections complain of: resets, failed handshakes, readers that stop, large packets that vanish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attribution.model.capture import Handshake
from attribution.model.observation import FORGED, REFUSED_BY_ITSELF, PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, any_of
from attribution.packets import flow_table as ft
from attribution.packets import following as fw
from attribution.packets import pair_bins as pb
from attribution.packets.bins import ends_of_member
from attribution.packets.columns import TCP
from attribution.packets.figures import OPENINGS, address_text, ends_of
from attribution.packets.ledger import Ledger
from attribution.packets.survey import Survey
from attribution.packets.times_to_live import is_forged, is_own, usual_lives
from attribution.packets.witnesses.entries import FRAMES_SHOWN, Entry, Story, stories_of, tell

MANY_CLIENTS: Final = 16  # from so many on, a failure is the service's story and not each client's
FEWEST_LARGE_LOST: Final = 3
FAILED: Final = {
    Handshake.REFUSED: Phrase("refused"),
    Handshake.UNANSWERED: Phrase("unanswered"),
    Handshake.UNFINISHED: Phrase("unfinished"),
    Handshake.COMPLETE: Phrase("complete"),
    Handshake.NOT_SEEN: Phrase("not seen"),
}
REFUSALS: Final = {
    Handshake.REFUSED: FAILED[Handshake.REFUSED],
    REFUSED_BY_ITSELF: Phrase("refused, by the server itself"),
    FORGED: Phrase("refused, by another device"),
}


def find_resets(survey: Survey) -> Iterator[PacketWitness]:
    """Yield connections that were cut by a reset, and whether the end that it names really sent it.

    A reset that answers a SYN is a refusal, and one after both ends have finished is tidying up: neither is told here.
    A device between the ends that forges resets is given away by a time to live that is not the end's own.
    """
    notes = [note for note in survey.ledger.notes if note[ft.NOTE_KIND] == ft.RESET]
    if not notes:
        return
    lives = usual_lives(survey.ledger)
    entries = []
    for note in notes:
        ends = ends_of(note[ft.NOTE_WIDTH : ft.NOTE_WIDTH + 5])
        (sender, _), (about, _) = ends if note[ft.NOTE_SIDE] == 0 else ends[::-1]
        code, words = _who_sent(sender, note[ft.NOTE_LIFE], lives.get(sender, set()))
        entries.append(Entry((sender, about, code, words), note[ft.NOTE_TIME], note[ft.NOTE_END], note[ft.NOTE_FRAME]))
    for story in stories_of(entries):
        sender, about, code, words = story.key
        yield tell(
            survey, WitnessKind.TCP_RESET, story.start_ns, story.end_ns, story.frames, sender=sender, about=about,
            code=code, count=story.count, detail=words,
        )  # fmt: skip


def _who_sent(sender: str, life: int, usual: set[int]) -> tuple[str | None, Phrase]:
    """FORGED or None, and in words."""
    if not is_forged(life, usual):
        return None, Phrase("{sender} resets the connection", sender=sender)
    return FORGED, Phrase(
        "a reset in the name of {sender}, with time to live {life} where its own have {own}: another device sent it",
        sender=sender, life=life, own=any_of(str(one) for one in sorted(usual)),
    )  # fmt: skip


def find_failed_handshakes(survey: Survey) -> Iterator[PacketWitness]:
    """Yield servers whose connections did not come about: refused, unanswered, or never finished by the client.

    Who refused, the server or a device in its name, is told by the time to live with which its segments pass here.
    """
    lives, serving = usual_lives(survey.ledger), _serving(survey.ledger)
    for failing in survey.ledger.failures():
        server, outcome = address_text(*failing.server, failing.version), OPENINGS[failing.opening]
        clients = {attempt.client for attempt in failing.attempts}
        several = len(clients) >= MANY_CLIENTS or failing.count > len(failing.attempts)
        if several:
            frames = [attempt.frame for attempt in failing.attempts[:FRAMES_SHOWN]]
            stories: list[Story[tuple[int, int] | None]]
            stories = [Story(None, failing.start_ns, failing.end_ns, failing.count, frames)]
        else:
            entries: list[Entry[tuple[int, int] | None]] = [
                Entry(one.client, one.time_ns, one.time_ns, one.frame) for one in failing.attempts
            ]
            stories = list(stories_of(entries))
        for story in stories:
            client = address_text(*story.key, failing.version) if story.key is not None else None
            sender, about = (client, server) if outcome is Handshake.UNANSWERED else (server, client)
            asked_by = client or _several(len(clients), several)
            code, words = str(outcome), FAILED[outcome]
            if outcome is Handshake.REFUSED:
                answers = {attempt.answers_life for attempt in failing.attempts if story.key in (None, attempt.client)}
                code = _who_refused(answers, lives.get(server, set()), (server, failing.port) in serving)
                words = REFUSALS[code]
            yield tell(
                survey, WitnessKind.HANDSHAKE_FAILED, story.start_ns, story.end_ns, story.frames, sender=sender,
                about=about, code=code, count=story.count,
                detail=Phrase(
                    "{count} connections from {clients} to {server} port {port}: {outcome}", count=story.count,
                    clients=asked_by, server=server, port=failing.port, outcome=words,
                ),
            )  # fmt: skip


def _who_refused(lives: set[int], usual: set[int], served: bool) -> str:
    """REFUSED_BY_ITSELF for a server that `served` and whose segments come with such times to live, FORGED where none
    of its segments do; where neither is sure, that it was refused."""
    own = [is_own(life, usual) for life in lives]
    if usual and not any(own):
        return FORGED
    return REFUSED_BY_ITSELF if all(own) and served else Handshake.REFUSED


def _serving(ledger: Ledger) -> set[tuple[str, int]]:
    """The addresses and ports at which connections came about, or were in use."""
    found: set[tuple[str, int]] = set()
    for flow in ledger.flows():
        row = ledger.table[flow * ft.FLOW_WIDTH : (flow + 1) * ft.FLOW_WIDTH]
        if int(row[4]) & 0xFF == TCP and row[ft.FLOW_OPENING] in (ft.COMPLETE, ft.NOT_SEEN):
            found.update(ends_of([int(word) for word in row[:5]]))
    return found


def _several(clients: int, or_more: bool) -> Phrase:
    if or_more:
        return Phrase("{count} or more addresses", count=clients)
    return Phrase("{count} addresses", count=clients)


def find_zero_windows(survey: Survey) -> Iterator[PacketWitness]:
    """Yield receivers that had no room for more, for how long: their reader stands still."""
    ledger = survey.ledger
    for note in ledger.notes:
        if note[ft.NOTE_KIND] == ft.CLOSED:
            yield _zero_window(survey, note[ft.NOTE_WIDTH :], note[ft.NOTE_SIDE], note[ft.NOTE_FRAME : ft.NOTE_LIFE])
    for side in range(2):
        at = ft.FLOW_SIDES + side * ft.SIDE_WIDTH
        for flow, frame in enumerate(ledger.column(at + ft.SIDE_CLOSED)):
            if frame and ledger.table[flow * ft.FLOW_WIDTH + ft.FLOW_HASH] >= 0:
                row = ledger.rows_of(flow)[0]
                start, end = row[at + ft.SIDE_CLOSED_TIME], row[ft.FLOW_LAST_TIME]
                if end - start >= ft.SHORTEST_CLOSED_NS:
                    yield _zero_window(survey, row, side, (frame, start, end, row[at + ft.SIDE_CLOSED_COUNT]))


def _zero_window(survey: Survey, row: tuple[int, ...] | list[int], side: int, spell: tuple[int, ...]) -> PacketWitness:
    frame, start_ns, end_ns, count = spell
    ends = ends_of(row[:5])
    (sender, _), (about, _) = ends if side == 0 else ends[::-1]
    return tell(
        survey, WitnessKind.ZERO_WINDOW, start_ns, end_ns, (frame,), sender=sender, about=about, count=count,
        detail=Phrase("{sender} has no room for {seconds:.1f} s", sender=sender, seconds=(end_ns - start_ns) / 1e9),
    )  # fmt: skip


def find_large_packets_lost(survey: Survey) -> Iterator[PacketWitness]:
    """Yield directions in which every large segment vanishes beyond this point while small ones arrive.

    That is a path whose smallest link takes less than the ends believe, and that does not tell them so (RFC 2923).
    """
    ledger = survey.ledger
    lost: dict[int, list[tuple[int, ...]]] = {}
    for loss in ledger.losses:
        lost.setdefault(loss[fw.TOLD_MEMBER], []).append(loss)
    for member, losses in sorted(lost.items()):
        passed = int(ledger.pairs[(member >> 1) * pb.PAIR_WIDTH + pb.PAIR_ARRIVED + (member & 1)])
        large = sorted(loss[fw.TOLD_TIME :] for loss in losses if loss[fw.TOLD_WIRE] > passed)
        small_lost = len(losses) - len(large)
        if passed and len(large) >= FEWEST_LARGE_LOST and small_lost * 5 <= len(large):
            sender, about = ends_of_member(ledger, member)
            if sender is not None and about is not None:
                smallest = min(wire for _, _, wire in large)
                yield tell(
                    survey, WitnessKind.LARGE_PACKETS_LOST, large[0][0], large[-1][0], [frame for _, frame, _ in large],
                    sender=sender, about=about, count=len(large), code=str(smallest),
                    detail=Phrase(
                        "frames of {smallest} octets and more are lost, those up to {passed} arrive",
                        smallest=smallest, passed=passed,
                    ),
                )  # fmt: skip
