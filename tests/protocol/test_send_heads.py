"""SEND frames whose beginning is known: the same octets as those of a connection that knows none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Connection, LocalProtocolError, Misuse, Version
from tests.protocol.helpers import client, refused
from tests.protocol.strategies import texts

bodies = st.binary(max_size=30)
receipts = st.none() | st.from_regex(r"[a-zA-Z0-9-]{1,8}", fullmatch=True) | texts
BODY = b"two\0"


def written(connection: Connection, destination: str, body: bytes, **more: Any) -> bytes | Misuse:
    """Return what a call writes, or why it is refused."""
    try:
        connection.send(destination, body, **more)
    except LocalProtocolError as error:
        return error.misuse
    return connection.data_to_send(0.0)


@given(
    st.sampled_from(Version),
    texts,
    st.none() | texts,
    st.lists(
        st.tuples(bodies, receipts),
        min_size=2,
        max_size=5,
        unique_by=lambda pair: object() if pair[1] is None else pair[1],
    ),
)
def test_each_message_to_a_destination_is_written_as_if_it_were_the_first(
    version: Version, destination: str, content_type: str | None, messages: list[tuple[bytes, str | None]]
):
    connection = client(version)
    for body, receipt in messages:
        more = {"content_type": content_type, "receipt": receipt}
        assert written(connection, destination, body, **more) == written(
            client(version), destination, body, **more
        )


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"x": "1"}},
        {"transaction": "t"},
        {"content_type": "text/plain"},
        {"receipt": "a:b"},
        {"receipt": "a\u0660"},
        {"receipt": " a"},
        {"receipt": ""},
        {"content_length": False, "body": b"two"},
        {"body": b""},
        {"body": bytearray(b"two")},
        {"body": memoryview(b"twofour8").cast("q")},
    ],
)
def test_whatever_differs_from_the_message_before_is_written(more: dict[str, Any]):
    both = client(), client()
    for connection in both:
        connection.begin("t")
        connection.data_to_send(0.0)
    knowing, fresh = both
    written(knowing, "/q", BODY)
    arguments = {"body": BODY, **more}
    assert written(knowing, "/q", **arguments) == written(fresh, "/q", **arguments)
    assert written(knowing, "/q", BODY) == written(fresh, "/q", BODY)


@pytest.mark.parametrize("first", [b"", bytearray(b"a"), memoryview(b"abcdefgh").cast("q")])
def test_what_is_no_plain_body_teaches_nothing_wrong(first: Any):
    connection = client()
    written(connection, "/q", first)
    assert written(connection, "/q", b"b") == b"SEND\ndestination:/q\ncontent-length:1\n\nb\0"


def test_many_destinations_are_no_matter():
    connection = client()
    for number in [*range(200), *range(0, 200, 7), 199]:
        assert written(connection, f"/queue/{number}", b"b") == (
            f"SEND\ndestination:/queue/{number}\ncontent-length:1\n\nb\0".encode()
        )


def test_a_known_destination_makes_nothing_allowed():
    connection = client()
    connection.send("/q", BODY, receipt="r")
    refused(connection, Misuse.DUPLICATE_RECEIPT, connection.send, "/q", BODY, receipt="r")
    refused(connection, Misuse.UNKNOWN_TRANSACTION, connection.send, "/q", BODY, transaction="t")
    connection.disconnect(receipt="bye")
    refused(connection, Misuse.CLOSED, connection.send, "/q", BODY)
    connection.receive_eof(0.0)
    connection.next_event()
    refused(connection, Misuse.CLOSED, connection.send, "/q", BODY)


@pytest.mark.parametrize("destination", [7, None, b"/q", ["/q"]])
def test_a_destination_that_is_no_text_is_said_to_be_none(destination: Any):
    connection = client()
    connection.send("/q", BODY)
    with pytest.raises(TypeError, match=f"header 'destination' is {type(destination).__name__}"):
        connection.send(destination, BODY)
