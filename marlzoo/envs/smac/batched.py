"""`smac:<map>`: the embedded, SMAC-compatible engine as a batched environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.envs.outputs import AlternatingViews, StepArrays, ViewArrays
from marlzoo.envs.smac.config import SmacConfig, require_engine_arguments
from marlzoo.envs.smac.drawing import DrawnBattles
from marlzoo.envs.smac.engine import SETTLING_LOOPS, allocate
from marlzoo.envs.smac.layout import layout
from marlzoo.envs.smac.maps import SmacMap, get_map
from marlzoo.envs.smac.rng import first_word
from marlzoo.envs.smac.rules import build_rules
from marlzoo.envs.smac.score import score_layout
from marlzoo.envs.smac.spawn import build_spawn
from marlzoo.envs.smac.step_kernel import (
    EPISODE_METRICS,
    LEGAL,
    Outputs,
    advance_battles,
    begin_battles,
    order_agents,
    show_battles,
)
from marlzoo.envs.smac.version import ENGINE_VERSION
from marlzoo.errors import UsageError


class SmacEnv(DrawnBattles, BatchedEnv):
    """E battles on one map.

    An episode that runs out of time is truncated (SMAC itself calls it terminated) and says so in the metric
    `episode_limit`. `regeneration_share` is the share of the episode's reward that came from enemies who
    regained hit points or shields. Dead agents stay in the arrays; their only legal action is 0.

    Raises:
        UsageError: an unknown map, or arguments that only the real game understands.
    """

    backend = "embedded"
    backend_version = ENGINE_VERSION
    episode_metrics = EPISODE_METRICS

    def __init__(self, map_name: str, num_envs: int = 1, config: SmacConfig | None = None) -> None:
        self.config = config or SmacConfig()
        require_engine_arguments(self.config)
        self.map = get_map(map_name)
        self.rules = build_rules(self.map, self.config.stats_profile)
        self.spawn = build_spawn(self.map, self.config.stats_profile)
        self.layout = layout(self.map, self.config)
        self.prices = score_layout(self.map, self.config)
        self.world = _world(self.map, self.layout, num_envs)
        self._views = AlternatingViews(self.world)
        self._step = StepArrays(self.world)
        self._info = np.zeros((len(EPISODE_METRICS), num_envs))
        self.battles, self._scratch = allocate(self.rules, num_envs)
        self._everyone = np.ones(num_envs, np.bool_)

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(f"{len(seeds)} seeds for {self.world.num_envs} environments; give one for each")
        self.battles.words[:, 0] = [first_word(seed) for seed in seeds]
        self._step.forget_ends()
        return self._begin(self._everyone)

    def step(self, actions: Tensor) -> StepResult:
        mask = self._views.current.action_mask
        chosen = self._checked(actions)
        illegal = order_agents(self.rules, self.battles, chosen, mask, self.config.move_amount)
        if illegal != LEGAL:
            raise UsageError(_complaint(chosen, mask, illegal))
        advance_battles(self.rules, self.battles, self._everyone, self.config.step_mul)
        current = self._views.advance()
        self._show(self._everyone, current, fresh=False)
        info = dict(zip(EPISODE_METRICS, self._info, strict=True))
        out = self._step
        return StepResult(current.view, out.reward_tensor, out.terminated_tensor, out.truncated_tensor, info)

    def reset_done(self) -> View:
        ended = self._step.ended
        return self._begin(ended) if ended.any() else self._views.current.view

    def snapshot(self) -> dict[str, Any]:
        state = {name: array.copy() for name, array in self.battles._asdict().items()}
        if not self.battles.clock.any():
            raise UsageError("nothing to save before the first reset: call reset(seeds) first")
        return {"engine": ENGINE_VERSION, "map": self.map.name, **state, "views": self._views.snapshot()}

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        if (snapshot["engine"], snapshot["map"]) != (ENGINE_VERSION, self.map.name):
            raise UsageError(
                f"snapshot of map {snapshot['map']}, engine {snapshot['engine']}; "
                f"this is map {self.map.name}, engine {ENGINE_VERSION}: use the same"
            )
        for name, array in self.battles._asdict().items():
            array[...] = np.asarray(snapshot[name])
        self._step.forget_ends()
        return self._views.restore(snapshot["views"])

    def _begin(self, which: NDArray[np.bool_]) -> View:
        """Start new battles where `which [E]` says so; SMAC lets them run a moment before it looks."""
        begin_battles(self.rules, self.spawn, self.battles, which)
        advance_battles(self.rules, self.battles, which, SETTLING_LOOPS)
        current = self._views.current
        self._show(which, current, fresh=True)
        return current.view

    def _show(self, which: NDArray[np.bool_], arrays: ViewArrays, fresh: bool) -> None:
        out = self._outputs(arrays)
        show_battles(self.layout, self.prices, self.battles, self._scratch, which, fresh, out)

    def _checked(self, actions: Tensor) -> NDArray[np.int64]:
        chosen = np.ascontiguousarray(actions.numpy(), np.int64)
        expected = (self.world.num_envs, self.world.num_agents)
        if chosen.shape != expected:
            raise UsageError(f"actions have shape {chosen.shape}; expected {expected}: one per agent")
        return chosen

    def _outputs(self, arrays: ViewArrays) -> Outputs:
        step, shape = self._step, self.layout
        return Outputs(
            obs=arrays.obs,
            state=arrays.state.reshape(-1, shape.state_rows, shape.state_size),
            mask=arrays.action_mask,
            alive=arrays.alive,
            first=arrays.first,
            reward=step.reward,
            terminated=step.terminated,
            truncated=step.truncated,
            info=self._info,
        )


def make(task: str, config: SmacConfig, num_envs: int) -> BatchedEnv:
    """The environment `smac:<task>` on the backend that `config` names."""
    if config.backend == "starcraft2":
        from marlzoo.envs.smac.starcraft2 import StarCraft2Batch

        return StarCraft2Batch(task, config, num_envs)
    return SmacEnv(task, num_envs, config)


def _world(one: SmacMap, shape: Any, num_envs: int) -> World:
    return World(
        num_envs=num_envs,
        agents=tuple(
            AgentInfo(f"{kind}_{k}", kind, shape.obs_size, one.n_actions)
            for k, kind in enumerate(one.ally_kinds)
        ),
        obs_dim=shape.obs_size,
        action_kind="discrete",
        action_dim=one.n_actions,
        state_dim=shape.state_size,
        state_per_agent=shape.state_rows > 1,
        has_action_mask=True,
        horizon=one.episode_limit,
    )


def _complaint(actions: NDArray[np.int64], mask: NDArray[np.bool_], flat: int) -> str:
    env, agent = divmod(flat, actions.shape[1])
    legal = ", ".join(str(action) for action in np.flatnonzero(mask[env, agent]))
    return (
        f"environment {env}, agent {agent}: action {actions[env, agent]} is not available; available: {legal}"
    )
