"""The player of replays in a real browser: keyboard and pointer, light and dark, a telephone, no network."""

from __future__ import annotations

import shutil

import pytest
from drawn import drawn_episode, drawn_replay

from marlzoo.bench.replay_page import write_page

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")
HOSTILE = '<img src="http://example.invalid/x" onerror="window.hacked=1">'


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / "replay.html"
    won = drawn_episode()
    lost = drawn_episode((HOSTILE, "marine_1", "medic_2"), attention=False, won=0.0)
    write_page(drawn_replay(won, lost), path)
    return path


@pytest.fixture
def page(browser, file):
    """The open page. Whatever it asks for or complains about fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(120_000)  # the machine may be busy
    opened = context.new_page()
    asked, complaints = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []


def clock(page):
    return page.locator("#clock").inner_text()


def facts(page):
    names, values = page.locator("#facts dt").all_inner_texts(), page.locator("#facts dd").all_inner_texts()
    return {name: value.strip() for name, value in zip(names, values, strict=True)}


def test_the_keyboard_goes_through_the_episode(page):
    assert clock(page) == "step 0 of 5 (0.0 s)"
    page.keyboard.press("ArrowRight")
    assert clock(page) == "step 1 of 5 (0.5 s)"
    page.keyboard.press("End")
    assert page.locator("#verdict").inner_text() == "win rate 100 %, 5 steps"
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    playwright.expect(page.locator("#clock")).to_contain_text("step 5 of 5", timeout=60_000)
    assert page.locator("#play").get_attribute("aria-label") == "Play"


def test_an_agent_shows_what_it_is_and_looks_at(page):
    assert facts(page)["ours"] == "3 of 3 alive"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    page.keyboard.press("a")
    shown = facts(page)
    assert shown["action"] == "attack enemy zealot 0"
    assert shown["after"] == "enemy zealot 0"
    assert shown["health"] == "43 of 45"
    assert shown["value"] == "4"
    assert "shield" not in shown
    looks = [line.split("\n") for line in page.locator("#looks li").all_inner_texts()]
    assert [(line[0], line[-1]) for line in looks] == [
        ("medic 2", "70 %"),
        ("marine 1 (itself)", "20 %"),
        ("marine 0", "10 %"),
    ]
    page.keyboard.press("Escape")
    assert page.locator("#looks li").count() == 0


def test_the_pointer_picks_agents_and_reads_the_matrix(page):
    spot = page.evaluate("() => { const p = projection(); return [p.x(4), p.y(5)]; }")
    page.locator("#world").click(position={"x": spot[0], "y": spot[1]})
    assert page.locator("#agent").input_value() == "2"
    box = page.locator("#heat").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    assert page.locator("#heat-said").inner_text() == "marine 1 at medic 2: 70 %"
    page.locator("#scrub").fill("3")
    assert clock(page).startswith("step 3 of 5")


def test_another_episode_without_attention_and_with_a_hostile_name(page):
    page.keyboard.press("n")
    page.keyboard.press("End")
    assert page.locator("#verdict").inner_text() == "win rate 0 %, 5 steps"
    assert page.locator("#heat-figure").is_hidden()
    page.keyboard.press("a")
    assert page.locator("#agent option").nth(1).inner_text() == HOSTILE
    assert page.evaluate("window.hacked") is None


def test_the_world_is_drawn_and_changes(page):
    pixels = "() => document.getElementById('world').toDataURL()"
    first = page.evaluate(pixels)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(pixels) != first
    assert page.locator("#chart polyline").count() == 2


def test_light_and_dark_and_a_telephone(page):
    ink = "() => getComputedStyle(document.body).color"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ink) != light
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    assert page.locator("#play").bounding_box()["height"] >= 36
