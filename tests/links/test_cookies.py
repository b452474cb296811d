"""Cookies: what keeps a session on its server is said again, what is not for us is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.cookies import CookieJar


def jar(
    path: str = "/app/ws", *, secure: bool = False, headers: list[tuple[str, str]] | None = None
) -> CookieJar:
    return CookieJar(path=path, secure=secure, headers=headers or [])


def said(one: CookieJar) -> str | None:
    return dict(one.headers()).get("Cookie")


def test_what_is_set_is_said_again():
    one = jar()
    assert one.headers() == []
    one.store(["JSESSIONID=abc; Path=/; HttpOnly", "route = 7 ;max-age=60"])
    assert said(one) == "JSESSIONID=abc; route=7"
    one.store(["JSESSIONID=def"])
    assert said(one) == "JSESSIONID=def; route=7"


def test_the_callers_cookies_stay_until_the_server_sets_them():
    headers = [("X", "1"), ("cookie", "a=1; b=2=3 ;; c; =d"), ("Y", "2")]
    one = jar(headers=headers)
    assert one.headers(headers) == [("X", "1"), ("Y", "2"), ("Cookie", "a=1; b=2=3")]
    one.store(["a=new"])
    assert said(one) == "a=new; b=2=3"


@pytest.mark.parametrize("attributes", ["Max-Age=0", "max-age=-1", "Max-Age = 0 ; Path=/"])
def test_a_cookie_without_a_life_is_dropped(attributes: str):
    one = jar()
    one.store(["a=1", f"a=1; {attributes}", f"b=1; {attributes}"])
    assert said(one) is None


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", True),
        ("/app", True),
        ("/app/", True),
        ("/app/ws", True),
        ("/app/ws/", True),
        ("x", True),
        ("", True),
        ("/other", False),
        ("/ap", False),
        ("/app/ws/000", False),
    ],
)
def test_a_cookie_for_another_path_is_not_kept(path: str, kept: bool):
    one = jar()
    one.store([f"a=1; Path={path}"])
    assert (said(one) is not None) is kept
    with_slash = jar("/app/ws/")
    with_slash.store([f"a=1; Path={path}"])
    assert (said(with_slash) is not None) is kept


def test_a_secure_cookie_needs_tls():
    plain, secure = jar(), jar(secure=True)
    for one in (plain, secure):
        one.store(["a=1; Secure"])
    assert said(plain) is None
    assert said(secure) == "a=1"


@pytest.mark.parametrize("value", ["", "a", "=1", ";a=1", "a=" + "x" * 5000])
def test_what_is_no_cookie_is_ignored(value: str):
    one = jar()
    one.store([value])
    assert said(one) is None


def test_the_number_of_cookies_is_bounded():
    one = jar()
    one.store(f"c{number}=1" for number in range(1000))
    assert said(one) is not None
    assert len((said(one) or "").split("; ")) == 50
    one.store(["c7=2"])
    assert "c7=2" in (said(one) or "")


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=30)))
def test_any_value_is_kept_or_ignored(values: list[str]):
    one = jar()
    one.store(values)
    for name, value in one.headers():
        assert name == "Cookie"
        assert all(pair.partition("=")[0] for pair in value.split("; "))
