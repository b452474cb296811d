"""A prompt that others may write above: lines are read here, with history and completion where there are any.

What lives here knows readline, signals and terminals; it must not know what a line means.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .terminal import Terminal

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Console", "history_file"]

T = TypeVar("T")

_KEPT = 1_000
"""Lines of history."""

_NUDGES = (0.02, 0.2)
"""Seconds after which readline is made to look whether a signal came: by then it has begun to wait."""


class Console:
    """Reads lines in the main thread; whoever has something to say meanwhile calls `post`, from any thread.

    On a terminal with readline, the line that is being typed stays, and the cursor in it. Our words are
    written where a signal, SIGWINCH, has made readline pause, in the thread that it runs in; it then draws
    its line anew below them.
    """

    def __init__(self, terminal: Terminal, prompt: str) -> None:
        self._terminal = terminal
        self._prompt = prompt
        self._posted: deque[str] = deque()
        self._written = threading.Condition()
        self._lock = threading.RLock()
        self._asking = False
        self._readline: Any = None
        self._wakes = False
        self._redraw: _Redraw | None = None
        self._history: Path | None = None
        self._bell: socket.socket | None = None
        self._main = threading.get_ident()
        self.interactive = sys.stdin.isatty() and terminal.output_is_terminal
        """Whether somebody types."""

    def start(self, complete: Callable[[str, str], Sequence[str]], history: Path | None) -> None:
        """Make ready. `complete(before, word)` returns what `word` may become, behind `before`."""
        if not self.interactive:
            return
        # readline hands the signal on to whoever listened to it before: so this comes first.
        came_before = "readline" not in sys.modules and hasattr(signal, "SIGWINCH")
        if came_before:
            signal.signal(signal.SIGWINCH, self._on_signal)
            self._hear_signals()
        try:
            import readline
        except ImportError:
            return
        self._readline = readline
        editline = "libedit" in (readline.__doc__ or "")
        self._wakes = came_before
        self._redraw = _Redraw.of(readline)
        readline.set_auto_history(False)
        readline.set_completer_delims(" ")
        readline.set_completer(_completer(readline, complete))
        readline.parse_and_bind("bind ^I rl_complete" if editline else "tab: complete")
        if history is not None:
            self._open_history(history)

    def _open_history(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made before anything is written, so that nobody else ever may read it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            self._readline.read_history_file(path)
        except OSError:
            return  # without a history: a home that cannot be written is no reason to end
        self._readline.set_history_length(_KEPT)
        self._history = path

    def remember(self, line: str) -> None:
        """Put a line into the history."""
        if self._readline is not None:
            self._readline.add_history(line)

    def stop(self) -> None:
        """Save the history."""
        if self._bell is not None:
            signal.set_wakeup_fd(-1)
        if self._history is not None:
            try:
                self._readline.write_history_file(self._history)
            except OSError:
                pass

    # Reading

    def ask(self) -> str | None:
        """Return the next line; None at the end of input.

        Raises:
            KeyboardInterrupt: Ctrl-C: the line is not meant any more.
        """
        if not self.interactive:
            line = sys.stdin.readline()
            return line.rstrip("\n") if line else None
        self._flush()
        self._asking = True
        try:
            return input(self._prompt)
        except EOFError:
            self._put("\n")
            return None
        except KeyboardInterrupt:
            self._put("\n")
            raise
        except SystemError as error:
            # Two signals at once: Python has called the handler of the second with what the first one raised.
            if error.__cause__ is None:
                raise
            self._put("\n")
            raise error.__cause__ from None
        finally:
            self._asking = False

    def wait_for(self, work: Callable[[], T]) -> T:
        """Do something that may take long, in a thread of its own, and return what it returns.

        Ctrl-C ends the waiting, never the work: what it does to others is done whole.

        Raises:
            KeyboardInterrupt: nobody waits for it any more.
        """
        outcome: Future[T] = Future()

        def do() -> None:
            try:
                outcome.set_result(work())
            except Exception as error:
                outcome.set_exception(error)

        threading.Thread(target=do, name="command", daemon=True).start()
        try:
            return outcome.result()
        except KeyboardInterrupt:
            self._put("\n")
            raise

    # Writing

    def say(self, text: str) -> None:
        """Write a line, in the thread that asks."""
        self._flush()
        self._put(f"{text}\n")

    def post(self, text: str) -> None:
        """Write a line above the prompt, from any thread; return when it is written."""
        if threading.get_ident() == self._main:
            return self.say(text)
        if not self._wakes:
            self._put_above(f"{text}\n")
            return
        self._posted.append(text)
        with self._written:
            while self._posted:
                signal.pthread_kill(self._main, signal.SIGWINCH)
                # It may have come while readline was not yet waiting, and then waits for the next one.
                self._written.wait(0.1)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._flush()

    def _hear_signals(self) -> None:
        """Let no signal wait for the next key, as one does that comes just before readline waits."""
        ear, bell = socket.socketpair()
        bell.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)

        def hear() -> None:
            while heard := ear.recv(64):
                if set(heard) - {signal.SIGWINCH}:
                    for seconds in _NUDGES:
                        time.sleep(seconds)
                        signal.pthread_kill(self._main, signal.SIGWINCH)

        # Kept: who is forgotten is closed.
        self._bell = bell
        threading.Thread(target=hear, name="signals", daemon=True).start()

    def _flush(self) -> None:
        if not self._posted:
            return
        lines: list[str] = []
        while self._posted:
            lines.append(self._posted.popleft())
        self._put_above("".join(f"{line}\n" for line in lines))
        with self._written:
            self._written.notify_all()

    def _put_above(self, text: str) -> None:
        if not self._asking:
            self._put(text)
        elif self._redraw is not None:
            self._redraw.clear()
            self._put(text)
            self._redraw.draw()
        else:
            typed = "" if self._readline is None else self._readline.get_line_buffer()
            self._put(f"\r\x1b[K{text}{self._prompt}{typed}")

    def _put(self, text: str) -> None:
        with self._lock:
            self._terminal.write_through(text)


class _Redraw:
    """What GNU Readline offers to those who write while it waits, and Python's module does not pass on."""

    def __init__(self, library: Any) -> None:
        # Looked up at once: what is not there is missed now.
        self.clear: Callable[[], object] = library.rl_clear_visible_line
        self._on_new_line: Callable[[], object] = library.rl_on_new_line
        self._redisplay: Callable[[], object] = library.rl_redisplay

    @staticmethod
    def of(readline: Any) -> _Redraw | None:
        """Return it, or None: with another library, or one that is hidden inside the interpreter."""
        try:
            import ctypes

            return _Redraw(ctypes.PyDLL(readline.__file__))
        except (ImportError, AttributeError, OSError):
            return None

    def draw(self) -> None:
        """Draw prompt and line on the line that the cursor is on now, which is empty."""
        self._on_new_line()
        self._redisplay()


def history_file(environ: Mapping[str, str]) -> Path | None:
    """Return where the history is kept: in the state directory of the XDG; None without a home."""
    state = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        # The XDG Base Directory Specification wants relative paths ignored.
        home = environ.get("HOME", "")
        if not home:
            return None
        state = os.path.join(home, ".local", "state")
    return Path(state) / "stomp-sansio" / "history"


def _completer(
    readline: Any, complete: Callable[[str, str], Sequence[str]]
) -> Callable[[str, int], str | None]:
    found: list[str] = []

    def completer(word: str, state: int) -> str | None:
        if state == 0:
            found[:] = complete(readline.get_line_buffer()[: readline.get_begidx()], word)
        return found[state] if state < len(found) else None

    return completer
