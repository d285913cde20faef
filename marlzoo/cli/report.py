"""`marlzoo report`: one page about runs of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlzoo.cli.session import json_option
from marlzoo.cli.shared_options import threshold_option
from marlzoo.cli.state import pass_registry

if TYPE_CHECKING:
    from marlzoo.registry import Registry


@click.command("report")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default=Path("report.html"),
    show_default=True,
    help="What to write.",
)
@click.option("--title", default="marlzoo report", show_default=True, help="Heading of the page.")
@threshold_option
@json_option
@pass_registry
def command(
    registry: Registry, /, results: tuple[Path, ...], out: Path, title: str, threshold: float, as_json: bool
) -> None:
    """Make one page of finished RESULTS: curves, tables, verdicts, as on the leaderboard.

    RESULTS are run folders, comparisons, or folders of these. The page is one file that needs no network. A
    replay.html in the folder of a run is linked.
    """
    from marlzoo.bench.gathering import gather
    from marlzoo.bench.reporting import write_report

    found = gather(results)
    write_report(registry, found, out, title, threshold)
    if as_json:
        click.echo(json.dumps({"file": str(out), "runs": len(found)}))
    else:
        click.echo(f"{len(found)} run(s): {out}")
