"""What every algorithm finds in the climbing and penalty games, whose best joint action heavy losses guard.

The settings are the same for all and tuned for none: a table of outcomes, not a ranking.

    python benchmarks/matrix_games.py [--seeds 10] [--steps 12800] [--json]

Each run plays `--steps` joint actions in 32 copies of the game and is then asked for its greedy joint action.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import click

from marlzoo.cli.session import count_option
from marlzoo.cli.threads import limit_threads
from marlzoo.specs import AlgorithmSpec

ENVS = 32
OPTIONS = {"rollout_length": 8, "epochs": 5, "lr": 1e-3, "critic_lr": 1e-3, "entropy_coef": 0.01, "width": 32}

Payoffs = tuple[tuple[float, ...], ...]

PENALTY: Payoffs = ((10.0, 0.0, -100.0), (0.0, 2.0, 0.0), (-100.0, 0.0, 10.0))
"""The penalty game with twice the loss of `marlzoo.testing.PENALTY`."""


def games() -> dict[str, Payoffs]:
    """Payoffs for both agents, by the first agent's action and the second's (Claus and Boutilier, 1998)."""
    from marlzoo.testing import CLIMBING

    return {"climbing": CLIMBING, "penalty": PENALTY}


def outcomes(spec: AlgorithmSpec, payoffs: Payoffs, seeds: int, steps: int) -> Iterator[float]:
    """The payoff of the greedy joint action, for one seed after the other."""
    from marlzoo.testing import MatrixGame
    from marlzoo.testing.driver import Driver, build

    for seed in range(seeds):
        env = MatrixGame(ENVS, payoffs)
        driver = Driver(build(spec, env, OPTIONS, seed), env)
        driver.run(steps // ENVS).restart(root=1)
        yield float(driver.play(1).flatten()[0])


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=10, show_default=True)
@count_option("--steps", "Joint actions per run.", default="12800")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(seeds: int, steps: int, as_json: bool) -> None:
    """Play the games with every algorithm that is installed."""
    limit_threads(1)
    from marlzoo.registry import Registry

    played, entries = games(), Registry.load().algorithms()
    found = {
        game: {entry.address: list(outcomes(entry.spec, payoffs, seeds, steps)) for entry in entries}
        for game, payoffs in played.items()
    }
    if as_json:
        click.echo(json.dumps({"seeds": seeds, "steps": steps, "payoffs": found}))
        return
    click.echo(f"Runs of {seeds} that end at each payoff, after {steps:,} joint actions.")
    for game, runs in found.items():
        payoffs = sorted({payoff for row in played[game] for payoff in row}, reverse=True)
        click.echo(f"\n| {game} | " + " | ".join(f"{payoff:g}" for payoff in payoffs) + " |")
        click.echo("|---" * (len(payoffs) + 1) + "|")
        for name, ends in runs.items():
            counts = Counter(ends)
            click.echo(f"| {name} | " + " | ".join(str(counts[payoff]) for payoff in payoffs) + " |")


if __name__ == "__main__":
    main()
