"""`stomp-sansio shell`: somebody types, and messages come meanwhile.

What lives here knows what each command does with a client; it must not know how lines are read.
"""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from stomp_blocking import Client, ConnectKeywords, Ended, Lifecycle, Message, Subscription, connect
from stomp_sansio.client.lifecycle import sentence
from stomp_sansio.errors import StompError

from .capturing import capturing
from .connecting import Way, add_connect_arguments, way
from .content import content_keywords
from .escapes import escaped
from .exits import Exit, UsageError, exit_of
from .messages import as_text, body_text
from .running import GOOD_BYE, PATIENCE, SILENCE, awaited
from .shell_console import Console, history_file
from .shell_lines import COMMANDS, Line, completions, help_lines, holds_secret, parse
from .terminal import Terminal
from .terminating import Terminated

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "talk to a server: subscribe, send and acknowledge by hand"

_UNSETTLED = 1_000
"""Messages that can be acknowledged by their number. Of more, the oldest are forgotten."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say where to connect to."""
    add_connect_arguments(parser)
    parser.epilog = "\n".join(
        ["commands of the shell:", *(f"  {line}" for line in help_lines()), "", parser.epilog or ""]
    )


def run(arguments: argparse.Namespace) -> int:
    """Read lines, and do what they say, until the last one."""
    target = way(arguments)
    try:
        with capturing(target.capture, Terminal().remark) as capture:
            keywords = target.keywords | ConnectKeywords(capture=capture, close_timeout=PATIENCE)
            with ExitStack() as leaving, connect(target.url, ssl=target.ssl, **keywords) as client:
                try:
                    return _Shell(client, target).run()
                finally:
                    leaving.enter_context(_told_if_it_takes_long())
    except Terminated:
        return Exit.TERMINATED


@contextmanager
def _told_if_it_takes_long() -> Generator[None]:
    """Say what the end waits for, unless it comes soon."""
    timer = threading.Timer(SILENCE, Terminal().remark, [awaited(GOOD_BYE)])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Shell:
    def __init__(self, client: Client, target: Way) -> None:
        self._client = client
        self._target = target
        self._terminal = Terminal()
        self._console = Console(self._terminal, "stomp> ")
        self._subscriptions: dict[str, Subscription] = {}
        self._unsettled: dict[int, Message] = {}
        self._count = 0
        self._seen: set[str] = set()
        self._worst: int = Exit.OK
        self._over: Exception | None = None

    def run(self) -> int:
        console = self._console
        console.start(
            lambda before, word: completions(before, word, list(self._seen)), history_file(os.environ)
        )
        if console.interactive:
            console.say(f"connected to {escaped(self._target.name)}; help lists the commands, Ctrl-D ends")
        life = self._client.lifecycle()
        threading.Thread(target=self._tell, args=(life,), daemon=True).start()
        try:
            while not self._client.ended:
                try:
                    line = console.ask()
                    if line is None or not self._obey(line):
                        # Who typed it has seen it; a script has only this.
                        return Exit.OK if console.interactive else self._worst
                except Terminated:
                    raise
                except KeyboardInterrupt:
                    continue
        finally:
            console.stop()
        return exit_of(self._over) if self._over is not None else Exit.NOT_CONNECTED

    def _tell(self, life: Lifecycle) -> None:
        for event in life:
            if isinstance(event, Ended):
                self._over = event.error
                if event.error is None:
                    return
            self._console.post(f"({escaped(' '.join(sentence(event).split()))})")

    def _obey(self, line: str) -> bool:
        """Do what a line says; tell whether there is more to come."""
        try:
            parsed = parse(line)
            if parsed is None:
                return True
            if not holds_secret(line, self._target.secrets):
                self._console.remember(line)
            if parsed.command == "quit" and not parsed.words:
                return False
            for answer in self._console.wait_for(lambda: self._do(parsed)):
                self._console.say(answer)
        except (StompError, UsageError, ValueError) as error:
            self._worst = self._worst or exit_of(error)
            self._console.say(self._terminal.paint(escaped(" ".join(str(error).split())), "red"))
        return True

    def _do(self, line: Line) -> list[str]:
        """Do what a line says; return what there is to say about it."""
        match line.command, list(line.words):
            case "send", [destination]:
                self._seen.add(destination)
                self._client.send(destination, line.body, receipt=True, **content_keywords(line.headers))
                return ["sent"]
            case "request", [destination]:
                self._seen.add(destination)
                keywords = content_keywords(line.headers)
                return [body_text(self._client.request(destination, line.body, **keywords))]
            case "subscribe", [destination, *mode] if len(mode) <= 1:
                self._subscribe(destination, mode[0] if mode else "auto")
            case "unsubscribe", [destination]:
                subscription = self._subscriptions.pop(destination, None)
                if subscription is None:
                    raise UsageError(f"there is no subscription to {destination}: status lists them")
                subscription.unsubscribe()
            case "ack" | "nack", [number]:
                self._settle(line.command, number)
            case "status", []:
                return self._status()
            case "help", []:
                return help_lines()
            case _:
                raise UsageError(f"write: {COMMANDS[line.command][0]}")
        return []

    def _subscribe(self, destination: str, mode: str) -> None:
        if destination in self._subscriptions:
            raise UsageError(f"there is a subscription to {destination} already")
        subscription = self._client.subscribe(destination, ack=mode)
        entered = threading.Event()
        self._seen.add(destination)
        self._subscriptions[destination] = subscription
        follower = threading.Thread(
            target=self._follow, args=(destination, subscription, mode != "auto", entered), daemon=True
        )
        follower.start()
        entered.wait()

    def _follow(
        self, destination: str, subscription: Subscription, settles: bool, entered: threading.Event
    ) -> None:
        try:
            with subscription:
                entered.set()
                for message in subscription:
                    self._show(message, settles)
        except StompError as error:
            self._console.post(f"({escaped(destination)}: {escaped(' '.join(str(error).split()))})")
        finally:
            entered.set()
            if self._subscriptions.get(destination) is subscription:
                del self._subscriptions[destination]

    def _show(self, message: Message, settles: bool) -> None:
        self._seen.add(message.destination)
        number = ""
        if settles:
            self._count += 1
            self._unsettled[self._count] = message
            if len(self._unsettled) > _UNSETTLED:
                del self._unsettled[next(iter(self._unsettled))]
            number = self._terminal.paint(f"[{self._count}] ", "yellow")
        self._console.post(number + as_text(message).rstrip("\n"))

    def _settle(self, command: str, number: str) -> None:
        message = self._unsettled.pop(int(number), None) if number.isdigit() else None
        if message is None:
            raise UsageError(f"there is no message {number} to be acknowledged")
        (message.ack if command == "ack" else message.nack)(receipt=True)

    def _status(self) -> list[str]:
        client = self._client
        if client.version is None:
            lines = ["there is no connection at the moment"]
        else:
            server = f", {escaped(client.server)}" if client.server else ""
            lines = [f"connected to {escaped(self._target.name)}{server}, STOMP {client.version.value}"]
        lines += [f"subscribed to {escaped(destination)}" for destination in sorted(self._subscriptions)]
        if self._unsettled:
            lines.append(f"not acknowledged: {', '.join(map(str, list(self._unsettled)))}")
        return lines
