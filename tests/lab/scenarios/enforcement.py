"""What the provider does against a customer, by right and by mistake, and what the customer's hosts do to others."""

from __future__ import annotations

from tests.lab.happenings import Attack, Deed
from tests.lab.orders import Stream
from tests.lab.paperwork import DAY
from tests.lab.plan import Plan, Side
from tests.lab.scenario import Effect, Scenario
from tests.lab.scenarios.places import CUSTOMER, PROVIDER, access_port, site_prefix
from tests.lab.stage import Schedule, Stage

_BILLING = {"user": "svc-billing", "origin": "10.200.40.7"}
_ABUSE = {"user": "svc-abuse", "origin": "10.200.40.9"}
_DEFENCE = {"user": "svc-ddos", "origin": "10.200.40.8"}
_BOUGHT = 2_000_000
_FRAME = 1442


def _void_site(stage: Stage, side: Side, event: str, detail: str, robot: dict[str, str]) -> None:
    """The provider routes the customer's site into the void, until it takes that back."""
    prefix = site_prefix(stage.plan, "host-a")
    stage.operate("pe1", Deed.DISCARD_ROUTE, prefix, **robot)
    with stage.cause("pe1", "enforcement_action", side):
        stage.account(stage.now(), event, detail)
        stage.discard("pe1", prefix)
        stage.last()
        stage.operate("pe1", Deed.REMOVE_DISCARD_ROUTE, prefix, **robot)
        stage.keep("pe1", prefix)
        stage.account(stage.now(), "restored", "service restored")


def _terminated(stage: Stage) -> None:
    """Notice after notice was ignored, and the provider terminated the agreement; later it was concluded anew."""
    for days in (9, 5, 2):
        stage.account(stage.schedule.fault - days * DAY, "violation_notice",
                      "unlicensed game server on the service's addresses: remove it within two days")
    _void_site(stage, CUSTOMER, "terminated", "agreement terminated for a serious violation", _ABUSE)


def _not_paid_twice(stage: Stage) -> None:
    """Two bills are long overdue; a third one was paid in time and says nothing about them."""
    number = stage.dice.randrange(6000, 9000)
    for offset, days in ((0, 47), (1, 18)):
        stage.account(stage.schedule.fault - days * DAY, "payment_due", f"invoice INV-{number + offset}")
    stage.account(stage.schedule.fault - 12 * DAY, "payment_received", f"invoice INV-{number + 2}")
    stage.account(stage.schedule.fault - 10 * DAY, "payment_due", f"invoice INV-{number + 2}")
    _void_site(stage, CUSTOMER, "suspended", "service suspended by the billing system", _BILLING)


def _paid_after_all(stage: Stage) -> None:
    """The bill was paid late but before the suspension, which came all the same."""
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    stage.account(stage.schedule.fault - 20 * DAY, "payment_due", invoice)
    stage.account(stage.schedule.fault - stage.dice.uniform(1, 4) * DAY, "payment_received", invoice)
    _void_site(stage, PROVIDER, "suspended", "service suspended by the billing system", _BILLING)


def _no_ground(stage: Stage) -> None:
    """Nothing was due and nothing was complained of: the suspension was meant for somebody else."""
    _void_site(stage, PROVIDER, "suspended", "service suspended", _BILLING)


def _wrong_address(stage: Stage) -> None:
    """The black hole was meant for another customer's address; nobody had attacked this one."""
    address = str(stage.plan.address("host-b"))
    stage.operate("pe1", Deed.DISCARD_ROUTE, f"{address}/32", **_DEFENCE)
    with stage.cause("pe1", "enforcement_action", PROVIDER, or_components=(("host-b",),),
                     or_kinds=("misconfiguration",)):
        stage.account(stage.now(), "restricted", f"black hole for {address}")
        stage.discard("pe1", f"{address}/32")
        stage.last()
        stage.operate("pe1", Deed.REMOVE_DISCARD_ROUTE, f"{address}/32", **_DEFENCE)
        stage.keep("pe1", f"{address}/32")
        stage.account(stage.now(), "restored", f"black hole for {address} lifted: wrong address")


def _block(stage: Stage, side: Side, reason: str) -> None:
    """A filter at the provider edge drops everything from and to the customer's site."""
    prefix = site_prefix(stage.plan, "host-a")
    stage.operate("pe1", Deed.DROP_PREFIX, prefix, **_ABUSE)
    with stage.cause("pe1", "enforcement_action", side):
        stage.account(stage.now(), "link_blocked", reason)
        stage.drop_forwarded("pe1", f"ip saddr {prefix}")
        stage.drop_forwarded("pe1", f"ip daddr {prefix}")
        stage.last()
        stage.operate("pe1", Deed.PASS_PREFIX, prefix, **_ABUSE)
        stage.lift_filters("pe1")
        stage.account(stage.now(), "restored", "block lifted")


def _blocked_without_violation(stage: Stage) -> None:
    """The link is blocked, and no violation of this customer's was ever noted."""
    _block(stage, PROVIDER, "blocked")


def _blocked_for_attacking(stage: Stage) -> None:
    """Hosts of the customer's attacked third parties; the provider had told it so, and blocked it."""
    stage.account(stage.schedule.fault - stage.dice.uniform(0.2, 2) * DAY, "violation_notice",
                  "outgoing attack from the service's addresses: flood towards third parties")
    _block(stage, CUSTOMER, "blocked: outgoing attack from the service's addresses")


def _flood_out(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    """A taken-over host of the customer's floods somebody else, across the customer's own line."""
    del plan
    return (Stream("host-c", "tenant-y", 53, 1400, 2.6 * _BOUGHT / 8 / _FRAME, schedule.fault, schedule.repair, False),)


def _police_what_was_bought(stage: Stage) -> None:
    stage.police(access_port(stage.plan), _BOUGHT)


def _attack_out(stage: Stage) -> None:
    """The customer's line is full of the attack that its own host carries out."""
    victim = str(stage.plan.address("tenant-y"))
    with stage.cause("ce1", "attack", CUSTOMER, or_components=(("host-c",), ("pe1",)),
                     or_kinds=("overload",)):
        stage.log("pe1", Attack(victim, access_port(stage.plan).name), delay=0.9)
        stage.account(stage.now() + 1.0, "violation_notice",
                      f"outgoing attack: flood from the service's addresses towards {victim}")
        stage.last()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("terminated-after-serious-violation", "The provider terminates after notices that were ignored",
             "customer", ("4.3(4)", "4.3(3)", "4.3(2)"), Effect.OUTAGE, _terminated,
             touches_account=True),
    Scenario("suspension-after-two-unpaid-bills", "The provider suspends when two bills are long overdue", "customer",
             ("3.2(late-payment)", "4.3(3)"), Effect.OUTAGE, _not_paid_twice,
             touches_account=True),
    Scenario("suspension-after-late-payment-came", "The provider suspends although the late payment had come",
             "provider", ("4.2",), Effect.OUTAGE, _paid_after_all, touches_account=True),
    Scenario("suspension-without-ground", "The provider suspends a customer who owes nothing", "provider", ("4.2",),
             Effect.OUTAGE, _no_ground, touches_account=True),
    Scenario("restriction-of-wrong-address", "The provider black-holes an address by mistake", "provider", ("4.2",),
             Effect.OUTAGE, _wrong_address, touches_account=True),
    Scenario("blocked-without-violation", "The provider blocks a link and no violation was ever noted", "provider",
             ("4.2",), Effect.OUTAGE, _blocked_without_violation, touches_account=True),
    Scenario("blocked-for-attacking", "The provider blocks a customer whose hosts attack others", "customer",
             ("4.3(2)", "4.3(3)", "3.2(7)"), Effect.OUTAGE, _blocked_for_attacking,
             touches_account=True),
    Scenario("attack-by-customer-host", "A taken-over host of the customer's attacks others over its own line",
             "customer", ("3.2(7)", "3.2(9)", "3.2(10)", "4.2(1)", "3.2(5)"), Effect.LOSS, _attack_out,
             load=_flood_out, prepare=_police_what_was_bought, bandwidth_bps=_BOUGHT,
             touches_account=True),
)
