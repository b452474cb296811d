"""DNS rebinding: which names a server answers to when a page asks, and where that matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.own_names import OwnNames, is_loopback

LOOPBACK = "127.0.0.1:4711"
ELSEWHERE = "192.0.2.7:4711"

# Host header, and whether nobody can make it mean another machine.
HOSTS: list[tuple[str | None, bool]] = [
    ("localhost", True),
    ("localhost:61613", True),
    ("LocalHost:61613", True),
    ("localhost.", True),
    ("localhost.:61613", True),
    ("app.localhost", True),
    ("APP.LOCALHOST.:80", True),
    ("127.0.0.1", True),
    ("127.0.0.1:61613", True),
    ("127.8.8.8:1", True),
    ("192.168.0.7:61613", True),  # an address is no name: nobody else says what it means
    ("[::1]", True),
    ("[::1]:61613", True),
    ("[0:0:0:0:0:0:0:1]:61613", True),
    ("[::FFFF:127.0.0.1]:61613", True),
    ("[fe80::1%25eth0]:61613", True),
    ("evil.example", False),
    ("evil.example:61613", False),
    ("evil.example.", False),
    ("EVIL.example", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False),
    ("notlocalhost", False),
    (".localhost", False),
    ("localhost..", False),
    ("localhost:61613:1", False),
    ("localhost:port", False),
    ("localhost@evil.example", False),
    ("evil.example#localhost", False),
    ("localhost, evil.example", False),
    ("::1", False),
    ("[::1", False),
    ("[evil.example]", False),
    ("127.1", False),  # not how a browser writes an address
    ("2130706433", False),
    ("0x7f.1", False),
    ("bücher.example", False),
    ("localhost\x00", False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize(("host", "own"), HOSTS)
def test_on_loopback_only_names_that_nobody_can_rebind_are_its_own(host: str | None, own: bool) -> None:
    assert OwnNames().answers_to(host, LOOPBACK) is own


@pytest.mark.parametrize(("host", "own"), HOSTS)
def test_with_a_list_the_rule_holds_wherever_somebody_comes_from(host: str | None, own: bool) -> None:
    assert OwnNames([]).answers_to(host, ELSEWHERE) is own
    assert OwnNames([]).answers_to(host, None) is own


@pytest.mark.parametrize("address", [ELSEWHERE, "[2001:db8::1]:4711", None, "somebody who is gone"])
def test_without_a_list_every_name_will_do_for_who_comes_from_elsewhere(address: str | None) -> None:
    assert OwnNames().answers_to("broker.example:61613", address)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("dev.example", "dev.example:61613"),
        ("DEV.example", "dev.EXAMPLE"),
        ("dev.example.", "dev.example"),
        ("dev.example", "dev.example.:443"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("my_machine", "my_machine:80"),
    ],
)
def test_a_name_on_the_list_is_its_own_in_any_spelling_and_on_any_port(name: str, host: str) -> None:
    names = OwnNames([name])
    assert names.answers_to(host, LOOPBACK)
    assert names.answers_to(host, ELSEWHERE)
    assert names.answers_to("localhost", LOOPBACK)
    assert not names.answers_to(f"x.{host}", LOOPBACK)
    assert not names.answers_to("evil.example", ELSEWHERE)


@pytest.mark.parametrize(
    "name",
    ["*", "*.example", ".example", "", "http://dev.example", "dev.example:80", "a/b", "a b", "a..b", "::1"],
)
def test_what_is_no_name_cannot_be_listed(name: str) -> None:
    with pytest.raises(ValueError, match="is no host name: write it alone"):
        OwnNames([name])


def test_a_name_in_place_of_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match=r"write a list, as \['dev.example'\]"):
        OwnNames("dev.example")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:4711", True),
        ("127.255.0.1:1", True),
        ("127.0.0.1", True),
        ("[::1]:4711", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("[::ffff:127.0.0.1]:4711", True),
        ("192.168.0.7:4711", False),
        ("[::ffff:192.168.0.7]:4711", False),
        ("[fe80::1%25lo]:4711", False),
        ("0.0.0.0:1", False),
        ("localhost:4711", False),  # a socket's address has no names
        ("somebody who is gone", False),
        ("", False),
        (None, False),
    ],
)
def test_which_addresses_are_loopback(address: str | None, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_host_and_no_address_raises(host: str, address: str) -> None:
    OwnNames().answers_to(host, address)
    OwnNames(["dev.example"]).answers_to(host, address)
