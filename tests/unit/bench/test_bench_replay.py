"""Replays: what is recorded equals what evaluation plays, and the page holds what was recorded."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from drawn import drawn_episode

from marlzoo.bench import replay_tracks
from marlzoo.bench.replay import Episode, Replay, record
from marlzoo.bench.replay_film import frames, write_film
from marlzoo.bench.replay_page import outcome, pack, replay_html
from marlzoo.bench.replay_tracks import Film, Track, watch
from marlzoo.errors import UsageError
from marlzoo.registry import Registry
from marlzoo.run.build import build_algorithm
from marlzoo.run.evaluator import Evaluator
from marlzoo.run.plan import make_plan
from marlzoo.run.seeding import SeedTree
from marlzoo.specs import Score

TYPES = {"f4": np.float32, "i4": np.int32, "u1": np.uint8}


@pytest.fixture(scope="module")
def plan():
    overrides = ["width=16", "decoder=torch"]
    return make_plan(Registry.load([]), "srsv", "dubins:transfer-4?horizon=30", overrides=overrides)


@pytest.fixture(scope="module")
def episode(plan):
    env = plan.environment.make(1)
    algorithm, _ = build_algorithm(plan, env.world)
    return record(env, algorithm, SeedTree(5).afterwards(2)[1], plan.environment.id)


def replay_of(*episodes, **rest):
    facts = {
        "algorithm": "srsv",
        "environment": "dubins:transfer-4",
        "backend": "embedded 1",
        "policy_step": 1000,
        "run_seed": 3,
        "seed": 5,
        "score": Score("success_ratio", "success", percent=True),
    }
    return Replay(**{**facts, **rest}, episodes=episodes)


def test_it_is_the_episode_that_evaluation_plays(plan, episode):
    evaluator = Evaluator(plan.environment.make, 1)
    algorithm, _ = build_algorithm(plan, evaluator.env.world)
    played = evaluator.play(algorithm, SeedTree(5).afterwards(2))
    assert episode.steps == played.lengths[1]
    assert episode.mean_return == pytest.approx(played.returns[1], rel=1e-6)
    assert episode.metrics == {name: values[1] for name, values in played.metrics.items()}
    assert episode.truncated


def test_everything_has_a_row_for_every_step(episode):
    assert isinstance(episode.shown, Track)
    assert episode.shown.x.shape == (31, 4)
    assert episode.actions.shape == (30, 4, 2)
    assert episode.rewards.shape == (30, 4)
    assert episode.attention.shape == (30, 4, 4)
    assert episode.attention.sum(-1) == pytest.approx(np.ones((30, 4)), abs=1e-5)
    # Before its first update an algorithm does not know the scale of its values.
    assert episode.values is None


def test_cars_move_as_far_as_their_speed_says(episode):
    track = episode.shown
    moved = np.hypot(np.diff(track.x, axis=0), np.diff(track.y, axis=0))
    assert moved.max() > 0
    assert (moved <= 0.03 * 0.8 + 1e-5).all()


def test_the_stage_holds_everything_and_is_no_strip():
    track = drawn_episode().shown
    left, bottom, right, top = track.stage
    assert (left, right) == pytest.approx((2 - 0.9 - 0.08 * 16, 18 + 0.9 + 0.08 * 16), abs=0.2)
    assert 0 <= left < track.x.min()
    assert track.x.max() < right <= 20
    assert 0 <= bottom < track.y.min()
    assert track.y.max() < top <= 10
    assert top - bottom >= 0.4 * (right - left)


def read(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), TYPES[packed["type"]]).reshape(packed["shape"])


def test_the_page_holds_what_was_recorded(episode):
    (found,) = read(replay_html(replay_of(episode)))["episodes"]
    track = episode.shown
    assert found["steps"] == 30
    for name in ("x", "y", "alive", "heading", "goal_x"):
        assert np.array_equal(unpacked(found["track"][name]), getattr(track, name))
    assert np.array_equal(unpacked(found["rewards"]), episode.rewards)
    assert np.array_equal(unpacked(found["actions"]), episode.actions)
    assert np.abs(unpacked(found["attention"]) / 255 - episode.attention).max() <= 0.5 / 255 + 1e-6
    gauges = {gauge["name"]: unpacked(gauge["values"]) for gauge in found["track"]["gauges"]}
    assert np.array_equal(gauges["speed"], track.gauges["speed"])
    assert found["track"]["bodies"]["names"] == list(episode.agents)


def test_the_page_is_one_file_and_the_same_every_time(episode):
    page = replay_html(replay_of(episode))
    assert page == replay_html(replay_of(episode))
    assert "default-src 'none'" in page
    assert not re.search(r"<(link|img|iframe|script src)|@import|https?://(?!www\.w3\.org/2000/svg)", page)


def test_hostile_names_stay_text(episode):
    name = '</script><img src=x onerror="alert(1)">&amp;'
    page = replay_html(replay_of(replace(episode, agents=(name, "b", "c", "d")), environment=name))
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert read(page)["episodes"][0]["agents"][0] == name


@pytest.mark.parametrize(
    ("array", "kind"), [([1.5], "f4"), (np.array([3], np.int64), "i4"), ([True, False], "u1")]
)
def test_arrays_survive_packing(array, kind):
    packed = pack(np.asarray(array))
    assert packed["type"] == kind
    assert unpacked(packed).tolist() == np.asarray(array).tolist()


def test_an_outcome_is_the_score_and_the_end(episode):
    rate = Score("win_rate", "battle_won", percent=True)
    won = replace(episode, metrics={"battle_won": 1.0}, truncated=False)
    assert outcome(won, rate) == "win rate 100 %, 30 steps"
    assert outcome(replace(won, truncated=True), Score("return", "return")).startswith("return ")
    assert outcome(replace(won, truncated=True), rate).endswith(", out of time")


def test_a_film_has_a_picture_for_every_moment(episode, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    write_film(replay_of(episode, episode), tmp_path / "film.gif")
    with image.open(tmp_path / "film.gif") as film:
        assert film.n_frames > 31, "equal pictures in a row may be one"
        assert film.format == "GIF"
    first, *_, last = frames(episode)
    assert first.shape == last.shape
    assert (first != last).any()


def test_an_mp4_shows_the_same(episode, tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="imageio[ffmpeg] is not installed")
    reader = pytest.importorskip("imageio.v3")
    write_film(replay_of(episode), tmp_path / "film.mp4")
    shown = reader.imread(tmp_path / "film.mp4", plugin="FFMPEG")
    drawn = list(frames(episode))
    assert len(shown) == len(drawn) == 31
    assert np.abs(shown[-1].astype(int) - drawn[-1]).mean() < 6


def test_pictures_become_a_page_too(episode):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pictures = np.zeros((2, 6, 8, 3), np.uint8)
    pictures[1] = 200
    filmed = replace(episode, shown=Film(pictures, np.array([0, 30], np.int32)))
    film = read(replay_html(replay_of(filmed)))["episodes"][0]["film"]
    assert (film["size"], film["steps"]) == ([8, 6], [0, 30])
    second = image.open(io.BytesIO(base64.b64decode(film["pictures"][1].partition(",")[2])))
    assert np.abs(np.asarray(second).astype(int) - 200).max() <= 3
    assert [int(picture.max()) for picture in frames(filmed)] == [0, 200]


class Filmed:
    """Counts how often it is looked at."""

    def __init__(self):
        self.step = 0

    def frame(self, index=0):
        return np.full((2, 2, 3), self.step % 251, np.uint8)


def test_a_long_film_is_thinned_evenly_and_ends_with_the_end():
    env = Filmed()
    watching = watch(env, "x")
    for step in range(1, 1001):
        env.step = step
        watching.look()
    film = watching.seen()
    assert len(film.steps) <= replay_tracks.MOST_PICTURES + 1
    assert (film.steps[0], film.steps[-1]) == (0, 1000)
    assert len(set(np.diff(film.steps)[:-1])) == 1
    assert [int(picture[0, 0, 0]) for picture in film.pictures] == [step % 251 for step in film.steps]


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(UsageError, match="x:1 cannot be shown: its environment has neither 'scene'"):
        watch(object(), "x:1")


def test_what_is_too_large_is_refused(plan, monkeypatch):
    monkeypatch.setattr(replay_tracks, "MOST_VALUES", 1000)
    env = plan.environment.make(1)
    algorithm, _ = build_algorithm(plan, env.world)
    with pytest.raises(UsageError, match="too large to show: 4 bodies for more than 26 steps"):
        record(env, algorithm, SeedTree(0).afterwards(1)[0], "dubins:transfer-4")


def test_episode_returns_are_those_of_the_mean_agent():
    rewards = np.array([[1, 3], [0, 2]], np.float32)
    one = Episode(
        Film(np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1, np.int32)), (), rewards, rewards, None, None
    )
    assert one.mean_return == 3.0
