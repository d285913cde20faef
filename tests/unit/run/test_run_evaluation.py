"""Scores of episodes and the interval around their mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marlzoo.errors import RunError
from marlzoo.run.evaluation import Episodes, Evaluation, interval
from marlzoo.specs import Score

EPISODES = Episodes(
    returns=np.array([1.0, 3.0, 8.0]),
    lengths=np.array([10, 20, 60]),
    metrics={"won": np.array([0.0, 1.0, 1.0]), "lost": np.array([1.0, np.nan, 0.0])},
)


@pytest.mark.parametrize(("wins", "count"), [(0, 32), (32, 32), (13, 32), (319, 320), (1, 2)])
def test_the_interval_of_wins_is_wilsons(wins: int, count: int) -> None:
    oracle = stats.binomtest(wins, count).proportion_ci(0.95, method="wilson")
    scores = (1.0,) * wins + (0.0,) * (count - wins)
    assert interval(scores) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_the_interval_of_other_scores_is_a_repeatable_bootstrap() -> None:
    scores = tuple(np.random.default_rng(0).normal(5.0, 2.0, size=200))
    low, high = interval(scores)
    assert interval(scores) == (low, high)
    half = 1.96 * np.std(scores) / np.sqrt(200)
    assert low == pytest.approx(np.mean(scores) - half, abs=0.06)
    assert high == pytest.approx(np.mean(scores) + half, abs=0.06)


def test_an_evaluation_averages_over_episodes() -> None:
    evaluation = Evaluation.of(EPISODES, Score("win_rate", metric="won"), step=700, index=3)
    document = evaluation.to_json()
    assert document["score"] == pytest.approx(2 / 3)
    assert document["scores"] == [0.0, 1.0, 1.0]
    assert (document["step"], document["index"], document["episodes"]) == (700, 3, 3)
    assert (document["return"], document["length"]) == (4.0, 30.0)
    assert Evaluation.of(EPISODES, Score("return", metric="return"), 0, 0).score == 4.0


def test_a_score_must_exist_and_be_finite() -> None:
    with pytest.raises(RunError, match="no episode metric 'win'; it has return, length, won, lost"):
        Evaluation.of(EPISODES, Score("win_rate", metric="win"), 0, 0)
    with pytest.raises(RunError, match="step 40: the score 'loss_rate' of an episode is not a finite number"):
        Evaluation.of(EPISODES, Score("loss_rate", metric="lost"), 40, 0)


def test_an_undefined_metric_that_is_not_the_score_becomes_null() -> None:
    document = Evaluation.of(EPISODES, Score("win_rate", metric="won"), 0, 0).to_json()
    assert document["metrics"] == {"won": pytest.approx(2 / 3), "lost": None}
