"""Which headers are secrets, and how a value is shown to people: the one place that decides what may be seen.

Everything that ends up in a log, a repr, an error or a capture passes here. This file must not know frames.
"""

from __future__ import annotations

__all__ = ["REDACTED", "SECRET_NAMES", "excerpt", "is_secret", "redacted"]

REDACTED = "[redacted]"

SECRET_NAMES = frozenset(
    {
        "passcode",
        "password",
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "token",
        "secret",
        "api-key",
    }
)
"""Header names, in lower case, whose values are never shown."""

_SECRET_PARTS = ("passcode", "password", "authorization", "cookie", "token", "secret", "api-key", "apikey")


def is_secret(name: str) -> bool:
    """Tell whether the value of a header of this name is a credential, whatever its case (`X-Auth-Token` is
    one).
    """
    lowered = name.lower()
    return lowered in SECRET_NAMES or any(part in lowered for part in _SECRET_PARTS)


def redacted(name: str, value: str) -> str:
    """Return the value of a header as it may be shown: itself, or a placeholder when its name is a secret
    one.
    """
    return REDACTED if is_secret(name) else value


def excerpt(octets: bytes, limit: int = 80) -> str:
    """Return at most `limit` octets as a printable literal, with an ellipsis when something was left out."""
    if len(octets) > limit:
        return f"{octets[:limit]!r}..."
    return repr(octets)
