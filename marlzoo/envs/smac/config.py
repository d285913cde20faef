"""The arguments of the SMAC family: SMAC's own constructor arguments by their own names, and a few of ours.

Defaults equal those of oxwhirl's `StarCraft2Env`; the arguments of the MAPPO fork default as in that fork.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from marlzoo.config import EnvConfig
from marlzoo.errors import UsageError, nearest

Backend = Literal["engine", "starcraft2"]
ObsProfile = Literal["smac", "on_policy"]
StatsProfile = Literal["liberty", "ladder"]

SMAC_ARGUMENTS = (
    "step_mul",
    "move_amount",
    "difficulty",
    "game_version",
    "seed",
    "continuing_episode",
    "obs_all_health",
    "obs_own_health",
    "obs_last_action",
    "obs_pathing_grid",
    "obs_terrain_height",
    "obs_instead_of_state",
    "obs_timestep_number",
    "state_last_action",
    "state_timestep_number",
    "reward_sparse",
    "reward_only_positive",
    "reward_death_value",
    "reward_win",
    "reward_defeat",
    "reward_negative_scale",
    "reward_scale",
    "reward_scale_rate",
    "replay_dir",
    "replay_prefix",
    "window_size_x",
    "window_size_y",
    "heuristic_ai",
    "heuristic_rest",
    "debug",
)
"""What SMAC's own constructor takes, besides the map."""


class _Arguments(EnvConfig):
    model_config = ConfigDict(coerce_numbers_to_str=True)


class _Game(_Arguments):
    """What is played, and by which program."""

    backend: Backend = Field(
        default="engine",
        description="What computes the battle: the embedded engine, or the real StarCraft II.",
    )
    stats_profile: StatsProfile = Field(
        default="liberty",
        description="Unit statistics of the engine: 'liberty' as on the SMAC maps, 'ladder' as in SMAClite.",
    )
    step_mul: int = Field(
        default=8, ge=1, description="Game loops per environment step; 16 loops are one second."
    )
    move_amount: float = Field(
        default=2.0,
        gt=0,
        description="How many cells ahead a move order points. A move is legal if half of it is free.",
    )
    difficulty: Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "A"] = Field(
        default="7", description="Level of the built-in opponent. Means something to StarCraft II only."
    )
    game_version: str | None = Field(
        default=None, description="Version of the game to start; none: the latest. StarCraft II only."
    )
    seed: int | None = Field(
        default=None, description="Seed of the game itself. StarCraft II only: the engine uses the run's."
    )
    continuing_episode: bool = Field(
        default=False,
        description="Say so in the info (episode_limit) when an episode ends because time ran out.",
    )
    heuristic_ai: bool = Field(
        default=False,
        description="Let SMAC's nearest-target script play instead of the agents. StarCraft II only.",
    )
    heuristic_rest: bool = Field(
        default=False, description="Restrict that script to actions open to agents. StarCraft II only."
    )
    replay_dir: str = Field(default="", description="Where replays are saved. StarCraft II only.")
    replay_prefix: str = Field(
        default="", description="Prefix of replay files; empty: the map's name. StarCraft II only."
    )
    window_size_x: int = Field(
        default=1920, ge=1, description="Width of the game's window in pixels. StarCraft II only."
    )
    window_size_y: int = Field(
        default=1200, ge=1, description="Height of the game's window in pixels. StarCraft II only."
    )
    debug: bool = Field(
        default=False, description="Log observations, actions and rewards. StarCraft II only."
    )
    playable_width: float = Field(
        default=32.0,
        gt=0,
        description="Extent in x of the playable area, by which the state divides positions.",
    )
    playable_height: float = Field(
        default=32.0,
        gt=0,
        description="Extent in y of the playable area, by which the state divides positions.",
    )

    @field_validator("difficulty", mode="before")
    @classmethod
    def _levels_are_texts(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value


class _Reward(_Arguments):
    """How the team is paid."""

    reward_sparse: bool = Field(
        default=False, description="Pay 1 for a win, -1 for a defeat and nothing else."
    )
    reward_only_positive: bool = Field(
        default=True, description="Pay for what the enemy suffers alone, by absolute value."
    )
    reward_death_value: float = Field(
        default=10.0, description="Reward of a kill, and penalty of a loss if those count."
    )
    reward_win: float = Field(default=200.0, description="Reward of a win.")
    reward_defeat: float = Field(
        default=0.0, description="Reward of a defeat; not above 0 if it shall deter."
    )
    reward_negative_scale: float = Field(
        default=0.5, ge=0, description="Weight of our own losses when reward_only_positive is off."
    )
    reward_scale: bool = Field(
        default=True, description="Divide by the largest possible return over reward_scale_rate."
    )
    reward_scale_rate: float = Field(
        default=20.0, gt=0, description="What a clean win totals when reward_scale is on."
    )
    reward_regeneration: bool = Field(
        default=True,
        description="Keep SMAC's quirk that reward_only_positive pays for enemies who regain hit points or "
        "shields; off: regeneration counts as nothing.",
    )


class _Observation(_Arguments):
    """What agents see and what the centralised state holds."""

    obs_profile: ObsProfile = Field(
        default="smac", description="Layout of observation and state: SMAC's own, or that of the MAPPO fork."
    )
    obs_all_health: bool = Field(
        default=True, description="Show the health of units in sight (and one's own)."
    )
    obs_own_health: bool = Field(
        default=True, description="Show one's own health; forced on by obs_all_health."
    )
    obs_last_action: bool = Field(
        default=False,
        description="Show the last actions of allies in sight. Default true under obs_profile=on_policy.",
    )
    obs_pathing_grid: bool = Field(default=False, description="Show whether 8 cells around are walkable.")
    obs_terrain_height: bool = Field(default=False, description="Show the terrain height of 9 cells around.")
    obs_instead_of_state: bool = Field(
        default=False, description="Use all agents' observations as the state."
    )
    obs_timestep_number: bool = Field(
        default=False,
        description="Append the share of time that is over. Makes SMAC's vector two elements longer.",
    )
    state_last_action: bool = Field(default=True, description="Put the last actions into the state.")
    state_timestep_number: bool = Field(
        default=False, description="Put the share of time that is over into the state."
    )


class _OnPolicy(_Arguments):
    """The arguments that only obs_profile=on_policy knows."""

    obs_agent_id: bool = Field(
        default=True, description="on_policy: append the agent's number, one-hot, to what it sees."
    )
    state_agent_id: bool = Field(
        default=True, description="on_policy: append the agent's number to its state."
    )
    use_state_agent: bool = Field(
        default=True, description="on_policy: one state per agent, from its point of view."
    )
    use_mustalive: bool = Field(default=True, description="on_policy: the state of a dead agent is zero.")
    add_center_xy: bool = Field(
        default=True, description="on_policy: positions relative to the map's centre in the state."
    )
    add_move_state: bool = Field(
        default=False, description="on_policy, shared state: the agent's legal moves."
    )
    add_local_obs: bool = Field(
        default=False, description="on_policy, shared state: the agent's observation."
    )
    add_visible_state: bool = Field(
        default=False, description="on_policy, shared state: whether the agent sees a unit."
    )
    add_distance_state: bool = Field(
        default=False, description="on_policy, shared state: distance from the agent."
    )
    add_xy_state: bool = Field(
        default=False, description="on_policy, shared state: position relative to the agent."
    )
    add_enemy_action_state: bool = Field(
        default=False, description="on_policy, shared state: whether the agent may attack each enemy."
    )
    add_agent_id: bool = Field(
        default=False, description="on_policy, shared state: the agent's number, one-hot."
    )


class SmacConfig(_OnPolicy, _Observation, _Reward, _Game):
    """Every argument of a SMAC environment but the map."""

    @model_validator(mode="before")
    @classmethod
    def _fork_shows_last_actions(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("obs_profile") == "on_policy":
            return {"obs_last_action": True, **data}
        return data

    @model_validator(mode="after")
    def _grids_need_whole_cells(self) -> SmacConfig:
        if (self.obs_pathing_grid or self.obs_terrain_height) and not self.move_amount.is_integer():
            raise ValueError("obs_pathing_grid and obs_terrain_height need a whole number as move_amount")
        return self


def smac_config(arguments: Mapping[str, Any]) -> SmacConfig:
    """The configuration that `arguments` describe.

    Raises:
        UsageError: an unknown argument (the nearest one is suggested), a wrong type, or a value out of range.
    """
    for name in arguments:
        if name not in SmacConfig.model_fields:
            raise UsageError(
                f"SMAC environments have no argument {name!r}{nearest(name, SmacConfig.model_fields)}"
            )
    try:
        return SmacConfig(**arguments)
    except ValidationError as error:
        problem = error.errors()[0]
        where = f"argument {problem['loc'][0]!r} = {problem['input']!r}: " if problem["loc"] else ""
        raise UsageError(f"SMAC environment: {where}{problem['msg']}") from error


def require_engine_arguments(config: SmacConfig) -> None:
    """Refuse what only the real game can do.

    Raises:
        UsageError: the embedded engine is asked for SMAC's built-in script.
    """
    if config.heuristic_ai or config.heuristic_rest:
        raise UsageError(
            "heuristic_ai and heuristic_rest work with backend=starcraft2 only; "
            "for the engine see marlzoo.envs.smac.scripts"
        )
