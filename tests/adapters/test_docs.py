"""The pages about the adapters: every example on them runs, against a broker on loopback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import stomp_blocking
from stomp_sansio import ConnectRequest
from stomp_sansio.client.keywords import AckKeywords, ConnectKeywords, ContentKeywords, SubscribeKeywords
from tests.adapters.loopback import LoopbackBroker

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLES = [
    pytest.param(page, example, id=f"{page}-{number}")
    for page in ("adapters.md", "migrating.md")
    for number, example in enumerate(
        re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    )
]
PRINTED = {"adapters.md": ["Ceylon", "Hello"], "migrating.md": ["Hello", "done", "in a transaction", "9"]}


@pytest.mark.parametrize(("page", "example"), EXAMPLES)
def test_an_example_runs(page, example, capsys, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with LoopbackBroker() as server:
        source = example.replace("localhost:61613", f"127.0.0.1:{server.port}")
        if "/some-destination" in source:
            source = source.replace("/some-destination", "/topic/some-destination")
        exec(compile(source, page, "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert any(word in printed for word in PRINTED[page]), printed


def test_all_examples_are_found():
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize(
    "keywords",
    [ConnectKeywords, ContentKeywords, SubscribeKeywords, AckKeywords],
    ids=lambda kind: kind.__name__,
)
def test_every_keyword_is_named(keywords):
    page = (DOCS / "adapters.md").read_text(encoding="utf-8")
    assert [name for name in keywords.__annotations__ if f"`{name}" not in page] == []


@pytest.mark.parametrize("scheme", ["stomp+ssl://a", "stomp+unix:///a", "failover:(stomp://a,stomp://b)"])
def test_every_kind_of_url_that_is_named_is_one(scheme):
    assert scheme.split(":")[0] in (DOCS / "adapters.md").read_text(encoding="utf-8")
    stomp_blocking.connect(scheme)


@pytest.mark.parametrize(("path", "vhost"), [("", "127.0.0.1"), ("/", "/"), ("/shop", "/shop")])
def test_a_path_is_the_virtual_host(server, path, vhost):
    with stomp_blocking.connect(f"stomp://127.0.0.1:{server.port}{path}", proxy=None):
        (request,) = server.saw(ConnectRequest)
    assert request.host == vhost
