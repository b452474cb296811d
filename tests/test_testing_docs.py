"""The pages on testing and on the embedded broker: every example runs, and the tables say what is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stomp_sansio.broker import events
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.links.server_options import PATHS
from stomp_sansio.records import names_of

pytest_plugins = ["pytester"]

DOCS = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


TESTS = [block for block in blocks("testing.md") if block.startswith("# test_")]
PROGRAMS = [
    (page, block) for page in ("testing.md", "broker.md") for block in blocks(page) if block not in TESTS
]
PRINTED = [
    ["an hour later at 3600"],
    ["1 waits after 3600"],
    ["hello after 3600"],
    ["1 waits"],
    ["connected to tea-house/1.0"],
    ["every frame survived every cut"],
    [
        r"\['stomp://127.0.0.1:\d+/', 'ws://127.0.0.1:\d+/.*', 'http://127.0.0.1:\d+/.*'\]",
        "Assam Sencha",
        "2 messages",
    ],
    ["ada is here, by websocket", "6 octets to /queue/tea", "gone: its connection ended: disconnect"],
]


def test_all_examples_are_found() -> None:
    assert (len(TESTS), len(PROGRAMS)) == (2, len(PRINTED))


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_an_example_runs(
    number: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    page, source = PROGRAMS[number]
    exec(compile(source, page, "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(PRINTED[number]), printed
    for line, expected in zip(printed, PRINTED[number], strict=True):
        assert re.fullmatch(expected, line), line


def test_the_tests_on_the_page_pass(pytester: pytest.Pytester) -> None:
    for source in TESTS:
        name = source.split()[1].rstrip(":")
        (pytester.path / name).write_text(source, encoding="utf-8")
    others = ("-p", "no:trio", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:cacheprovider")
    pytester.runpytest_subprocess("-W", "error", *others, timeout=120).assert_outcomes(passed=2)


def test_the_limits_on_the_page_are_the_limits() -> None:
    options = BrokerOptions()
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", (DOCS / "broker.md").read_text("utf-8"), re.MULTILINE)
    assert {name: getattr(options, name) for name, _ in rows} == {name: float(value) for name, value in rows}
    # What is no limit has its place elsewhere on the page.
    others = {"server", "vhosts", "heartbeat", "heartbeat_tolerance", "dead_letters", "limits"}
    assert {name for name, _ in rows} == set(names_of(BrokerOptions)) - others


def test_the_events_and_paths_on_the_page_are_those_that_there_are() -> None:
    text = (DOCS / "broker.md").read_text("utf-8")
    table = text.partition("| event | when |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) - {"COMMIT"} == set(events.__all__) - {"BrokerEvent"}
    assert all(f"`{path}`" in text for path in PATHS)


def test_that_nothing_is_persistent_is_said_clearly() -> None:
    text = (DOCS / "broker.md").read_text("utf-8")
    assert "**Nothing is persistent.**" in text.partition("## Destinations")[0]
