"""How a function becomes a scenario, and the list of all of them.

This file must not know which cells there are, nor how a run is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from stomp_sansio.session.backoff import Backoff

from ..exchange import Exchange, Scenario

__all__ = ["QUICK", "SCENARIOS", "scenario"]


Play: TypeAlias = Callable[[Exchange], Coroutine[Any, Any, None]]

SCENARIOS: list[Scenario] = []
"""All of them, in the order of the matrix."""

QUICK = Backoff(initial=0.1, cap=1.0)
"""For scenarios in which a connection is lost."""


def scenario(what: str, **more: Any) -> Callable[[Play], Play]:
    """Register a function under its name."""

    def register(play: Play) -> Play:
        SCENARIOS.append(Scenario(play.__name__.replace("_", "-"), what, play, **more))
        return play

    return register
