"""A name that cannot be looked up fails whatever needs it, and looks like a network failure to whoever asked.

RFC 1035 §4.1.1 (response codes), 7766 §5 (TCP behind truncation). Multicast DNS and LLMNR have no server that could
fail; they are not looked at. That a name does not exist is the name's trouble, not the network's: it has its own code.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, Template
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import DESTINATION_PORT, TCP, TIME
from attribution.packets.flows import address_pair
from attribution.packets.survey import Survey
from attribution.packets.witnesses.dns_messages import DNS_PORT, DnsMessage, dns_messages, name_text
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.words import few

PATIENCE_NS: Final = 5_000_000_000  # how long resolvers of common systems wait for an answer
RETRY_NS: Final = 30_000_000_000  # a question with the same identifier and name much later is another one
FAILURES: Final = {2: "servfail", 3: "nxdomain", 5: "refused"}
WORDS: Final = {
    "servfail": Template("name server {server} cannot resolve (SERVFAIL)"),
    "nxdomain": Template("name server {server} says that there is no such name (NXDOMAIN)"),
    "refused": Template("name server {server} refuses to answer (REFUSED)"),
}


@dataclass(slots=True)
class _Question:
    """One question, however often it was asked, and the first answer to it."""

    asked: list[DnsMessage] = field(default_factory=list)
    answer: DnsMessage | None = None


def find_dns_failures(survey: Survey) -> Iterator[PacketWitness]:
    """Yield servers that do not answer, cannot or will not, and truncated answers that TCP did not complete."""
    capture = survey.capture
    messages = dns_messages(survey)
    questions = _questions(messages)
    yield from _unanswered(capture, questions)
    yield from _failures(capture, questions)
    yield from _truncated(survey, questions, messages)


def _questions(messages: list[DnsMessage]) -> list[_Question]:
    """Questions in the order in which they were first asked; retries with one identifier and name are one question."""
    current: dict[tuple[object, ...], _Question] = {}
    found: list[_Question] = []
    for message in messages:
        key = (message.pair, message.question, message.over_tcp)
        question = current.get(key)
        if message.answer is not None:
            if question is not None and question.answer is None:
                question.answer = message
            continue
        if question is None or message.time_ns - question.asked[-1].time_ns > RETRY_NS or _is_done(question, message):
            question = current[key] = _Question()
            found.append(question)
        question.asked.append(message)
    return found


def _is_done(question: _Question, again: DnsMessage) -> bool:
    """The same identifier and name after an answer is a new question, unless the answer crossed the retry."""
    return question.answer is not None and again.time_ns - question.answer.time_ns > PATIENCE_NS


def _named(questions: list[_Question]) -> str:
    return few(name_text(question.asked[0].question[1]) for question in questions)


def _tell(
    capture: Capture, about: list[tuple[int, _Question]], code: str, from_server: bool, words: Template
) -> Iterator[PacketWitness]:
    """One witness for each client and server and stretch of time; the packets are the questions or the answers."""
    found: Gathering[tuple[int, ...]] = Gathering(capture, quiet_ns=RETRY_NS)
    of_packet: dict[int, _Question] = {}
    for index, question in sorted(about, key=lambda one: capture.packets[one[0]][TIME]):
        of_packet[index] = question
        found.add(question.asked[0].pair, index)

    def describe(run: Run[tuple[int, ...]]) -> PacketWitness:
        questions = [of_packet[index] for index in run.packets]
        packet = capture.packets[questions[0].asked[0].packet]
        client, server = source_text(packet), destination_text(packet)
        tries = sum(len(question.asked) for question in questions)
        several = Template("{count} questions of {client}")
        counted = Template("{count} question of {client}") if len(questions) == 1 else several
        asked = counted.fill(count=len(questions), client=client)
        if tries > len(questions):
            asked = Phrase("{questions}, asked {tries} times", questions=asked, tries=tries)
        return testify(
            capture, WitnessKind.DNS_FAILED, run.packets, sender=server if from_server else client,
            about=client if from_server else server, code=code, count=len(questions),
            end_ns=max(question.asked[-1].time_ns for question in questions) if not from_server else None,
            detail=Phrase(
                "{what}: {questions}: {names}", what=words.fill(server=server), questions=asked, names=_named(questions)
            ),
        )  # fmt: skip

    yield from found.witnesses(describe)


def _unanswered(capture: Capture, questions: list[_Question]) -> Iterator[PacketWitness]:
    vain = [
        (question.asked[0].packet, question)
        for question in questions
        if question.answer is None and capture.end_ns - question.asked[-1].time_ns >= PATIENCE_NS
    ]
    yield from _tell(capture, vain, "unanswered", False, Template("no answer of name server {server} passes here"))


def _failures(capture: Capture, questions: list[_Question]) -> Iterator[PacketWitness]:
    for number, code in FAILURES.items():
        failed = [
            (question.answer.packet, question)
            for question in questions
            if question.answer is not None and question.answer.answer == number
        ]
        yield from _tell(capture, failed, code, True, WORDS[code])


def _truncated(survey: Survey, questions: list[_Question], messages: list[DnsMessage]) -> Iterator[PacketWitness]:
    """An answer that did not fit makes its client ask again over TCP; a path that lets no such TCP pass fails it.

    Whoever did not try TCP, or got the whole answer in another way, lost nothing.
    """
    capture = survey.capture
    cut = [question for question in questions if question.answer is not None and question.answer.truncated]
    if not cut:
        return
    tried: dict[tuple[int, ...], list[int]] = {}
    for index in survey.of(TCP):
        packet = capture.packets[index]
        if packet[DESTINATION_PORT] == DNS_PORT:
            tried.setdefault(address_pair(packet), []).append(packet[TIME])
    whole: dict[tuple[object, ...], list[int]] = {}
    for message in messages:
        if message.answer is not None and not message.truncated:
            whole.setdefault((message.pair[:4], message.question[1:]), []).append(message.time_ns)
    failed: list[tuple[int, _Question]] = []
    for question in cut:
        answer = question.answer or question.asked[0]
        waited_ns = answer.time_ns + PATIENCE_NS
        if capture.end_ns < waited_ns:
            continue
        client = (answer.pair[:4], answer.question[1:])
        if _any_between(tried.get(answer.pair, []), answer.time_ns, waited_ns) and not _any_between(
            whole.get(client, []), answer.time_ns, waited_ns + PATIENCE_NS
        ):
            failed.append((answer.packet, question))
    words = Template("name server {server} cuts its answer short, and asking again over TCP fails")
    yield from _tell(capture, failed, "truncated", True, words)


def _any_between(times: list[int], start_ns: int, end_ns: int) -> bool:
    place = bisect_left(times, start_ns)
    return place < len(times) and times[place] <= end_ns
