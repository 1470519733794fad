"""Who probes whom and which traffic flows: the same kinds of measurement on every shape."""

from __future__ import annotations

import random

from tests.lab.network import Network
from tests.lab.orders import Orders, Ping, Place, Requests, Stream, Trace, Transfer
from tests.lab.plan import Kind, Plan, Port, Side
from tests.lab.shapes import Shape
from tests.lab.stage import Schedule

SERVICE_PORTS = (7001, 7002, 7003, 7004)


def draw_orders(plan: Plan, shape: Shape, network: Network, schedule: Schedule, extra: tuple[Stream, ...],
                dice: random.Random) -> Orders:
    """All traffic and probes of a recording."""
    near, far = plan.ends
    roles = [node.role for node in plan.nodes if not node.forwards_frames]
    streams = [
        Stream(near if number % 2 else far, far if number % 2 else near, port, dice.choice((90, 160, 400)), 5)
        for number, port in enumerate(SERVICE_PORTS)
    ]
    streams += [Stream(near, far, 7101, 1380, 3), Stream(far, near, 7102, 1380, 3)]
    return Orders(
        start=schedule.start,
        end=schedule.end,
        places=tuple(Place(role, network.namespace(role), str(plan.address(role))) for role in roles),
        pings=(*_end_to_end(plan, dice), *_customer_segments(plan), *_provider_segments(plan, shape)),
        traces=_traces(plan, shape, dice),
        streams=(*streams, *extra),
        transfers=(Transfer(near, far, 5201, 3500, 0.5), Transfer(far, near, 5202, 3500, 0.5)),
        requests=(Requests(near, far, 80, 0.5), Requests(far, near, 8080, 1.0)),
    )


def _end_to_end(plan: Plan, dice: random.Random) -> tuple[Ping, ...]:
    """Both ends ask each other; a second, larger echo shows what large packets suffer."""
    near, far = plan.ends
    rate = dice.choice((4, 5))
    return (
        Ping(near, far, str(plan.address(far)), rate),
        Ping(far, near, str(plan.address(near)), 3),
        Ping(near, far, str(plan.address(far)), 1, size=1400),
    )


def _customer_segments(plan: Plan) -> tuple[Ping, ...]:
    """The customer probes from its hosts to its edges, and from its edges to the provider's."""
    pings = []
    for host in plan.ends:
        gateway = plan.gateway(host)
        pings.append(Ping(host, gateway, str(plan.address_towards(host, gateway)), 3))
    inner = plan.inner_gateway
    if inner is not None:
        pings.append(Ping(inner, "ce1", str(plan.address_towards(inner, "ce1")), 2))
    for edge in ("ce1", "ce2"):
        if plan.has(edge):
            pings += [Ping(edge, other, str(plan.address_towards(edge, other)), 2)
                      for other in _provider_peers(plan, edge)]
    return tuple(pings)


def _provider_segments(plan: Plan, shape: Shape) -> tuple[Ping, ...]:
    """The provider probes from edge to customer edge, from router to router, and across the whole core."""
    pings = []
    for edge in ("ce1", "ce2"):
        if plan.has(edge):
            pings += [Ping(other, edge, str(plan.address_towards(other, edge)), 4)
                      for other in _provider_peers(plan, edge)]
    for link in plan.links:
        near, far = link.ends[0].role, link.ends[1].role
        routers = plan.node(near).routes and plan.node(far).routes
        if link.listed and routers and plan.node(near).side is plan.node(far).side is Side.PROVIDER:
            pings.append(Ping(near, far, str(_address(link.ends[1])), 3))
    far_end = "vgw" if plan.has("vgw") else shape.far_edge
    pings.append(Ping("pe1", far_end, str(plan.address(far_end)), 4))
    if plan.has("vgw"):
        pings.append(Ping("vgw", "host-b", str(plan.address("host-b")), 3))
    return tuple(pings)


def _provider_peers(plan: Plan, edge: str) -> list[str]:
    """The provider's routers that share a segment with a customer edge."""
    return [other.role for port in plan.ports(edge) for other in plan.segment(port)
            if other.role != edge and plan.node(other.role).side is Side.PROVIDER]


def _traces(plan: Plan, shape: Shape, dice: random.Random) -> tuple[Trace, ...]:
    """Both ends trace the way to each other; the provider traces from its edges."""
    near, far = plan.ends
    traces = [
        Trace(near, far, str(plan.address(far)), 5.0),
        Trace(far, near, str(plan.address(near)), 5.0),
        Trace("pe1", far, str(plan.address(far)), 5.0),
    ]
    if dice.random() < 0.5:
        traces.append(Trace(shape.far_edge, near, str(plan.address(near)), 5.0))
    if dice.random() < 0.5:
        traces.append(Trace("host-c", far, str(plan.address(far)), 5.0))
    return tuple(traces)


def draw_capture_points(plan: Plan, shape: Shape, dice: random.Random) -> tuple[Port, ...]:
    """Four to six ports: at the ends, on both sides of the demarcation, and inside the core."""
    access = "lm1" if plan.has("lm1") else "pe1"
    near = plan.port("pe1", "lm1" if plan.has("lm1") else "ce1")
    cores = [port for port in plan.ports("pe1")
             if plan.link_of_port(port).far_port("pe1").role.startswith("p") and plan.link_of_port(port).listed]
    far = plan.port(shape.far_edge, "vgw" if plan.has("vgw") else "ce2")
    hosts = [plan.ports(role)[0] for role in plan.ends]
    optional = [*hosts, plan.port("ce1", access), far]
    chosen = [near, *cores, *dice.sample(optional, dice.choice((2, 3)))]
    return tuple(port for port in chosen if plan.node(port.role).kind is not Kind.TRANSPORT)


def _address(port: Port) -> object:
    assert port.address is not None
    return port.address.ip
