"""Large captures: the same decoding and judging as for small ones, compiled, streamed, on two cores.

Nothing here is imported for a small capture: compiled code costs half a second to load, and some ten seconds to make
the first time.
"""
