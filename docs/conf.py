"""How the documentation is built: `./dev docs`."""

project = "stomp-sansio"
author = "The stomp-sansio authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = "stomp-sansio"
exclude_patterns = ["_build"]
# Diagrams are shown as the SVG files made from the same table; the Mermaid sources stay readable as text.
myst_fence_as_directive: list[str] = []
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
suppress_warnings = ["misc.highlighting_failure"]
