"""A laboratory network is built, broken on purpose and recorded: every recording is an incident bundle with its truth.

Nodes are Linux network namespaces, routers run FRR, traffic and probes are real packets. See `record.py` for the
order in which a recording comes about, and `scenarios.py` for what can happen in it.
"""
