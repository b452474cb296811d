"""How values become header values: the same for every server.

This file must not know any header.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["milliseconds", "said"]


def said(values: Mapping[str, str | int | bool | None]) -> dict[str, str]:
    """Return the headers that have a value: true and false in lower case, numbers in digits."""
    headers: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, bool):
            headers[name] = "true" if value else "false"
        elif value is not None:
            headers[name] = str(value)
    return headers


def milliseconds(seconds: float | None) -> int | None:
    """Return seconds as whole milliseconds.

    Raises:
        ValueError: they are negative, or no number.
    """
    if seconds is None:
        return None
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"seconds is {seconds!r}: pass a number from 0 on")
    return round(seconds * 1000)
