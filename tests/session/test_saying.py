"""What cannot be represented is refused before there is a connection."""

import pytest

from stomp_sansio import (
    AckMode,
    Connection,
    FrameParser,
    Headers,
    LocalProtocolError,
    Misuse,
    Version,
)
from stomp_sansio.session.options import Credentials
from stomp_sansio.session.saying import (
    check_carried,
    check_send,
    check_subscribe,
    say_connect,
    with_content_type,
)
from stomp_sansio.session.subscription import OnExit, OverflowPolicy, Subscription

from .world import target


def subscription(destination="/a", headers=(), id="0"):
    return Subscription(
        id,
        destination,
        ack=AckMode.AUTO,
        headers=headers,
        max_queue=1,
        overflow=OverflowPolicy.PAUSE,
        on_exit=OnExit.UNSUBSCRIBE,
    )


def refused(call, *arguments, **keywords):
    with pytest.raises(LocalProtocolError) as caught:
        call(*arguments, **keywords)
    return caught.value.misuse


def test_what_can_be_said_passes():
    check_send(Version.V1_2, "/a", b"x", Headers({"a": "b\n:"}), content_length=True)
    check_subscribe(Version.V1_2, subscription(headers={"selector": "a = 1"}))


@pytest.mark.parametrize("name", ["destination", "transaction", "receipt"])
def test_headers_that_send_writes_itself_are_refused(name):
    assert refused(check_send, Version.V1_2, "/a", b"", Headers({name: "x"}), content_length=True) is (
        Misuse.BAD_HEADER
    )


@pytest.mark.parametrize("name", ["id", "destination", "ack", "receipt"])
def test_headers_that_subscribe_writes_itself_are_refused(name):
    assert refused(check_subscribe, Version.V1_2, subscription(headers={name: "x"})) is Misuse.BAD_HEADER


def test_what_the_version_cannot_escape_is_refused():
    assert refused(check_send, Version.V1_0, "/a\n", b"", Headers(), content_length=True) is Misuse.BAD_HEADER
    assert refused(check_subscribe, Version.V1_1, subscription("/a\r")) is Misuse.BAD_HEADER


def test_a_body_that_needs_its_length_is_refused_without_it():
    misuse = refused(check_send, Version.V1_2, "/a", b"\0", Headers(), content_length=False)
    assert misuse is Misuse.BAD_CONTENT_LENGTH


def test_the_type_of_the_content_comes_first_and_once():
    assert with_content_type({"x": "y"}, "text/plain") == [("content-type", "text/plain"), ("x", "y")]
    assert refused(with_content_type, {"content-type": "text/html"}, "text/plain") is Misuse.BAD_HEADER


def test_no_type_changes_nothing():
    headers = {"content-type": "text/html"}
    assert with_content_type(headers, None) is headers


@pytest.mark.parametrize(
    ("credentials", "login", "passcode"),
    [
        (Credentials(), "theirs", "secret"),
        (Credentials("ours"), "ours", None),
        (Credentials(passcode="p"), None, "p"),
    ],
)
def test_who_we_are_everywhere_goes_before_who_we_are_at_one_server(credentials, login, passcode):
    connection = Connection()
    say_connect(connection, credentials, target(login="theirs", passcode="secret"))
    parser = FrameParser()
    parser.receive_data(connection.data_to_send(0.0))
    frame = parser.next_frame()
    assert frame is not None
    assert (frame.headers.get("login"), frame.headers.get("passcode")) == (login, passcode)


def test_a_body_that_cannot_be_carried_is_refused():
    check_carried(lambda body: True, "/a", b"\xff")
    assert refused(check_carried, lambda body: False, "/a", b"\xff") is Misuse.NOT_UTF8
