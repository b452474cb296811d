"""The WebSocket subprotocols of STOMP, and which one a server answers.

What lives here must not import a WebSocket library: a WebSocket may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["STOMP_SUBPROTOCOLS", "choose_subprotocol"]

STOMP_SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")
"""The names registered with IANA, best first."""


def choose_subprotocol(offered: Iterable[str], spoken: Iterable[str] = STOMP_SUBPROTOCOLS) -> str | None:
    """Return what a server answers to a client's offer: the first it speaks that was offered, None if there
    is none.

    None is no refusal: STOMP negotiates its version by itself, and servers go on without a subprotocol.
    """
    offers = frozenset(offered)
    return next((name for name in spoken if name in offers), None)
