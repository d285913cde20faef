"""MAT-Dec: who depends on whom, and the actor written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from marlzoo.algorithm import Context
from marlzoo.testing import Driver, MortalWorld, TargetWorld
from marlzoo_mat.config import MatDecConfig
from marlzoo_mat.decentralised import MatDec

ALIVE = torch.ones(5, 3, dtype=torch.bool)


def make(env, **options):
    quick = {"rollout_length": 8, "epochs": 2, "width": 16, "num_envs": env.world.num_envs}
    generators = torch.Generator().manual_seed(0), torch.Generator().manual_seed(1)
    return MatDec(env.world, MatDecConfig(**{**quick, **options}), Context(*generators, 10_000))


def network(**options):
    """One whose weights, small at first, are large enough to tell inputs apart."""
    net = make(MortalWorld(2), **options).network
    generator = torch.Generator().manual_seed(2)
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    return net


def observations():
    return torch.randn(5, 3, 6, generator=torch.Generator().manual_seed(3))


def test_the_actor_is_the_published_one():
    net, obs = network(), observations()

    def normal(x, norm):
        return functional.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)

    body = net.actor.body
    x = normal(obs, body.feature_norm)
    for layer, norm in ((body.first, body.first_norm), (body.others[0], body.other_norms[0])):
        x = normal(functional.gelu(layer(x)), norm)
    expected = torch.log_softmax(net.actor.head(x), -1)
    found = net.actor(net.encoder.prepare(obs), None).log_probs
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_initial_policies_are_nearly_uniform():
    net = make(MortalWorld(2)).network
    found = net.actor(net.encoder.prepare(observations()), None).log_probs.exp()
    torch.testing.assert_close(found, torch.full_like(found, 0.25), atol=0.05, rtol=0)


def test_an_agent_chooses_by_its_own_observation_but_values_see_all():
    net, obs = network(), observations()
    altered = obs.clone()
    altered[:, 2] += torch.randn(5, 6, generator=torch.Generator().manual_seed(4))
    options = [net.actor(net.encoder.prepare(seen), None).log_probs for seen in (obs, altered)]
    values = [net.values_ahead(seen, ALIVE, None, torch.Generator()) for seen in (obs, altered)]
    assert torch.equal(options[0][:, :2], options[1][:, :2])
    assert not torch.equal(options[0][:, 2], options[1][:, 2])
    assert (values[0] - values[1]).abs().min() > 0


def test_the_dead_are_hidden_from_values_on_request():
    obs, alive = observations(), ALIVE.clone()
    alive[:, 2] = False
    altered = obs.clone()
    altered[:, 2] = 5.0 * torch.arange(6)
    for hidden in (True, False):
        net = network(mask_dead_keys=hidden)
        one, other = (
            net.values_ahead(seen, alive, None, torch.Generator())[:, :2] for seen in (obs, altered)
        )
        assert torch.equal(one, other) == hidden


def test_what_is_scored_is_what_was_played():
    env = MortalWorld(4)
    algorithm = make(env)
    algorithm.update = lambda: None
    Driver(algorithm, env).run(8)
    rollout = algorithm.learner.rollout
    rows = algorithm.learner._rows()
    scored = algorithm.network.evaluate(rows)
    assert scored.log_prob.shape == scored.values.shape == (32, 3)
    legal = rollout.action_mask[:-1].flatten(0, 1).gather(-1, rows.actions[..., None])
    assert legal.all()
    assert (scored.log_prob <= 0).all()


@pytest.mark.parametrize("ratio_agg", ["per_dim", "prod"])
def test_it_learns_continuous_actions(ratio_agg):
    env = TargetWorld(16)
    options = {"rollout_length": 16, "epochs": 5, "lr": 3e-3, "clip": 0.2, "entropy_coef": 0.0}
    algorithm = make(env, ratio_agg=ratio_agg, timeout="bootstrap", **options)
    driver = Driver(algorithm, env)
    before = driver.play(40).mean()
    driver.learn(15)
    driver.restart(root=1)
    assert driver.play(40).mean() > before + 0.15


@pytest.mark.parametrize("world", [MortalWorld, TargetWorld])
def test_separate_actors_are_actors_each_for_its_agent(world):
    env = world(4)
    net = make(env, share_parameters=False).network
    agents, obs_dim = env.world.num_agents, env.world.obs_dim
    generator = torch.Generator().manual_seed(2)
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    obs = torch.randn(5, agents, obs_dim, generator=generator)
    prepared = net.encoder.prepare(obs)
    together = net.actor(prepared, None)
    actions = together.greedy()
    for agent, actor in enumerate(net.actor.actors):
        alone = actor(prepared, None)
        log_prob, expected = together.log_prob(actions), alone.log_prob(actions)
        torch.testing.assert_close(log_prob[:, agent], expected[:, agent])
        torch.testing.assert_close(together.entropy()[:, agent], alone.entropy()[..., agent].expand(5))
    assert not torch.equal(*(actor.head.weight for actor in net.actor.actors[:2]))


def test_separate_actors_learn_each_from_its_agent():
    env = MortalWorld(4)
    algorithm = make(env, share_parameters=False, value_coef=0.0)
    driver = Driver(algorithm, env).run(7)
    algorithm.learner.rollout.alive[:, :, 1] = False
    before = [actor.head.weight.clone() for actor in algorithm.network.actor.actors]
    step = env.step
    env.step = lambda actions: _without(step(actions), 1)
    driver.view.alive[:, 1] = False
    driver.step()
    assert len(driver.metrics) == 1
    after = [actor.head.weight for actor in algorithm.network.actor.actors]
    assert [torch.equal(*pair) for pair in zip(before, after, strict=True)] == [False, True, False]


def _without(result, agent):
    """A step's result in which one agent is dead."""
    result.view.alive[:, agent] = False
    return result
