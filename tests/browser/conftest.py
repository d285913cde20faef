"""A headless Chromium for tests of pages. Where there is none, they are skipped and say why."""

from __future__ import annotations

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
PATIENCE = 120_000
"""Milliseconds: the machine may be busy."""


@pytest.fixture(scope="session")
def browser():
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is on PATH")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=found, args=[*QUIET, "--disable-component-update"], timeout=PATIENCE
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Opens a file in a window of its own, offline, and notes what it asks for and what goes wrong."""
    contexts = []

    def open_file(path, *, width=1280, dark=False, scripts=True, touch=False):
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            has_touch=touch,
            offline=True,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.trouble = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.trouble.append(message.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("dialog", lambda dialog: (page.trouble.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
