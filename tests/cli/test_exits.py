"""Which exit code an exception stands for."""

import pytest

from stomp_cli.exits import EXIT_CODES, Exit, UsageError, exit_of
from stomp_sansio.capture import CaptureError
from stomp_sansio.errors import InvalidURI, LocalProtocolError, Misuse
from stomp_sansio.links.link import Phase
from stomp_sansio.session import errors

TABLE = [
    (UsageError(""), Exit.USAGE),
    (InvalidURI(""), Exit.USAGE),
    (ImportError(""), Exit.USAGE),
    (errors.AuthenticationError(Phase.OPEN, ""), Exit.REFUSED),
    (errors.ConnectError(Phase.TCP, ""), Exit.NOT_CONNECTED),
    (errors.ConnectionClosedError(""), Exit.NOT_CONNECTED),
    (errors.HeartbeatTimeout(""), Exit.NOT_CONNECTED),
    (errors.NotConnected(""), Exit.NOT_CONNECTED),
    (ConnectionResetError(), Exit.NOT_CONNECTED),
    (errors.BrokerError(""), Exit.BROKER_ERROR),
    (errors.ReceiptTimeout(""), Exit.TIMEOUT),
    (errors.ReplyTimeout(""), Exit.TIMEOUT),
    (TimeoutError(), Exit.TIMEOUT),
    (BrokenPipeError(), Exit.BROKEN_PIPE),
    (LocalProtocolError(Misuse.BAD_HEADER, ""), Exit.USAGE),
    (CaptureError(""), Exit.FAILED),
    (ValueError(""), Exit.USAGE),
    (OSError(), Exit.FAILED),
    (ZeroDivisionError(), Exit.FAILED),
]


def test_a_session_that_an_error_has_ended_has_the_code_of_the_error():
    over = errors.ConnectionClosedError("the session is over")
    over.__cause__ = errors.BrokerError("full")
    assert exit_of(over) is Exit.BROKER_ERROR


@pytest.mark.parametrize(("error", "code"), TABLE, ids=lambda value: repr(value))
def test_an_exception_has_a_code(error, code):
    assert exit_of(error) is code


def test_every_code_is_explained():
    assert set(EXIT_CODES) == set(Exit)
