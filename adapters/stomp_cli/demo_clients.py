"""The demo's clients: one that sends, one that receives in each colour, and one that is quiet.

What lives here uses the library as any application does. It must not know what else happens, nor how it is
shown.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import stomp_asyncio
import stomp_blocking
from stomp_sansio.client.awaiting import Client
from stomp_sansio.session.tickets import Outcome, Ticket

from .demo_accounts import Account, Quiet
from .demo_rooms import ThreadRoom

__all__ = ["BEAT", "consume", "consume_blocking", "count_beats", "publish", "stay_quiet"]

BEAT = 1.0
"""Seconds between heart-beats of the quiet session."""
_MOST_UNDER_WAY = 2_000
_TEAS = ("Assam", "Ceylon", "Darjeeling")


async def publish(
    url: str,
    accounts: Sequence[Account],
    rate: float,
    begin: threading.Event,
    shall_end: Callable[[], bool],
) -> None:
    """Send numbered messages to each queue in turn, `rate` a second in all; return once every one is
    confirmed, or will never be.
    """
    async with stomp_asyncio.connect(url, login="publisher", receipt_timeout=10) as client:
        await asyncio.to_thread(begin.wait)
        under_way: deque[tuple[Account, Ticket]] = deque()
        start, sent = time.monotonic(), 0
        while not shall_end():
            # As many as are due by now: a late turn is made up for, but never by a flood.
            due = min(int((time.monotonic() - start) * rate), sent + 100)
            while sent < due:
                account = accounts[sent % len(accounts)]
                under_way.append((account, _send(client, account)))
                sent += 1
            await asyncio.sleep(0.005)
            while under_way and (under_way[0][1].outcome is not None or len(under_way) > _MOST_UNDER_WAY):
                await _confirm(client, *under_way.popleft())
        while under_way:
            await _confirm(client, *under_way.popleft())


def _send(client: stomp_asyncio.Client, account: Account) -> Ticket:
    account.sent += 1
    headers = {"number": str(account.sent), "sent-at": repr(time.monotonic())}
    return client.send_soon(account.destination, f"tea no. {account.sent}", headers=headers)


async def _confirm(client: stomp_asyncio.Client, account: Account, ticket: Ticket) -> None:
    try:
        await client.settled(ticket)
    except Exception:
        # What became of it is in the ticket, and the books say how many are missing.
        return
    if ticket.outcome is Outcome.CONFIRMED:
        account.confirmed += 1


async def consume(connect: Callable[..., Any], url: str, account: Account, **keywords: Any) -> None:
    """Receive what a queue has, and acknowledge each message; in any runtime whose `connect` is handed in."""
    async with connect(url, login=account.destination, **keywords) as client:
        await _consume(client, account)


async def _consume(client: Client, account: Account) -> None:
    async with client.subscribe(account.destination, ack="client-individual") as messages:
        async for message in messages:
            async with message.process():
                _take(account, message.headers)


def consume_blocking(room: ThreadRoom, url: str, account: Account, **keywords: Any) -> None:
    """Receive what a queue has, and acknowledge each message, in a thread that waits."""
    with stomp_blocking.connect(url, login=account.destination, **keywords) as client:
        room.close = client.close
        if room.ending.is_set():
            return
        with client.subscribe(account.destination, ack="client-individual") as messages:
            for message in messages:
                with message.process():
                    _take(account, message.headers)


def _take(account: Account, headers: Any) -> None:
    account.take(int(headers["number"]), time.monotonic() - float(headers["sent-at"]))


def stay_quiet(
    room: ThreadRoom,
    url: str,
    account: Account,
    quiet: Quiet,
    begin: Callable[[], object],
    say: Callable[[str], object],
    capture: Callable[[str], object],
) -> None:
    """Do everything once: send, receive, refuse one message, receive it again, and acknowledge; then be
    silent, but for heart-beats, until the room is to end. `begin` waits for the others.
    """
    with (
        stomp_blocking.connect(url, login="quiet", heartbeat=(BEAT, BEAT), capture=capture) as client,
        client.subscribe(account.destination, ack="client-individual", id="tea") as messages,
    ):
        begin()
        for tea in _TEAS:
            account.sent += 1
            headers = {"number": str(account.sent), "sent-at": repr(time.monotonic())}
            client.send(account.destination, tea, headers=headers, receipt=True)
            account.confirmed += 1
        refused = messages.receive(timeout=10)
        refused.nack()
        refused_at = time.monotonic()
        quiet.refused = True
        while not (account.complete and quiet.redelivered):
            message = messages.receive(timeout=10)
            with message.process():
                _take(account, message.headers)
            if message.redelivered and message.body == refused.body:
                quiet.redelivered = True
                account.again += 1
                took = (time.monotonic() - refused_at) * 1_000
                say(f"NACK: {message.text!r} was refused, and came again after {took:.1f} ms, as redelivered")
        room.ending.wait()


def count_beats(line: str, quiet: Quiet) -> None:
    """Count the heart-beat, if a line of a capture is one."""
    record = json.loads(line)
    if record.get("octets", "").strip("\r\n") or "octets" not in record:
        return
    if record["kind"] == "out":
        quiet.beats_sent += 1
    elif record["kind"] == "in":
        quiet.beats_heard += 1
