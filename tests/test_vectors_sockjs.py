"""The runner of SockJS vectors must be able to fail: each test breaks one thing and sees it named."""

from __future__ import annotations

from typing import Any

import pytest

from tools.vectors import VECTORS, load
from tools.vectors_format import BadVector, Failure
from tools.vectors_sockjs import run_sockjs

GOOD: dict[str, dict[str, Any]] = {vector["id"]: dict(vector) for vector in load(VECTORS / "sockjs.json")}

WRONG = [
    ("ws-messages", {"events": [{"event": "open"}]}, "the events are"),
    ("ws-messages", {"error": {"kind": "bad-json"}}, "there was no error, bad-json was due"),
    ("ws-a-nan", {"error": {"kind": "truncated"}}, "the error is bad-json"),
    ("xhr-split-anywhere", {"events": []}, "the events are"),
    ("enc-two", {"canonical": "WyJhIiwgImIiXQ=="}, "the octets are"),
    ("enc-two", {"must_be_escaped": ["0061"]}, "U+0061 is not escaped"),
    ("enc-binary", {"error": {"kind": "bad-header"}}, "the error is not-utf8"),
    ("enc-binary", {"messages_b64": ["YQ=="]}, "was written, not-utf8 was due"),
    ("enc-server-close-quote", {"canonical": "Y1tdCg=="}, "the octets are"),
    ("url-ws", {"expect": "ws://elsewhere/"}, "not ws://elsewhere/"),
    ("url-fragment", {"base": "http://h/e"}, "bad-url was due"),
    ("url-fragment", {"error": {"kind": "bad-id"}}, "the error is bad-url"),
    ("ids-generated", {"server_regex": "^x$"}, "do not look as demanded"),
    ("info-full", {"body": "e30="}, "the document is"),
    ("info-not-json", {"body": "e30="}, "bad-info was due"),
    ("info-not-json", {"error": {"kind": "limit"}}, "the error is bad-info"),
    ("status-poll-404", {"outcome": "ok"}, "means session-lost, not ok"),
]


@pytest.mark.parametrize(("name", "change", "why"), WRONG)
def test_a_wrong_vector_fails(name: str, change: dict[str, Any], why: str):
    with pytest.raises(Failure) as raised:
        run_sockjs(GOOD[name] | change)
    assert why in str(raised.value)


MALFORMED = [
    ("ws-messages", {"kind": "dance"}),
    ("ws-messages", {"surprise": 1}),
    ("ws-messages", {"transport": "pigeon"}),
    ("ws-messages", {"end_of_response": True}),
    ("ws-messages", {"events": [{"event": "dance"}]}),
    ("ws-messages", {"events": [{"event": "open", "data": "x"}]}),
    ("ws-messages", {"events": ["open"]}),
    ("ws-messages", {"events": {"event": "open"}}),
    ("xhr-array", {"end_of_response": 1}),
    ("enc-two", {"messages_b64": []}),
    ("enc-two", {"role": "audience"}),
    ("enc-server-close-quote", {"surprise": 1}),
    ("url-ws", {"error": {"kind": "bad-url"}}),
    ("url-ws", {"transport": "jsonp"}),
    ("ids-generated", {"surprise": 1}),
    ("info-full", {"error": {"kind": "bad-info"}}),
    ("info-full", {"expect": {"websocket": True}}),
    ("status-poll-404", {"outcome": "who knows"}),
]


@pytest.mark.parametrize(("name", "change"), MALFORMED)
def test_what_is_not_in_the_format_is_refused(name: str, change: dict[str, Any]):
    with pytest.raises(BadVector):
        run_sockjs(GOOD[name] | change)
