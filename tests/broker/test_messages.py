"""What goes along with a message, and what it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Headers, Version
from stomp_sansio.broker.messages import StoredMessage, reduced, relayed_headers
from stomp_sansio.protocol.shared_message import SharedMessage


def test_the_senders_own_headers_go_along_in_their_order() -> None:
    headers = Headers(
        [
            ("destination", "/topic/a"),
            ("b", "1"),
            ("receipt", "r"),
            ("transaction", "t"),
            ("content-type", "text/plain"),
            ("content-length", "3"),
            ("b", "2"),
            ("passcode", "secret"),
            ("message-id", "forged"),
            ("subscription", "forged"),
            ("ack", "forged"),
            ("redelivered", "forged"),
        ]
    )
    assert relayed_headers(headers) == [("b", "1"), ("content-type", "text/plain"), ("b", "2")]


@given(st.binary(max_size=20), st.dictionaries(st.text("abc", min_size=1), st.text("xyz")))
def test_a_message_costs_what_it_holds_and_then_some(body: bytes, headers: dict[str, str]) -> None:
    message = StoredMessage(SharedMessage("/queue/a", "1", body, headers=headers))
    held = len(body) + sum(len(name) + len(value) for name, value in headers.items())
    assert held < message.size <= held + 1_000


@pytest.mark.parametrize(("body", "text"), [(b"", True), ("ü".encode(), True), (b"\xff", False)])
def test_text_is_utf8(body: bytes, text: bool) -> None:
    message = StoredMessage(SharedMessage("/queue/a", "1", body))
    assert message.is_text is text
    assert message.is_text is text


@pytest.mark.parametrize("version", Version)
def test_what_a_version_cannot_say_is_left_out(version: Version) -> None:
    headers = [("good", "1"), ("cr", "a\rb"), ("lf", "a\nb"), ("co:lon", "1"), ("good", "2")]
    message = reduced(SharedMessage("/queue/a", "1", b"body", headers=headers), version)
    left_out = {Version.V1_0: {"cr", "lf", "co:lon"}, Version.V1_1: {"cr"}, Version.V1_2: set[str]()}[version]
    assert list(message.headers.pairs) == [pair for pair in headers if pair[0] not in left_out]
    assert message.octets(version).endswith(b"\n\nbody\0")
