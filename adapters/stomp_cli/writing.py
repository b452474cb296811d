"""Output that may have to wait for its reader, as `less` lets it, while the connection goes on.

What lives here knows threads; it must not know what is written.
"""

from __future__ import annotations

import asyncio
import os
import queue
import select
import stat
import threading

from .terminal import Terminal, unwritable

__all__ = ["Writer"]

# POSIX demands 512 at least; where the system says nothing, there are none of its pipes.
_PIPE_BUF: int = getattr(select, "PIPE_BUF", 0)


class Writer:
    """Writes results in a thread of its own: heart-beats go on while a pipe is full.

    The thread ends with the program, whatever it waits for: it holds no lock that an interpreter wants.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._descriptor = _descriptor_that_may_wait(terminal)
        self._is_pipe = self._descriptor is not None and stat.S_ISFIFO(os.fstat(self._descriptor).st_mode)
        self._idle = True
        self._jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        if self._descriptor is not None:
            threading.Thread(target=self._work, name="output", daemon=True).start()

    async def write(self, text: str) -> None:
        """Write text, and return when it is written.

        Raises:
            BrokenPipeError: whoever read it has gone.
        """
        if self._descriptor is None:
            self._terminal.text(text)
            return await asyncio.sleep(0)
        octets = text.encode(self._terminal.output.encoding or "utf-8", "backslashreplace")
        if self._idle and self._takes_at_once(self._descriptor, octets):
            try:
                os.write(self._descriptor, octets)
            except OSError as error:
                raise unwritable(error) from error
            return await asyncio.sleep(0)
        done = self._loop.create_future()
        self._idle = False
        self._jobs.put((octets, done))
        await done
        # Not where somebody gives up waiting: then it is still being written.
        self._idle = True

    def _takes_at_once(self, descriptor: int, octets: bytes) -> bool:
        """Tell whether a pipe has room for octets now: POSIX promises so many where it can be written to at
        all. A thread would cost more than the message.
        """
        return self._is_pipe and len(octets) <= _PIPE_BUF and bool(select.select((), (descriptor,), (), 0)[1])

    def _work(self) -> None:
        assert self._descriptor is not None, "else there is no thread"
        while True:
            octets, done = self._jobs.get()
            failed: OSError | None = None
            try:
                while octets:
                    octets = octets[os.write(self._descriptor, octets) :]
            except OSError as error:
                failed = unwritable(error)
            try:
                self._loop.call_soon_threadsafe(_settle, done, failed)
            except RuntimeError:
                return  # the loop is over, and so is the command


def _settle(done: asyncio.Future[None], failed: OSError | None) -> None:
    if done.done():
        return
    if failed is None:
        done.set_result(None)
    else:
        done.set_exception(failed)


def _descriptor_that_may_wait(terminal: Terminal) -> int | None:
    """Return the descriptor of standard output, unless it is a file, which never waits, or none at all."""
    try:
        descriptor = terminal.output.fileno()
        return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else descriptor
    except (OSError, ValueError):
        return None
