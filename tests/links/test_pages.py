"""Pages are answered at their paths, with headers that keep them to their own server."""

from __future__ import annotations

import pytest

from stomp_sansio.links.pages import Page, answer_with_page

PAGES = {"/": Page("text/html; charset=utf-8", b"<p>tea"), "/a.js": Page("text/javascript", b"")}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_answered_with_its_type_and_its_octets(method: str, path: str) -> None:
    answer = answer_with_page(PAGES, method, path)
    assert answer is not None
    status, fields, body = answer
    assert (status, body) == (200, PAGES[path].body)
    assert dict(fields)["Content-Type"] == PAGES[path].content_type


def test_a_page_may_use_its_own_server_alone_and_nobody_else_may_use_it() -> None:
    answer = answer_with_page(PAGES, "GET", "/")
    assert answer is not None
    fields = dict(answer[1])
    policy = dict(rule.strip().split(" ", 1) for rule in fields["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert not [rule for rule in policy.values() if "unsafe" in rule or "*" in rule]
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert fields["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in fields
    assert len(fields) == len(answer[1])


@pytest.mark.parametrize("path", ["", "/b", "/a.js/", "//", "/../", "/a.js\0"])
def test_other_paths_are_none_of_its_business(path: str) -> None:
    assert answer_with_page(PAGES, "GET", path) is None
    assert answer_with_page(PAGES, "POST", path) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_a_page_can_only_be_looked_at(method: str) -> None:
    assert answer_with_page(PAGES, method, "/") == (405, [("Allow", "GET, HEAD")], b"")


def test_a_page_that_is_put_in_later_is_there() -> None:
    pages: dict[str, Page] = {}
    assert answer_with_page(pages, "GET", "/late") is None
    pages["/late"] = PAGES["/"]
    assert answer_with_page(pages, "GET", "/late") is not None


@pytest.mark.parametrize("content_type", ["", " ", "text/html\r\nx: y", "text/html\0", "текст"])
def test_a_content_type_that_cannot_stand_in_a_header_is_refused(content_type: str) -> None:
    with pytest.raises(ValueError, match="is no content type"):
        Page(content_type, b"")


def test_its_octets_are_not_shown() -> None:
    assert repr(Page("text/plain", b"tea")) == "Page(content_type='text/plain')"
