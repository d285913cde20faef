"""`marlzoo export`: results for other tools."""

from __future__ import annotations

import json
from pathlib import Path

import click

from marlzoo.bench.exporting import FORMATS, write_export
from marlzoo.cli.session import json_option


@click.command("export")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="A table of all evaluations (csv, parquet), or the JSON that marl-eval reads.",
)
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What to write.",
)
@json_option
def command(results: tuple[Path, ...], form: str, out: Path, as_json: bool) -> None:
    """Write RESULTS for other tools.

    They are run folders, comparisons, documents of a leaderboard, or folders of these. Only finished runs
    count.
    """
    from marlzoo.bench.gathering import gather

    entries = [found.entry for found in gather(results)]
    write_export(entries, form, out)
    if as_json:
        click.echo(json.dumps({"file": str(out), "format": form, "runs": len(entries)}))
    else:
        click.echo(f"{len(entries)} run(s): {out}")
