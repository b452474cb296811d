"""Which proxy: what its URL may be, and what an environment says for an endpoint, as a pure function."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import InvalidURI
from stomp_sansio.links.proxy import Proxy, parse_proxy, proxy_for
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import TCPAddress

CANARY = "hunter2CANARY"


def test_a_proxy_url_is_read():
    assert parse_proxy("http://proxy.example:3128") == Proxy(host="proxy.example", port=3128)
    assert parse_proxy("proxy.example:3128/") == Proxy(host="proxy.example", port=3128)
    assert parse_proxy("HTTP://[::1]") == Proxy(host="::1", port=80)
    proxy = parse_proxy("http://us%40er:p%3Ass@proxy")
    assert (proxy.login, proxy.password) == ("us@er", "p:ss")
    assert proxy.address == TCPAddress("proxy", 80)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://proxy", "not supported"),
        ("socks5://proxy", "SOCKS"),
        ("http://proxy/path", "no path"),
        ("http://proxy?x", "no path"),
        ("http://proxy#x", "no path"),
        ("http://pro xy", "no path"),
        ("http://proxy\r\nX:", "no path"),
        ("http://", "no host"),
        ("http://a%3Ab:c@proxy", "colon"),
        ("http://proxy:0", "no number"),
        (f"http://user:{CANARY}/x@proxy", "no path"),
        (f"http://user:{CANARY}%zz@proxy", "%25"),
        (f"http://user:{CANARY}", "no number"),
        (f"http://user:{CANARY}@::1", "in brackets"),
    ],
)
def test_what_is_no_proxy_is_refused_and_no_password_shown(url: str, why: str):
    with pytest.raises(InvalidURI) as raised:
        parse_proxy(url)
    assert why in str(raised.value)
    assert CANARY not in str(raised.value)


def test_the_password_is_not_shown():
    assert repr(parse_proxy(f"http://user:{CANARY}@p:1")) == (
        "Proxy(host='p', port=1, login='user', password='[redacted]')"
    )
    assert repr(parse_proxy("http://user@p:1")) == "Proxy(host='p', port=1, login='user')"
    assert repr(parse_proxy("http://p:1")) == "Proxy(host='p', port=1)"


def chosen(url: str, **environ: str) -> str | None:
    proxy = proxy_for(parse_url(url), environ)
    return None if proxy is None else proxy.host


def test_the_variable_follows_the_scheme():
    environ = {"http_proxy": "http://h", "https_proxy": "http://s", "all_proxy": "http://a"}
    assert chosen("ws://x", **environ) == chosen("http://x", **environ) == "h"
    assert chosen("wss://x", **environ) == chosen("https://x", **environ) == "s"
    assert chosen("stomp://x", **environ) == chosen("stomps://x", **environ) == "a"
    assert chosen("stomp+unix:///x", **environ) is None
    assert chosen("ws://x") is None
    assert chosen("ws://x", https_proxy="http://s") is None
    assert chosen("ws://x", all_proxy="http://a") == "a"


def test_the_lower_case_name_wins():
    assert chosen("wss://x", HTTPS_PROXY="http://u", https_proxy="http://l") == "l"
    assert chosen("wss://x", HTTPS_PROXY="http://u") == "u"
    assert chosen("stomp://x", ALL_PROXY="http://u") == "u"
    assert chosen("wss://x", HTTPS_PROXY="http://u", https_proxy="") is None, "empty means no proxy"
    assert chosen("wss://x", all_proxy="http://a", https_proxy="") is None


def test_a_cgi_program_does_not_believe_http_proxy():
    assert chosen("ws://x", HTTP_PROXY="http://u") == "u"
    assert chosen("ws://x", HTTP_PROXY="http://evil", REQUEST_METHOD="GET") is None
    assert chosen("ws://x", http_proxy="http://l", REQUEST_METHOD="GET") == "l"
    assert chosen("wss://x", HTTPS_PROXY="http://u", REQUEST_METHOD="GET") == "u"


EXEMPT = [
    ("ws://h.example", "*", True),
    ("ws://h.example", "h.example", True),
    ("ws://H.Example.", "h.EXAMPLE", True),
    ("ws://h.example", "example", True),
    ("ws://h.example", ".example", True),
    ("ws://h.example", "*.example", True),
    ("ws://example", ".example", True),
    ("ws://h.example", "other, h.example", True),
    ("ws://h.example", "other h.example", True),
    ("ws://h.example", "h.example:80", True),
    ("ws://h.example", "h.example:443", False),
    ("ws://h.example:8080", "h.example:8080", True),
    ("ws://badexample", "example", False),
    ("ws://h.example", "ample", False),
    ("ws://h.example", "", False),
    ("ws://h.example", ".", False),
    ("ws://h.example", "10.0.0.0/8", False),
    ("ws://10.1.2.3", "10.0.0.0/8", True),
    ("ws://10.1.2.3", "10.1.2.3", True),
    ("ws://10.1.2.3", "10.1.2.3:80", True),
    ("ws://11.1.2.3", "10.0.0.0/8", False),
    ("ws://10.1.2.3", "2.3", False),
    ("ws://10.1.2.3", "h.example", False),
    ("ws://[::1]", "::1", True),
    ("ws://[::1]", "[::1]", True),
    ("ws://[::1]:81", "[::1]:81", True),
    ("ws://[::1]:81", "[::1]:82", False),
    ("ws://[fd00::1]", "fd00::/8", True),
    ("ws://[::1]", "10.0.0.0/8", False),
]


@pytest.mark.parametrize(("url", "no_proxy", "exempt"), EXEMPT)
def test_exceptions(url: str, no_proxy: str, exempt: bool):
    assert (chosen(url, all_proxy="http://p", no_proxy=no_proxy) is None) is exempt
    assert (chosen(url, all_proxy="http://p", NO_PROXY=no_proxy) is None) is exempt


def test_a_value_that_is_no_proxy_is_refused_where_it_counts():
    with pytest.raises(InvalidURI, match=r"SOCKS.*proxy=None"):
        chosen("ws://x", all_proxy="socks5://p")
    assert chosen("ws://x", all_proxy="socks5://p", no_proxy="x") is None
