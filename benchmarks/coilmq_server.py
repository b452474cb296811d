"""CoilMQ on a port of its own, which it prints, as its own start makes it; the end of standard input ends it.

It runs under this Python with the folder where CoilMQ was installed on its path. This file must not know who
measures.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any


def main() -> None:
    """Serve until standard input ends."""
    config: Any = importlib.import_module("coilmq.config")
    start: Any = importlib.import_module("coilmq.start")
    config.init_config(None)
    config.config.set("coilmq", "listen_port", "0")
    server = start.server_from_config(config.config)
    print(server.server_address[1], flush=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
