"""Threat 9: what nobody may guess comes from the operating system, and chance decides delays alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stomp_asyncio
import stomp_trio
from stomp_sansio.broker.events import ClientConnected, MessageSent
from tests.adapters.colours import COLOURS, Colour

ADAPTERS = Path(stomp_trio.__file__).parent.parent
SERVE: dict[str, Any] = {"trio": stomp_trio.serve, "asyncio": stomp_asyncio.serve}
SERVING = [colour for colour in COLOURS if colour.name in SERVE]


def uses(path: Path, module: str) -> Iterator[str]:
    """Return what a file takes from a module: the name, or how the module is imported otherwise."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield f"from {module} import"
        elif isinstance(node, ast.Import):
            yield from (
                f"import {name.name} as" for name in node.names if name.name == module and name.asname
            )
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module:
            yield node.attr


def test_threat_9_the_adapters_have_chance_for_delays_alone() -> None:
    found = {
        (path.relative_to(ADAPTERS).as_posix(), use)
        for path in ADAPTERS.rglob("*.py")
        for use in uses(path, "random")
    }
    # The third thing that a client is given, after what nobody can foresee: `Surroundings.jitter`.
    assert found == {(f"stomp_{name}/client.py", "random") for name in ("asyncio", "blocking", "trio")}
    for path, _ in found:
        source = (ADAPTERS / path).read_text(encoding="utf-8")
        assert source.count("random.random") == 1
        assert "Surroundings(os.environ, secrets.token_bytes, random.random," in source


@pytest.mark.parametrize(
    "source", ["import random as r", "from random import choice", "import random\nrandom.choice"]
)
def test_other_uses_would_be_seen(source: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(source)
    assert set(uses(tmp_path / "a.py", "random")) != {"random"}
    assert list(uses(tmp_path / "a.py", "random"))


@pytest.mark.parametrize("colour", SERVING, ids=[colour.name for colour in SERVING])
def test_threat_9_names_of_sessions_and_reply_addresses_have_128_bits(colour: Colour) -> None:
    events: list[Any] = []

    async def scenario() -> None:
        async with SERVE[colour.name](port=0, on_event=events.append) as server:
            for _ in range(2):
                async with colour.connect(server.urls[0], proxy=None) as client:
                    headers = {"reply-to": "/temp-queue/answers"}
                    await client.send("/queue/a", b"", headers=headers, receipt=True)

    colour.run(scenario)
    sessions = [event.session for event in events if isinstance(event, ClientConnected)]
    replies = [event.headers["reply-to"] for event in events if isinstance(event, MessageSent)]
    for names in (sessions, replies):
        assert len(set(names)) == 2
        assert all(len(bytes.fromhex(name.rpartition("/")[2])) == 16 for name in names), names
