"""Packets of two captures matched by a number that no router changes, compiled."""

from __future__ import annotations
