"""`python -m tools.screenshots`: pictures of the demo's page in a real browser, into docs/screenshots.

It serves the page, and has a browser that is installed use it: Chromium, driven by playwright-core, which npm
brings into an ignored folder. It must not know what a person does on the page.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stomp_cli import demo_page
from stomp_cli.demo_broker import DemoBroker

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tools" / "browser"
HOME = ROOT / ".interop" / "browser"
LIBRARIES = ROOT / ".interop" / "page"
FOLDER = ROOT / "docs" / "screenshots"


def main() -> int:
    """Take all pictures; return the exit status."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    npm, node = shutil.which("npm"), shutil.which("node")
    if chromium is None or npm is None or node is None:
        print("this needs chromium, node and npm: apt-get install chromium nodejs npm", file=sys.stderr)
        return 2
    if (problem := demo_page.install(LIBRARIES)) is not None:
        print(f"the page's libraries are missing: {problem}", file=sys.stderr)
        return 2
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, HOME / name)
    subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HOME, check=True)
    folder = Path(os.environ.get("SCREENSHOTS", FOLDER))
    folder.mkdir(parents=True, exist_ok=True)
    with DemoBroker(0, LIBRARIES, 1.0, lambda kind, sentence: print(sentence), lambda event: None) as broker:
        command = [node, str(SOURCE / "shoot.mjs"), broker.page, str(folder), chromium]
        status = subprocess.run(command, cwd=HOME).returncode
    if (pngquant := shutil.which("pngquant")) is not None:
        # A third of the octets, for colours that nobody misses.
        pictures = [str(path) for path in folder.glob("demo-*.png")]
        subprocess.run([pngquant, "--force", "--ext", ".png", "--strip", "64", *pictures], check=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
