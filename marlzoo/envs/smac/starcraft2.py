"""`smac:<map>?backend=starcraft2`: the real game through oxwhirl's `StarCraft2Env`, one process per game.

It was written against the published interface and tested with a stand-in that has the same methods; it has
not been run against the game.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from marlzoo.algorithm import AgentInfo, View, World
from marlzoo.envs.contract import BatchedEnv, StepResult
from marlzoo.envs.outputs import AlternatingViews, StepArrays
from marlzoo.envs.smac.config import SMAC_ARGUMENTS, SmacConfig
from marlzoo.envs.smac.maps import SmacMap, get_map
from marlzoo.envs.smac.starcraft2_installation import check_installation
from marlzoo.envs.smac.starcraft2_process import GameLost, GameProcess
from marlzoo.envs.smac.starcraft2_worker import DEFAULT_FACTORY
from marlzoo.errors import UsageError

EPISODE_METRICS = ("battle_won", "dead_allies", "dead_enemies", "episode_limit", "regeneration_share")

_ENGINE_ONLY = ("obs_profile", "stats_profile", "reward_regeneration", "playable_width", "playable_height")


class StarCraft2Batch(BatchedEnv):
    """E real games on one map.

    Observations, states, masks and rewards are SMAC's own. An episode that runs out of time is truncated and
    says so in the metric `episode_limit`. A game that dies is started again; its episode counts as truncated,
    with zero reward and the last known view. The number of deaths is in `diagnostics`.

    The state of a game cannot be saved: `snapshot` holds nothing of the battles, and `restore` starts new
    episodes. Exact resume is a promise of the built-in engines only. `factory`, `"module:Class"`, replaces
    SMAC's class by another with the same methods.

    Raises:
        UsageError: an unknown map, or an argument that only the embedded engine understands.
        MissingPieceError: the game, its maps or a package is not installed.
        RunError: a game died repeatedly.
    """

    backend = "starcraft2"
    episode_metrics = EPISODE_METRICS

    def __init__(
        self, map_name: str, config: SmacConfig, num_envs: int, factory: str = DEFAULT_FACTORY
    ) -> None:
        self.map = get_map(map_name)
        arguments = game_arguments(map_name, config)
        if factory == DEFAULT_FACTORY:
            check_installation(map_name)
        self.backend_version = _package_version()
        self._games = [
            GameProcess(f"game {number} of smac:{map_name}", factory, arguments) for number in range(num_envs)
        ]
        try:
            for game in self._games:
                game.start()
        except BaseException:
            self.close()
            raise
        self.world = _world(self.map, config, self._games[0].info, num_envs)
        self._views = AlternatingViews(self.world)
        self._step = StepArrays(self.world)
        self._info = {name: np.zeros(num_envs) for name in EPISODE_METRICS}
        self._paid = np.zeros((num_envs, 2))
        self._fixed_seed = config.seed
        self._generators = [np.random.default_rng(number) for number in range(num_envs)]

    def reset(self, seeds: Sequence[np.random.SeedSequence]) -> View:
        if len(seeds) != self.world.num_envs:
            raise UsageError(f"{len(seeds)} seeds for {self.world.num_envs} environments; give one for each")
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        return self._begin_anew()

    def step(self, actions: Tensor) -> StepResult:
        chosen = self._checked(actions)
        before, now = self._views.current, self._views.advance()
        for name, array in now.named().items():
            array[...] = before.named()[name]
        now.first[:] = False
        lost: dict[int, GameLost] = {}
        for order in (self._ask, self._receive):
            for number in range(self.world.num_envs):
                if number not in lost:
                    try:
                        order(number, chosen[number])
                    except GameLost as error:
                        lost[number] = error
        for number, loss in lost.items():
            self._lose(number, loss)
        out = self._step
        return StepResult(
            now.view, out.reward_tensor, out.terminated_tensor, out.truncated_tensor, self._info
        )

    def reset_done(self) -> View:
        return self._begin(self._step.ended)

    def snapshot(self) -> dict[str, Any]:
        """The generators from which further games draw their seeds; nothing of the running battles."""
        return {"generators": [generator.bit_generator.state for generator in self._generators]}

    def restore(self, snapshot: Mapping[str, Any]) -> View:
        """Start new episodes in fresh games: the battles that were under way are lost."""
        for generator, state in zip(self._generators, snapshot["generators"], strict=True):
            generator.bit_generator.state = state
        return self._begin_anew()

    def diagnostics(self) -> Mapping[str, float]:
        return {"restarted_games": float(sum(game.deaths for game in self._games))}

    def close(self) -> None:
        for game in self._games:
            game.stop()

    def _checked(self, actions: Tensor) -> NDArray[np.int64]:
        chosen = np.ascontiguousarray(actions.numpy(), np.int64)
        mask = self._views.current.action_mask
        if chosen.shape != mask.shape[:2]:
            raise UsageError(f"actions have shape {chosen.shape}; expected {mask.shape[:2]}: one per agent")
        inside = (chosen >= 0) & (chosen < mask.shape[2])
        legal = inside & np.take_along_axis(mask, np.where(inside, chosen, 0)[..., None], 2)[..., 0]
        if not legal.all():
            env, agent = np.argwhere(~legal)[0]
            choice = ", ".join(str(action) for action in np.flatnonzero(mask[env, agent]))
            raise UsageError(
                f"environment {env}, agent {agent}: action {chosen[env, agent]} is not available; "
                f"available: {choice}"
            )
        return chosen

    def _ask(self, number: int, actions: NDArray[np.int64]) -> None:
        self._games[number].ask_step(actions.tolist())

    def _receive(self, number: int, actions: NDArray[np.int64]) -> None:
        """Take over a game's answer to a step."""
        result = self._games[number].step_result()
        info = result["info"]
        out_of_time = bool(info.get("episode_limit", False))
        self._step.reward[number] = result["reward"]
        self._step.terminated[number] = result["terminated"] and not out_of_time
        self._step.truncated[number] = out_of_time
        self._paid[number] += (result["reward"], result["regeneration"])
        for name in EPISODE_METRICS[:-1]:
            self._info[name][number] = float(info.get(name, False))
        total, regained = self._paid[number]
        self._info["regeneration_share"][number] = regained / total if total > 0 else 0.0
        self._show(number, result["view"])

    def _lose(self, number: int, error: GameLost) -> None:
        """End the episode of a dead game."""
        self._games[number].lose(error)
        self._step.reward[number] = 0.0
        self._step.terminated[number], self._step.truncated[number] = False, True
        for values in self._info.values():
            values[number] = 0.0

    def _begin_anew(self) -> View:
        for game in self._games:
            game.abandon()
        return self._begin(np.ones(self.world.num_envs, np.bool_))

    def _begin(self, which: NDArray[np.bool_]) -> View:
        """New episodes in the games named by `which [E]`."""
        current = self._views.current
        current.first[:] = which
        numbers = np.flatnonzero(which).tolist()
        for number in numbers:
            self._games[number].ask_reset()
        for number in numbers:
            self._paid[number] = 0.0
            self._show(number, self._games[number].first_view(self._game_seed(number)))
        return current.view

    def _game_seed(self, number: int) -> int:
        """For a fresh game: from the environment's own stream, unless the configuration fixes it."""
        drawn = int(self._generators[number].integers(2**31))
        return drawn if self._fixed_seed is None else self._fixed_seed + number

    def _show(self, number: int, view: Mapping[str, NDArray[Any]]) -> None:
        current = self._views.current
        current.obs[number], current.state[number] = view["obs"], view["state"]
        current.action_mask[number] = view["mask"]
        current.alive[number] = ~view["mask"][:, 0]  # no-op is for the dead alone


def game_arguments(map_name: str, config: SmacConfig) -> dict[str, Any]:
    """The arguments of SMAC's constructor.

    `continuing_episode` is always on: it changes nothing but that SMAC tells a timeout from an end.

    Raises:
        UsageError: an argument that the game would ignore is not at its default.
    """
    given, default = config.model_dump(), SmacConfig().model_dump()
    ignored = [name for name in _ENGINE_ONLY if given[name] != default[name]]
    if ignored:
        raise UsageError(
            f"{', '.join(ignored)} cannot be changed with backend=starcraft2; use backend=engine"
        )
    arguments = {name: given[name] for name in SMAC_ARGUMENTS if name != "seed"}
    if config.move_amount.is_integer():
        arguments["move_amount"] = int(config.move_amount)  # SMAC indexes its grids with it
    return {**arguments, "map_name": map_name, "continuing_episode": True}


def _world(smac_map: SmacMap, config: SmacConfig, info: Mapping[str, Any], num_envs: int) -> World:
    """With `obs_timestep_number` SMAC's observations are one element longer than it says."""
    late = int(config.obs_timestep_number)
    obs_dim = int(info["obs_shape"]) + late
    agents = tuple(
        AgentInfo(f"{kind}_{number}", kind, obs_dim, int(info["n_actions"]))
        for number, kind in enumerate(smac_map.ally_kinds)
    )
    return World(
        num_envs=num_envs,
        agents=agents,
        obs_dim=obs_dim,
        action_kind="discrete",
        action_dim=int(info["n_actions"]),
        state_dim=int(info["state_shape"]) + late * len(agents) * config.obs_instead_of_state,
        has_action_mask=True,
        horizon=int(info["episode_limit"]),
    )


def _package_version() -> str:
    try:
        return f"smac {importlib.metadata.version('smac')}"
    except importlib.metadata.PackageNotFoundError:
        return "smac, version unknown"
