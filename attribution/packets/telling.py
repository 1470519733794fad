"""placeholder"""
from attribution.packets.columns import PROTOCOL, Octets, Row


def is_telling(row: Row, data: Octets, start: int, end: int) -> int:
    return 1 if row[PROTOCOL] != 6 else 0
