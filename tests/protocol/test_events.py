"""Events: values that say what came, and show nothing of a secret."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from stomp_sansio import (
    Abort,
    Ack,
    AckMode,
    Begin,
    ClientEvent,
    Closed,
    CloseReason,
    Commit,
    Connected,
    ConnectRequest,
    Disconnect,
    Error,
    Fault,
    Headers,
    Message,
    Nack,
    NotText,
    Receipt,
    RemoteProtocolError,
    Send,
    ServerEvent,
    Subscribe,
    Unsubscribe,
    Version,
)

HEADERS = Headers({"x": "1", "passcode": "CANARY"})

EXAMPLES: list[tuple[type, dict[str, Any], str]] = [
    (
        Connected,
        {
            "version": Version.V1_2,
            "session": "s",
            "server": "x/1",
            "heartbeat": (1.0, 0.0),
            "headers": HEADERS,
        },
        "Connected(version=<Version.V1_2: '1.2'>, session='s', server='x/1', heartbeat=(1.0, 0.0))",
    ),
    (
        Message,
        {
            "destination": "/q",
            "message_id": "1",
            "subscription": "s",
            "ack": "a",
            "known": True,
            "headers": HEADERS,
            "body": b"x" * 81,
        },
        "Message(destination='/q', message_id='1', subscription='s', ack='a', known=True, "
        f"headers=Headers([('x', '1'), ('passcode', '[redacted]')]), body={b'x' * 80!r}...)",
    ),
    (
        Receipt,
        {"receipt_id": "r", "known": False, "headers": HEADERS},
        "Receipt(receipt_id='r', known=False)",
    ),
    (
        Error,
        {"message": "m", "receipt_id": None, "headers": HEADERS, "body": b"CANARY"},
        "Error(message='m', receipt_id=None, headers=Headers([('x', '1'), ('passcode', '[redacted]')]))",
    ),
    (
        Closed,
        {"clean": False, "reason": CloseReason.FAULT, "error": RemoteProtocolError(Fault.BAD_HEADER, "why")},
        "Closed(clean=False, reason=<CloseReason.FAULT: 'fault'>, error=RemoteProtocolError('why'))",
    ),
    (
        ConnectRequest,
        {
            "version": Version.V1_1,
            "host": "h",
            "login": "l",
            "passcode": "CANARY",
            "heartbeat": (0.0, 0.0),
            "headers": HEADERS,
        },
        "ConnectRequest(version=<Version.V1_1: '1.1'>, host='h', login='l', passcode='[redacted]', "
        "heartbeat=(0.0, 0.0))",
    ),
    (
        Send,
        {"destination": "/q", "transaction": None, "receipt": "r", "headers": HEADERS, "body": b"abc"},
        "Send(destination='/q', transaction=None, receipt='r', "
        "headers=Headers([('x', '1'), ('passcode', '[redacted]')]), body=b'abc')",
    ),
    (
        Subscribe,
        {"id": "s", "destination": "/q", "ack": AckMode.CLIENT, "receipt": None, "headers": HEADERS},
        "Subscribe(id='s', destination='/q', ack=<AckMode.CLIENT: 'client'>, receipt=None)",
    ),
    (
        Unsubscribe,
        {"id": "s", "destination": None, "receipt": None, "headers": HEADERS},
        "Unsubscribe(id='s', destination=None, receipt=None)",
    ),
    *(
        (
            kind,
            {
                "subscription": "s",
                "message_ids": ("1", "2"),
                "transaction": "t",
                "receipt": "r",
                "headers": HEADERS,
            },
            f"{kind.__name__}(subscription='s', message_ids=('1', '2'), transaction='t', receipt='r')",
        )
        for kind in (Ack, Nack)
    ),
    *(
        (
            kind,
            {"transaction": "t", "receipt": None, "headers": HEADERS},
            f"{kind.__name__}(transaction='t', receipt=None)",
        )
        for kind in (Begin, Commit)
    ),
    (
        Abort,
        {"transaction": "t", "implicit": True, "receipt": None, "headers": HEADERS},
        "Abort(transaction='t', implicit=True, receipt=None)",
    ),
    (Disconnect, {"receipt": "r", "headers": HEADERS}, "Disconnect(receipt='r')"),
]

KINDS = pytest.mark.parametrize(
    ("kind", "facts", "shown"), EXAMPLES, ids=[kind.__name__ for kind, _, _ in EXAMPLES]
)


def test_there_is_an_example_of_every_event():
    assert {kind for kind, _, _ in EXAMPLES} == {*get_args(ClientEvent), *get_args(ServerEvent)}


@KINDS
def test_an_event_has_what_it_was_made_of(kind: type, facts: dict[str, Any], shown: str):
    event = kind(**facts)
    assert {name: getattr(event, name) for name in facts} == facts
    assert {field.name for field in dataclasses.fields(kind)} == set(facts)


@KINDS
def test_its_repr_says_what_matters_and_no_secret(kind: type, facts: dict[str, Any], shown: str):
    assert repr(kind(**facts)) == shown
    assert "CANARY" not in shown


@KINDS
def test_events_are_equal_when_they_say_the_same(kind: type, facts: dict[str, Any], shown: str):
    assert kind(**facts) == kind(**facts)
    for name, value in facts.items():
        assert kind(**facts | {name: [value]}) != kind(**facts)


@KINDS
def test_an_event_has_no_room_for_what_is_misspelt(kind: type, facts: dict[str, Any], shown: str):
    event = kind(**facts)
    with pytest.raises((AttributeError, TypeError)):
        event.mesage = 1
    assert not hasattr(event, "__dict__")


@pytest.mark.parametrize("kind", [kind for kind, _, _ in EXAMPLES if kind not in (Message, Send)])
def test_an_event_is_frozen(kind: type):
    ((_, facts, _),) = [example for example in EXAMPLES if example[0] is kind]
    event = kind(**facts)
    for name in facts:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, name, None)


def test_an_ack_mode_that_there_is_not_is_told_with_those_that_there_are():
    assert AckMode("client-individual") is AckMode.CLIENT_INDIVIDUAL
    with pytest.raises(ValueError, match="ack is 'CLIENT': write 'auto', 'client' or 'client-individual'"):
        AckMode("CLIENT")


def test_an_event_can_be_matched():
    event: ClientEvent = Closed(clean=True, reason=CloseReason.DISCONNECT)
    match event:
        case Closed(clean=True, reason=reason, error=None):
            assert reason is CloseReason.DISCONNECT
        case _:
            pytest.fail("no match")


def test_a_request_without_a_passcode_shows_that_there_is_none():
    facts = dict.fromkeys(("host", "login", "passcode"))
    event = ConnectRequest(version=Version.V1_0, heartbeat=(0.0, 0.0), headers=Headers(), **facts)
    assert "passcode=None" in repr(event)


# Bodies


def made(kind: type, body: bytes, content_type: str | None) -> Any:
    ((_, facts, _),) = [example for example in EXAMPLES if example[0] is kind]
    headers = Headers() if content_type is None else Headers({"content-type": content_type})
    return kind(**facts | {"body": body, "headers": headers})


@pytest.mark.parametrize("kind", [Message, Send, Error])
def test_a_body_is_octets_text_or_json(kind: type):
    event = made(kind, b'{"a":"\xe4"}', "application/json;charset=latin-1")
    assert event.body == b'{"a":"\xe4"}'
    assert event.content_type == "application/json;charset=latin-1"
    assert event.text == '{"a":"\u00e4"}'
    assert event.json() == {"a": "\u00e4"}


@pytest.mark.parametrize("kind", [Message, Send, Error])
def test_a_body_that_is_no_text_is_refused_and_stays(kind: type):
    event = made(kind, b"\xff", None)
    assert event.content_type is None
    with pytest.raises(NotText):
        _ = event.text
    with pytest.raises(NotText):
        event.json()
    assert event.body == b"\xff"
