"""What the provider did to the account or an address, and whether the account's own events justify it."""

from __future__ import annotations

import pytest

from attribution.detectors.enforcement import detect_enforcement, detect_notices, invoice_of
from attribution.model.evidence import Condition, Record, RecordKind
from attribution.model.incident import EvidenceType
from attribution.model.observation import AccountEvent, AccountEventKind
from attribution.model.topology import NodeKind, Side
from tests.detectors.chain import CHAIN, NODES, at, join, network, node, origin, surroundings

AROUND = surroundings()
HOST_OF_PROVIDER = node("cloud-host", NodeKind.HOST, "10.2.0.2", side=Side.PROVIDER)
ACCOUNT = origin("records/account.csv", EvidenceType.ACCOUNT_EVENTS)
DAY = 86_400.0


def account(second: float, kind: AccountEventKind, detail: str = "") -> AccountEvent:
    return AccountEvent(time_ns=at(second), origin=ACCOUNT, locator="row 1", kind=kind, detail=detail)


DUE, PAID = AccountEventKind.PAYMENT_DUE, AccountEventKind.PAYMENT_RECEIVED
NOTICE, SUSPENDED = AccountEventKind.VIOLATION_NOTICE, AccountEventKind.SUSPENDED


def suspension(*events: AccountEvent, detail: str = "service suspended") -> Record:
    (record,) = detect_enforcement([*events, account(0, SUSPENDED, detail)], AROUND)
    return record


def test_a_suspension_for_an_unpaid_invoice_has_a_ground() -> None:
    record = suspension(account(-20 * DAY, DUE, "invoice INV-7"))

    assert (record.actor, record.kind, record.ground) == (Side.PROVIDER, RecordKind.ENFORCEMENT, Condition.MET)
    assert set(record.reasons) == {"suspended", "late_payment", "overdue_15_days"}


def test_a_suspension_soon_after_the_due_day_is_late_but_not_fifteen_days() -> None:
    assert set(suspension(account(-14 * DAY, DUE, "invoice INV-7")).reasons) == {"suspended", "late_payment"}


def test_the_fifteenth_day_counts() -> None:
    assert "overdue_15_days" in suspension(account(-15 * DAY, DUE, "invoice INV-7")).reasons


def test_a_suspension_although_all_was_paid_has_no_ground() -> None:
    record = suspension(account(-20 * DAY, DUE, "invoice INV-7"), account(-19 * DAY, PAID, "invoice INV-7"))
    assert (record.ground, record.reasons) == (Condition.NOT_MET, ("suspended",))


def test_payment_after_the_suspension_comes_too_late() -> None:
    (record,) = detect_enforcement(
        [account(-20 * DAY, DUE, "INV-7"), account(0, SUSPENDED), account(60, PAID, "INV-7")], AROUND
    )
    assert record.ground is Condition.MET


def test_paying_another_invoice_settles_nothing() -> None:
    record = suspension(account(-20 * DAY, DUE, "invoice INV-7"), account(-19 * DAY, PAID, "invoice INV-6"))
    assert record.ground is Condition.MET


def test_a_payment_settles_its_invoice_whatever_words_stand_around_the_number() -> None:
    due = account(-25 * DAY, DUE, "invoice 2026-01-7731, CNY 18,400")
    paid = account(-2 * DAY, PAID, "2026-01-7731 with penalty, in full")
    assert suspension(due, paid, detail="invoice 2026-01-7731 unpaid, in arrears").ground is Condition.NOT_MET
    partial = account(-2 * DAY, PAID, "partial payment of CNY 400 for 2026-01-7731")
    assert suspension(due, partial).ground is Condition.MET


def test_a_payment_without_a_number_settles_the_only_open_invoice_and_of_several_nobody_knows_which() -> None:
    due = account(-25 * DAY, DUE, "invoice INV-7")
    assert suspension(due, account(-2 * DAY, PAID, "CNY 18,400 received")).ground is Condition.NOT_MET
    both = [due, account(-20 * DAY, DUE, "invoice INV-8")]
    assert suspension(*both, account(-2 * DAY, PAID, "CNY 18,400 received")).ground is Condition.UNKNOWN


def test_a_suspension_that_names_its_invoice_is_judged_by_it_alone() -> None:
    other = [account(-40 * DAY, DUE, "invoice INV-6")]
    paid = [account(-20 * DAY, DUE, "invoice INV-7"), account(-19 * DAY, PAID, "invoice INV-7")]

    assert suspension(*other, *paid, detail="for invoice INV-7").ground is Condition.NOT_MET
    assert suspension(*other, *paid, detail="for invoice INV-6").ground is Condition.MET
    assert suspension(*other, *paid, detail="").ground is Condition.MET


def test_a_reminder_does_not_make_an_invoice_due_twice() -> None:
    due = [account(-20 * DAY, DUE, "invoice INV-7"), account(-10 * DAY, PAID, "invoice INV-7")]
    assert suspension(*due).ground is Condition.NOT_MET


def test_a_violation_that_was_notified_is_a_ground() -> None:
    record = suspension(account(-3600, NOTICE, "spam from 10.2.0.2"))
    assert (record.ground, "violation" in record.reasons) == (Condition.MET, True)


def test_a_notice_that_only_reminds_of_an_invoice_is_no_violation() -> None:
    events = [
        account(-20 * DAY, DUE, "invoice INV-7"),
        account(-10 * DAY, NOTICE, "reminder of invoice INV-7"),
        account(-9 * DAY, PAID, "invoice INV-7"),
    ]
    assert suspension(*events).ground is Condition.NOT_MET


def test_a_suspension_of_which_the_account_s_events_show_no_ground_has_none() -> None:
    assert suspension().ground is Condition.NOT_MET


def test_a_suspension_lasts_until_service_is_restored() -> None:
    (record,) = detect_enforcement(
        [account(0, SUSPENDED), account(90, AccountEventKind.RESTORED), account(99, AccountEventKind.RESTORED)], AROUND
    )
    assert (record.interval.start_ns, record.interval.end_ns) == (at(0), at(90))


def test_payments_and_notices_are_no_enforcement() -> None:
    events = [account(0, DUE), account(1, PAID), account(2, NOTICE), account(3, AccountEventKind.RESTORED)]
    assert list(detect_enforcement(events, AROUND)) == []


def test_a_black_hole_for_an_address_sits_at_the_provider_s_device_if_it_is_one() -> None:
    restricted = AccountEventKind.RESTRICTED
    (edge,) = detect_enforcement([account(0, restricted, "address 10.9.2.2 blocked")], AROUND)
    (service,) = detect_enforcement([account(0, restricted, "address 10.2.0.2 blocked")], AROUND)

    assert edge.component == "cloud-gateway"
    assert service.component is None


def test_a_black_hole_for_a_host_in_the_cloud_drops_its_packets_on_the_way_to_it() -> None:
    of_provider = network([*(n for n in NODES if n.id != "cloud-host"), HOST_OF_PROVIDER], CHAIN.links.values())
    restricted = account(0, AccountEventKind.RESTRICTED, "black hole 10.2.0.2/32")
    (record,) = detect_enforcement([restricted], surroundings(of_provider))
    assert (record.component, record.harmful) == (None, Condition.MET)


@pytest.mark.parametrize(
    ("detail", "invoice"),
    [
        ("invoice INV-2026-07 overdue", "inv-2026-07"),
        ("invoice 2026-01-7731, CNY 18,400", "2026-01-7731"),
        ("Invoice no. 7731-A with penalty, in full", "7731-a"),
        ("CNY 18,400 for INV/7 received 2026-03-03 at 06:12", "inv/7"),
        ("overdue 31 days since 2026-02-08, 18400 yuan", None),
        ("账单 2026-01-7731 已付清", "2026-01-7731"),
        ("bill 20260701", "20260701"),
        ("address 10.2.0.2 blocked", None),
        ("non-payment", None),
        ("", None),
    ],
)
def test_the_invoice_is_read_from_the_words(detail: str, invoice: str | None) -> None:
    assert invoice_of(detail) == invoice


def test_a_second_notice_of_the_same_invoice_does_not_move_the_day_it_fell_due() -> None:
    record = suspension(account(-20 * DAY, DUE, "invoice INV-7"), account(-3 * DAY, DUE, "invoice INV-7"))
    assert "overdue_15_days" in record.reasons


def test_last_month_s_payment_does_not_settle_this_month_s_unnumbered_invoice() -> None:
    record = suspension(
        account(-50 * DAY, DUE, "monthly fee"),
        account(-49 * DAY, PAID, "monthly fee"),
        account(-20 * DAY, DUE, "monthly fee"),
    )
    assert record.ground is Condition.MET


def test_an_ipv6_address_is_no_invoice() -> None:
    assert invoice_of("address 2001:db8::7 blocked") is None


def test_a_suspension_that_names_a_resource_does_not_name_an_invoice() -> None:
    assert suspension(account(-20 * DAY, DUE, "invoice INV-7"), detail="ccn-1 suspended").ground is Condition.MET


RESTRICTED = AccountEventKind.RESTRICTED


def restriction(detail: str, *notices: str) -> Record:
    events = [account(-3600 + number, NOTICE, words) for number, words in enumerate(notices)]
    (record,) = detect_enforcement([*events, account(0, RESTRICTED, detail)], AROUND)
    return record


def test_a_notice_about_one_address_is_no_ground_to_black_hole_another() -> None:
    """Digits are swapped easily: 203.0.113.17 was attacked, 203.0.113.71 was taken off the network."""
    assert restriction("DDoS black hole 10.2.0.2", "DDoS against 10.2.0.20").ground is Condition.NOT_MET
    assert restriction("DDoS black hole 10.2.0.2", "DDoS against 10.2.0.2").ground is Condition.MET
    assert restriction("DDoS black hole 10.2.0.2", "DDoS against 10.2.0.0/24").ground is Condition.MET
    assert restriction("black hole 10.2.0.2", "repeated attacks, see 3.2(11)").ground is Condition.MET
    assert restriction("account restricted", "SPAM sent from 10.2.0.2").ground is Condition.MET


def test_an_address_that_no_end_has_may_be_taken_away_without_harm() -> None:
    assert restriction("black hole 10.2.0.2").harmful is Condition.MET
    assert restriction("black hole 198.51.100.77").harmful is Condition.NOT_MET
    assert restriction("black hole 198.51.100.77 and 10.2.0.2").harmful is Condition.MET
    assert restriction("service restricted").harmful is Condition.MET


def test_an_edge_s_address_may_be_the_one_by_which_an_end_goes() -> None:
    assert restriction("black hole 192.0.2.1").harmful is Condition.UNKNOWN


@pytest.mark.parametrize("words", ["isolated: arrears", "overdue invoice", "因欠费停服", "unpaid balance"])
def test_arrears_of_which_the_account_shows_no_invoice_are_neither_proven_nor_refuted(words: str) -> None:
    assert restriction(words).ground is Condition.UNKNOWN
    assert suspension(account(-9 * DAY, DUE, "INV-7"), account(-8 * DAY, PAID, "INV-7"), detail=words).ground is (
        Condition.NOT_MET
    ), "what was due was paid"


def test_a_payment_that_ends_a_suspension_tells_that_something_was_due() -> None:
    (record,) = detect_enforcement([account(0, SUSPENDED), account(60, PAID, "INV-7")], AROUND)
    assert record.ground is Condition.UNKNOWN


@pytest.mark.parametrize("words", ["DDoS black hole 10.2.0.2", "violation of 3.2", "违规封禁"])
def test_a_violation_that_was_never_notified_is_a_claim(words: str) -> None:
    assert restriction(words).ground is Condition.UNKNOWN
    assert restriction("black hole 10.2.0.2").ground is Condition.NOT_MET


def test_notice_of_attacks_is_on_record_for_the_host_that_draws_them_and_is_no_act() -> None:
    notices = list(
        detect_notices(
            [
                account(0, NOTICE, "10.2.0.2 attracted a DDoS attack for the third time"),
                account(1, NOTICE, "your hosts are flooded again and again"),
                account(2, NOTICE, "10.2.0.2 serves forbidden contents"),
                account(3, NOTICE, "attacks on 203.0.113.200"),
                account(4, SUSPENDED, "10.2.0.2 attacked"),
            ],
            AROUND,
        )
    )
    assert [(notice.kind, notice.component) for notice in notices] == [
        (RecordKind.VIOLATION, "cloud-host"), (RecordKind.VIOLATION, None),
    ]  # fmt: skip
    assert {notice.harmful for notice in notices} == {Condition.NOT_MET}


@pytest.mark.parametrize(
    ("words", "ground"),
    [
        ("black hole 10.2.0.2/32: DDoS of 41 Gbps towards 10.2.0.20 (another tenant)", Condition.NOT_MET),
        ("10.2.0.2 black-holed, attack on 203.0.113.42", Condition.NOT_MET),
        ("黑洞 10.2.0.2，DDoS 攻击目标 203.0.113.42", Condition.NOT_MET),
        ("black hole 10.2.0.0/24: DDoS towards 10.2.0.20", Condition.UNKNOWN),
        ("black hole 10.2.0.2: DDoS towards 10.2.0.2", Condition.UNKNOWN),
        ("black hole 10.2.0.2: DDoS towards 10.1.0.2", Condition.UNKNOWN),
        ("black hole 10.2.0.2: outbound DDoS towards 203.0.113.42", Condition.UNKNOWN),
        ("black hole 10.2.0.2, it attacked 203.0.113.42", Condition.UNKNOWN),
        ("black hole 10.2.0.2: DDoS from 203.0.113.42", Condition.UNKNOWN),
    ],
)
def test_an_attack_on_an_address_that_is_not_the_customer_s_is_no_ground_to_block_one_that_is(
    words: str, ground: Condition
) -> None:
    """Unless the blocked address may be where the attack came from, or the other one is the customer's as well."""
    assert restriction(words).ground is ground


def test_only_the_blocked_address_tells_whether_the_service_is_hit() -> None:
    assert restriction("black hole 198.51.100.77: DDoS towards 10.2.0.2").harmful is Condition.NOT_MET
    assert restriction("black hole 10.2.0.2: DDoS towards 198.51.100.77").harmful is Condition.MET


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("black hole 10.2.0.2/32", "cloud-host"),
        ("black hole 10.2.0.2/32: DDoS towards 198.51.100.77", "cloud-host"),
        ("address 192.0.2.1 blocked", "office-edge"),
        ("ccn-1 suspended, invoice INV-7 overdue", "cloud-gateway"),
        ("CCN-1: invoice unpaid", None),
        ("port of cloud-edge closed", "cloud-edge"),
        ("service suspended by the billing system", None),
        ("black hole 198.51.100.77, see ccn-1", None),
    ],
)
def test_an_enforcement_is_about_what_it_names(words: str, target: str | None) -> None:
    """A resource that the drawing ties to a node, a node, or an address of one, wherever its packets are dropped."""
    assert restriction(words).target == target


def test_what_is_taken_from_a_resource_off_the_service_s_way_does_not_hurt_it() -> None:
    aside = network(
        [*NODES, node("other-gateway", NodeKind.GATEWAY, resources=("ccn-2",))],
        [*CHAIN.links.values(), join("cloud-core GE0/0/9", "other-gateway GE0/0/1", resources=("dcx-2",))],
    )
    for words, harmful in (("ccn-2 suspended", Condition.NOT_MET), ("dcx-2 and ccn-1 suspended", Condition.MET)):
        (record,) = detect_enforcement([account(0, SUSPENDED, words)], surroundings(aside))
        assert record.harmful is harmful
