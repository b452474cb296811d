"""The coverage gate counts what a module's own test file reached, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.coverage_gate import (
    ADAPTERS,
    GATED,
    LEAST,
    ROOT,
    adapter_failures,
    failures,
    own_test_file,
    shortfalls,
    too_little,
)

MODULE = """
def sign(number):
    if number < 0:
        return -1
    if number:
        return 1
    return 0
"""


def gate(root: Path, **tests: str) -> list[str]:
    """Makes a small checkout with one module, runs its tests as `./dev check` does, and asks the gate."""
    room = root / "stomp_sansio" / "protocol"
    room.mkdir(parents=True)
    (root / "stomp_sansio" / "__init__.py").write_text("")
    (room / "__init__.py").write_text("")
    (room / "number.py").write_text(MODULE)
    folder = root / "tests" / "protocol"
    folder.mkdir(parents=True)
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --import-mode=importlib\n")
    for name, body in tests.items():
        source = f"from stomp_sansio.protocol.number import sign\ndef test_it():\n    assert {body}\n"
        (folder / f"{name}.py").write_text(source)
    measure = [
        "-m",
        "coverage",
        "run",
        "--rcfile",
        str(ROOT / "pyproject.toml"),
        "--data-file",
        str(root / "data"),
    ]
    run_tests = ["-m", "pytest", "-p", "tools.coverage_by_file", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, *measure, *run_tests], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return failures(root, ["protocol"], root / "data")


ALL = "(sign(-2), sign(0), sign(2)) == (-1, 0, 1)"


def test_a_module_that_its_own_test_file_exhausts_passes(tmp_path):
    assert gate(tmp_path, test_number=ALL) == []


def test_a_branch_that_only_another_test_file_takes_is_missing(tmp_path):
    found = gate(tmp_path, test_number="sign(-2) == -1", test_other=ALL)
    assert found == [
        "stomp_sansio/protocol/number.py: tests/protocol/test_number.py does not reach 5, 6, 7, 3->5"
    ]


def test_a_module_without_a_test_file_of_its_own_fails(tmp_path):
    (line,) = gate(tmp_path, test_other=ALL)
    assert "write tests/protocol/test_number.py" in line


def test_a_room_without_modules_fails(tmp_path):
    (line,) = failures(tmp_path, ["protocol"], tmp_path / "data")
    assert "no module" in line


def test_an_untested_branch_between_tested_lines_is_named():
    answer = {"missing_lines": [8], "missing_branches": [[3, 5], [4, -1], [8, 9]]}
    assert shortfalls("m.py", "t.py", answer) == ["m.py: t.py does not reach 8, 3->5, 4->exit"]


@pytest.mark.parametrize("room", GATED)
def test_gated_rooms_exist(room):
    place = ROOT / "stomp_sansio" / room
    assert place.is_dir() or place.with_suffix(".py").exists()


@pytest.mark.parametrize("package", ADAPTERS)
def test_gated_adapters_exist(package):
    assert (ROOT / package).is_dir()


def test_an_adapter_of_which_tests_reach_nearly_all_passes():
    answer = {"missing_lines": [8], "missing_branches": [], "summary": {"percent_covered": LEAST}}
    assert too_little("m.py", answer) == []
    answer["summary"] = {"percent_covered": 94.9}
    assert too_little("m.py", answer) == ["m.py: any test does not reach 8: 94.9 % of 95 %"]


def test_an_adapter_without_modules_fails(tmp_path):
    (line,) = adapter_failures(tmp_path, ["stomp_none"], tmp_path / "data")
    assert "no module" in line


def test_a_single_module_has_its_test_file_beside_the_rooms():
    assert own_test_file("stomp_sansio/driver.py") == "tests/test_driver.py"


def test_own_test_files_mirror_the_tree():
    assert own_test_file("stomp_sansio/protocol/frames.py") == "tests/protocol/test_frames.py"
