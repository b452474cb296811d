"""Options are said once and hold for every connection, and nothing of them shows a secret."""

from stomp_sansio.protocol.limits import Limits
from stomp_sansio.session.backoff import Backoff
from stomp_sansio.session.options import Credentials, SessionOptions

from .world import target

CANARY = "s3cr3t-canary"


def test_headers_that_come_from_an_iterator_last_for_every_connection():
    credentials = Credentials(connect_headers=(pair for pair in [("a", "b")]))
    for _ in range(2):
        assert dict(credentials.connect_headers) == {"a": "b"}


def test_credentials_show_no_secret():
    credentials = Credentials("ada", CANARY, {"authorization": CANARY}, {"cookie": CANARY})
    shown = repr(SessionOptions(targets=(target(passcode=CANARY),), credentials=credentials))
    assert CANARY not in shown
    assert "ada" in shown


def test_the_defaults_are_those_that_are_promised():
    """No wait is without an end, and nothing grows without one."""
    options = SessionOptions(targets=(target(),))
    assert (options.open_timeout, options.close_timeout, options.receipt_timeout) == (10.0, 10.0, 30.0)
    assert options.heartbeat == (10.0, 10.0)
    assert options.reconnect == Backoff(initial=0.5, factor=2.0, cap=60.0, stable=30.0)
    assert (options.max_outbox_messages, options.max_outbox_octets) == (10_000, 64 * 1024 * 1024)
    assert options.max_queue_octets == 64 * 1024 * 1024
    assert options.limits == Limits.client()
