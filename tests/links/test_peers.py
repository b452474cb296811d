"""What a server says of peers shows no credential."""

from __future__ import annotations

from stomp_sansio.links.peers import PeerId, PeerOpened


def test_the_fields_of_a_peers_request_are_shown_without_credentials() -> None:
    headers = (("host", "h"), ("cookie", "canary"), ("authorization", "canary"), ("x-auth-token", "canary"))
    opened = PeerOpened(PeerId(1), "websocket", "10.0.0.1:1", 0, None, "/stomp?token=canary", headers)
    assert "canary" not in repr(opened)
    assert opened.headers == headers
    shown = dict(opened.shown_headers())
    assert shown["host"] == "h"
    assert "canary" not in shown.values()
    assert set(shown) == {"host", "cookie", "authorization", "x-auth-token"}
