"""What follows from bills, violations and attacks: suspensions just and unjust, black holes, floods."""

from __future__ import annotations

from tests.lab.happenings import Attack, Deed
from tests.lab.orders import Stream
from tests.lab.paperwork import DAY
from tests.lab.plan import Plan, Side
from tests.lab.scenario import Effect, Scenario
from tests.lab.scenarios.places import CUSTOMER, PROVIDER, far_gateway, site_prefix
from tests.lab.stage import Schedule, Stage

_ROBOT = {"user": "svc-billing", "origin": "10.200.40.7"}
_ATTACKED_RATE = 1_500_000
_FRAME = 1442


def _suspend(stage: Stage, side: Side) -> None:
    """The provider's automaton routes the customer's prefix into the void until the account is in order."""
    prefix = site_prefix(stage.plan, "host-a")
    stage.operate("pe1", Deed.DISCARD_ROUTE, prefix, **_ROBOT)
    with stage.cause("pe1", "enforcement_action", side):
        stage.account(stage.now(), "suspended", "service suspended by the billing system")
        stage.discard("pe1", prefix)
        stage.last()
        stage.operate("pe1", Deed.REMOVE_DISCARD_ROUTE, prefix, **_ROBOT)
        stage.keep("pe1", prefix)
        stage.account(stage.now(), "restored", "service restored")


def _late_payment(stage: Stage) -> None:
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    due = stage.schedule.fault - stage.dice.uniform(17, 40) * DAY
    stage.account(due, "payment_due", invoice)
    stage.account(due + 3 * DAY, "violation_notice", f"reminder: {invoice} is unpaid")
    _suspend(stage, CUSTOMER)
    stage.account(stage.schedule.repair - 1.0, "payment_received", invoice)


def _paid_in_time(stage: Stage) -> None:
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    due = stage.schedule.fault - stage.dice.uniform(16, 30) * DAY
    stage.account(due - stage.dice.uniform(1, 5) * DAY, "payment_received", invoice)
    stage.account(due, "payment_due", invoice)
    _suspend(stage, PROVIDER)


def _within_days_of_grace(stage: Stage) -> None:
    """The payment is late, but the fifteen days that the Agreement gives are not over."""
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    due = stage.schedule.fault - stage.dice.uniform(3, 12) * DAY
    stage.account(due, "payment_due", invoice)
    _suspend(stage, PROVIDER)
    stage.account(stage.schedule.repair - 1.0, "payment_received", invoice)


def _violation(stage: Stage) -> None:
    """The customer was told of a violation, did nothing, and was blocked."""
    notice = stage.schedule.fault - stage.dice.uniform(1, 4) * DAY
    reason = stage.dice.choice(("spam sent from the service's addresses", "scanning of third parties' networks"))
    stage.account(notice, "violation_notice", reason)
    prefix = site_prefix(stage.plan, "host-a")
    robot = {"user": "svc-abuse", "origin": "10.200.40.9"}
    stage.operate("pe1", Deed.DROP_PREFIX, prefix, **robot)
    with stage.cause("pe1", "enforcement_action", CUSTOMER):
        stage.account(stage.now(), "link_blocked", f"blocked: {reason}")
        stage.drop_forwarded("pe1", f"ip saddr {prefix}")
        stage.drop_forwarded("pe1", f"ip daddr {prefix}")
        stage.last()
        stage.operate("pe1", Deed.PASS_PREFIX, prefix, **robot)
        stage.lift_filters("pe1")
        stage.account(stage.now(), "restored", "the violation was remedied")


def _flood(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    """A flood from elsewhere towards the customer's host."""
    del plan
    return (Stream("tenant-x", "host-b", 443, 1400, 2.6 * _ATTACKED_RATE / 8 / _FRAME, schedule.fault,
                   schedule.repair, False),)


def _narrow_far_access(stage: Stage) -> None:
    near = stage.shape.far_edge
    stage.throttle(stage.plan.port(near, far_gateway(stage.plan)), _ATTACKED_RATE)


def _attack(stage: Stage) -> None:
    """The line to the attacked host is full of the attack."""
    edge = stage.shape.far_edge
    address = str(stage.plan.address("host-b"))
    others = ((far_gateway(stage.plan),), (edge,), (edge, far_gateway(stage.plan)))
    with stage.cause("host-b", "attack", CUSTOMER, or_components=others, or_kinds=("overload",)):
        stage.log("host-b", Attack(address, "eth0"), delay=0.9)
        stage.log(edge, Attack(address, stage.plan.port(edge, far_gateway(stage.plan)).name), delay=1.4)
        stage.account(stage.now() + 1.0, "violation_notice", f"attack on {address} detected, 2.6 times the line's rate")
        stage.last()


def _black_hole(stage: Stage) -> None:
    """The provider takes the attacked address off the network to protect everybody else."""
    address = str(stage.plan.address("host-b"))
    role = "pe1"
    robot = {"user": "svc-ddos", "origin": "10.200.40.8"}
    stage.wait(0.5)
    stage.operate(role, Deed.DISCARD_ROUTE, f"{address}/32", **robot)
    with stage.cause(role, "enforcement_action", CUSTOMER, or_components=(("host-b",),), or_kinds=("attack",)):
        stage.account(stage.now() - 0.5, "violation_notice", f"attack on {address} detected")
        stage.account(stage.now(), "restricted", f"black hole for {address}")
        stage.discard(role, f"{address}/32")
        stage.last()
        stage.operate(role, Deed.REMOVE_DISCARD_ROUTE, f"{address}/32", **robot)
        stage.keep(role, f"{address}/32")
        stage.account(stage.now(), "restored", f"black hole for {address} lifted")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("suspension-after-late-payment", "The provider suspends a service that was not paid for", "customer",
             ("3.2(late-payment)", "4.3(3)"), Effect.OUTAGE, _late_payment,
             touches_account=True),
    Scenario("suspension-although-paid", "The provider suspends a service that was paid for in time", "provider",
             ("4.2",), Effect.OUTAGE, _paid_in_time,
             touches_account=True),
    Scenario("suspension-within-days-of-grace", "The provider suspends before the fifteen days are over", "provider",
             ("4.2",), Effect.OUTAGE, _within_days_of_grace,
             touches_account=True),
    Scenario("blocked-after-violation", "The provider blocks a customer who ignored a notice", "customer",
             ("4.3(2)", "4.3(3)"), Effect.OUTAGE, _violation,
             touches_account=True),
    Scenario("attack-on-customer-host", "An attack on the customer's host fills its line", "customer",
             ("3.2(11)", "4.2(4)", "4.2(1)"), Effect.LOSS, _attack, load=_flood, prepare=_narrow_far_access,
             needs=("ce2",)),
    Scenario("attacked-host-black-holed", "The provider takes an attacked address off the network", "customer",
             ("4.3(2)", "4.3(3)", "3.2(11)"), Effect.OUTAGE, _black_hole,
             touches_account=True),
)
