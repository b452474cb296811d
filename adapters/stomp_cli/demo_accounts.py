"""The demo's books: what went in, what came out, how long it took, and whether that adds up.

Numbers in, a verdict out. This file must not know who sends or receives, nor how anything is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Account", "Books", "Latencies", "Quiet"]

_STEP = 1.05
"""Each bucket of latencies begins that much later than the one before: a percentile is 5 % off, at most."""
_SHORTEST = 1e-6
_NAMED = 5


class Latencies:
    """Seconds, counted in buckets: as small after an hour as after a second."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0

    def add(self, seconds: float) -> None:
        """Count one."""
        bucket = math.ceil(math.log(max(seconds, _SHORTEST) / _SHORTEST, _STEP))
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1

    def quantile(self, share: float) -> float | None:
        """Return what `share` of them, from 0 to 1, took at most; None when there are none."""
        counts = sorted(self._buckets.copy().items())
        wanted = math.ceil(share * sum(count for _, count in counts))
        for bucket, count in counts:
            wanted -= count
            if wanted <= 0:
                return _SHORTEST * _STEP**bucket
        return None

    @classmethod
    def joined(cls, parts: Iterable[Latencies]) -> Latencies:
        """Return all of them in one."""
        whole = cls()
        for part in parts:
            part.add_to(whole._buckets)
        whole.count = sum(whole._buckets.values())
        return whole

    def add_to(self, buckets: dict[int, int]) -> None:
        """Add what was counted here to the counts of others. Another thread may go on counting meanwhile."""
        for bucket, count in list(self._buckets.items()):
            buckets[bucket] = buckets.get(bucket, 0) + count


class Account:
    """One queue: messages are numbered from 1, and each must come out, once or more often.

    Who sends calls `sent` and `confirmed`, who receives calls `came`, each from one thread; anybody may read.
    """

    def __init__(self, client: str, by: str, destination: str) -> None:
        self.client = client
        """Whose queue it is: the runtime that its consumer runs in."""
        self.by = by
        """The transport of its consumer."""
        self.destination = destination
        self.sent = 0
        """Messages that were sent."""
        self.confirmed = 0
        """Messages that the broker has confirmed."""
        self.came = 0
        """Messages that have come, each counted once."""
        self.again = 0
        """Messages that came once more: redelivered ones."""
        self.latencies = Latencies()
        """From being sent to being received, of first deliveries."""
        self._up_to = 0
        self._beyond: set[int] = set()

    def take(self, number: int, seconds: float) -> bool:
        """Take note that a message has come, so long after it was sent; tell whether it is the first time."""
        if number <= self._up_to or number in self._beyond:
            self.again += 1
            return False
        self.came += 1
        self.latencies.add(seconds)
        self._beyond.add(number)
        while self._up_to + 1 in self._beyond:
            self._up_to += 1
            self._beyond.remove(self._up_to)
        return True

    @property
    def complete(self) -> bool:
        """Whether all that was sent is confirmed, and has come."""
        return self.sent == self.confirmed == self.came

    def complaints(self) -> list[str]:
        """Return what does not add up, in sentences."""
        found: list[str] = []
        if self.sent == 0:
            found.append(f"{self.destination}: no message was sent")
        if (unconfirmed := self.sent - self.confirmed) != 0:
            found.append(f"{self.destination}: {unconfirmed:,} of {self.sent:,} sent were not confirmed")
        missing = self._missing()
        if missing:
            named = ", ".join(map(str, missing[:_NAMED])) + (", ..." if len(missing) > _NAMED else "")
            found.append(
                f"{self.destination}: {len(missing):,} of {self.sent:,} sent never came out (number {named})"
            )
        if (strange := self.came - (self.sent - len(missing))) > 0:
            found.append(f"{self.destination}: {strange:,} came out that nobody sent")
        return found

    def _missing(self) -> list[int]:
        return [number for number in range(self._up_to + 1, self.sent + 1) if number not in self._beyond]


@dataclass(slots=True)
class Quiet:
    """The session that does everything once, and is silent otherwise."""

    refused: bool = False
    """Whether it has refused a message."""
    redelivered: bool = False
    """Whether that message came again, marked as redelivered."""
    beats_sent: int = 0
    beats_heard: int = 0


@dataclass(slots=True)
class Books:
    """All accounts of a run, and what should happen in it once."""

    accounts: list[Account] = field(default_factory=list[Account])
    quiet: Quiet = field(default_factory=Quiet)
    cuts: int = 0
    """Connections that were cut on purpose."""
    returns: int = 0
    """How many of these came back, and subscribed again."""
    expects_beats: bool = True
    """Whether it takes long enough for heart-beats."""

    @property
    def sent(self) -> int:
        """Messages that went in."""
        return sum(account.sent for account in self.accounts)

    @property
    def confirmed(self) -> int:
        """Messages that the broker has confirmed."""
        return sum(account.confirmed for account in self.accounts)

    @property
    def came(self) -> int:
        """Messages that came out, each counted once."""
        return sum(account.came for account in self.accounts)

    @property
    def again(self) -> int:
        """Messages that came once more."""
        return sum(account.again for account in self.accounts)

    @property
    def complete(self) -> bool:
        """Whether nothing is on its way any more, and nobody is away."""
        return all(account.complete for account in self.accounts) and self.returns == self.cuts

    def complaints(self) -> list[str]:
        """Return what does not add up, or did not happen: nothing means that all is well."""
        found = [complaint for account in self.accounts for complaint in account.complaints()]
        if not self.accounts:
            found.append("nobody was there")
        if self.cuts == 0:
            found.append("no connection was cut")
        if self.returns != self.cuts:
            found.append("the client whose connection was cut did not come back")
        if not self.quiet.refused:
            found.append("no message was refused")
        elif not self.quiet.redelivered:
            found.append("the message that was refused did not come again")
        if self.expects_beats and not (self.quiet.beats_sent and self.quiet.beats_heard):
            found.append("the quiet session had no heart-beats in both directions")
        return found
