"""Who may come in: logins and their passcodes, compared so that the time it takes tells nothing.

This file must not know brokers or connections.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from ..protocol.events import ConnectRequest

__all__ = ["Logins"]


class Logins:
    """A closed list of logins. Ask `allows` for each `LoginAsked`, then `accept` or `reject`."""

    __slots__ = ("_passcodes",)

    def __init__(self, passcodes: Mapping[str, str]) -> None:
        """Take the passcode of each login."""
        self._passcodes = {login: passcode.encode() for login, passcode in passcodes.items()}

    def allows(self, request: ConnectRequest) -> bool:
        """Tell whether a request has a login of the list, with its passcode."""
        passcode = (request.passcode or "").encode("utf-8", "surrogatepass")
        known = self._passcodes.get(request.login or "")
        # An unknown login costs a comparison too, so that it cannot be told from a wrong passcode.
        return hmac.compare_digest(b"" if known is None else known, passcode) and known is not None

    def __repr__(self) -> str:
        return f"<Logins of {len(self._passcodes)}>"
