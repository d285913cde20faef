"""Options that several commands take in the same form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from marlzoo.cli.complete import complete_environment
from marlzoo.cli.session import count_option

F = TypeVar("F", bound=Callable[..., Any])


def policy_options(episodes: str) -> Callable[[F], F]:
    """Whose policy plays how many episodes, `episodes` unless told otherwise, where, and with which seed."""
    options = (
        click.option(
            "--env",
            "environment",
            metavar="ENV",
            shell_complete=complete_environment,
            help="Another environment than the run's own.",
        ),
        click.option(
            "--env-arg", "env_args", multiple=True, metavar="KEY=VALUE", help="Argument of the environment."
        ),
        count_option("--episodes", "Greedy episodes to play.", default=episodes),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            metavar="N",
            default=0,
            show_default=True,
            help="Seed of the episodes.",
        ),
        click.option(
            "--checkpoint",
            default="best",
            show_default=True,
            metavar="best|last|FILE",
            help="Whose policy.",
        ),
    )

    def with_options(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def threshold_option(command: F) -> F:
    """`--threshold`: where steps are counted to."""
    return click.option(
        "--threshold",
        type=click.FloatRange(0, 1),
        default=0.5,
        show_default=True,
        help="Steps are counted to this share of the way between the bounds of the score.",
    )(command)
