"""The arguments of SMAC environments."""

from __future__ import annotations

import subprocess
import sys

import pytest
from reference_builder import FORK_DEFAULTS, SMAC_DEFAULTS

from marlzoo.envs.smac.config import (
    SMAC_ARGUMENTS,
    SmacConfig,
    require_engine_arguments,
    smac_config,
)
from marlzoo.errors import UsageError


def test_defaults_are_smacs() -> None:
    values = SmacConfig().model_dump()
    assert {name: values[name] for name in SMAC_DEFAULTS} == SMAC_DEFAULTS
    assert {name: values[name] for name in SMAC_ARGUMENTS if name not in SMAC_DEFAULTS} == {
        "step_mul": 8,
        "difficulty": "7",
        "game_version": None,
        "seed": None,
        "replay_dir": "",
        "replay_prefix": "",
        "window_size_x": 1920,
        "window_size_y": 1200,
        "heuristic_ai": False,
        "heuristic_rest": False,
        "debug": False,
    }


def test_defaults_of_the_fork() -> None:
    values = smac_config({"obs_profile": "on_policy"}).model_dump()
    assert {name: values[name] for name in FORK_DEFAULTS} == FORK_DEFAULTS
    assert not smac_config({"obs_profile": "on_policy", "obs_last_action": False}).obs_last_action


def test_every_argument_is_explained() -> None:
    for name, field in SmacConfig.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"obs_all_healht": True}, "no argument 'obs_all_healht'; did you mean 'obs_all_health'"),
        ({"step_mul": 0}, "'step_mul' = 0: Input should be greater than or equal to 1"),
        ({"difficulty": "B"}, "'difficulty' = 'B'"),
        ({"reward_win": "much"}, "'reward_win' = 'much'"),
        ({"backend": "sc2"}, "'backend' = 'sc2'"),
        ({"reward_scale_rate": 0}, "'reward_scale_rate' = 0"),
        ({"move_amount": 1.5, "obs_terrain_height": True}, "need a whole number as move_amount"),
    ],
)
def test_mistakes_are_one_line_errors(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(UsageError) as error:
        smac_config(arguments)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_are_fine_as_difficulty() -> None:
    assert smac_config({"difficulty": 3}).difficulty == "3"


@pytest.mark.parametrize("name", ["heuristic_ai", "heuristic_rest"])
def test_smacs_script_needs_the_real_game(name: str) -> None:
    with pytest.raises(UsageError, match="backend=starcraft2 only"):
        require_engine_arguments(smac_config({name: True}))
    require_engine_arguments(SmacConfig())


def test_arguments_and_names_are_read_without_numba_or_torch() -> None:
    script = (
        "import sys, marlzoo.envs.smac, marlzoo.envs.smac.config, marlzoo.envs.smac.maps\n"
        "assert not {'numba', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    import marlzoo.envs.smac as family

    assert set(family.__all__) <= {*dir(family), *family._HOME}
    with pytest.raises(AttributeError, match="no attribute 'observe_unit'"):
        _ = family.observe_unit
