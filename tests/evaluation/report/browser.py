"""Pages in headless Chromium."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --enable-logging=stderr --v=0 "
    "--allow-file-access-from-files --virtual-time-budget=15000 --window-size=1280,900"
)


@dataclass(frozen=True)
class Opened:
    """A page after its scripts have run.

    Attributes:
        dom: What has become of it.
        console: Lines of the console; a page without an error has none.
        probed: What the probe returned.
    """

    dom: str
    console: list[str]
    probed: Any


def open_page(
    page: str, folder: Path, *, probe: str = "null", more: Sequence[str] = (), width: int | None = None
) -> Opened:
    """Open a page, run the expression ``probe`` in it when all is drawn, and return what it says.

    Args:
        page: HTML.
        folder: Where to write.
        probe: JavaScript expression of plain data.
        more: Further flags of the browser.
        width: Open the page in a frame of so many pixels.
    """
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
    )
    if browser is None:
        pytest.skip("no chromium is installed: the page is parsed, not drawn")
    script = f"""<script>(function () {{
      const wrong = [];
      addEventListener("error", (event) => wrong.push(String(event.message)));
      addEventListener("securitypolicyviolation", (event) => wrong.push("policy: " + event.blockedURI));
      function ask() {{
        if (!document.documentElement.dataset.drawn) return setTimeout(ask, 20);
        const found = JSON.stringify({{ wrong, probed: {probe} }});
        (parent === window ? document : parent.document).body.dataset.probed = found;
      }}
      setTimeout(ask);
    }})();</script>"""
    path = folder / "page.html"
    path.write_text(page.replace("</head>", f"{script}</head>", 1), encoding="utf-8")
    if width is not None:
        path = folder / "frame.html"
        path.write_text(
            f'<body><iframe src="page.html" style="border:0;width:{width}px;height:800px"></iframe>'
        )
    done = subprocess.run(
        [
            browser,
            *FLAGS.split(),
            *more,
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found = re.search(r'<body[^>]* data-probed="([^"]*)"', done.stdout)
    assert found is not None, done.stderr
    probed = json.loads(html.unescape(found[1]))
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Opened(done.stdout, console + probed["wrong"], probed["probed"])
