"""Stacked frames of joint policies: what networks see in play, in learning and at the end of an episode."""

from __future__ import annotations

import pytest
import torch

from marlzoo.algorithm import Context, Mode
from marlzoo.nets.frames import seen
from marlzoo.testing import Driver, MortalWorld, RecallWorld, ScriptedWorld
from marlzoo_mat.algorithm import Mat
from marlzoo_mat.config import MatConfig, MatDecConfig
from marlzoo_mat.decentralised import MatDec
from marlzoo_srsv.algorithm import Srsv
from marlzoo_srsv.config import SrsvConfig

KINDS = {"mat": (Mat, MatConfig), "mat_dec": (MatDec, MatDecConfig), "srsv": (Srsv, SrsvConfig)}
QUICK = {"rollout_length": 12, "epochs": 3, "minibatches": 2, "width": 16, "lr": 3e-3, "clip": 0.2}


def make(env, name="mat", **options):
    kind, config = KINDS[name]
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    settings = {**QUICK, **options, "num_envs": env.world.num_envs}
    return kind(env.world, config(**settings), Context(*generators, 10_000))


def history(driver, steps):
    """Turns without learning; obs and first of the views `[T, E, ...]`, and the transitions."""
    algorithm, views, ends = driver.algorithm, [], []
    observe, update = algorithm.observe, algorithm.update

    def remembering(transition):
        views.append((transition.view.obs.clone(), transition.view.first.clone()))
        ends.append((transition.successor.obs.clone(), transition.truncated.clone()))
        observe(transition)

    algorithm.observe, algorithm.update = remembering, lambda: None
    driver.run(steps)
    algorithm.observe, algorithm.update = observe, update
    return [[torch.stack(column) for column in zip(*rows, strict=True)] for rows in (views, ends)]


def literal(obs, first, t, e, frames):
    """The last `frames` observations of environment e at step t, zeros before its episode."""
    window, step = [], t
    for _ in range(frames):
        window.insert(0, torch.zeros_like(obs[0, e]) if step is None else obs[step, e])
        step = None if step is None or first[step, e] or step == 0 else step - 1
    return torch.cat(window, -1)


@pytest.mark.parametrize("name", KINDS)
def test_learning_sees_what_was_seen_last(name):
    env, frames = MortalWorld(4), 3
    driver = Driver(make(env, name, frames=frames), env)
    (obs, first), _ = history(driver, 12)
    learner = driver.algorithm.learner
    shown = seen(learner.rollout.obs[:-1], learner.rollout.memo)
    for t in range(12):
        for e in range(4):
            assert torch.equal(shown[t, e], literal(obs, first, t, e, frames)), (t, e)
    assert first[1:].any()
    assert learner._rows().obs.shape == (48, 3, frames * obs.shape[-1])


def test_frames_go_on_across_rollouts():
    env = MortalWorld(4)
    driver = Driver(make(env, frames=2), env)
    (earlier, _), _ = history(driver, 12)
    assert driver.algorithm.update() is not None
    (later, first), _ = history(driver, 12)
    rollout = driver.algorithm.learner.rollout
    shown = seen(rollout.obs[:-1], rollout.memo)[0]
    going_on = ~first[0]
    assert going_on.any()
    assert torch.equal(shown[going_on], torch.cat((earlier[-1], later[0]), -1)[going_on])


@pytest.mark.parametrize("name", ["mat", "mat_dec"])
def test_values_of_what_comes_after_see_what_lies_behind(name):
    env = ScriptedWorld(4)
    driver = Driver(make(env, name, frames=3, timeout="bootstrap"), env)
    (obs, first), (successors, truncated) = history(driver, 12)
    learner, network = driver.algorithm.learner, driver.algorithm.network

    def value(t, e):
        before = literal(obs, first, t, e, 2)
        stacked = torch.cat((before, successors[t, e]), -1)[None]
        return network.values_ahead(stacked, torch.ones(1, 2, dtype=torch.bool), None, None)[0]

    final, after = learner._final_values(), learner._values_after()[0]
    assert truncated.any()
    for t, e in truncated.nonzero().tolist():
        expected = learner.value_norm.denormalise(value(t, e))
        torch.testing.assert_close(final[t, e], expected)
    assert not final[~truncated].any()
    for e in range(4):
        torch.testing.assert_close(after[e], value(11, e))


@pytest.mark.parametrize("name", KINDS)
def test_they_do_for_a_memory(name):
    env = RecallWorld(16)
    driver = Driver(make(env, name, frames=4, rollout_length=16, epochs=5), env).learn(25)
    driver.restart(root=1)
    assert driver.play(40).mean() > 0.22, "of 0.25; without a memory half of that"


def test_without_them_the_cue_is_forgotten():
    env = RecallWorld(16)
    driver = Driver(make(env, rollout_length=16, epochs=5), env).learn(25)
    driver.restart(root=1)
    assert driver.play(40).mean() < 0.18


@pytest.mark.parametrize("mode", [Mode.SAMPLE, Mode.GREEDY])
@pytest.mark.parametrize("name", ["mat", "srsv"])
def test_explained_values_are_those_of_what_was_seen(name, mode):
    env = MortalWorld(4)
    driver = Driver(make(env, name, frames=2), env).learn(1)
    algorithm = driver.algorithm
    carry = driver.carry
    with torch.no_grad():
        decision = algorithm.act(driver.view, carry, mode)
        told = algorithm.explain(driver.view, decision)
    stacked = torch.cat((carry * ~driver.view.first[:, None, None], driver.view.obs), -1)
    assert carry.any()
    view, memo = driver.view, {"plan": decision.actions, **decision.memo}
    rows = algorithm.network.rows(stacked, view.alive, view.action_mask, decision.actions, memo)
    with torch.no_grad():
        expected = algorithm.network.evaluate(rows).values
    torch.testing.assert_close(told.values, algorithm.learner.in_returns(expected))
