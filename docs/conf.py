"""How the documentation is built: `./dev docs`."""

from __future__ import annotations

import inspect
from typing import Any

project = "stomp-sansio"
author = "The stomp-sansio authors"
copyright = author  # noqa: A001  # the name that Sphinx looks for
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "stomp-sansio"
exclude_patterns = ["_build"]
# Diagrams are shown as the SVG files made from the same table; the Mermaid sources stay readable as text.
myst_fence_as_directive: list[str] = []
myst_heading_anchors = 3
# What docstrings put between backticks is code, and leads to its explanation where there is one.
default_role = "py:obj"
add_module_names = False
autodoc_default_options = {
    "members": True,
    # A client is explained where its colour does not matter; what comes from builtins explains nothing.
    "inherited-members": "object, BaseException, Enum, Protocol, TypedDict, dict, tuple",
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 90
# A Client of each colour answers to that name in a signature.
suppress_warnings = ["misc.highlighting_failure", "ref.python"]


def setup(app: Any) -> None:
    """Connect what follows to Sphinx."""
    app.connect("autodoc-process-docstring", _keep_whole, priority=100)
    app.connect("autodoc-process-signature", _hide_making)


def _keep_whole(app: Any, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Napoleon takes what stands before a colon in the first line of an attribute for its type."""
    if what in ("attribute", "property"):
        lines[:0] = ["..", ""]  # an empty comment is what it finds there then


def _hide_making(
    app: Any, what: str, name: str, thing: Any, options: object, signature: str | None, returned: str | None
) -> tuple[str, str] | None:
    """What a runner makes is not made by users, nor is a protocol; a class that is used like a function
    returns itself.
    """
    if signature is None or not inspect.isclass(thing):
        return None
    unmade = {"runner", "kwargs"} & inspect.signature(thing).parameters.keys()
    return ("", "") if unmade else (signature, "")
