"""An algorithm as the contract sees it: its spec, and settings with which it learns tiny worlds quickly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marlzoo.algorithm import Algorithm
from marlzoo.config import AlgorithmConfig, config_model, read_presets
from marlzoo.envs.contract import BatchedEnv
from marlzoo.overrides import flat_keys, setting_from_text
from marlzoo.plugins import PluginInfo
from marlzoo.registry import Entry
from marlzoo.specs import AlgorithmSpec
from marlzoo.testing.driver import Driver, build
from marlzoo.testing.worlds import GhostWorld, MatrixGame, MortalWorld, QuitWorld, TargetWorld, UnevenWorld

TINY = "tiny"
"""The preset table of an algorithm that holds in the contract's worlds."""

QUICK: Mapping[str, Any] = MappingProxyType(
    {
        "rollout_length": 8,
        "epochs": 4,
        "clip": 0.2,
        "lr": 2e-3,
        "critic_lr": 2e-3,
        "entropy_coef": 0.01,
        "width": 32,
        "chunk_length": 4,
        "decoder": "torch",
    }
)
"""Short rollouts and large steps, for settings of these names; an algorithm's table `["tiny"]` wins."""

WORLDS: Mapping[str, Callable[[int], BatchedEnv]] = MappingProxyType(
    {
        "matrix": MatrixGame,
        "mortal": MortalWorld,
        "uneven": UnevenWorld,
        "target": TargetWorld,
        "alone": lambda envs: MortalWorld(envs, agents=1),
        "alone-target": lambda envs: TargetWorld(envs, agents=1),
        "ghost": GhostWorld,
        "terminated": lambda envs: QuitWorld(envs, "terminated"),
        "truncated": lambda envs: QuitWorld(envs, "truncated"),
    }
)
"""The contract's worlds by name, each a function of the number of environments."""


@dataclass(frozen=True)
class Subject:
    """The algorithm under test.

    Attributes:
        entry: where it came from.
        options: settings by (dotted) key; those that its configuration does not have are left out.
        envs, updates: environments side by side, and updates after which comparing states is worth it.
        learning_envs, learning_steps: environments, and turns of the loop in which it has to learn.
    """

    entry: Entry[AlgorithmSpec]
    options: Mapping[str, Any] = field(default_factory=lambda: QUICK)
    envs: int = 4
    updates: int = 2
    learning_envs: int = 16
    learning_steps: int = 320

    @property
    def spec(self) -> AlgorithmSpec:
        return self.entry.spec

    def driver(self, world: str, seed: int = 0, envs: int | None = None) -> Driver:
        """The algorithm, fresh, in the world of this name."""
        return self.driver_in(WORLDS[world](envs or self.envs), seed)

    def driver_in(self, env: BatchedEnv, seed: int = 0) -> Driver:
        """The algorithm, fresh, in `env`."""
        return Driver(self.fresh(env, seed), env)

    def fresh(self, env: BatchedEnv, seed: int = 0) -> Algorithm:
        """The algorithm, fresh, for the world of `env`."""
        return build(self.spec, env, self.options, seed)


def entry_of(spec: AlgorithmSpec) -> Entry[AlgorithmSpec]:
    """An entry for a spec that no installed plug-in declares; its module is the package of its settings."""
    module = spec.config.partition(":")[0].partition(".")[0]
    plugin = PluginInfo(spec.name, module.replace("_", "-"), "", module, Path(), ("marlzoo_algorithms",))
    return Entry(spec, plugin, spec.name)


def quick_options(entry: Entry[AlgorithmSpec], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The settings for tiny worlds: `QUICK`, then the algorithm's table `["tiny"]`, then `key=value` texts.

    Raises:
        UsageError: an override has an unknown key.
        PluginError: the presets or the settings are broken.
    """
    model = config_model(entry, AlgorithmConfig)
    known = set(flat_keys(model))
    options = {key: value for key, value in QUICK.items() if key in known}
    if entry.spec.presets is not None:
        options |= {setting.key: setting.value for setting in read_presets(entry).get(TINY, [])}
    texts = [setting_from_text(model, text, "-o", "option -o") for text in overrides]
    return options | {setting.key: setting.value for setting in texts}
