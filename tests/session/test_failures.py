"""Which failures stop a session and which are tried again, and that each is told with what to do, and without
secrets."""

import pytest

from stomp_sansio import Closed, CloseReason, Error, Fault, Headers, LinkFault, RemoteProtocolError
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.machine import StreamLoss
from stomp_sansio.session.errors import (
    AuthenticationError,
    BrokerError,
    ConnectError,
    ConnectionClosedError,
    HeartbeatTimeout,
)
from stomp_sansio.session.failures import Witness, secrets_of
from stomp_sansio.session.options import Credentials

from .world import target

CANARY = "s3cr3t-canary"
witness = Witness("wss://there", (CANARY,))


def link(**more):
    return LinkClosed(**{"clean": False, "phase": Phase.TCP, "reason": "it broke", **more})


def fault(kind):
    return RemoteProtocolError(kind, f"that was {kind.value}")


def error(message="no", body=b""):
    return Error(message=message, receipt_id=None, headers=Headers(), body=body)


def ended(reason=CloseReason.EOF, error=None):
    return Closed(clean=False, reason=reason, error=error)


@pytest.mark.parametrize(
    ("loss", "retry"),
    [
        (StreamLoss.UNRESOLVED, True),
        (StreamLoss.REFUSED, True),
        (StreamLoss.RESET, True),
        (StreamLoss.TIMEOUT, True),
        (StreamLoss.TRUNCATED, True),
        (StreamLoss.CLOSED, True),
        (StreamLoss.TLS_FAILED, False),
        (StreamLoss.CERTIFICATE_REFUSED, False),
    ],
)
def test_networks_heal_and_certificates_do_not(loss, retry):
    failure = witness.link_failed(link(loss=loss, phase=Phase.DNS))
    assert failure.retry is retry
    assert type(failure.error) is ConnectError
    assert failure.error.phase is Phase.DNS


@pytest.mark.parametrize(
    ("status", "retry", "kind"),
    [
        (401, False, AuthenticationError),
        (403, False, AuthenticationError),
        (407, False, AuthenticationError),
        (400, False, ConnectError),
        (404, False, ConnectError),
        (302, False, ConnectError),
        (408, True, ConnectError),
        (425, True, ConnectError),
        (429, True, ConnectError),
        (500, True, ConnectError),
        (503, True, ConnectError),
    ],
)
def test_an_http_status_says_whether_to_come_again(status, retry, kind):
    failure = witness.link_failed(link(status=status, error=fault(LinkFault.HTTP_STATUS)))
    assert failure.retry is retry
    assert type(failure.error) is kind


@pytest.mark.parametrize("kind", [LinkFault.TRUNCATED, LinkFault.CLOSED_ABNORMALLY])
def test_a_hand_shake_that_was_cut_off_is_tried_again(kind):
    assert witness.link_failed(link(error=fault(kind))).retry
    assert witness.link_failed(link(error=fault(kind), status=200)).retry


@pytest.mark.parametrize("kind", [LinkFault.BAD_HANDSHAKE, LinkFault.BAD_INFO, LinkFault.BAD_FRAME])
def test_what_does_not_speak_the_transport_is_not_tried_again(kind):
    assert not witness.link_failed(link(error=fault(kind))).retry
    assert not witness.link_failed(link(error=fault(kind), status=200)).retry


@pytest.mark.parametrize(
    ("waited_for", "phase"), [("the server did not answer", Phase.TCP), ("no CONNECTED", Phase.OPEN)]
)
def test_an_attempt_that_took_too_long_is_tried_again(waited_for, phase):
    failure = witness.timed_out(waited_for, phase, 7.5)
    assert failure.retry
    assert isinstance(failure.error, ConnectError)
    assert failure.error.phase is phase
    assert str(failure.error) == f"wss://there: no connection within 7.5 s (open_timeout): {waited_for}"


SCHEMES = [("stomp", "stomps"), ("ws", "wss"), ("http", "https")]


@pytest.mark.parametrize(("plain", "secure"), SCHEMES)
@pytest.mark.parametrize(
    "how",
    [
        {"loss": StreamLoss.RESET, "phase": Phase.UPGRADE},
        {"error": fault(LinkFault.CLOSED_ABNORMALLY), "phase": Phase.INFO},
        {"error": fault(LinkFault.TRUNCATED), "phase": Phase.UPGRADE},
        {"error": fault(LinkFault.HTTP_STATUS), "status": 400, "phase": Phase.UPGRADE},
    ],
)
def test_a_server_that_wants_tls_hardly_says_so(plain, secure, how):
    told = str(Witness(f"{plain}://there", ()).link_failed(link(**how)).error)
    assert told.endswith(f"; if this port wants TLS, write {secure}://")
    told = str(Witness(f"{secure}://there", ()).link_failed(link(**how)).error)
    assert told.endswith("; if it wants a certificate of yours, pass an SSL context that has one")


@pytest.mark.parametrize(("plain", "secure"), SCHEMES)
def test_a_server_that_does_without_tls_cannot_say_so(plain, secure):
    for loss in (StreamLoss.RESET, StreamLoss.TLS_FAILED, StreamLoss.CLOSED):
        failure = Witness(f"{secure}://there", ()).link_failed(link(loss=loss, phase=Phase.TLS))
        assert str(failure.error).endswith(f"; if this port does without TLS, write {plain}://")
    told = str(Witness(f"{secure}://there", ()).timed_out("no answer", Phase.TLS, 1.0).error)
    assert told.endswith(f"no answer; if this port does without TLS, write {plain}://")


@pytest.mark.parametrize(
    "how",
    [
        {"loss": StreamLoss.CERTIFICATE_REFUSED, "phase": Phase.TLS},
        {"loss": StreamLoss.REFUSED, "phase": Phase.TCP},
        {"loss": StreamLoss.RESET, "phase": Phase.PROXY},
        {"error": fault(LinkFault.HTTP_STATUS), "status": 404, "phase": Phase.UPGRADE},
        {"error": fault(LinkFault.BAD_HANDSHAKE), "phase": Phase.UPGRADE},
    ],
)
@pytest.mark.parametrize("scheme", ["ws", "wss", "stomp+unix"])
def test_what_has_nothing_to_do_with_tls_is_not_blamed_on_it(scheme, how):
    assert "write" not in str(Witness(f"{scheme}://there", ()).link_failed(link(**how)).error)


def test_a_scheme_without_a_sister_has_no_hint():
    how = link(phase=Phase.UPGRADE, loss=StreamLoss.RESET)
    assert str(Witness("stomp+unix:///there", ()).link_failed(how).error) == "stomp+unix:///there: it broke"


@pytest.mark.parametrize(("plain", "secure"), SCHEMES)
def test_connect_without_an_answer_may_be_for_want_of_tls(plain, secure):
    told = str(Witness(f"{plain}://there", ()).not_greeted(ended(), None, b"").error)
    assert told.endswith(
        f"CONNECT was not answered: the connection ended; if this port wants TLS, write {secure}://"
    )
    told = str(
        Witness("stomp+unix:///there", ()).link_failed(link(phase=Phase.TLS, loss=StreamLoss.RESET)).error
    )
    assert told == "stomp+unix:///there: it broke"


@pytest.mark.parametrize(
    ("message", "body", "kind", "hint"),
    [
        ("Bad CONNECT", b"Access refused for user 'ada'\n", AuthenticationError, "check login="),
        ("Bad CONNECT", b"Virtual host '/x' access denied", ConnectError, "vhost='/'"),
        ("not_allowed", b"", ConnectError, "vhost='/'"),
        ("User name [x] or password is invalid.", b"trace", AuthenticationError, "check login="),
        ("Supported protocol versions are 1.0", b"", ConnectError, "refused the connection"),
        (None, b"", ConnectError, "no reason given"),
    ],
)
def test_a_refusal_stops_and_says_what_to_check(message, body, kind, hint):
    failure = witness.refused(error(message, body))
    assert not failure.retry
    assert type(failure.error) is kind
    assert hint in str(failure.error)


@pytest.mark.parametrize(
    ("message", "body"),
    [("Broker not available.", b""), ("Bad CONNECT", b"The broker is shutting down: try again")],
)
def test_a_server_that_cannot_serve_yet_is_tried_again(message, body):
    failure = witness.refused(error(message, body))
    assert failure.retry
    assert type(failure.error) is ConnectError
    assert "refused the connection" in str(failure.error)


def test_a_long_refusal_is_told_in_short():
    assert len(str(witness.refused(error("no", b"at java.lang\n" * 1000)).error)) < 300


def test_a_server_that_closes_after_connect_is_tried_again():
    failure = witness.not_greeted(ended(), link(reason="the peer closed", clean=True), b"")
    assert failure.retry
    assert str(failure.error).startswith(
        "wss://there: CONNECT was not answered: the peer closed; if it wants"
    )
    assert witness.not_greeted(ended(), None, b"").retry


def test_what_a_server_says_twice_is_told_once():
    told = str(
        witness.refused(error("User name [x] is invalid.", b"User name [x] is invalid.\n\tat java")).error
    )
    assert told.count("User name") == 1


def test_a_websocket_that_is_closed_in_order_was_not_lacking_tls():
    plain = Witness("ws://there", ())
    closed = link(reason="closed, code 1000", clean=True, code=1000)
    told = str(plain.not_greeted(ended(), closed, b"").error)
    assert "TLS" not in told
    assert "want another login=" in told
    assert "TLS" in str(plain.not_greeted(ended(), link(clean=True), b"").error)
    assert "TLS" in str(plain.not_greeted(ended(), link(code=1006), b"").error)


def test_a_server_that_speaks_another_protocol_stops():
    wrong = fault(Fault.MALFORMED_COMMAND)
    failure = witness.not_greeted(ended(CloseReason.FAULT, wrong), None, b"SSH-2.0")
    assert not failure.retry
    assert failure.error.__cause__ is wrong
    assert "does not speak STOMP" in str(failure.error)
    assert str(failure.error).endswith("; that is an SSH server: check host and port")


def test_a_version_that_was_not_offered_stops():
    assert not witness.not_greeted(
        ended(CloseReason.FAULT, fault(Fault.UNSUPPORTED_VERSION)), None, b""
    ).retry


def test_a_greeting_that_was_cut_off_is_tried_again():
    assert witness.not_greeted(ended(CloseReason.FAULT, fault(Fault.INCOMPLETE_FRAME)), link(), b"").retry


def test_a_transport_that_refuses_us_while_we_greet_stops():
    failure = witness.not_greeted(ended(), link(status=403, phase=Phase.OPEN), b"")
    assert not failure.retry
    assert isinstance(failure.error, AuthenticationError)
    assert not witness.not_greeted(ended(), link(error=fault(LinkFault.BAD_FRAME)), b"").retry


def test_a_transport_that_forgets_us_while_we_greet_is_tried_again():
    assert witness.not_greeted(ended(), link(status=404, error=fault(LinkFault.HTTP_STATUS)), b"").retry


def test_silence_is_tried_again():
    failure = witness.connection_ended(ended(CloseReason.HEARTBEAT_TIMEOUT), None, None)
    assert failure.retry
    assert isinstance(failure.error, HeartbeatTimeout)


def test_an_error_after_connected_is_tried_again():
    said = error("queue gone", b"why")
    failure = witness.connection_ended(ended(CloseReason.ERROR), said, link())
    assert failure.retry
    assert isinstance(failure.error, BrokerError)
    assert failure.error.error is said
    assert str(failure.error) == "wss://there: the server sent ERROR: queue gone: why"


def test_a_server_that_shuts_down_is_tried_again():
    failure = witness.connection_ended(ended(), None, link(clean=True, reason="closed, code 1001", code=1001))
    assert failure.retry
    assert type(failure.error) is ConnectionClosedError
    assert str(failure.error) == "wss://there: closed, code 1001"
    assert witness.connection_ended(ended(), None, None).retry


@pytest.mark.parametrize(
    "kind",
    [Fault.INCOMPLETE_FRAME, LinkFault.TRUNCATED, LinkFault.CLOSED_ABNORMALLY],
    ids=lambda kind: kind.value,
)
def test_a_connection_that_was_cut_off_is_tried_again(kind):
    """A broker that is killed says nothing, also where the transport has a closing hand-shake."""
    if isinstance(kind, Fault):
        failure = witness.connection_ended(ended(CloseReason.FAULT, fault(kind)), None, link())
    else:
        failure = witness.connection_ended(ended(), None, link(error=fault(kind)))
    assert failure.retry
    assert isinstance(failure.error.__cause__, RemoteProtocolError)


@pytest.mark.parametrize("kind", [Fault.BAD_HEADER, LinkFault.PROTOCOL_ERROR], ids=lambda kind: kind.value)
def test_a_server_that_breaks_the_protocol_stops(kind):
    closed = ended(CloseReason.FAULT, fault(kind) if isinstance(kind, Fault) else None)
    failure = witness.connection_ended(closed, None, link(error=fault(kind)))
    assert not failure.retry
    assert type(failure.error) is ConnectionClosedError


@pytest.mark.parametrize(
    ("status", "retry", "kind"),
    [
        (404, True, ConnectionClosedError),
        (500, True, ConnectionClosedError),
        (403, False, AuthenticationError),
    ],
)
def test_a_session_that_the_transport_has_forgotten_is_made_again(status, retry, kind):
    failure = witness.connection_ended(ended(), None, link(status=status, error=fault(LinkFault.HTTP_STATUS)))
    assert failure.retry is retry
    assert type(failure.error) is kind


@pytest.mark.parametrize(
    "failure",
    [
        witness.refused(error(f"bad passcode {CANARY}", CANARY.encode())),
        witness.refused(error(f"vhost {CANARY}")),
        witness.refused(error(f"odd {CANARY}")),
        witness.link_failed(link(reason=f"GET /?token={CANARY}")),
        witness.timed_out(CANARY, Phase.TCP, 1.0),
        witness.not_greeted(ended(), link(reason=CANARY), b""),
        witness.not_greeted(ended(error=RemoteProtocolError(Fault.BAD_HEADER, CANARY)), None, b""),
        witness.connection_ended(ended(), error(CANARY), None),
        witness.connection_ended(ended(), None, link(reason=CANARY)),
        witness.connection_ended(ended(), None, link(reason=CANARY, status=404)),
        witness.connection_ended(ended(error=RemoteProtocolError(Fault.BAD_HEADER, CANARY)), None, None),
    ],
)
def test_what_a_server_repeats_of_our_secrets_is_not_shown(failure):
    assert CANARY not in str(failure.error)
    assert "[redacted]" in str(failure.error)


def test_secrets_are_passcodes_and_the_values_of_secret_headers():
    credentials = Credentials(
        "ada", "one", [("authorization", "two"), ("x", "seen")], {"Cookie": "three", "Origin": "seen"}
    )
    assert secrets_of(credentials, target(passcode="four")) == ("one", "four", "two", "three")


def test_a_passcode_that_is_the_login_as_well_is_no_secret():
    assert secrets_of(Credentials("guest", "guest"), target()) == ()
    assert secrets_of(Credentials(), target(login="guest", passcode="guest")) == ()
    assert secrets_of(Credentials(passcode=""), target()) == ()
