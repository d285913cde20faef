"""`marlzoo completion`: the script that teaches a shell to complete marlzoo's commands and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "fish", "zsh")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:  marlzoo completion bash > ~/.local/share/bash-completion/completions/marlzoo
    zsh:   marlzoo completion zsh > ~/.zfunc/_marlzoo     (with ~/.zfunc in fpath)
    fish:  marlzoo completion fish > ~/.config/fish/completions/marlzoo.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}; expected one of {', '.join(_SHELLS)}")
    click.echo(kind(ctx.find_root().command, {}, "marlzoo", "_MARLZOO_COMPLETE").source())
