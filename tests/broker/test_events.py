"""What events show of what they hold."""

from stomp_sansio import ConnectRequest, Headers, Version
from stomp_sansio.broker.events import LoginAsked, MessageSent
from stomp_sansio.links.peers import PeerId


def test_no_credential_is_shown() -> None:
    request = ConnectRequest(
        version=Version.V1_2,
        host=None,
        login="ada",
        passcode="canary",
        heartbeat=(0.0, 0.0),
        headers=Headers({"passcode": "canary", "x-token": "canary"}),
    )
    asked = LoginAsked(
        peer=PeerId(1),
        request=request,
        transport="websocket",
        address="here",
        http_headers=(("cookie", "canary"),),
    )
    assert "ada" in repr(asked)
    assert "canary" not in repr(asked)


def test_a_large_body_is_shown_in_part() -> None:
    sent = MessageSent(
        peer=None,
        vhost="/",
        destination="/topic/a",
        message_id="1",
        headers=Headers({"x": "y", "authorization": "canary"}),
        body=b"x" * 10_000,
        receivers=3,
    )
    assert "'/topic/a'" in repr(sent)
    assert "receivers=3" in repr(sent)
    assert "canary" not in repr(sent)
    assert len(repr(sent)) < 400
