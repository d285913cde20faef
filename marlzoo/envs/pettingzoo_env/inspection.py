"""What a PettingZoo environment lacks, looked at before copies are batched: for `marlzoo check-env`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marlzoo.envs.finding import Finding
from marlzoo.envs.pettingzoo_env.config import PettingZooConfig
from marlzoo.envs.pettingzoo_env.layout import AgentLayout, inspect_layout
from marlzoo.envs.pettingzoo_env.loading import Recipe
from marlzoo.errors import MarlzooError


def inspect(task: str, config: PettingZooConfig) -> list[Finding]:
    """Look at the PettingZoo environment `task`, which is `module` or `module:factory`."""
    try:
        env = Recipe(task, config.kwargs).build()
        layout = inspect_layout(env)
    except Exception as error:
        return [Finding("problem", f"{task} cannot be used: {_named(error)}")]
    env.close()
    kind = "discretely" if layout.discrete else "continuously"
    return [
        Finding("ok", f"{len(layout.agents)} agents act {kind}"),
        *_padding(layout.agents),
        _state(layout.state_dim),
        _masks(layout.mask_place),
    ]


def _padding(agents: Sequence[AgentLayout]) -> Iterator[Finding]:
    for what, sizes in (
        ("observations", {agent.obs_dim for agent in agents}),
        ("actions", {agent.action_dim for agent in agents}),
    ):
        if len(sizes) > 1:
            yield Finding("note", f"the agents' {what} differ in size and are padded: {sorted(sizes)}")


def _state(size: int) -> Finding:
    if size:
        return Finding("ok", f"state() gives {size} numbers")
    return Finding(
        "note",
        "there is no state(), so a central critic has the observations alone",
        "add state() if more is known centrally",
    )


def _masks(place: str) -> Finding:
    if place == "none":
        return Finding(
            "note", "no action masks: every action counts as legal", "add 'action_mask' to the info"
        )
    return Finding("ok", f"action masks come in the {place}")


def _named(error: Exception) -> str:
    return str(error) if isinstance(error, MarlzooError) else f"{type(error).__name__}: {error}"
