"""The report of several learners."""

from __future__ import annotations

from marlzoo.learn.metrics import mean_metrics


def test_means_over_those_who_learned():
    reports = [{}, {"loss": 1.0, "norm": 4.0}, {}, {"loss": 2.0, "norm": 8.0}]
    assert mean_metrics(reports) == {"loss": 1.5, "norm": 6.0}


def test_where_nobody_learned_there_is_nothing_to_report():
    assert mean_metrics([{}, {}]) == mean_metrics([]) == {}
