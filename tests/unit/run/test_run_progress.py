"""What is said of a run while it goes on and when it ends."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from marlzoo.cli.progress import (
    LineProgress,
    LiveProgress,
    closing_lines,
    evaluation_fields,
    format_count,
    format_duration,
    format_score,
    make_progress,
)
from marlzoo.run.evaluation import Evaluation
from marlzoo.run.experiment import Outcome
from marlzoo.run.record import RunInfo
from marlzoo.specs import Score

WINS = Score("win_rate", metric="battle_won", percent=True)
RETURN = Score("hits", metric="return")


def info(score: Score = WINS) -> RunInfo:
    return RunInfo(Path("/elsewhere/my run"), "mappo", "smac:3m", "embedded 1.2", 3, 500_000, score)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (-3, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (7 * 3600 + 62, "7:01:02")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (987.4, "987"), (1020, "1.02k"), (31_400, "31.4k"), (2.5e6, "2.5M"), (123e6, "123M")],
)
def test_counts_have_three_digits(value: float, text: str) -> None:
    assert format_count(value) == text


def test_scores_are_percentages_where_their_environment_says_so() -> None:
    assert format_score(0.4375, WINS) == "43.8 %"
    assert format_score(9.1234567, RETURN) == "9.123"


def test_the_return_is_not_shown_twice() -> None:
    evaluation = Evaluation(1200, 3, "x", 0.5, (0.5,), 7.25, 31.4, {})
    assert evaluation_fields(evaluation, WINS) == {
        "step": "1,200",
        "win rate": "50.0 %",
        "return": "7.25",
        "length": "31",
    }
    assert list(evaluation_fields(evaluation, RETURN)) == ["step", "hits", "length"]


def test_what_belongs_beside_a_score_follows_it_where_it_was_measured() -> None:
    score = Score("success_ratio", metric="success", percent=True, beside=("reach", "nominal_success"))
    fields = evaluation_fields(Evaluation(10, 1, "x", 0.5, (0.5,), 7.25, 31.4, {"reach": 0.75}), score)
    assert list(fields) == ["step", "success ratio", "reach", "return", "length"]
    assert fields["reach"] == "75.0 %"


def test_the_closing_lines_say_score_place_and_what_to_type() -> None:
    absolute = {"score": 0.95, "interval": [0.92, 0.97], "episodes": 320, "step": 400_000}
    assert closing_lines(info(), "finished", {"score": 0.96875, "absolute": absolute}) == [
        "finished: win rate 96.9 %; best policy (step 400,000) on 320 new episodes: 95.0 % "
        "(92.0 % to 97.0 %)",
        "run: '/elsewhere/my run'",
        "continue: marlzoo resume '/elsewhere/my run' --steps 1000000",
        "evaluate: marlzoo evaluate '/elsewhere/my run'",
    ]
    assert closing_lines(info(), "interrupted", None) == [
        "interrupted; continue with: marlzoo resume '/elsewhere/my run'"
    ]
    assert closing_lines(info(), "failed", None) == []


def test_one_line_per_evaluation_where_there_is_no_terminal(run: Callable[..., Outcome]) -> None:
    text = io.StringIO()
    progress = make_progress(Console(file=text, width=80), quiet=False)
    assert isinstance(progress, LineProgress)
    run(listener=progress)
    lines = text.getvalue().splitlines()
    steps = [re.match(r"step +([\d,]+)  hits +[\d.]+  length +\d+", line) for line in lines]
    assert [match[1] for match in steps if match] == ["0", "100", "200", "300", "400"]
    assert "\x1b" not in text.getvalue()
    assert lines[-1].startswith("evaluate: marlzoo evaluate ")


def test_a_terminal_shows_progress_speed_and_the_last_evaluations(run: Callable[..., Outcome]) -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True)
    progress = make_progress(console, quiet=False)
    assert isinstance(progress, LiveProgress)
    run("pause=0.02", listener=progress)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.getvalue())
    assert "parrot on echo:2  (backend: embedded 1)" in shown
    assert "400 of 400 steps" in shown
    assert re.search(r"evaluated at step +hits +length", shown)
    assert re.search(r"steps/s \(environment .*, policy .*, update .*\)|measuring speed", shown)
    assert "training episodes: return" in shown


def test_quiet_shows_nothing(run: Callable[..., Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    run(listener=make_progress(Console(), quiet=True))
    assert capsys.readouterr() == ("", "")
