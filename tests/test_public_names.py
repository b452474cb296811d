"""What the library promises by name: nothing comes or goes unnoticed, and everything public is explained."""

from __future__ import annotations

import importlib.util
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import pytest

import stomp_sansio
from stomp_sansio import Connection, Frame, FrameParser, Headers, Limits, ServerConnection

PACKAGES = ["stomp_sansio", "stomp_trio", "stomp_asyncio", "stomp_blocking", "stomp_cli", "stomp_pytest"]
"""Those that this checkout has not are left out."""

NAMES = """
Abort Ack AckMode Begin ClientEvent CloseReason Closed Commit ConnectRequest Connected Connection Disconnect
Error Fault Frame FrameParser HeaderPairs Headers Limits LinkFault LocalProtocolError Message Misuse Nack
NotText Receipt RemoteProtocolError Send Sender ServerConnection ServerEvent State StompError Subscribe
Unsubscribe Version encode validate
"""

BOTH = """
data_to_send frame_to_send handle_timeout negotiated_heartbeat next_deadline next_event receive_data
receive_eof resume_reading state suspend_reading unsent version wants_close wants_read
"""
ATTRIBUTES: dict[type, str] = {
    Connection: BOTH
    + "abort ack begin commit connect disconnect forget_receipt nack send subscribe unsubscribe",
    ServerConnection: BOTH + "accept deliver error grant_subscription message receipt reject unacknowledged",
    FrameParser: "heartbeats next_frame pending receive_data receive_eof unread version",
    Frame: "body command headers",
    Headers: "first get get_all items keys pairs repeated values",
    Limits: """
        client server max_body max_command_line max_header_block max_headers max_http_header_block
        max_http_headers max_info_body max_line max_message max_message_fragments max_sockjs_frame
        max_sockjs_messages max_streaming_response max_subscriptions max_transactions
        max_unacknowledged max_unread
    """,
}


def modules() -> list[ModuleType]:
    """Import every public module of every package that is there."""
    found: list[ModuleType] = []
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            continue
        package = importlib.import_module(name)
        inside = [module.name for module in pkgutil.walk_packages(package.__path__, name + ".")]
        public = [name for name in inside if not name.rpartition(".")[2].startswith("_")]
        found += [package, *map(importlib.import_module, public)]
    return found


MODULES = modules()
IDS = [module.__name__ for module in MODULES]


def test_the_front_door_shows_exactly_these_names():
    assert sorted(stomp_sansio.__all__) == sorted(NAMES.split())
    assert all(hasattr(stomp_sansio, name) for name in stomp_sansio.__all__)


def test_the_front_door_has_nothing_else_but_modules():
    others = {name for name in vars(stomp_sansio) if not name.startswith("_")} - set(stomp_sansio.__all__)
    assert all(inspect.ismodule(getattr(stomp_sansio, name)) for name in others)


@pytest.mark.parametrize("kind", list(ATTRIBUTES), ids=lambda kind: kind.__name__)
def test_a_class_has_exactly_these_attributes(kind: type):
    public = {name for name in dir(kind) if not name.startswith("_")}
    assert sorted(public) == sorted(ATTRIBUTES[kind].split())


@pytest.mark.parametrize("module", MODULES, ids=IDS)
def test_a_module_says_what_is_public_and_has_it(module: ModuleType):
    if module.__name__ in PACKAGES or not hasattr(module, "__path__"):
        names: list[str] = module.__all__
        assert len(names) == len(set(names))
        assert all(hasattr(module, name) for name in names)


@pytest.mark.parametrize("module", MODULES, ids=IDS)
def test_a_module_opens_with_what_lives_there(module: ModuleType):
    doc = module.__doc__
    assert doc
    assert doc.strip().endswith((".", "`"))


@pytest.mark.parametrize("module", MODULES, ids=IDS)
def test_whatever_is_public_is_explained(module: ModuleType):
    unexplained: list[str] = []
    for name in getattr(module, "__all__", []):
        thing = getattr(module, name)
        if getattr(thing, "__module__", None) != module.__name__:
            continue  # it is explained where it lives
        if inspect.isclass(thing):
            unexplained += [f"{name}.{attribute}" for attribute in undocumented(thing)]
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and not own_doc(thing):
            unexplained.append(name)
    assert unexplained == []


def own_doc(thing: Any) -> str | None:
    """Return a docstring that was written for this thing: not inherited, not made by a dataclass."""
    doc: str | None = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    return None if doc is not None and doc.startswith(f"{thing.__name__}(") else doc


def undocumented(kind: type) -> list[str]:
    """Return the public methods and properties that a class itself defines without a docstring."""
    found: list[str] = []
    for name, attribute in vars(kind).items():
        function = getattr(attribute, "__func__", attribute)
        if isinstance(attribute, property):
            function = attribute.fget
        if name.startswith("_") or not inspect.isroutine(function):
            continue
        inherited = any(getattr(getattr(base, name, None), "__doc__", None) for base in kind.__mro__[1:])
        if not function.__doc__ and not inherited:
            found.append(name)
    return found
