"""`marlzoo replay`: look at what a trained policy does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marlzoo.cli.session import json_option
from marlzoo.cli.shared_options import policy_options
from marlzoo.cli.state import pass_registry
from marlzoo.cli.threads import limit_threads
from marlzoo.errors import UsageError

if TYPE_CHECKING:
    from marlzoo.bench.replay import Replay
    from marlzoo.registry import Registry

FORMATS = (".html", ".gif", ".mp4")


@click.command("replay")
@click.argument("run", type=click.Path(path_type=Path))
@policy_options(episodes="1")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default=Path("replay.html"),
    show_default=True,
    help="What to write: a page (.html) with a player, or a film (.gif, .mp4).",
)
@json_option
@pass_registry
def command(registry: Registry, /, run: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Show greedy episodes of the run in folder RUN.

    A page is one file that needs no network: play, scrub, look at single agents, at rewards, and, where the
    algorithm tells, at values and attention. The episodes are the first of 'marlzoo evaluate --seed N'.
    """
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"cannot write {out}: a replay ends in {', '.join(FORMATS)}")
    limit_threads(1)
    from marlzoo.bench.replay import replay_run

    replay = replay_run(registry, run, **options)
    _write(replay, out)
    facts = {"file": str(out), **replay.facts()}
    if as_json:
        click.echo(json.dumps(facts))
    else:
        _show(facts)


def _write(replay: Replay, out: Path) -> None:
    if out.suffix.lower() == ".html":
        from marlzoo.bench.replay_page import write_page

        write_page(replay, out)
    else:
        from marlzoo.bench.replay_film import write_film

        write_film(replay, out)


def _show(facts: dict[str, Any]) -> None:
    click.echo(
        f"{facts['algorithm']} (step {facts['policy_step']:,}) on {facts['environment']}, {facts['backend']}"
    )
    for number, episode in enumerate(facts["episodes"], 1):
        rest = {
            name: value for name, value in episode.items() if name not in ("steps", "return", "truncated")
        }
        metrics = "".join(f", {name} {value:.4g}" for name, value in rest.items())
        ended = ", out of time" if episode["truncated"] else ""
        click.echo(
            f"episode {number}: {episode['steps']} steps{ended}, return {episode['return']:.4g}{metrics}"
        )
    click.echo(f"replay: {facts['file']}")
