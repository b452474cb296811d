"""The /info document: read strictly, since most wrong answers come from something that is no SockJS
service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.info import SockJSInfo, encode_info, parse_info
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()

infos = st.builds(
    SockJSInfo,
    websocket=st.booleans(),
    cookie_needed=st.booleans(),
    origins=st.lists(st.text(max_size=20), max_size=5).map(tuple),
    entropy=st.none() | st.integers(0, 2**32 - 1),
    base_url=st.none() | st.text(max_size=50),
)


@given(infos)
def test_what_is_written_is_read(info: SockJSInfo):
    assert parse_info(200, encode_info(info), LIMITS) == info


def test_what_is_missing_takes_the_defaults_of_the_protocol():
    assert parse_info(200, b" {} ", LIMITS) == SockJSInfo()
    assert parse_info(200, b'{"entropy":null,"base_url":null,"new":[1]}', LIMITS) == SockJSInfo()


BAD = [
    (b"", "no JSON object"),
    (b"[]", "no JSON object"),
    (b'"x"', "no JSON object"),
    (b"null", "no JSON object"),
    (b'{"websocket":true', "no JSON object"),
    (b'{"entropy":NaN}', "no JSON object"),
    (b'{"websocket":true,"websocket":false}', "no JSON object"),
    (b'{"x":{"y":1,"y":2}}', "no JSON object"),
    (b"\xef\xbb\xbf{}", "no JSON object"),
    (b'{"x":"\xff"}', "no JSON object"),
    (b"[" * 4096, "no JSON object"),
    (b'{"a":' * 700, "no JSON object"),
    (b"<!doctype html><title>Log in</title>", "login page"),
    (b"\n <html>", "login page"),
    (b'{"websocket":1}', "websocket is neither"),
    (b'{"websocket":null}', "websocket is neither"),
    (b'{"cookie_needed":"false"}', "cookie_needed is neither"),
    (b'{"origins":"*:*"}', "origins is no array"),
    (b'{"origins":[1]}', "origins holds"),
    (b'{"origins":["\\ud800"]}', "origins holds a lone surrogate"),
    (b'{"entropy":"1"}', "entropy is no whole number"),
    (b'{"entropy":true}', "entropy is no whole number"),
    (b'{"entropy":1.5}', "entropy is no whole number"),
    (b'{"base_url":1}', "base_url holds"),
    (b'{"base_url":"\\udfff"}', "base_url holds a lone surrogate"),
]


@pytest.mark.parametrize(("body", "why"), BAD)
def test_what_is_no_information_is_refused(body: bytes, why: str):
    with pytest.raises(RemoteProtocolError) as raised:
        parse_info(200, body, LIMITS)
    assert raised.value.fault is LinkFault.BAD_INFO
    assert why in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_size_has_a_limit():
    most = LIMITS.max_info_body
    body = b"{" + b" " * (most - 2) + b"}"
    assert parse_info(200, body, LIMITS) == SockJSInfo()
    with pytest.raises(RemoteProtocolError) as raised:
        parse_info(200, body + b" ", LIMITS)
    assert raised.value.fault is LinkFault.LIMIT


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 401, 403, 404, 407, 500, 503])
def test_any_other_status_is_refused_whatever_the_body_says(status: int):
    with pytest.raises(RemoteProtocolError) as raised:
        parse_info(status, b"{}", LIMITS, location="https://elsewhere.example/?token=CANARY")
    assert raised.value.fault is LinkFault.HTTP_STATUS
    assert str(status) in str(raised.value)
    assert "CANARY" not in str(raised.value)


@given(st.binary(max_size=200), st.integers(100, 599))
def test_any_answer_is_information_or_refused(body: bytes, status: int):
    fault: object = None
    try:
        assert isinstance(parse_info(status, body, LIMITS), SockJSInfo)
    except RemoteProtocolError as error:
        fault = error.fault
    assert fault in (None, LinkFault.BAD_INFO, LinkFault.HTTP_STATUS)
