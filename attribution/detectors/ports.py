"""Ports by their many spellings, for the detectors: the vocabulary's own look-up."""

from attribution.model.ports import canonical_port, find_link

__all__ = ["canonical_port", "find_link"]
