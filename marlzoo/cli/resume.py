"""`marlzoo resume`: go on with a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marlzoo.cli.session import count_option, finish, json_option, open_session, quiet_option
from marlzoo.cli.state import pass_registry

if TYPE_CHECKING:
    from marlzoo.registry import Registry


@click.command("resume")
@click.argument("run", type=click.Path(path_type=Path))
@count_option("--steps", "A larger budget of environment steps: 2M.")
@json_option
@quiet_option
@pass_registry
def command(registry: Registry, /, run: Path, steps: int | None, as_json: bool, quiet: bool) -> None:
    """Go on with the run in folder RUN from its last checkpoint.

    On a CPU the continued run equals, bit for bit, the one that was never stopped.
    """
    with open_session(_threads(run), as_json=as_json, quiet=quiet) as session:
        from marlzoo.run.experiment import resume_run

        outcome = resume_run(
            registry,
            run,
            steps=steps,
            command=session.command,
            listener=session.listener,
            stop=session.stop,
        )
    finish(outcome, as_json=as_json)


def _threads(run: Path) -> int:
    """As many as the run began with: the order of additions depends on it."""
    from marlzoo.run.folder import RunFolder

    settings = RunFolder.existing(run).read_manifest().get("settings", {})
    return int(settings.get("threads", 1))
