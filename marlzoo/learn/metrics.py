"""What several learners report, as one report."""

from __future__ import annotations

from collections.abc import Iterable

from marlzoo.algorithm import Metrics


def mean_metrics(reports: Iterable[Metrics]) -> Metrics:
    """The mean of each metric over those who learned: their reports are not empty, and alike in names."""
    learned = [report for report in reports if report]
    names = learned[0] if learned else {}
    return {name: sum(report[name] for report in learned) / len(learned) for name in names}
