"""One API in three colours: the same names, parameters and explanations, and every keyword in one place."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stomp_asyncio
import stomp_blocking
import stomp_trio
from stomp_sansio.client import core, message, opening, public
from stomp_sansio.client.keywords import AckKeywords, ConnectKeywords, ContentKeywords, SubscribeKeywords
from stomp_sansio.serving import ServeKeywords, ServerCore

AWAITING = (stomp_trio, stomp_asyncio)
ADAPTERS = Path(stomp_trio.__file__).parent.parent

# Where a colour has something of its own.
OWN_PARAMETERS = {"timeout", "task_status"}
SERVING = {"serve", "Server"}
LEAVING = {"aclose": "close"}
BLOCKING_ALONE = {"run", "step"}


def methods(kind: type) -> dict[str, Any]:
    """Return what is public of a class, by name."""
    found = {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {name: item for name, item in found.items() if callable(item) or isinstance(item, property)}


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(inspect.unwrap(function)).parameters.values()
    return [(item.name, item.kind, item.default) for item in found if item.name not in OWN_PARAMETERS]


def summary(item: Any) -> str:
    text = inspect.getdoc(item)
    assert text, f"{item} has no docstring"
    return text.replace("async with", "with").partition(". ")[0].partition("\n\n")[0].rstrip(".")


def test_adapters_offer_the_same_names():
    assert set(stomp_trio.__all__) == set(stomp_asyncio.__all__)
    assert set(stomp_trio.__all__) - SERVING == set(stomp_blocking.__all__)
    for module in (*AWAITING, stomp_blocking):
        assert len(module.__all__) == len(set(module.__all__))
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("name", public.__all__)
def test_what_has_no_colour_is_the_same_object(name):
    assert getattr(stomp_trio, name) is getattr(stomp_asyncio, name)
    assert getattr(stomp_trio, name) is getattr(stomp_blocking, name)


@pytest.mark.parametrize("name", ["Client", "Subscription", "Message", "Transaction", "Lifecycle"])
def test_classes_have_the_same_methods(name):
    trio, asyncio, blocking = (
        methods(getattr(module, name)) for module in (stomp_trio, stomp_asyncio, stomp_blocking)
    )
    assert set(trio) == set(asyncio)
    assert {LEAVING.get(method, method) for method in trio} == set(blocking) - BLOCKING_ALONE
    for method, item in trio.items():
        other, third = asyncio[method], blocking[LEAVING.get(method, method)]
        if isinstance(item, property):
            assert inspect.getdoc(item) == inspect.getdoc(other) == inspect.getdoc(third)
        else:
            assert parameters(item) == parameters(other) == parameters(third), method
            assert summary(item) == summary(other)
            if method != "consume":
                assert summary(item) == summary(third)
            assert inspect.iscoroutinefunction(item) == inspect.iscoroutinefunction(other)
            assert not inspect.iscoroutinefunction(third)


@pytest.mark.parametrize("name", ["Client", "Subscription", "Message", "Transaction"])
def test_what_can_be_raised_is_told_in_all_colours(name):
    def raised(item: Any) -> set[str]:
        _, _, section = (inspect.getdoc(item) or "").partition("Raises:\n")
        return {line.split(":")[0].strip() for line in section.splitlines() if line.startswith("    ")}

    awaiting, blocking = methods(getattr(stomp_trio, name)), methods(getattr(stomp_blocking, name))
    for method, item in awaiting.items():
        third = blocking[LEAVING.get(method, method)]
        if method != "consume":
            assert raised(item) <= raised(third) <= raised(item) | {"TimeoutError"}, method


def test_the_blocking_colour_has_a_timeout_wherever_it_waits():
    for name in ("Client", "Subscription", "Message"):
        kind = getattr(stomp_blocking, name)
        for method, item in methods(getattr(stomp_trio, name)).items():
            # Closing has a time of its own, and leaving a subscription does not wait.
            if inspect.iscoroutinefunction(item) and method not in ("aclose", "unsubscribe", "consume"):
                assert "timeout" in inspect.signature(getattr(kind, method)).parameters, method


@pytest.mark.parametrize(
    "module", [stomp_trio, stomp_asyncio, stomp_blocking], ids=lambda module: module.__name__
)
def test_connect_is_told_the_same(module: ModuleType):
    stream = {"stomp_trio": ["stream"], "stomp_asyncio": ["sock"], "stomp_blocking": ["sock", "thread"]}
    names = list(inspect.signature(module.connect.__init__).parameters)
    assert names == ["self", "url", "credentials", "ssl", *stream[module.__name__], "keywords"]
    assert inspect.getdoc(module.connect)


@pytest.mark.parametrize(
    ("keywords", "function", "others"),
    [
        (ConnectKeywords, opening.connect, {"url", "surroundings"}),
        (ContentKeywords, core.ready_content, {"body"}),
        (SubscribeKeywords, core.subscribing, {"runner", "destination"}),
        (AckKeywords, message.saying, set()),
    ],
)
def test_keywords_are_those_that_are_taken(keywords: Any, function: Any, others: set[str]):
    """What checkers believe, and what is taken: one list each, and they agree."""
    taken = typing.get_type_hints(function)
    taken.pop("return")
    assert {name: hint for name, hint in taken.items() if name not in others} == typing.get_type_hints(
        keywords
    )
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in others:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert parameter.default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", ["serve", "Server"])
def test_servers_are_told_the_same(name):
    """All that tells the colours apart is `async` and `await`."""
    trio, asyncio = getattr(stomp_trio, name), getattr(stomp_asyncio, name)
    assert parameters(trio) == parameters(asyncio)
    assert inspect.getdoc(trio) == inspect.getdoc(asyncio)
    assert "hosts" in ServeKeywords.__annotations__


def test_what_a_server_is_told_is_what_is_taken():
    taken = typing.get_type_hints(ServerCore.__init__)
    told = typing.get_type_hints(ServeKeywords)
    for name in ("return", "token_bytes", "log", "tls"):
        del taken[name]
    # None stands for a default there.
    assert taken.pop("path") == told.pop("path") | None
    assert taken == told
    for name in told:
        parameter = inspect.signature(ServerCore.__init__).parameters[name]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is not inspect.Parameter.empty


@pytest.mark.parametrize("keywords", [ConnectKeywords, ServeKeywords])
def test_every_keyword_is_explained(keywords: Any):
    tree = ast.parse(Path(inspect.getfile(keywords)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Keywords"):
            for field, following in zip(node.body, [*node.body[1:], None], strict=False):
                if isinstance(field, ast.AnnAssign):
                    assert isinstance(following, ast.Expr), ast.unparse(field)
                    assert isinstance(following.value, ast.Constant)


def lines_of_code(source: str) -> int:
    """Count lines that are neither blank, nor comment, nor docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented.update(range(node.lineno, (node.end_lineno or 0) + 1))
    empty = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in empty:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


@pytest.mark.parametrize("name", ["stomp_trio", "stomp_asyncio", "stomp_blocking"])
def test_adapters_are_thin(name):
    sources = [path.read_text(encoding="utf-8") for path in (ADAPTERS / name).glob("*.py")]
    assert 100 < sum(map(lines_of_code, sources)) < 500


def test_lines_are_counted_as_people_count_them():
    source = (
        '"""Doc.\n\nMore.\n"""\n\n# comment\nx = (\n    1,\n)\n\n\ndef f():\n    """Doc."""\n    return x\n'
    )
    assert lines_of_code(source) == 5
