"""Which subprotocol a server answers."""

from __future__ import annotations

import pytest

from stomp_sansio.links.subprotocols import choose_subprotocol


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["chat"], None),
        (["v10.stomp"], "v10.stomp"),
        (["v10.stomp", "v12.stomp", "v11.stomp"], "v12.stomp"),
        (["V12.STOMP", "v11.stomp"], "v11.stomp"),
    ],
)
def test_the_best_offered_subprotocol_is_chosen(offered: list[str], chosen: str | None) -> None:
    assert choose_subprotocol(offered) == chosen


def test_a_server_may_speak_fewer() -> None:
    assert choose_subprotocol(["v12.stomp", "v10.stomp"], ["v10.stomp"]) == "v10.stomp"
