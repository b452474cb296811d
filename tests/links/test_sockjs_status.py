"""Statuses of a SockJS service: judged by the request they answer, explained so that a person can act."""

from __future__ import annotations

import pytest

from stomp_sansio.errors import LinkFault
from stomp_sansio.links.sockjs_status import Outcome, judge_status, refused_request

JUDGED = [
    ("info", 200, Outcome.OK),
    ("info", 204, Outcome.HTTP_ERROR),
    ("info", 404, Outcome.HTTP_ERROR),
    ("websocket", 101, Outcome.OK),
    ("websocket", 404, Outcome.HTTP_ERROR),
    ("xhr_streaming", 200, Outcome.OK),
    ("xhr_streaming", 404, Outcome.SESSION_LOST),
    ("xhr", 200, Outcome.OK),
    ("xhr", 204, Outcome.HTTP_ERROR),
    ("xhr_send", 204, Outcome.OK),
    ("xhr_send", 200, Outcome.OK),
    ("xhr_send", 302, Outcome.HTTP_ERROR),
    ("xhr_send", 500, Outcome.SERVER_ERROR),
    ("xhr_send", 599, Outcome.SERVER_ERROR),
    ("xhr_send", 600, Outcome.HTTP_ERROR),
]


@pytest.mark.parametrize(("request_name", "status", "outcome"), JUDGED)
def test_a_status_is_judged_by_its_request(request_name: str, status: int, outcome: Outcome):
    assert judge_status(request_name, status) is outcome


EXPLAINED = [
    ("info", 301, "https://login.example/in", "redirects to"),
    ("info", 404, None, "ws(s)://"),
    ("xhr", 404, None, "load balancer"),
    ("xhr", 401, None, "additional_headers"),
    ("xhr", 503, None, "trying again later"),
    ("xhr", 418, None, "check the URL"),
    ("info", 204, None, "check the URL"),
]


@pytest.mark.parametrize(("request_name", "status", "location", "advice"), EXPLAINED)
def test_a_refusal_says_what_to_do(request_name: str, status: int, location: str | None, advice: str):
    error = refused_request(request_name, status, location)
    assert error.fault is LinkFault.HTTP_STATUS
    assert str(status) in str(error)
    assert advice in str(error)


def test_a_404_before_the_session_was_open_has_another_meaning():
    assert "switched off" in str(refused_request("xhr_streaming", 404, opened=False))
    assert "switched off" not in str(refused_request("xhr_streaming", 404))


def test_a_redirect_shows_no_credentials():
    error = refused_request("info", 302, "https://user:CANARY@h/x?token=CANARY#CANARY")
    assert "h/x" in str(error)
    assert "CANARY" not in str(error)
