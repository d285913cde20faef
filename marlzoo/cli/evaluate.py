"""`marlzoo evaluate`: let a trained policy play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marlzoo.cli.session import count_option, json_option
from marlzoo.cli.shared_options import policy_options
from marlzoo.cli.state import pass_registry
from marlzoo.cli.threads import limit_threads
from marlzoo.scope import AttentionScope
from marlzoo.wording import counted

if TYPE_CHECKING:
    from marlzoo.registry import Registry


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@policy_options(episodes="320")
@count_option("--batch", "Environments side by side.", default="32")
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", default=1, show_default=True, help="Threads to use."
)
@click.option(
    "--attention",
    metavar="all|nearest:K|cells:K",
    default=None,
    help="Whom agents attend to: all, the K nearest (themselves included), or their cell of at most K.",
)
@json_option
@pass_registry
def command(
    registry: Registry, /, run: Path, as_json: bool, threads: int, attention: str | None, **options: Any
) -> None:
    """Play greedy episodes with the policy of the run in folder RUN.

    The episodes are new: training and evaluation never saw their seeds. Policies that do not depend on the
    number of agents play with any other number too.
    """
    scope = None if attention is None else AttentionScope.parse(attention)
    limit_threads(threads)
    from marlzoo.run.policy import evaluate_run

    document = evaluate_run(registry, run, attention=scope, **options)
    if as_json:
        click.echo(json.dumps(document))
    else:
        _show(document)


def _show(document: dict[str, Any]) -> None:
    scale, unit = (100, " %") if document["percent"] else (1, "")
    limited = "" if document["attention"] in (None, "all") else f", attention {document['attention']}"
    low, high = (f"{scale * bound:.4g}{unit}" for bound in document["interval"])
    name = document["score_name"].replace("_", " ")
    beside = "".join(
        f", {metric.replace('_', ' ')} {scale * document['metrics'][metric]:.4g}{unit}"
        for metric in document["beside"]
    )
    click.echo(
        f"{document['algorithm']} (step {document['policy_step']:,}) on {document['environment']}"
        f"{limited}, {counted(document['episodes'], 'episode')}: "
        f"{name} {scale * document['score']:.4g}{unit} "
        f"({low} to {high}){beside}, return {document['return']:.4g}, length {document['length']:.0f}"
    )
