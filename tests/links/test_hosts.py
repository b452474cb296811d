"""Hosts and ports: what can be one is normalised, what cannot is refused without showing a password."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import InvalidURI, LinkFault
from stomp_sansio.links.hosts import host_and_port

GOOD = [
    ("localhost", ("localhost", 7)),
    ("LocalHost:80", ("localhost", 80)),
    ("h:", ("h", 7)),
    ("h:65535", ("h", 65535)),
    ("a-b_c.example.", ("a-b_c.example.", 7)),
    ("127.0.0.1:1", ("127.0.0.1", 1)),
    ("1.example", ("1.example", 7)),
    ("[::1]", ("::1", 7)),
    ("[2001:DB8::1]:443", ("2001:db8::1", 443)),
    ("[fe80::1%25eth0]:61613", ("fe80::1%eth0", 61613)),
    ("bücher.example", ("xn--bcher-kva.example", 7)),
    ("例え.テスト", ("xn--r8jz45g.xn--zckzah", 7)),
    ("a" * 63 + ".example", ("a" * 63 + ".example", 7)),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_a_good_one_is_read(text: str, expected: tuple[str, int]):
    assert host_and_port(text, 7) == expected


BAD = [
    ("", "no host"),
    (":80", "no host"),
    ("h:0", "no number from 1 to 65535"),
    ("h:65536", "no number from 1 to 65535"),
    ("h:000080", "no number from 1 to 65535"),
    ("h:-1", "no number from 1 to 65535"),
    ("h:+1", "no number from 1 to 65535"),
    ("h:٣", "no number from 1 to 65535"),
    ("h:http", "no number from 1 to 65535"),
    ("::1", "in brackets"),
    ("[::1", "must end with ']'"),
    ("[::1]80", "must end with ']'"),
    ("[::g]", "no IPv6 address"),
    ("[127.0.0.1]", "no IPv6 address"),
    ("[fe80::1%25]", "no IPv6 address"),
    ("[fe80::1%25a/b]", "no IPv6 address"),
    ("a..b", "no host name"),
    ("a" * 64, "no host name"),
    (".".join(["a" * 60] * 5), "longer than 253"),
    ("a b", "no host name"),
    ("a\\b", "no host name"),
    ("h%41", "no host name"),
    ("127.1", "no IPv4 address"),
    ("1.2.3.256", "no IPv4 address"),
    ("017700000001", "no IPv4 address"),
    ("127.0.0.1.", "no IPv4 address"),
    ("straße.example", "xn--"),
    ("a\u200db.example", "xn--"),
    ("ü" * 64, "xn--"),
    ("\ud800.example", "xn--"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_bad_one_is_refused_with_the_reason(text: str, why: str):
    with pytest.raises(InvalidURI) as raised:
        host_and_port(text, 7)
    assert why in str(raised.value)
    assert raised.value.fault is LinkFault.BAD_URL


@pytest.mark.parametrize("text", [text for text, _ in BAD if text not in ("", ":80")])
def test_nothing_is_shown_of_what_may_be_a_password(text: str):
    with pytest.raises(InvalidURI) as raised:
        host_and_port(text, 7, showable=False)
    shown = str(raised.value).replace("stomp://[::1]:61613", "").replace("[fe80::1%25eth0]", "")
    assert "may be a piece of a password" in shown
    for piece in text.split(":"):
        assert len(piece) < 4 or piece not in shown.replace("127.0.0.1", "")


def test_a_port_that_may_be_a_passcode_is_not_shown():
    with pytest.raises(InvalidURI) as raised:
        host_and_port("user:hunter2", 7)
    assert "hunter2" not in str(raised.value)
    with pytest.raises(InvalidURI, match="'70000'"):
        host_and_port("host:70000", 7)
