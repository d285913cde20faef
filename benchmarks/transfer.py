"""What policies that were trained with 8 cars keep among more: every run of a comparison is evaluated with
each number of cars and each attention that it can have.

    marlzoo compare --suite dubins-transfer --jobs 1 --out runs/dubins-transfer-8
    python benchmarks/transfer.py runs/dubins-transfer-8 --out transfer.json

Writes one JSON list of the results of `marlzoo evaluate`, and prints a table in Markdown. Evaluations that
are in the file already are not repeated. With more than 8 cars, about 4,000 of them drive each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from marlzoo.cli.threads import limit_threads

EPISODES = {8: 320, 64: 64, 256: 16, 1024: 4}
SCOPES = ("all", "nearest:8", "cells:8")

Document = dict[str, Any]


def jobs(folder: Path, cars: Sequence[int]) -> Iterator[tuple[Path, int, str | None]]:
    """Finished runs, numbers of cars, and scopes of attention (None where agents have no attention)."""
    from marlzoo.algorithm import Algorithm
    from marlzoo.registry import Registry

    registry = Registry.load()
    for result in sorted(folder.glob("cells/*/*/*/result.json")):
        entry = registry.algorithm(json.loads((result.parent / "config.json").read_text())["algorithm"])
        algorithm: type[Algorithm] = entry.load(entry.spec.algorithm)
        scopes = SCOPES if algorithm.attention is not None else (None,)
        yield from ((result.parent, number, scope) for number in cars for scope in scopes)


def evaluate(run: Path, cars: int, scope: str | None) -> Document:
    """The result of `marlzoo evaluate`, with the number of cars."""
    from marlzoo.registry import Registry
    from marlzoo.run.policy import evaluate_run
    from marlzoo.scope import AttentionScope

    document = evaluate_run(
        Registry.load(),
        run,
        environment=f"dubins:transfer-{cars}",
        episodes=EPISODES[cars],
        batch=min(32, EPISODES[cars]),
        attention=None if scope is None else AttentionScope.parse(scope),
    )
    return {"cars": cars, **document}


def table(documents: Sequence[Document], cars: Sequence[int]) -> list[str]:
    """Success in percent, mean and range over seeds, by policy and attention; then what belongs to it."""
    kinds = dict.fromkeys((one["algorithm"], one["attention"]) for one in documents)
    rows = [
        f"| policy | attention | {' | '.join(f'{n:,}' for n in cars)} |",
        "|---|---|" + "---|" * len(cars),
    ]
    for algorithm, attention in kinds:
        own = [one for one in documents if (one["algorithm"], one["attention"]) == (algorithm, attention)]
        cells = [_spread([one["score"] for one in own if one["cars"] == number]) for number in cars]
        rows.append(f"| {algorithm} | {attention or 'none'} | {' | '.join(cells)} |")
    for name, metric in (("nominal controller", "nominal_success"), ("kinematic ceiling", "ceiling")):
        found = [
            [one["metrics"][metric] for one in documents if one["cars"] == number][:1] for number in cars
        ]
        rows.append(f"| {name} | | {' | '.join(map(_spread, found))} |")
    return rows


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = 100 * sum(values) / len(values)
    return (
        f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({100 * min(values):.0f}-{100 * max(values):.0f})"
    )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("transfer.json"), show_default=True
)
@click.option("--cars", type=click.Choice([str(n) for n in EPISODES]), multiple=True, help="By default all.")
def main(folder: Path, out: Path, cars: tuple[str, ...]) -> None:
    """Evaluate the finished runs of the comparison in FOLDER."""
    limit_threads(1)
    numbers = [int(number) for number in cars] or list(EPISODES)
    documents: list[Document] = json.loads(out.read_text()) if out.exists() else []
    done = {(one["run"], one["cars"], one["attention"]) for one in documents}
    for run, number, scope in jobs(folder, numbers):
        if (str(run), number, scope) not in done:
            documents.append(evaluate(run, number, scope))
            partial = out.with_suffix(".part")
            partial.write_text(json.dumps(documents, indent=1) + "\n")
            os.replace(partial, out)
    click.echo("\n".join(table(documents, numbers)))


if __name__ == "__main__":
    main()
