"""Options are said once and hold for every connection, and nothing of them shows a secret."""

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
