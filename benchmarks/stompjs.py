"""stompjs as a runner: a node process that stays, told line by line what to time.

This file must not know what our library does with the same corpus.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from .corpora import Corpus

__all__ = ["StompJs"]

WORKER = Path(__file__).with_name("stompjs_worker.mjs")


class StompJs:
    """Parses or encodes in node. Use it as a context manager: leaving it ends the process."""

    name = "stompjs"

    def __init__(self, node: Path) -> None:
        self._files = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            ["node", str(WORKER), str(node)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.result = 0
        """Frames, or octets, of the last pass."""

    def _ask(self, line: str) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the node process has no pipes")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"node gave no answer to {line[:60]!r}")
        return answer

    def parse(self, corpus: Corpus, chunk: int) -> bool:
        """Load a corpus and say whether stompjs finds all its frames."""
        path = Path(self._files.name) / corpus.name
        path.write_bytes(corpus.data)
        self._ask(f"parse {path} {chunk}")
        self.run(2)
        self._warm_up()
        return self.result == len(corpus.truth)

    def encode(self, headers: Mapping[str, str], body: bytes) -> None:
        """Load a SEND. stompjs appends content-length itself."""
        others = {name: value for name, value in headers.items() if name != "content-length"}
        self._ask("encode " + json.dumps({"headers": others, "body": body.decode()}))
        self.run(20_000)
        self._warm_up()

    def _warm_up(self) -> None:
        """Run for a tenth of a second, twice: the compiler needs it, and the figure should be its best."""
        for _ in range(2):
            self.run(max(1, round(0.1 / max(self.run(1), 1e-6))))

    def run(self, passes: int) -> float:
        """Return the mean CPU seconds of one pass."""
        seconds, result = self._ask(f"run {passes}").split()
        self.result = int(result)
        return float(seconds)

    def __enter__(self) -> StompJs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._files.cleanup()
