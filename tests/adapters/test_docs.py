"""The pages about the adapters: every example on them runs, against a broker on loopback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
