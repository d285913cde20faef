"""The page: its numbers are those of the statistics, nothing in it is taken for markup, and it asks for
nothing."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from boards import HOSTILE, RETURN, SCALES, SHARE, hundred_cells, runs, two_tasks
from hypothesis import given
from hypothesis import strategies as st

from marlzoo.bench import page_charts
from marlzoo.bench.leaderboard import make_sections
from marlzoo.bench.leaderboard_readme import render_readme
from marlzoo.bench.page import _ASSETS, render_page
from marlzoo.bench.page_charts import Axis, format_steps, thinned
from marlzoo.bench.schema import setting_text
from marlzoo.bench.sentences import format_minutes, pair_sentence, suite_sentence
from marlzoo.bench.statistics import (
    interquartile_mean_interval,
    mean_interval,
    performance_profile,
    probability_of_improvement,
)
from marlzoo.bench.verdict import Scale, aggregate, judge
from marlzoo.specs import Score

VOID = {"meta", "link", "input", "br", "img"}


class Reader(HTMLParser):
    """The page as tables of cells, scripts and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self._stack: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(text)
        assert self._stack == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [value for name, value in attrs if name in {"href", "src", "action", "data"}]
        self.ids += [value for name, value in attrs if name == "id"]
        assert not [name for name in given if name.startswith("on")], "no inline handlers"
        if tag not in VOID:
            self._stack.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._rows[-1].append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._stack.pop() == tag
        if tag == "table":
            self.tables[" ".join(self._caption.split())] = [
                [" ".join(cell.split()) for cell in row] for row in self._rows
            ]

    def handle_data(self, data):
        if self._stack and self._stack[-1] == "script":
            self.scripts[-1] += data
            return
        self.texts.append(data)
        if "caption" in self._stack:
            self._caption += data
        elif {"td", "th"} & set(self._stack):
            self._rows[-1][-1] += data

    def rows(self, caption: str) -> dict[str, list[str]]:
        """The body of the table whose caption begins so, by the algorithm's name."""
        (table,) = [rows for found, rows in self.tables.items() if found.startswith(caption)]
        named = [index for index, head in enumerate(table[0]) if head == "Algorithm"] or [0]
        return {row[named[0]]: row for row in table[1:]}


@pytest.fixture(scope="module")
def page():
    return render_page(two_tasks(), SCALES, title="Board")


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def scores_of(name, env):
    return [
        r.entry.absolute.score for r in two_tasks() if (r.entry.algorithm, r.entry.environment) == (name, env)
    ]


@pytest.mark.parametrize("name", ["high", "low", "lower"])
def test_rows_say_what_the_statistics_say(read, name):
    mean = mean_interval(scores_of(f"marlzoo/{name}", "x:1"))
    row = read.rows("Win rate on x:1")[name]
    assert row[2] == f"{100 * mean.value:.1f} %"
    assert row[4] == f"{100 * max(0, mean.low):.1f} % to {100 * min(1, mean.high):.1f} %"
    assert row[5] == "5"
    tasks = [np.array(scores_of(f"marlzoo/{name}", env)) for env in ("x:1", "x:2")]
    overall = interquartile_mean_interval(tasks)
    row = read.rows("Ranking by interquartile mean")[name]
    assert (row[2], row[4]) == (f"{overall.value:.3f}", f"{overall.low:.3f} to {overall.high:.3f}")


def test_times_steps_and_speed_stand_beside_the_score(read):
    row = read.rows("Win rate on x:1")["high"]
    assert row[6:] == ["420", "5/5", "16", "2.0 min", "1.0 min"]
    assert read.rows("Win rate on x:1")["low"][6:8] == ["1,000", "0/5"]


def test_what_a_score_cannot_be_judged_without_has_a_column_where_it_is_known(read):
    driving = Scale(Score("success_ratio", "success", percent=True, beside=("ceiling",)), (0.0, 1.0))
    some = [*runs("a", [0.5], episode_metrics={"ceiling": 0.9}), *runs("b", [0.4])]
    made = Reader(render_page(some, {"x:1": driving}, title="Board"))
    rows = made.rows("Win rate on x:1")
    assert (rows["a"][-1], rows["b"][-1]) == ("ceiling 90.0 %", "–")
    assert made.tables["Win rate on x:1"][0][-1] == "Beside the score"
    assert read.tables["Win rate on x:1"][0][-1] == "Wall time"
    text = render_readme(make_sections(some, {"x:1": driving}), {})
    assert "| beside the score |" in text
    assert "| ceiling 90.0 % |" in text


def test_the_matrix_holds_the_probabilities_of_improvement(read):
    table = read.rows("Probability that a run of the row beats")
    tasks = {
        n: [np.array(scores_of(f"marlzoo/{n}", env)) for env in ("x:1", "x:2")]
        for n in ("high", "low", "lower")
    }
    for row, column in itertools.permutations(tasks, 2):
        cell = table[row][1 + list(table).index(column)]
        expected = probability_of_improvement(tasks[row], tasks[column]).value
        assert float(cell[:4]) == pytest.approx(expected, abs=0.0051)


def test_the_verdicts_are_on_the_page_word_by_word(read):
    def of(environments):
        return [
            (run.entry.algorithm.rpartition("/")[2], run.entry)
            for run in sorted(two_tasks(), key=lambda run: (run.entry.environment, run.entry.algorithm))
            if run.entry.environment in environments and ("absent" not in run.entry.algorithm)
        ]

    overall = aggregate(of({"x:1", "x:2"}), SCALES)
    for pair in overall.pairs:
        assert suite_sentence(overall, pair) in read.texts
    (task,) = judge(of({"x:2"}), SCALES).tasks
    for pair in task.pairs:
        assert pair_sentence(task, pair) in read.texts


def test_the_profile_is_that_of_the_statistics(read):
    charts = [json.loads(text) for text in read.scripts[:-1]]
    (profile,) = [chart for chart in charts if chart["at"][0].startswith("normalised score")]
    for series in profile["series"]:
        tasks = [np.array(scores_of(f"marlzoo/{series['name']}", env)) for env in ("x:1", "x:2")]
        shares = performance_profile(tasks, np.linspace(0, 1, 21))
        assert series["text"] == [f"{100 * share:.0f} %" for share in shares]


def test_every_number_leads_to_its_runs(page, read):
    anchors = re.findall(r'<td class="num"><a href="#([^"]+)"', page)
    assert len(anchors) == 3 + 4 + 3
    assert set(anchors) <= set(read.ids)
    table = read.rows("Runs of high on x:1")
    assert list(table) == ["0", "1", "2", "3", "4"]
    digests = [run.entry.digest()[:12] for run in two_tasks() if run.entry.algorithm == "marlzoo/high"]
    assert [row[8] for row in table.values()] == digests[:5]
    assert {row[6] for row in table.values()} == {"not recorded"}
    assert page.count("results/high/0.json") == 2
    assert len(read.ids) == len(set(read.ids))


def test_the_page_asks_for_nothing(page, read):
    outside = [link for link in read.links if not link.startswith(("#", "results/", "data:,"))]
    assert outside == []
    assert not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|\bimport\(", page)
    assert re.findall(r"https?://[^\s\"']+", page) == ["http://www.w3.org/2000/svg"]


def test_only_the_pages_own_script_may_run(page, read):
    digest = base64.b64encode(hashlib.sha256(read.scripts[-1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert read.scripts[-1] == (_ASSETS / "page.js").read_text().strip()


def test_hostile_names_stay_text():
    bad = [*runs(HOSTILE, [0.5, 0.6], HOSTILE, suite=HOSTILE, command=HOSTILE, config={HOSTILE: HOSTILE})]
    text = render_page(bad, {HOSTILE: SHARE}, title=HOSTILE, lead=HOSTILE, notes={HOSTILE: [HOSTILE]})
    read = Reader(text)
    assert "<img" not in text
    assert all(json.loads(script) for script in read.scripts[:-1])
    assert read.scripts[-1] == (_ASSETS / "page.js").read_text().strip()
    assert HOSTILE in read.texts


def test_the_same_results_in_any_order_give_the_same_bytes(page):
    shuffled = two_tasks()
    random.Random(0).shuffle(shuffled)
    assert render_page(shuffled, SCALES, title="Board") == page


def test_a_page_without_suites_and_with_one_run_of_a_return():
    (run,) = runs("a", [150.0], "y:1", suite="")
    text = render_page([run], {"y:1": RETURN}, title="Mine")
    row = Reader(text).rows("Win rate on y:1")["a"]
    assert row[1:5] == ["150", "", "–", "1"]
    assert "fewer than 5 seeds" in text


def test_an_empty_page_says_so():
    assert "No results yet" in render_page([], {}, title="Empty")


def test_a_hundred_cells_stay_small():
    many = hundred_cells()
    text = render_page(many, {run.entry.environment: SHARE for run in many}, title="Many")
    assert len(many) == 100
    assert len(text.encode()) < 2_000_000
    assert len(Reader(text).rows("Runs of srsv on x:4")) == 5


@given(st.integers(1, 3000), st.integers(3, 200))
def test_thinning_keeps_the_ends_and_the_order(count, most):
    kept = thinned(range(count), most)
    assert len(kept) <= most or count <= most
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert kept == sorted(set(kept))
    assert count > most or kept == list(range(count))


@given(st.lists(st.floats(12, 216), min_size=1, max_size=15))
def test_labels_neither_touch_nor_leave_the_plot(wanted):
    places = page_charts._label_places(wanted)
    ordered = sorted(places)
    assert all(b - a >= 12.8 for a, b in itertools.pairwise(ordered))
    assert ordered[0] >= 11.9
    assert ordered[-1] <= 216.1
    order = np.argsort(wanted, kind="stable")
    assert [places[index] for index in order] == ordered


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_few_and_inside(low, span):
    axis = Axis(low, low + span, 0, 100)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    assert all(axis.clipped(tick) == pytest.approx(axis(tick), abs=1e-3) for tick in ticks)


def test_small_texts():
    assert [format_steps(step) for step in (0, 250, 25_000, 1_500_000, 2e9)] == [
        "0",
        "250",
        "25k",
        "1.5M",
        "2G",
    ]
    assert [format_minutes(s) for s in (42, 560, 45_000)] == ["42 s", "9.3 min", "12.5 h"]
    assert [setting_text(v) for v in (None, True, [1, 2], "x", 0.1)] == ["none", "true", "[1,2]", "x", "0.1"]


STYLE = (_ASSETS / "style.css").read_text()
LOOKS = re.findall(r"--look\d: light-dark\((#\w+), (#\w+)\)", STYLE)
MACHADO = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Machado et al. (2009), full severity, on linear RGB."""


def linear(colour):
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (to_xyz @ np.clip(rgb, 0, 1)) / (0.9505, 1, 1.089)
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", MACHADO)
def test_colours_can_be_told_apart_by_everybody(theme, vision):
    seen = [lab(np.array(MACHADO[vision]) @ linear(colours[theme])) for colours in LOOKS]
    assert len(seen) == 8
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_of_text_have_contrast(theme):
    pairs = re.findall(r"--(back|ink|quiet|link|look\d): light-dark\((#\w+), (#\w+)\)", STYLE)
    brightness = {name: float(linear(colours[theme]) @ (0.2126, 0.7152, 0.0722)) for name, *colours in pairs}
    back = brightness.pop("back")
    for name, value in brightness.items():
        light, dark = max(value, back), min(value, back)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name
