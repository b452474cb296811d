"""Each refusal says what to do, and none shows a credential."""

from __future__ import annotations

import pytest

from stomp_sansio.links.http_status import explain_refused_upgrade, shown_location


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (200, "use http(s):// instead of ws(s)://"),
        (204, "use http(s):// instead of ws(s)://"),
        (400, "may not pass the Upgrade header on"),
        (401, "additional_headers"),
        (403, "another Origin"),
        (404, "add /websocket to the path"),
        (405, "use http(s):// instead"),
        (407, "the proxy's URL"),
        (421, "use its address"),
        (418, "the request was refused"),
        (426, "try wss://"),
        (429, "wait before the next attempt"),
        (500, "trying again later may help"),
        (502, "trying again later may help"),
        (503, "trying again later may help"),
    ],
)
def test_says_what_to_do(status: int, advice: str) -> None:
    sentence = explain_refused_upgrade(status)
    assert f"HTTP status {status}" in sentence
    assert advice in sentence


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_and_not_followed(status: int) -> None:
    sentence = explain_refused_upgrade(status, "https://user:canary@example.org/ws?token=canary#canary")
    assert "'https://example.org/ws'" in sentence
    assert "Redirects are not followed" in sentence
    assert "canary" not in sentence


def test_shows_where_a_redirect_points_in_parts_that_are_no_secret() -> None:
    assert shown_location(None) == "an address it does not name"
    assert shown_location("/login;jsessionid=canary") == "'/login'"
    assert shown_location("//u:p@h/x") == "'//h/x'"
    assert (
        shown_location("https://h/a/000/canary/xhr_send?t=canary") == "'https://h/a/000/[redacted]/xhr_send'"
    )
    assert shown_location("/000/canary/websocket") == "'/000/[redacted]/websocket'"
    assert shown_location("/stomp/websocket") == "'/stomp/websocket'"
    assert shown_location("x" * 300) == "'" + "x" * 200 + "'..."
