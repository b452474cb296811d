"""Credentials: not in any repr, any error, what hangs on one, nor in what a server tells its client."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from stomp_sansio import Closed, Connection, Error, Frame, ServerConnection, StompError, Version, encode
from tests.protocol.helpers import ask, client, server, tell, wire

A1_0, A1_1, A1_2 = Version

CANARY = "CANARY-5ecre7"
SECRET_LINES = (
    *(
        f"passcode:{CANARY}",
        f"authorization:Bearer {CANARY}",
        f"Cookie:session={CANARY}",
        f"X-Auth-Token:{CANARY}",
    ),
    *(f"proxy-authorization:{CANARY}", f"set-cookie:{CANARY}", f"api-key:{CANARY}", f"password:{CANARY}"),
)


def shown(error: BaseException | None) -> str:
    """Return all that an error shows, and what hangs on it."""
    texts: list[str] = []
    while error is not None:
        texts += [repr(error), str(error), *traceback.format_exception(error), repr(error.__dict__)]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "an escape": lambda line: line + b"\\t",
    "a CR": lambda line: line + b"\rx",
    "no UTF-8": lambda line: line + b"\xff",
    "a NUL": lambda line: line + b"\0",
    "a long line": lambda line: line + b"x" * 9_000,
    "a long line after it": lambda line: line + b"\nx:" + b"x" * 9_000,
    "no colon": lambda line: line.replace(b":", b" "),
    "another separator": lambda line: line.replace(b":", b"="),
    "folded": lambda line: b"%b:\n %b" % (line.partition(b":")[0], CANARY.encode()),
    "an empty name after it": lambda line: line + b"\n:x",
    "a bad length after it": lambda line: line + b"\ncontent-length:x",
    "too many lines": lambda line: line + b"\n" + b"x:1\n" * 200,
    "a bad heart-beat": lambda line: line + b"\naccept-version:1.2\nversion:1.2\nheart-beat:x",
    "no version": lambda line: line + b"\naccept-version:9\nversion:9",
    "nothing": lambda line: line,
}
"""What may be wrong with a frame that has a secret."""


@pytest.mark.parametrize("what", list(FAULTS))
@pytest.mark.parametrize("command", ["CONNECT", "CONNECTED", "SEND", "MESSAGE", "ERROR", "PING"])
def test_no_secret_is_shown_or_echoed_whatever_is_wrong_with_its_frame(command: str, what: str):
    for line in SECRET_LINES:
        octets = FAULTS[what](line.encode())
        for whole in (b"%b\n%b\n\n\0" % (command.encode(), octets), octets + b"\n"):
            for connection in (Connection(), client(), ServerConnection(), server()):
                connection.receive_data(whole, 0.0)
                connection.receive_eof(0.0)
                texts = [repr(connection)]
                while (event := connection.next_event()) is not None:
                    texts.append(repr(event))
                    if isinstance(event, Closed):
                        texts.append(shown(event.error))
                texts.append(repr(connection.data_to_send(0.0)))
                assert CANARY not in "\n".join(texts), f"{line}: {what}"


@pytest.mark.parametrize("tail", ["", "\0", "\n", "\r", "\ud800"])
def test_no_secret_is_shown_when_the_caller_is_refused(tail: str):
    secret = CANARY + tail
    said: list[str] = []
    for call in (
        lambda: Connection().connect(passcode=secret, host="\0"),
        lambda: Connection().connect(login="\ud800", passcode=secret),
        lambda: Connection().connect(headers={"authorization": secret, "": "x"}),
        lambda: Connection().connect(passcode=secret, headers={"passcode": secret}),
        lambda: client().send("/q\0", headers={"x-token": secret}),
        lambda: client(A1_0).send("/q\n", headers={"cookie": secret}),
        lambda: client(A1_1).send("/q\ud800", headers={"cookie": secret}),
        lambda: encode(Frame("CONNECT", {"passcode": secret}, b"body"), A1_2),
        lambda: encode(Frame("SEND", {"content-length": "9", "token": secret}), A1_2),
    ):
        with pytest.raises(StompError) as caught:
            call()
        said.append(shown(caught.value))
    assert CANARY not in "\n".join(said)


def test_no_secret_is_shown_by_what_is_right():
    headers = [tuple(line.split(":", 1)) for line in SECRET_LINES]
    frame = Frame("CONNECT", [(name, value) for name, value in headers])
    things: list[object] = [frame, frame.headers]
    connection = ServerConnection()
    things += ask(connection, wire("CONNECT", "accept-version:1.2", "login:me", *SECRET_LINES))
    connection.accept()
    things += ask(
        connection, wire("SEND", "destination:/q", *SECRET_LINES), wire("DISCONNECT", *SECRET_LINES)
    )
    other = client()
    lines = ("destination:/q", "message-id:1", "subscription:s", *SECRET_LINES)
    things += tell(
        other, wire("MESSAGE", *lines), wire("ERROR", "message:m", *SECRET_LINES, body=CANARY.encode())
    )
    assert any(isinstance(thing, Error) for thing in things)
    assert CANARY not in repr(things)
