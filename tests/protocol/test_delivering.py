"""What a server writes to many at once reads like what it writes to one: `deliver` beside `message`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Ack, AckMode, Fault, Limits, Misuse, ServerConnection, Version
from stomp_sansio.protocol.shared_message import SharedMessage
from tests.protocol.helpers import ask, fault, frames, one, refused, sent, server, wire

MESSAGE = SharedMessage("/topic/a", "m-1", b"body", headers={"x": "y"})


def subscribed(version: Version, ack: AckMode, id: str | None = "0", **options) -> ServerConnection:
    connection = server(version, **options)
    lines = [] if id is None else [f"id:{id}"]
    ask(connection, wire("SUBSCRIBE", *lines, "destination:/topic/a", f"ack:{ack.value}"))
    return connection


@given(
    st.sampled_from(list(Version)),
    st.sampled_from(list(AckMode)),
    st.sampled_from(["0", "sub-7", None]),
    st.lists(st.tuples(st.sampled_from(["m-1", "m-2"]), st.booleans()), max_size=4),
)
def test_delivering_is_sending_a_message(
    version: Version, ack: AckMode, id: str | None, messages: list[tuple[str, bool]]
) -> None:
    if id is None and version is not Version.V1_0:
        id = "0"
    connection, twin = subscribed(version, ack, id), subscribed(version, ack, id)
    for number, (message_id, again) in enumerate(messages):
        headers = {"redelivered": "true"} if again else {}
        name = f"a-{number}"
        shared = SharedMessage("/topic/a", message_id, b"body", headers={"x": "y"})
        connection.deliver(id, shared, ack=name, headers=headers)
        twin.message(id, message_id, "/topic/a", b"body", ack=name, headers={**headers, "x": "y"})
        assert connection.unacknowledged == twin.unacknowledged
    ours, theirs = sent(connection), sent(twin)
    assert [sorted(frame.headers.pairs) for frame in ours] == [
        sorted(frame.headers.pairs) for frame in theirs
    ]
    assert [frame.body for frame in ours] == [frame.body for frame in theirs]


def test_an_escape_of_the_subscription_is_written_as_its_version_wants() -> None:
    connection = server()
    ask(connection, wire("SUBSCRIBE", "id:a\\cb", "destination:/topic/a"))
    connection.deliver("a:b", MESSAGE)
    connection.deliver("a:b", MESSAGE)
    assert [frame.headers["subscription"] for frame in sent(connection)] == ["a:b", "a:b"]


def test_without_an_ack_id_the_message_id_serves() -> None:
    connection = subscribed(Version.V1_2, AckMode.CLIENT)
    connection.deliver("0", MESSAGE)
    assert one(sent(connection)).headers["ack"] == "m-1"
    event = one(ask(connection, wire("ACK", "id:m-1")))
    assert isinstance(event, Ack)
    assert event.message_ids == ("m-1",)
    assert connection.unacknowledged == 0


def test_who_has_too_many_messages_unacknowledged_is_told_and_left() -> None:
    connection = subscribed(Version.V1_2, AckMode.CLIENT, limits=Limits(max_unacknowledged=1))
    connection.deliver("0", MESSAGE, ack="1")
    connection.deliver("0", MESSAGE, ack="2")
    assert [frame.command for frame in frames(connection.data_to_send(0.0))] == ["MESSAGE", "ERROR"]
    assert fault(connection.next_event()).fault is Fault.LIMIT_PENDING


@pytest.mark.parametrize(
    ("misuse", "arguments", "keywords"),
    [
        (Misuse.UNKNOWN_SUBSCRIPTION, ("1", MESSAGE), {}),
        (Misuse.UNKNOWN_SUBSCRIPTION, (None, MESSAGE), {}),
        (Misuse.BAD_HEADER, ("0", MESSAGE), {"ack": "used"}),
        (Misuse.BAD_HEADER, ("0", MESSAGE), {"headers": {"ack": "1"}}),
        (Misuse.BAD_HEADER, ("0", SharedMessage("/topic/a", "m", headers={"x": "\0"})), {}),
    ],
)
def test_what_cannot_be_delivered_leaves_no_trace(
    misuse: Misuse, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    connection = subscribed(Version.V1_2, AckMode.CLIENT)
    connection.deliver("0", MESSAGE, ack="used")
    connection.data_to_send(0.0)
    refused(connection, misuse, connection.deliver, *arguments, **keywords)
    assert connection.unacknowledged == 1


def test_a_connection_that_is_none_yet_takes_nothing() -> None:
    connection = ServerConnection()
    refused(connection, Misuse.NOT_CONNECTED, connection.deliver, "0", MESSAGE)
    refused(connection, Misuse.NOT_CONNECTED, connection.grant_subscription, "0", "/topic/a")


def test_a_granted_subscription_is_like_one_that_was_asked_for() -> None:
    connection = server()
    connection.grant_subscription("/temp-queue/a", "/temp-queue/a")
    assert connection.unsent == 0
    connection.deliver("/temp-queue/a", MESSAGE)
    assert one(sent(connection)).headers["subscription"] == "/temp-queue/a"
    refused(connection, Misuse.DUPLICATE_SUBSCRIPTION, connection.grant_subscription, "/temp-queue/a", "/q")
    ask(connection, wire("UNSUBSCRIBE", "id:/temp-queue/a"))
    refused(connection, Misuse.UNKNOWN_SUBSCRIPTION, connection.deliver, "/temp-queue/a", MESSAGE)
