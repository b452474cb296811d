"""What README shows is what happens: its examples run, and print what it says they print."""

import asyncio
import contextlib
import io
import re
import threading
from pathlib import Path

import pytest

import stomp_asyncio

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    """Pairs each Python example with the text block that follows it directly; "" where none does."""
    blocks = FENCED.findall(README)
    following = [*blocks[1:], ("", "")]
    return [
        (source, text if kind == "text" else "")
        for (language, source), (kind, text) in zip(blocks, following, strict=True)
        if language == "python"
    ]


@pytest.fixture(scope="module")
def port():
    """The port of a broker, in a thread of its own: the one that README has at localhost:61613."""
    ports: list[int] = []
    started, over = threading.Event(), threading.Event()

    async def main():
        async with stomp_asyncio.serve(port=0) as server:
            ports.append(server.addresses[0][1])
            started.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert started.wait(30)
        yield ports[0]
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(("source", "shown"), examples())
def test_examples_print_what_is_shown(port: int, source: str, shown: str):
    assert shown
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        source = source.replace("localhost:61613", f"127.0.0.1:{port}")
        exec(compile(source, "README.md", "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == shown


def test_there_is_a_client_in_each_colour():
    sources = "".join(source for source, _ in examples())
    assert [name for name in ("trio", "asyncio", "blocking") if f"stomp_{name}.connect(" not in sources] == []


def test_files_that_it_links_to_exist():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_sub_commands_that_it_names_exist():
    named = set(re.findall(r"\./dev (\w+)", README))
    known = (ROOT / "dev").read_text()
    assert {"demo", "test", "check"} <= named
    assert [name for name in named if f'"{name}": Command(' not in known] == []
