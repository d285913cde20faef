"""What the plug-in API with the number 1 promises. A plug-in that was written for it must keep working.

Where one of these fails, something was taken away or something new is asked of plug-ins: mend that, or raise
`API_VERSION` and write down the new promises here (see "Versions of the plug-in API" in CONTRIBUTING.md).
"""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from marlzoo import api, hookspecs
from marlzoo.specs import API_VERSION

NAMES = """
AgentInfo Algorithm AlgorithmConfig AlgorithmSpec BatchedEnv Carry Context Decision EnvConfig EnvironmentSpec
Metrics MissingPieceError Mode PluginError RunError Score Sink SinkSpec StepResult Suite Transition UsageError
View World hookimpl read_suites
"""

HOOKS = {
    "marlzoo_algorithms": [],
    "marlzoo_environments": [],
    "marlzoo_suites": [],
    "marlzoo_sinks": [],
    "marlzoo_run_started": ["run"],
    "marlzoo_evaluated": ["run", "evaluation"],
    "marlzoo_checkpointed": ["run", "path"],
    "marlzoo_run_finished": ["run", "outcome"],
    "marlzoo_commands": ["cli"],
}

FIELDS = {
    "AgentInfo": "name group obs_dim action_dim",
    "AlgorithmSpec": "name algorithm config summary presets paper discrete continuous count_free recurrent "
    "tags",
    "Context": "generator initial total_steps",
    "Decision": "actions carry memo",
    "EnvironmentSpec": "name make config summary score tasks open_tasks requires",
    "Score": "name metric bounds task_bounds percent",
    "SinkSpec": "name sink summary default",
    "StepResult": "view reward terminated truncated info",
    "Suite": "name summary environments steps seeds algorithms",
    "Transition": "view decision reward terminated truncated successor",
    "View": "obs alive first state action_mask neighbours",
    "World": "num_envs agents obs_dim action_kind action_dim state_dim state_per_agent has_action_mask "
    "reward_per_agent horizon action_low action_high",
}

ASKED = {
    "Algorithm": {"act", "observe", "update", "state_dict", "load_state_dict"},
    "BatchedEnv": {"reset", "step", "reset_done", "snapshot", "restore"},
    "Sink": {"metrics", "evaluation"},
}
"""The methods that a plug-in has to write."""


def test_these_are_the_promises_of_the_present_number():
    assert API_VERSION == 1


@pytest.mark.parametrize("name", NAMES.split())
def test_names_stay(name):
    assert name in api.__all__


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_keep_their_arguments(hook):
    arguments = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert set(HOOKS[hook]) <= set(arguments)


@pytest.mark.parametrize("name", FIELDS)
def test_fields_stay_in_their_order_and_new_ones_have_defaults(name):
    fields = dataclasses.fields(getattr(api, name))
    promised = FIELDS[name].split()
    assert [field.name for field in fields][: len(promised)] == promised
    for field in fields[len(promised) :]:
        defaults = {field.default, field.default_factory} - {dataclasses.MISSING}
        assert defaults, f"{field.name} has no default"


@pytest.mark.parametrize("name", ASKED)
def test_nothing_new_is_asked(name):
    assert getattr(api, name).__abstractmethods__ == ASKED[name]


def test_an_algorithm_is_built_as_it_was():
    assert list(inspect.signature(api.Algorithm.__init__).parameters) == [
        "self",
        "world",
        "config",
        "context",
    ]
    assert list(inspect.signature(api.Algorithm.act).parameters) == ["self", "view", "carry", "mode"]
