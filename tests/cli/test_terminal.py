"""What a command says, and where: colour, escapes, streams that go."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from stomp_cli.live import Live
from stomp_cli.terminal import Terminal, json_line
from stomp_cli.words import in_our_words
from stomp_cli.writing import Writer


class Screen(io.StringIO):
    """A stream that is a terminal, of whatever encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


@pytest.mark.parametrize(
    ("output", "environ", "painted"),
    [
        (Screen(), {}, True),
        (Screen(), {"NO_COLOR": "1"}, False),
        (Screen(), {"NO_COLOR": ""}, True),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals(output, environ, painted):
    terminal = Terminal(output, io.StringIO(), environ)
    assert terminal.paint("x", "red") == ("\x1b[31mx\x1b[0m" if painted else "x")


def test_a_failure_is_one_harmless_line():
    remarks = io.StringIO()
    Terminal(io.StringIO(), remarks, {}).complain("program", ValueError("one\ntwo\x1b[2J"))
    Terminal(io.StringIO(), remarks, {}).complain("program", KeyError())
    assert remarks.getvalue() == "program: one two\\x1b[2J\nprogram: KeyError\n"


def test_what_an_encoding_lacks_is_escaped():
    screen = Screen("ascii")
    terminal = Terminal(screen, io.StringIO(), {})
    terminal.line("grün")
    terminal.json({"grün": "\x1b"})
    assert screen.getvalue() == 'gr\\xfcn\n{"gr\\u00fcn":"\\u001b"}\n'
    assert json.loads(screen.getvalue().splitlines()[1]) == {"grün": "\x1b"}


def test_no_control_character_passes_json_by():
    everything = "".join(map(chr, range(0x250)))
    written = json_line({"x": everything})
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == {"x": everything}


class Full(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_results_that_cannot_be_written_are_named():
    full = OSError(28, "No space left on device")
    with pytest.raises(OSError, match=r"^the output cannot be written: No space left on device$"):
        Terminal(Full(full), io.StringIO(), {}).line("x")
    Terminal(io.StringIO(), Full(full), {}).remark("x")
    with pytest.raises(BrokenPipeError):
        Terminal(Full(BrokenPipeError()), io.StringIO(), {}).line("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_every_way_to_write_names_what_cannot_be_written():
    async def write(terminal: Terminal) -> None:
        await Writer(terminal).write("x")

    with open("/dev/full", "w", encoding="utf-8") as full:
        terminal = Terminal(full, io.StringIO(), {})
        for attempt in (
            lambda: terminal.octets(b"x"),
            lambda: terminal.write_through("x"),
            lambda: asyncio.run(write(terminal)),
        ):
            with pytest.raises(OSError, match="the output cannot be written: No space left on device"):
                attempt()
        # What it still holds is for nobody.
        terminal.silence()


def test_remarks_that_nobody_reads_are_no_failure():
    remarks = io.StringIO()
    remarks.close()
    terminal = Terminal(io.StringIO(), remarks, {})
    terminal.remark("x")
    assert not terminal.remarks_are_seen


def test_streams_that_are_no_files():
    output = io.StringIO()
    terminal = Terminal(output, io.StringIO(), {})
    terminal.write_through("x")
    terminal.silence()
    assert output.getvalue() == "x"


def test_lines_at_the_foot_are_written_anew():
    screen = Screen()
    live = Live(Terminal(io.StringIO(), screen, {"TERM": "xterm"}))
    live.show(["one", "x" * 200])
    live.remark("above\n")
    live.show(["two"])
    live.clear()
    live.clear()
    # What is wider than the terminal would make two lines of one.
    cut = "x" * 79
    assert screen.getvalue() == (
        f"one\x1b[K\n{cut}\x1b[K\n" + "\x1b[2F\x1b[Jabove\n" + "two\x1b[K\n" + "\x1b[1F\x1b[J"
    )


def test_nobody_looks():
    remarks = io.StringIO()
    live = Live(Terminal(io.StringIO(), remarks, {}))
    live.show(["one"])
    live.clear()
    assert (live.works, remarks.getvalue()) == (False, "")


def test_advice_names_options():
    assert in_our_words("pass vhost=, as in vhost='/'") == "name it with --vhost, as in --vhost /"
    assert in_our_words("nothing of ours") == "nothing of ours"
