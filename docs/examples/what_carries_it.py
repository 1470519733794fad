"""Which files carry an answer: the verdict without each file of evidence in turn.

python docs/examples/what_carries_it.py INCIDENT

The incident is read once; only the reasoning is done again.
"""

import sys

import attribution


def main(path: str) -> None:
    with attribution.load(path) as case:
        full = case.decide()
        print(f"with everything: {full.party}, {full.clause}, {full.probability:.0%}")
        for origin in sorted(case.incident.origins, key=lambda origin: origin.file):
            verdict = case.decide(without=[origin.file])
            same = (verdict.party, verdict.clause) == (full.party, full.clause)
            change = "the same" if same else f"{verdict.party}, {verdict.clause}"
            print(f"without {origin.file}: {change}, {verdict.probability:.0%}")


if __name__ == "__main__":
    main(sys.argv[1])
