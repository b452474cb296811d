"""Which headers are secrets, and how a value is shown to people: the one place that decides what may be seen.

Everything that ends up in a log, a repr, an error or a capture passes here. This file must not know frames.
"""

from __future__ import annotations

__all__ = ["REDACTED", "excerpt", "hide", "is_secret", "redacted"]

REDACTED = "[redacted]"

_SECRET_PARTS = (
    *("passcode", "password", "passphrase", "authorization", "cookie", "token", "secret", "credential"),
    *("api-key", "apikey", "access-key", "private-key"),
)

_hidden: set[str] = set()


def hide(*names: str) -> None:
    """Count headers of these names as secrets from now on, whatever their case, in the whole process.

    For what only an application knows to be one. It can only be added to: nothing that was hidden is ever
    shown again.
    """
    _hidden.update(_plain(name) for name in names)


def _plain(name: str) -> str:
    """Return a name as names are compared: an underscore is as good as a hyphen."""
    return name.strip().lower().replace("_", "-")


def is_secret(name: str) -> bool:
    """Tell whether the value of a header of this name is a credential, whatever its case (`X-Auth-Token` is
    one).
    """
    plain = _plain(name)
    return plain in _hidden or any(part in plain for part in _SECRET_PARTS)


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
