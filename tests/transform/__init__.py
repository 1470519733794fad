"""Transformations of an incident bundle under which the verdict must stand, swap, or grow less sure, never turn.

Each takes a bundle's folder and a folder that does not exist yet, and leaves there a bundle that still follows the
contract, with its truth transformed along. None changes what it was given, and a seed always gives the same result.
"""
