"""Names of sessions are found in every spelling of a URL, and nothing else is."""

from __future__ import annotations

import pytest

from stomp_sansio.links.session_names import hidden_session


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/echo/000/canary/xhr", "https://h/echo/000/[redacted]/xhr"),
        ("wss://h:1/000/canary/websocket", "wss://h:1/000/[redacted]/websocket"),
        ("//h/000/canary/xhr_send", "//h/000/[redacted]/xhr_send"),
        ("/000/canary/xhr_streaming", "/000/[redacted]/xhr_streaming"),
        ("/a//b/000/canary/xhr", "/a//b/000/[redacted]/xhr"),
        ("https://h/websocket", "https://h/websocket"),
        ("https://h/stomp/websocket", "https://h/stomp/websocket"),
        ("https://websocket", "https://websocket"),
        ("https://h/echo/000/abc/other", "https://h/echo/000/abc/other"),
        ("/xhr", "/xhr"),
        ("", ""),
    ],
)
def test_the_name_of_a_session_alone_is_hidden(url: str, shown: str) -> None:
    assert hidden_session(url) == shown
