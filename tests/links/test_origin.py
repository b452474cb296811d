"""Cross-site WebSocket hijacking: which origins pass, and in which spelling."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.origin import OriginPolicy, Refusal, normalized_origin


@pytest.mark.parametrize(
    ("origin", "normalized"),
    [
        ("https://App.Example.com", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("null", None),
        ("*", None),
        ("", None),
        ("https://", None),
        ("https://:80", None),
        ("://host", None),
        ("https://app.example.com/", None),
        ("https://app.example.com/path", None),
        ("https://user@app.example.com", None),
        ("https://*.example.com", None),
        ("https://a.example, https://b.example", None),
        ("https://app.example.com:port", None),
        ("https://bücher.example", None),
        ("hßttp://x", None),
        ("https://a\x00b", None),
    ],
)
def test_one_spelling_for_each_origin(origin: str, normalized: str | None) -> None:
    assert normalized_origin(origin) == normalized


@given(st.text(max_size=30))
def test_normalizing_is_done_once(origin: str) -> None:
    normalized = normalized_origin(origin)
    assert normalized is None or normalized_origin(normalized) == normalized


@pytest.mark.parametrize(
    ("origin", "host", "secure", "allowed"),
    [
        (None, "app.example.com", False, True),  # no browser
        ("http://app.example.com", "app.example.com", False, True),
        ("http://app.example.com:80", "app.example.com", False, True),
        ("http://app.example.com:8080", "app.example.com:8080", False, True),
        ("HTTP://APP.example.com", "app.EXAMPLE.com", False, True),
        ("https://app.example.com", "app.example.com", True, True),
        ("https://app.example.com", "app.example.com", False, True),  # a proxy ended TLS
        ("http://app.example.com", "app.example.com", True, False),  # the page could be anybody's
        ("http://app.example.com:8080", "app.example.com", False, False),
        ("http://evil.example", "app.example.com", False, False),
        ("http://app.example.com.evil.example", "app.example.com", False, False),
        ("http://evil.example", None, False, False),
        ("null", "app.example.com", False, False),
        ("*", "app.example.com", False, False),
        ("file://", "app.example.com", False, False),
        ("chrome-extension://app.example.com", "app.example.com", False, False),
        ("http://app.example.com", "app.example.com/", False, False),
    ],
)
def test_the_same_origin_passes_by_default_and_no_other(
    origin: str | None, host: str | None, secure: bool, allowed: bool
) -> None:
    assert OriginPolicy().allows(origin, host, secure=secure) is allowed


def test_listed_origins_pass_in_any_spelling_besides_the_same_one() -> None:
    policy = OriginPolicy(["https://app.example.com:443", "tauri://localhost"])
    assert policy.allows("https://APP.example.com", "other.example")
    assert policy.allows("tauri://localhost", "other.example")
    assert policy.allows("http://other.example", "other.example")
    assert not policy.allows("http://app.example.com", "other.example")


@pytest.mark.parametrize("origin", ["*", "null", "https://app.example.com/", "app.example.com"])
def test_what_is_no_origin_cannot_be_listed(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        OriginPolicy([origin])


# A name that somebody made mean this machine

LOOPBACK = "127.0.0.1:4711"


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://evil.example:61613", "evil.example:61613", 421),
        ("http://evil.example", "evil.example.", 403),  # a trailing dot is another origin
        ("http://evil.example.", "evil.example.", 421),
        ("http://evil.example:61613", "127.0.0.1:61613", 403),
        ("http://localhost:61613", "localhost:61613", None),
        ("http://LOCALHOST:61613", "localhost:61613", None),
        ("http://[::1]:61613", "[::1]:61613", None),
        ("http://127.0.0.1:61613", "127.0.0.1:61613", None),
        ("https://listed.example", "evil.example", None),  # it is the page that was listed
        (None, "evil.example", None),
        ("null", "evil.example", 403),
    ],
)
@pytest.mark.parametrize("address", [LOOPBACK, "[::1]:4711", "[::ffff:127.0.0.1]:4711"])
def test_threat_10_a_rebound_name_is_refused_on_loopback(
    origin: str | None, host: str, status: int | None, address: str
) -> None:
    policy = OriginPolicy(["https://listed.example"])
    refusal = policy.refuses(origin, host, address=address)
    assert (None if refusal is None else refusal.status) == status
    assert policy.allows(origin, host, address=address) is (status is None)


def test_a_name_may_be_allowed() -> None:
    policy = OriginPolicy(hosts=["dev.example"])
    assert policy.allows("http://dev.example:61613", "dev.example:61613", address=LOOPBACK)
    assert policy.allows("http://dev.example", "dev.example", address="192.0.2.7:1")
    assert not policy.allows("http://evil.example", "evil.example", address="192.0.2.7:1")
    assert OriginPolicy().allows("http://evil.example", "evil.example", address="192.0.2.7:1")


def test_a_refusal_says_what_to_do_and_moves_no_cursor() -> None:
    refusal = OriginPolicy().refuses_name("evil.example\x1b[2J\u20ac", address=LOOPBACK)
    assert refusal == Refusal(
        HTTPStatus.MISDIRECTED_REQUEST,
        "Pages at 'evil.example\\x1b[2J?' get nothing here, since others may have made that name mean this "
        "machine: use localhost or an IP address, or allow the name with hosts= (--allow-host)",
    )
    refusal = OriginPolicy().refuses("http://evil.example\x1b[2J", "localhost", address=LOOPBACK)
    assert refusal == Refusal(
        HTTPStatus.FORBIDDEN,
        "Pages of the origin 'http://evil.example\\x1b[2J' may not connect: "
        "allow it with origins= (--origin)",
    )
    assert OriginPolicy().refuses_name("localhost", address=LOOPBACK) is None


@pytest.mark.parametrize("origin", ["http://ada:hunter2@evil.example", "ada:hunter2@evil.example"])
def test_threat_11_what_looks_like_a_password_is_not_shown(origin: str) -> None:
    policy = OriginPolicy()
    for refusal in (policy.refuses(origin, "localhost"), policy.refuses_name(origin, address=LOOPBACK)):
        assert refusal is not None
        assert "evil.example'" in refusal.sentence
        assert "hunter2" not in refusal.sentence


def test_a_list_of_names_has_names() -> None:
    with pytest.raises(ValueError, match="is no host name"):
        OriginPolicy(hosts=["*"])
