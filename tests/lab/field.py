"""The field process: it opens sockets inside the nodes, does what it is ordered, and writes down what it saw.

Run as `python -m tests.lab.field ORDERS REPORTS`: orders as JSON, reports as one JSON object a line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.lab.orders import Orders
from tests.lab.probing import ANSWER_SECONDS, Prober
from tests.lab.reactor import Reactor
from tests.lab.traffic import Transferrer, open_requests, open_stream

_LAST_WORDS_SECONDS = 5.0


def main() -> None:
    """Carry out the orders until their end, and a little longer for the last answers."""
    orders = Orders.from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    places = {place.role: place for place in orders.places}
    reactor = Reactor()
    with Path(sys.argv[2]).open("w", encoding="utf-8") as file:

        def report(record: dict[str, object]) -> None:
            file.write(json.dumps(record) + "\n")

        probers: dict[str, Prober] = {}
        for number, ping in enumerate(orders.pings):
            prober = probers.setdefault(ping.source, Prober(reactor, places[ping.source], report))
            prober.ping(ping, 0x2000 + number * 7, orders.start + number * 0.003)
        for number, trace in enumerate(orders.traces):
            prober = probers.setdefault(trace.source, Prober(reactor, places[trace.source], report))
            prober.trace(trace, 0x6000 + number * 7, orders.start + 0.4 + number * 0.05)
        for stream in orders.streams:
            open_stream(reactor, stream, places[stream.source], places[stream.destination],
                        (orders.start, orders.end), report)
        transfers = [
            Transferrer(reactor, transfer, places[transfer.source], places[transfer.destination], orders.start)
            for transfer in orders.transfers
        ]
        for number, requests in enumerate(orders.requests):
            open_requests(reactor, requests, places[requests.source], places[requests.destination],
                          orders.start + 0.1 * number, report)
        reactor.run(orders.end + ANSWER_SECONDS + _LAST_WORDS_SECONDS * 0.1 * len(transfers))


if __name__ == "__main__":
    main()
