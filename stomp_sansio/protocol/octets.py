"""Octets from whatever holds some, or an error that says what to pass instead.

This file must not know what the octets are for.
"""

from __future__ import annotations

__all__ = ["not_octets", "octets_of"]


def octets_of(holder: bytes, what: str) -> bytes:
    """Return the octets of a bytearray, a memoryview or anything like them. `what` they are is for people.

    Raises:
        TypeError: it holds none. The caller is to blame.
    """
    try:
        return bytes(memoryview(holder))
    except TypeError:
        raise not_octets(holder, what) from None


def not_octets(holder: object, what: str) -> TypeError:
    """Return the error for what holds none."""
    kind = type(holder).__name__
    return TypeError(f"{what} is {kind}, not bytes: encode text first, as in text.encode()")
