"""Our own side is said again, so that the books of a new engine are those of the old one."""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio import (
    Ack,
    Closed,
    Connected,
    Frame,
    LocalProtocolError,
    Message,
    Nack,
    Receipt,
    Version,
    encode,
)
from stomp_sansio.capture.mirror import ClientMirror, ServerMirror

CONNECTED = {version: f"CONNECTED\nversion:{version}\n\n\0".encode() for version in ("1.0", "1.1", "1.2")}


def greeting(version: str = "1.2", *more: tuple[str, str]) -> Frame:
    return Frame("CONNECT", [("accept-version", version), ("host", "/"), ("login", "ada"), *more])


def client(version: str = "1.2") -> ClientMirror:
    mirror = ClientMirror(greeting(version), None, None)
    mirror.say(greeting(version))
    mirror.connection.receive_data(CONNECTED[version], 0.0)
    assert isinstance(mirror.next_event(0.0), Connected)
    mirror.connection.data_to_send(0.0)
    return mirror


def said(mirror: ClientMirror | ServerMirror, frame: Frame) -> bytes:
    mirror.say(frame)
    return mirror.connection.data_to_send(0.0)


@pytest.mark.parametrize(
    "frame",
    [
        Frame("SEND", [("destination", "/a"), ("receipt", "1"), ("x", "y"), ("content-length", "2")], b"hi"),
        Frame("SEND", [("destination", "/a")], b"hi"),
        Frame(
            "SUBSCRIBE", [("id", "0"), ("destination", "/a"), ("ack", "client"), ("receipt", "2"), ("x", "y")]
        ),
        Frame("BEGIN", [("transaction", "t"), ("receipt", "3")]),
        Frame("DISCONNECT", [("receipt", "4")]),
    ],
)
def test_what_a_client_said_is_said_again(frame: Frame):
    assert said(client(), frame) == encode(frame, Version.V1_2, content_length=False)


def test_transactions_and_subscriptions_end():
    mirror = client()
    said(mirror, Frame("SUBSCRIBE", [("id", "0"), ("destination", "/a")]))
    assert said(mirror, Frame("UNSUBSCRIBE", [("id", "0")])) == b"UNSUBSCRIBE\nid:0\n\n\0"
    for command in ("COMMIT", "ABORT"):
        said(mirror, Frame("BEGIN", [("transaction", "t")]))
        assert said(mirror, Frame(command, [("transaction", "t")])).startswith(command.encode())
    with pytest.raises(LocalProtocolError):
        mirror.say(Frame("COMMIT", []))


@pytest.mark.parametrize(
    ("command", "version", "headers"),
    [
        ("ACK", "1.0", [("message-id", "7")]),
        ("ACK", "1.1", [("subscription", "0"), ("message-id", "7")]),
        ("ACK", "1.2", [("id", "a7")]),
        ("NACK", "1.1", [("subscription", "0"), ("message-id", "7")]),
        ("NACK", "1.2", [("id", "a7")]),
    ],
)
def test_acknowledgements_find_their_messages(version: str, headers: list[tuple[str, str]], command: str):
    mirror = client(version)
    said(
        mirror,
        Frame(
            "SUBSCRIBE",
            [
                ("id", "0"),
                ("destination", "/a"),
                ("ack", "client-individual" if version != "1.0" else "client"),
            ],
        ),
    )
    ack = b"ack:a7\n" if version == "1.2" else b""
    mirror.connection.receive_data(
        b"MESSAGE\nsubscription:0\nmessage-id:7\ndestination:/a\n" + ack + b"\n\0", 0.0
    )
    assert isinstance(mirror.next_event(0.0), Message)
    assert said(mirror, Frame(command, headers)).startswith(command.encode())
    assert said(mirror, Frame(command, [("id", "unknown"), ("message-id", "unknown")])) == b""


def test_receipts_are_those_that_were_awaited():
    mirror = client()
    said(mirror, Frame("SEND", [("destination", "/a"), ("receipt", "r")]))
    mirror.connection.receive_data(b"RECEIPT\nreceipt-id:r\n\n\0", 0.0)
    event = mirror.next_event(0.0)
    assert isinstance(event, Receipt)
    assert event.known


@pytest.mark.parametrize("offered", ["9", "1.0,9", ""])
def test_odd_greetings_have_an_engine_too(offered: str):
    for value in ("1000,2000", "a,b", "1", "9" * 30 + ",1"):
        mirror = ClientMirror(greeting(offered, ("heart-beat", value)), None, None)
        assert mirror.connection.data_to_send(0.0) == b""


def test_a_client_that_never_greeted_has_begun():
    mirror = ClientMirror(None, None, None)
    mirror.connection.receive_eof(0.0)
    assert isinstance(mirror.next_event(0.0), Closed)


# The server's side


def server(version: str = "1.2", *said_by_client: bytes) -> ServerMirror:
    answer = Frame("CONNECTED", [("version", version), ("heart-beat", "0,0")])
    mirror = ServerMirror(None, answer, None)
    mirror.connection.receive_data(b"CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\n\n\0", 0.0)
    mirror.next_event(0.0)
    mirror.say(answer)
    for octets in said_by_client:
        mirror.connection.receive_data(octets, 0.0)
    while mirror.next_event(0.0) is not None:
        pass
    mirror.connection.data_to_send(0.0)
    return mirror


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_the_version_is_the_one_that_the_server_chose(version: str):
    mirror = ServerMirror(None, Frame("CONNECTED", [("version", version)]), None)
    mirror.connection.receive_data(b"CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\n\n\0", 0.0)
    mirror.next_event(0.0)
    assert f"version:{version}\n".encode() in said(
        mirror, Frame("CONNECTED", [("session", "s"), ("server", "x")])
    )
    assert mirror.connection.version is Version(version)
    assert (
        ServerMirror(None, Frame("CONNECTED", [("version", "0.9")]), None).connection.data_to_send(0.0) == b""
    )


SUBSCRIBE = b"SUBSCRIBE\nid:0\ndestination:/a\nack:client\n\n\0"
MESSAGE = Frame(
    "MESSAGE", [("subscription", "0"), ("message-id", "7"), ("destination", "/a"), ("ack", "a7"), ("x", "y")]
)


@pytest.mark.parametrize(("command", "kind"), [(b"ACK", Ack), (b"NACK", Nack)])
def test_acknowledgements_of_a_client_find_what_was_sent(command: bytes, kind: type):
    mirror = server("1.2", SUBSCRIBE)
    assert said(mirror, MESSAGE) == encode(MESSAGE, Version.V1_2)
    mirror.connection.receive_data(command + b"\nid:a7\n\n\0", 0.0)
    event: Any = mirror.next_event(0.0)
    assert event.message_ids == ("7",)
    assert isinstance(event, kind)


def test_a_subscription_that_nobody_asked_for_is_granted():
    assert said(server(), MESSAGE).startswith(b"MESSAGE\nsubscription:0\n")


def test_receipts_and_errors_are_said_again():
    mirror = server()
    assert said(mirror, Frame("RECEIPT", [("receipt-id", "r")])) == b"RECEIPT\nreceipt-id:r\n\n\0"
    error = Frame("ERROR", [("message", "no"), ("receipt-id", "r"), ("x", "y")], b"why")
    assert said(mirror, error).startswith(b"ERROR\nmessage:no\nreceipt-id:r\nx:y\n")
    assert isinstance(mirror.next_event(0.0), Closed)


def test_a_server_that_refused_has_an_engine():
    mirror = ServerMirror(None, Frame("ERROR", [("message", "no")]), None)
    mirror.connection.receive_data(b"CONNECT\naccept-version:1.2\nhost:/\n\n\0", 0.0)
    mirror.next_event(0.0)
    assert said(mirror, Frame("ERROR", [("message", "no")])).startswith(b"ERROR\nmessage:no\n")
