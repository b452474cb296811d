"""Errors are caught by what one can do about them, and by the builtins that they are."""

import pytest

from stomp_sansio import Error, Headers, StompError
from stomp_sansio.links.link import Phase
from stomp_sansio.session import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_one_of_the_library(name):
    assert issubclass(getattr(errors, name), StompError)


@pytest.mark.parametrize(
    "name",
    [
        *("AuthenticationError", "ConnectError", "ConnectionClosed", "ConnectionClosedError"),
        *("ConnectionClosedOK", "HeartbeatTimeout", "NotConnected"),
    ],
)
def test_what_is_wrong_with_a_connection_is_a_connection_error(name):
    assert issubclass(getattr(errors, name), ConnectionError)


@pytest.mark.parametrize("name", ["HeartbeatTimeout", "OutboxFull", "ReceiptTimeout", "ReplyTimeout"])
def test_what_took_too_long_is_a_timeout(name):
    assert issubclass(getattr(errors, name), TimeoutError)


def test_a_connect_error_says_how_far_it_came():
    error = errors.AuthenticationError(Phase.UPGRADE, "401")
    assert isinstance(error, errors.ConnectError)
    assert (error.phase, str(error)) == (Phase.UPGRADE, "401")


def test_a_broker_error_holds_what_the_server_said():
    said = Error(message="no", receipt_id=None, headers=Headers(), body=b"")
    assert errors.BrokerError("no", said).error is said
    assert errors.BrokerError("no").error is None
