"""What to ask whom for: the requests of one or more incidents as a list for each side, ready to be sent.

python docs/examples/questions.py INCIDENT...
"""

import sys

import attribution


def main(paths: list[str]) -> None:
    for path in paths:
        verdict = attribution.decide(path)
        print(f"{verdict.incident}: {verdict.party}, {verdict.probability:.0%}")
        for side in attribution.Side:
            wanted = [request for request in verdict.requests if request.from_side is side]
            if wanted:
                print(f"\nTo the {side}:")
            for request in sorted(wanted, key=lambda request: -request.gain_bits):
                print(f"- {request.what} ({request.gain_bits:.2f} bits): {request.why}")
        if not verdict.requests:
            print("Nothing that could still be had is expected to change it.")
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
