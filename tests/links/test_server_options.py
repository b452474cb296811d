"""The choices of a server have defaults, and a path that can be one."""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio.links.server_options import ServerOptions
from stomp_sansio.protocol.limits import Limits


@pytest.mark.parametrize(
    ("path", "bases"),
    [("/stomp", ("/stomp",)), ("/a/b/", ("/a/b",)), ("/", ("",)), (["/x/", "/y"], ("/x", "/y"))],
)
def test_base_urls_have_no_slash_at_their_ends(path: str | list[str], bases: tuple[str, ...]) -> None:
    assert ServerOptions(path=path).bases == bases


@pytest.mark.parametrize("path", ["", "stomp", "/a?b", "/a#b"])
def test_a_path_that_cannot_be_one_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must begin with a slash"):
        ServerOptions(path=path)
    with pytest.raises(ValueError, match="must begin with a slash"):
        ServerOptions(path=["/ws", path])


def test_without_a_path_nobody_could_come() -> None:
    with pytest.raises(ValueError, match="there is no path: name one"):
        ServerOptions(path=())


def test_the_defaults_are_those_of_a_server_in_the_open() -> None:
    options = ServerOptions()
    assert options.limits == Limits.server()
    assert options.bases == ("/stomp", "/ws", "/sockjs")
    assert not options.origins.allows("https://evil.example", "example.com")
    assert (options.beat, options.linger) == (25.0, 5.0)
    assert (options.first_octets_timeout, options.close_timeout) == (10.0, 10.0)
    assert (options.max_streams, options.max_sessions) == (10_000, 10_000)


def only(name: str, value: float) -> dict[str, Any]:
    """Return one keyword, whatever its type should be."""
    return {name: value}


@pytest.mark.parametrize("name", ["beat", "linger", "first_octets_timeout", "close_timeout"])
@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_time_that_is_none_is_refused(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .* more than 0 seconds"):
        ServerOptions(**only(name, seconds))


@pytest.mark.parametrize("name", ["max_streams", "max_sessions"])
def test_room_for_nobody_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 1 or more"):
        ServerOptions(**only(name, 0))
    assert getattr(ServerOptions(**only(name, 1)), name) == 1
