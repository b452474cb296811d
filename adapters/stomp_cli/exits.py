"""The exit codes: one for each thing that a script could do about a failure.

This file must not know which command failed.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EXIT_CODES", "Exit", "UsageError", "exit_of"]


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_CONNECTED = 3
    REFUSED = 4
    BROKER_ERROR = 5
    TIMEOUT = 6
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


EXIT_CODES = {
    Exit.OK: "it is done",
    Exit.FAILED: "it failed for another reason than these",
    Exit.USAGE: "the arguments make no sense, or a package is not installed",
    Exit.NOT_CONNECTED: "no connection, or it was lost for good",
    Exit.REFUSED: "the server refused the login",
    Exit.BROKER_ERROR: "the server sent an ERROR",
    Exit.TIMEOUT: "something did not come in time",
    Exit.INTERRUPTED: "interrupted by Ctrl-C before it was done",
    Exit.BROKEN_PIPE: "whoever read the output has gone",
    Exit.TERMINATED: "ended by SIGTERM before it was done",
}
"""What each means, for `--help` and the documentation."""


class UsageError(Exception):
    """The arguments make no sense: the message says what to write instead."""


def exit_of(error: BaseException) -> Exit:
    """Return the exit code that an exception stands for."""
    from stomp_sansio.errors import InvalidURI, LocalProtocolError, StompError
    from stomp_sansio.session import errors

    match error:
        case UsageError() | InvalidURI() | ImportError():
            return Exit.USAGE
        case errors.AuthenticationError():
            return Exit.REFUSED
        case errors.BrokerError():
            return Exit.BROKER_ERROR
        case errors.ConnectionClosed(__cause__=errors.BrokerError()):
            # The ERROR came first, and what was said next found the session over.
            return Exit.BROKER_ERROR
        case errors.HeartbeatTimeout() | errors.ConnectError() | errors.ConnectionClosed():
            return Exit.NOT_CONNECTED
        case TimeoutError():
            return Exit.TIMEOUT
        case BrokenPipeError():
            return Exit.BROKEN_PIPE
        case ConnectionError():
            return Exit.NOT_CONNECTED
        case LocalProtocolError():
            return Exit.USAGE
        case StompError():
            return Exit.FAILED
        case ValueError():
            # An argument that the library itself refuses: every one of ours comes from an option.
            return Exit.USAGE
        case _:
            return Exit.FAILED
