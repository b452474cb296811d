"""The paths of a SockJS service and the fields of its answers, as the protocol's own tests have them."""

from __future__ import annotations

import pytest

from stomp_sansio.links.http_server import HttpRequest
from stomp_sansio.links.sockjs_routes import (
    Route,
    RouteKind,
    allowed_methods,
    cors_fields,
    find_route,
    not_cached,
    preflight_fields,
    sticky,
)


def request(**headers: str) -> HttpRequest:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpRequest("POST", "/", fields, b"", b"", upgrade=False)


@pytest.mark.parametrize("base", ["", "/stomp", "/a/b"])
@pytest.mark.parametrize(
    ("rest", "route"),
    [
        ("/", Route(RouteKind.GREETING)),
        ("/info", Route(RouteKind.INFO)),
        ("/websocket", Route(RouteKind.RAW_WEBSOCKET)),
        ("/000/abc/websocket", Route(RouteKind.WEBSOCKET, "abc")),
        ("/_/_/xhr", Route(RouteKind.XHR, "_")),
        ("/1/1/xhr_streaming", Route(RouteKind.XHR_STREAMING, "1")),
        ("/abcdefgh_i-j%20/abcdefg_i-j%20/xhr_send", Route(RouteKind.XHR_SEND, "abcdefg_i-j%20")),
        *(
            (rest, None)
            for rest in (
                *("/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "/info/", "/INFO", "/infos"),
                *(
                    "//session/xhr",
                    "/server//xhr",
                    "/a./a/xhr",
                    "/a/a./xhr",
                    "/./a/xhr",
                    "/a/b/c/xhr",
                    "/a/xhr",
                ),
                *("/a/b/jsonp", "/a/b/jsonp_send", "/a/b/eventsource", "/a/b/htmlfile", "/a/b/xhr/", "/a/b/"),
                *("/iframe.html", "/iframe-1.html"),
            )
        ),
    ],
)
def test_finds_where_a_path_leads(base: str, rest: str, route: Route | None) -> None:
    assert find_route([base], base + rest) == route


def test_threat_4_an_id_that_nobody_needs_is_not_kept() -> None:
    assert find_route([""], f"/0/{'a' * 255}/xhr") == Route(RouteKind.XHR, "a" * 255)
    assert find_route([""], f"/0/{'a' * 256}/xhr") is None


def test_the_base_url_needs_no_slash_and_others_lead_nowhere() -> None:
    assert find_route(["/stomp"], "/stomp") == Route(RouteKind.GREETING)
    assert find_route(["/stomp"], "/other") is None
    assert find_route(["/stomp"], "/stomper/info") is None
    assert find_route(["/stomp"], "/") is None


def test_several_bases_lead_to_the_same_service_and_the_first_that_fits_counts() -> None:
    bases = ("/ws", "/sockjs", "/sockjs/inner", "")
    assert find_route(bases, "/sockjs/0/s/xhr") == Route(RouteKind.XHR, "s")
    assert find_route(bases, "/sockjs/inner/info") == Route(RouteKind.INFO)
    assert find_route(bases, "/ws/websocket") == Route(RouteKind.RAW_WEBSOCKET)
    assert find_route(bases, "/info") == Route(RouteKind.INFO)
    assert find_route(bases, "/wss") is None


def test_each_route_has_its_methods() -> None:
    assert allowed_methods(Route(RouteKind.GREETING)) == ("GET", "HEAD")
    assert allowed_methods(Route(RouteKind.INFO)) == ("OPTIONS", "GET")
    assert allowed_methods(Route(RouteKind.WEBSOCKET, "x")) == ("GET",)
    assert allowed_methods(Route(RouteKind.XHR_SEND, "x")) == ("OPTIONS", "POST")


def test_an_origin_is_repeated_with_credentials_and_never_a_star() -> None:
    assert cors_fields(request()) == [("Vary", "Origin")]
    fields = dict(cors_fields(request(origin="https://a.example", access_control_request_headers="a, b, c")))
    assert fields == {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": "https://a.example",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "a, b, c",
    }
    fields = dict(cors_fields(request(origin="https://a.example", access_control_request_headers="")))
    assert "Access-Control-Allow-Headers" not in fields


def test_an_answer_to_options_may_be_kept_for_a_year_and_others_not_at_all() -> None:
    fields = dict(preflight_fields(Route(RouteKind.XHR, "x")))
    assert fields["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    assert int(fields["Access-Control-Max-Age"]) > 1_000_000
    assert fields["Cache-Control"] == "public, max-age=31536000"
    assert fields["Expires"]
    assert dict(not_cached()) == {
        "Cache-Control": "no-store, no-cache, no-transform, must-revalidate, max-age=0"
    }


@pytest.mark.parametrize(
    ("cookie", "value"),
    [
        (None, "dummy"),
        ("", "dummy"),
        ("JSESSIONID=abcdef", "abcdef"),
        ("a=b; JSESSIONID=abc.def=; c", "abc.def="),
        ("JSESSIONID=", "dummy"),
        ("JSESSIONID=a b", "dummy"),
        ('JSESSIONID="a"', "dummy"),
        ("JSESSIONID=\xff", "dummy"),
        ("jsessionid=x", "dummy"),
    ],
)
def test_the_cookie_for_balancers_is_said_again_or_made(cookie: str | None, value: str) -> None:
    asked = request() if cookie is None else request(cookie=cookie)
    assert sticky(asked) == [("Set-Cookie", f"JSESSIONID={value}; path=/")]
