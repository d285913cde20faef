"""The leaderboard page in a real browser: quiet on the network, usable with mouse, finger and keyboard."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit" / "bench"))

from boards import HOSTILE, SCALES, SHARE, runs, two_tasks

from marlzoo.bench.page import render_page

REACHABLE = """[...document.querySelectorAll('main a, main summary, main .plot, main .scroll, main pre')]
    .filter((part) => part.checkVisibility()).length"""
"""How many parts of the page can do something, or scroll."""


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "index.html"
    others = runs("low", [0.1, 0.2], "y:1", suite="other")
    text = render_page([*two_tasks(), *others], SCALES, title="marlzoo leaderboard")
    path.write_text(text, encoding="utf-8")
    return path


def visible(page, selector):
    return [part for part in page.locator(selector).all() if part.is_visible()]


def tasks(page):
    return [part.get_attribute("data-task") for part in visible(page, "[data-task]")]


def first_plot(page):
    return page.locator(".task .plot").first


def background(page):
    """Between 0 and 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3


def test_no_request_leaves_the_page(visit, file):
    page = visit(file)
    page.locator("#theme").click()
    page.locator("summary").first.click()
    first_plot(page).hover()
    assert page.requested == [file.as_uri()]
    assert page.trouble == []


def test_hostile_names_run_nothing(visit, tmp_path):
    path = tmp_path / "hostile.html"
    bad = runs(HOSTILE, [0.5, 0.6], HOSTILE, suite=HOSTILE, command=HOSTILE)
    path.write_text(render_page(bad, {HOSTILE: SHARE}, title=HOSTILE, lead=HOSTILE), encoding="utf-8")
    page = visit(path)
    page.locator("#benchmark").select_option(f"suite {HOSTILE}")
    assert page.locator("h1").inner_text() == HOSTILE
    assert (page.requested, page.trouble) == ([path.as_uri()], [])


def test_the_filter_hides_an_algorithm_everywhere(visit, file):
    page = visit(file)
    assert visible(page, '[data-algorithm="high"]')
    page.get_by_label("high", exact=True).uncheck()
    assert not visible(page, 'main [data-algorithm="high"], main [data-other="high"]')
    assert visible(page, 'tr[data-algorithm="low"]')
    assert page.get_by_role("status").inner_text() == "Showing 3 of 4 algorithms"
    assert "high" not in page.locator(".readout").first.inner_text()
    page.get_by_label("high", exact=True).check()
    assert visible(page, 'g[data-algorithm="high"]')
    assert page.get_by_role("status").inner_text() == ""


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("", ["x:1", "x:2", "y:1"]),
        ("suite core", ["x:1", "x:2"]),
        ("suite other", ["y:1"]),
        ("task x:2", ["x:2"]),
    ],
)
def test_the_filter_picks_a_benchmark(visit, file, choice, expected):
    page = visit(file)
    page.locator("#benchmark").select_option(choice)
    assert tasks(page) == expected
    assert len(visible(page, "nav li")) == len({"y" in task for task in expected})


def test_the_pointer_shows_the_values_at_a_step(visit, file):
    page = visit(file)
    data = json.loads(page.locator(".task script").first.text_content())
    first_plot(page).scroll_into_view_if_needed()
    box = first_plot(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] * data["x"][4] / 400, box["y"] + box["height"] / 2)
    text = page.locator(".task .readout").first.inner_text()
    assert text.startswith("step 400 ")
    for series in data["series"]:
        assert f"{series['name']} {series['text'][4]}" in text.replace("\xa0", " ")
    assert page.locator(".task .cross").first.get_attribute("visibility") == "visible"
    assert page.locator(".task .cross").first.locator("circle").count() == len(data["series"])


def test_the_arrow_keys_do_what_the_pointer_does(visit, file):
    page = visit(file)
    plot = first_plot(page)
    assert plot.get_attribute("role") == "slider"
    plot.focus()
    for key, step in [("ArrowLeft", "900"), ("Home", "0"), ("ArrowRight", "100"), ("End", "1,000")]:
        page.keyboard.press(key)
        assert plot.get_attribute("aria-valuetext").startswith(f"step {step}: high ")
        assert page.locator(".task .readout").first.inner_text().startswith(f"step {step} ")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(visit, file):
    page = visit(file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"
    expected = page.evaluate(REACHABLE)
    seen = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        seen.append(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert seen == sorted(set(seen)), "in the order of the page, each once"
    page.keyboard.press("Tab")
    assert not page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_number_opens_the_runs_behind_it(visit, file):
    page = visit(file)
    link = page.locator('.task tr[data-algorithm="low"] a').first
    link.focus()
    page.keyboard.press("Enter")
    details = page.locator(link.get_attribute("href").replace("#", "[id='") + "']")
    details.locator("pre").wait_for(state="visible")  # the page hears of the new address a moment later
    assert details.get_attribute("open") is not None
    assert "marlzoo run low" in details.locator("pre").inner_text()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_dark_and_light_follow_the_system_until_the_reader_chooses(visit, file):
    assert background(visit(file)) > 240
    page = visit(file, dark=True)
    assert background(page) < 40
    button = page.locator("#theme")
    button.press("Space")
    assert (button.inner_text(), background(page) > 240) == ("Theme: light", True)
    page.reload()
    assert (button.inner_text(), background(page) > 240) == ("Theme: light", True)
    button.click()
    assert (button.inner_text(), background(page) < 40) == ("Theme: dark", True)


@pytest.mark.parametrize("width", [320, 360])
def test_a_phone_scrolls_down_only_and_letters_stay_legible(visit, file, width):
    page = visit(file, width=width, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    heights = page.evaluate(
        "[...document.querySelectorAll('.plot text')].map((t) => t.getBoundingClientRect().height)"
    )
    assert min(heights) >= 10
    first_plot(page).tap()
    assert page.locator(".task .cross").first.get_attribute("visibility") == "visible"


def test_without_scripts_everything_is_still_there(visit, file):
    page = visit(file, scripts=False)
    assert tasks(page) == ["x:1", "x:2", "y:1"]
    assert visible(page, ".curve path.line")
    assert not visible(page, "#filter")
    assert not visible(page, "#theme")
