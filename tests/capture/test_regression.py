"""`as_test`: a capture becomes a module that pytest runs, and that fails when something else comes of it."""

from __future__ import annotations

import ast

import pytest

from stomp_sansio.capture import as_test, read, replay

from .scenes import SCENES, Said, Scene, capture_of


def run(source: str) -> None:
    names: dict[str, object] = {}
    exec(compile(source, "test", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 1
    assert callable(tests[0])
    tests[0]()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_test_passes(scene: Scene):
    run(as_test([line + "\n" for line in capture_of(scene)], f"{scene.name}.jsonl"))


def test_the_test_of_a_fault_fails_when_the_fault_is_another():
    lines = capture_of(Scene("", (Said(1, False, b"CONNECTED\nversion:1.2\n\n\0MESSAGE\na:\\t\n\n\0"),)))
    source = as_test(lines, "fault.jsonl")
    run(source)
    assert "bad-escape: " in source
    with pytest.raises(AssertionError):
        run(source.replace("\\\\\\\\t", "\\\\\\\\n"))


@pytest.mark.parametrize(
    ("name", "function"),
    [("fault.jsonl", "test_fault_jsonl"), ('"""\\\n', "test_capture"), ("é Fault 2", "test_fault_2")],
)
def test_any_name_gives_source(name: str, function: str):
    tree = ast.parse(as_test(capture_of(SCENES[0]), name))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == [function]
    assert ast.get_docstring(tree)
    assert replay(read(capture_of(SCENES[0]))).summary()
