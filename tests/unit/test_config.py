"""Presets, overrides and the origin of every value."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from pydantic import Field, ValidationError

from marlzoo import hookimpl
from marlzoo.config import AlgorithmConfig, EnvConfig, preset_of, read_presets, resolve_algorithm_config
from marlzoo.discovery import Candidate
from marlzoo.errors import PluginError, UsageError
from marlzoo.field_help import describe_fields
from marlzoo.plugins import PluginHost
from marlzoo.registry import Registry
from marlzoo.specs import AlgorithmSpec, EnvironmentSpec, Score

PRESETS = """
["smac:3s5z"]
lr = 3e-4

[default]
epochs = 10
lr = 1e-3
clip = 0.1

["smac:*_vs_*"]
lr = 2e-4
epochs = 4

["smac:5m*"]
epochs = 3

["smac"]
epochs = 5
hidden = [32]

["other"]
clip = 0.3

[presets.published.default]
lr = 1e-4

[presets.paper."smac:*m"]
epochs = 20

[presets.paper."smac:3m"]
clip = 0.05

[presets.paper.other]
clip = 0.4

[presets.paper."other:small"]
clip = 0.5
"""


class FooConfig(AlgorithmConfig):
    lr: float = Field(5e-4, gt=0, description="Adam's learning rate.")
    epochs: int = Field(15, ge=1)
    clip: float = Field(0.2, gt=0, le=1)
    hidden: tuple[int, ...] = (64, 64)


class NoArguments(EnvConfig):
    size: int = 1


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A registry with the algorithm `foo`, whose presets are written by `zoo.presets(text)`."""
    package = tmp_path / "foo_with_presets"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "foo_with_presets", raising=False)
    module = ModuleType("foo_hooks")
    module.MARLZOO_API = 1
    here = __name__
    foo = AlgorithmSpec("foo", "m:A", f"{here}:FooConfig", "", presets="foo_with_presets:presets.toml")
    bare = AlgorithmSpec("bare", "m:A", f"{here}:FooConfig", "")
    wrong = AlgorithmSpec("wrong", "m:A", f"{here}:NoArguments", "")
    module.marlzoo_algorithms = hookimpl(lambda: [foo, bare, wrong])
    smac = EnvironmentSpec("smac", "m:make", f"{here}:NoArguments", "", Score("r", "return"), open_tasks=True)
    module.marlzoo_environments = hookimpl(lambda: [smac])
    host = PluginHost()
    host.add(Candidate("hooks", "marlzoo-foo", "1.0", lambda: module))
    registry = Registry(host)
    registry.presets = lambda text: (package / "presets.toml").write_text(text)
    registry.presets(PRESETS)
    return registry


def resolve(zoo, env_id, *overrides, algorithm="foo"):
    choice = None if env_id is None else zoo.environment(env_id)
    return resolve_algorithm_config(zoo.algorithm(algorithm), choice, overrides)


@pytest.mark.parametrize(
    ("env_id", "lr", "epochs", "hidden"),
    [
        (None, 1e-3, 10, (64, 64)),
        ("smac:3m", 1e-3, 5, (32,)),
        ("smac:3m?size=2", 1e-3, 5, (32,)),
        ("smac:3s5z", 3e-4, 5, (32,)),
        ("smac:3s_vs_5z", 2e-4, 4, (32,)),
        ("smac:5m_vs_6m", 2e-4, 3, (32,)),
    ],
)
def test_the_more_specific_preset_wins_and_the_later_of_two_patterns(zoo, env_id, lr, epochs, hidden):
    config = resolve(zoo, env_id).config
    assert (config.lr, config.epochs, config.hidden, config.clip) == (lr, epochs, hidden, 0.1)


def test_origins_tell_defaults_presets_and_options_apart(zoo):
    resolved = resolve(zoo, "smac:3s5z", "epochs=7", "hidden=8,8")
    where = "foo_with_presets/presets.toml"
    assert resolved.rows() == [
        ("num_envs", 32, "default"),
        ("lr", 3e-4, f"preset smac:3s5z ({where})"),
        ("epochs", 7, "option -o"),
        ("clip", 0.1, f"preset default ({where})"),
        ("hidden", (8, 8), "option -o"),
    ]


def test_a_named_preset_takes_the_place_of_the_nameless_one(zoo):
    resolved = resolve(zoo, "smac:3m", "lr=0.5", "preset=paper")
    where = "foo_with_presets/presets.toml"
    assert resolved.rows() == [
        ("num_envs", 32, "default"),
        ("lr", 0.5, "option -o"),
        ("epochs", 20, f"preset paper smac:*m ({where})"),
        ("clip", 0.05, f"preset paper smac:3m ({where})"),
        ("hidden", (64, 64), "default"),
    ]


def test_the_last_choice_of_a_preset_counts(zoo):
    assert resolve(zoo, "smac:3s5z", "preset=paper", "preset=published").config == FooConfig(lr=1e-4)
    assert resolve(zoo, None, "preset=published").config == FooConfig(lr=1e-4)


@pytest.mark.parametrize(
    ("overrides", "name"), [(["preset=paper", "lr=0.5"], "paper"), (["lr=0.5"], None), ([], None)]
)
def test_origins_tell_which_preset_was_chosen(zoo, overrides, name):
    assert preset_of(resolve(zoo, "smac:3m", *overrides).origins.values()) == name


@pytest.mark.parametrize(
    ("env_id", "choice", "algorithm", "message"),
    [
        (
            "smac:3m",
            "papr",
            "foo",
            "no preset is called 'papr' (from -o preset=papr); did you mean 'paper'?",
        ),
        (
            "smac:3m",
            "paper",
            "bare",
            "no preset is called 'paper' (from -o preset=paper); no preset of this algorithm has a name",
        ),
        (
            "smac:3s5z",
            "paper",
            "foo",
            "the preset 'paper' has nothing for smac:3s5z; it is for smac:*m, smac:3m, other",
        ),
        (
            None,
            "paper",
            "foo",
            "the preset 'paper' has nothing without an environment; it is for smac:*m, smac:3m, other",
        ),
    ],
)
def test_a_preset_that_does_not_exist_is_the_users_fault(zoo, env_id, choice, algorithm, message):
    with pytest.raises(UsageError) as caught:
        resolve(zoo, env_id, f"preset={choice}", algorithm=algorithm)
    assert str(caught.value) == message


def test_without_presets_there_are_defaults(zoo):
    resolved = resolve(zoo, "smac:3m", algorithm="bare")
    assert resolved.config == FooConfig()
    assert set(resolved.origins.values()) == {"default"}


def test_a_wrong_option_is_the_users_fault(zoo):
    with pytest.raises(UsageError) as caught:
        resolve(zoo, "smac:3m", "clip=3")
    assert str(caught.value) == "clip: 3 is not less than or equal to 1 (from -o clip=3)"


@pytest.mark.parametrize(
    ("presets", "message"),
    [
        ("[smac]\nclipp = 0.1", "unknown key 'clipp' (from preset 'smac' in foo_with_presets/presets.toml)"),
        ("[smac]\nclip = 2", "clip: 2 is not less than or equal to 1 (from preset 'smac' in"),
        ("[smac]\nclip = 'x'", "clip: 'x' is not a valid number (from preset"),
        ("clip = 0.1", "preset 'clip' in foo_with_presets/presets.toml: expected a table"),
        ("[smac", "marlzoo-foo/foo: cannot read the presets foo_with_presets/presets.toml: "),
        (
            "[presets.paper.smac]\nclipp = 1",
            "unknown key 'clipp' (from preset 'paper smac' in foo_with_presets/presets.toml)",
        ),
        (
            "[presets]\npaper = 1",
            'presets in foo_with_presets/presets.toml: expected tables such as [presets.NAME."smac"]',
        ),
    ],
)
def test_a_wrong_preset_is_the_plugins_fault(zoo, presets, message):
    zoo.presets(presets)
    with pytest.raises(PluginError) as caught:
        resolve(zoo, "smac:3m", *(["preset=paper"] if "presets" in presets else []))
    assert str(caught.value).startswith(message)


def test_a_key_that_no_preset_knows_is_found_in_any_table(zoo):
    zoo.presets('["elsewhere"]\nnonsense = 1')
    with pytest.raises(PluginError, match="unknown key 'nonsense'"):
        read_presets(zoo.algorithm("foo"))


def test_a_missing_file_of_presets_is_named(zoo, tmp_path):
    (tmp_path / "foo_with_presets" / "presets.toml").unlink()
    with pytest.raises(PluginError, match=r"cannot read the presets foo_with_presets/presets\.toml"):
        resolve(zoo, "smac:3m")


def test_a_configuration_of_another_kind_is_refused(zoo):
    with pytest.raises(PluginError, match="NoArguments is not a subclass of AlgorithmConfig"):
        resolve(zoo, None, algorithm="wrong")


def test_configurations_are_frozen_and_know_no_other_keys():
    config = FooConfig()
    with pytest.raises(ValidationError):
        config.lr = 1.0
    with pytest.raises(ValidationError):
        FooConfig(unknown=1)
    with pytest.raises(ValidationError):
        FooConfig(lr=float("inf"))


def _builtin_pairs():
    zoo = Registry.load(environ={"MARLZOO_PLUGINS": ""})
    return [pytest.param(zoo, entry, id=entry.address) for entry in zoo.algorithms()]


@pytest.mark.parametrize(("zoo", "entry"), _builtin_pairs())
def test_builtin_presets_hold_on_every_task(zoo, entry):
    for family in zoo.environments():
        for task in family.spec.tasks:
            resolve_algorithm_config(entry, zoo.environment(f"{family.address}:{task}"))


@pytest.mark.parametrize(("zoo", "entry"), _builtin_pairs())
def test_every_builtin_has_published_settings_for_every_map(zoo, entry):
    for task in zoo.family("smac").spec.tasks:
        choice = zoo.environment(f"smac:{task}")
        resolved = resolve_algorithm_config(entry, choice, ["preset=published"])
        assert resolved.origins["num_envs"].startswith("preset published smac (")


@pytest.mark.parametrize(
    ("algorithm", "environment", "expected"),
    [
        ("mappo", "smac:3s5z", {"num_envs": 8, "rollout_length": 400, "epochs": 5, "recurrent": True}),
        ("mappo", "smac:3s_vs_5z", {"epochs": 15, "clip": 0.05, "recurrent": False, "frames": 4}),
        ("ippo", "smac:MMM2", {"minibatches": 2, "head_gain": 1.0, "critic_input": "obs"}),
        ("a2po", "smac:5m_vs_6m", {"epochs": 10, "gae_lambda": 0.93, "clip": 0.05, "blocks": 2}),
        ("a2po", "mamujoco:Hopper-3x1", {"lr": 1e-4, "clip": 0.1, "share_parameters": False}),
        ("happo", "smac:3s5z", {"num_envs": 20, "rollout_length": 160, "timeout": "zero_advantage"}),
        ("mat", "smac:3s5z", {"num_envs": 32, "rollout_length": 100, "epochs": 10, "clip": 0.05}),
        ("mat", "smac:3s_vs_5z", {"epochs": 15, "clip": 0.05, "frames": 4}),
        ("srsv", "smac:3m", {"epochs": 15, "clip": 0.2, "minibatches": 1, "linear_lr_decay": False}),
        ("srsv", "smac:3s5z", {"value_base": "do"}),
        ("mat_dec", "mamujoco:HalfCheetah-6x1", {"minibatches": 40, "lr": 5e-5, "max_grad_norm": 0.5}),
    ],
)
def test_published_settings(algorithm, environment, expected):
    zoo = Registry.load(environ={"MARLZOO_PLUGINS": ""})
    choice = zoo.environment(environment)
    config = resolve_algorithm_config(zoo.algorithm(algorithm), choice, ["preset=published"]).config
    assert {key: getattr(config, key) for key in expected} == expected


@pytest.mark.parametrize(("zoo", "entry"), _builtin_pairs())
def test_every_builtin_setting_has_a_help_text(zoo, entry):
    for field in describe_fields(entry.load(entry.spec.config)):
        assert field.help.endswith("."), field.key
