"""`stomp-sansio doctor`: every step to a connection, one after the other, and what is wrong with the first
that fails.

What lives here knows the order of the steps; it must not know how any of them is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from stomp_asyncio import ConnectError, ConnectKeywords
from stomp_sansio.links.link import Phase
from stomp_sansio.links.proxy import Proxy, parse_proxy, proxy_for
from stomp_sansio.links.url import Endpoint, EndpointKind, parse_urls
from stomp_sansio.protocol.versions import ALL_VERSIONS
from stomp_sansio.targets import TRANSPORTS

from .capturing import capturing
from .connecting import Way, add_connect_arguments, way
from .doctor_attempt import Attempt, attempt
from .doctor_probes import Found, look_up, reach, shake_hands
from .doctor_report import Report
from .exits import Exit, exit_of
from .running import Stage, Stopping
from .running import run as run_in_loop
from .terminal import Terminal
from .words import in_our_words

__all__ = ["SUMMARY", "add_arguments", "run"]

SUMMARY = "find out why a server cannot be reached, and what it offers"

_STEP_OF = {
    Phase.DNS: "dns",
    Phase.TCP: "tcp",
    Phase.PROXY: "proxy",
    Phase.TLS: "tls",
    Phase.INFO: "info",
    Phase.UPGRADE: "upgrade",
    Phase.OPEN: "connect",
    Phase.CONNECT: "connect",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say whom to examine."""
    add_connect_arguments(parser, reconnects=False)
    parser.add_argument("--json", action="store_true", help="write the findings as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine each server that the URL names; the exit code is that of the first failure."""
    target = way(arguments)
    return run_in_loop(lambda stopping: _examine_all(arguments, target, stopping))


async def _examine_all(arguments: argparse.Namespace, target: Way, stopping: Stopping) -> int:
    terminal = Terminal()
    stopping.enter(Stage.BEGINNING, "the server")
    code: int = Exit.OK
    with capturing(target.capture, terminal.remark) as capture:
        for endpoint in parse_urls(target.url):
            alone = _alone(target, endpoint)
            report = Report(terminal, alone.name, as_json=arguments.json)
            main = await _take_steps(alone, endpoint, report, capture)
            if main.error is not None:
                code = code or exit_of(main.error)
            else:
                await _ask_more(alone, endpoint, main, report)
            report.end()
    return code


def _alone(target: Way, endpoint: Endpoint) -> Way:
    """Return the way to one of the servers of a list."""
    own = ConnectKeywords()
    if "login" not in target.keywords and endpoint.login is not None:
        own = ConnectKeywords(login=endpoint.login, passcode=endpoint.passcode)
    return replace(target, url=endpoint.url, name=str(endpoint), keywords=target.keywords | own)


def _steps(endpoint: Endpoint, proxy: Proxy | None) -> list[str]:
    steps = ["tcp"] if endpoint.unix_path is not None else ["dns", "tcp"]
    steps += ["proxy"] * (proxy is not None) + ["tls"] * endpoint.tls
    steps += ["info"] * (endpoint.kind is EndpointKind.SOCKJS)
    return [*steps, *(["upgrade"] * (endpoint.kind is not EndpointKind.PLAIN)), "connect"]


def _proxy(target: Way, endpoint: Endpoint) -> Proxy | None:
    asked = target.keywords.get("proxy", True)
    if asked is True:
        return proxy_for(endpoint, os.environ)
    return parse_proxy(asked) if asked else None


async def _take_steps(target: Way, endpoint: Endpoint, report: Report, capture: Any) -> Attempt:
    proxy = _proxy(target, endpoint)
    patience = target.keywords.get("open_timeout", 10.0)
    found: dict[str, Found | None] = {}
    if endpoint.unix_path is None:
        host, port = (endpoint.host, endpoint.port) if proxy is None else (proxy.host, proxy.port)
        found["dns"] = await _try(look_up(host, port), patience)
        found["tcp"] = await _try(reach(host, port), patience) if found["dns"] else None
        if endpoint.tls and proxy is None and found["tcp"]:
            found["tls"] = await _try(shake_hands(host, port, endpoint.server_name, target.ssl), patience)
    main = await attempt(target, capture=capture)
    failing = None if main.error is None else _failing(main.error)
    seen = main.timeline
    for step, seconds in seen.took.items():
        found.setdefault(step, Found(seconds, ""))
    if main.connected is not None:
        said = main.connected
        server = f", {said.server}" if said.server else ""
        found["connect"] = Found(main.greeted - seen.carries, f"STOMP {said.version.value}{server}")
    if proxy is not None:
        _detail(
            found, "proxy", f"{proxy.host} port {proxy.port} leads to {endpoint.host} port {endpoint.port}"
        )
        _detail(found, "tls", seen.tls or "")
    if seen.info is not None:
        offers = "offers WebSocket" if seen.info.websocket else "offers no WebSocket"
        cookies = ", wants cookies" if seen.info.cookie_needed else ""
        _detail(found, "info", offers + cookies)
    if "upgrade" in found:
        _detail(found, "upgrade", f"subprotocol {seen.subprotocol}" if seen.subprotocol else "")
    steps = _steps(endpoint, proxy)
    for index, step in enumerate(steps):
        if step == failing or (failing is not None and failing not in steps and step == steps[-1]):
            report.failed(step, in_our_words(str(main.error)), steps[index + 1 :])
            break
        report.passed(step, found.get(step))
    return main


async def _try(step: Awaitable[Found], patience: float) -> Found | None:
    # Why it fails the client says better, who comes by the same way.
    try:
        async with asyncio.timeout(patience):
            return await step
    except (OSError, UnicodeError):
        return None


def _failing(error: Exception) -> str:
    return _STEP_OF[error.phase] if isinstance(error, ConnectError) else "connect"


def _detail(found: dict[str, Found | None], step: str, detail: str) -> None:
    if (so_far := found.get(step)) is not None and detail:
        found[step] = Found(so_far.seconds, detail)


async def _ask_more(target: Way, endpoint: Endpoint, main: Attempt, report: Report) -> None:
    """Find out what else the server would have accepted, with a connection for each."""
    assert main.connected is not None, "it did not fail"
    report.heartbeat(main.connected.heartbeat)
    if main.timeline.subprotocol is not None:
        report.fact("subprotocol", main.timeline.subprotocol)
    offered = [
        version.value
        for version in ALL_VERSIONS
        if (await attempt(target, ConnectKeywords(versions=(version,)))).error is None
    ]
    report.versions(offered)
    if endpoint.kind is EndpointKind.SOCKJS:
        for transport in TRANSPORTS:
            tried = await attempt(target, ConnectKeywords(transports=(transport,)))
            report.transport(
                transport, tried.took, None if tried.error is None else in_our_words(str(tried.error))
            )
