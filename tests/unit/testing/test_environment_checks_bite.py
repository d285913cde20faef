"""Every check of the contract of environments finds a world that breaks its rule, and says so usefully."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from test_checks_bite import GUIDE

from marlzoo.testing import (
    ENVIRONMENT_CHECKS,
    ContractFailure,
    Habitat,
    MortalWorld,
    TargetWorld,
    UnevenWorld,
)
from marlzoo.testing.guide import place

CHECKS = {check.name: check for check in ENVIRONMENT_CHECKS}


class Crowd(MortalWorld):
    def __init__(self, num_envs):
        super().__init__(num_envs + 1)


class Anonymous(MortalWorld):
    backend_version = ""


class Narrow(UnevenWorld):
    def __init__(self, num_envs):
        super().__init__(num_envs)
        self.world = dataclasses.replace(self.world, obs_dim=2)


class Double(MortalWorld):
    """Sees in double precision."""

    def show(self, view):
        super().show(view)
        object.__setattr__(view, "obs", view.obs.double())


class Stateless(MortalWorld):
    """Says that there is no state, and shows one."""

    def __init__(self, num_envs):
        super().__init__(num_envs)
        self.world = dataclasses.replace(self.world, state_dim=0)


class TeamPaid(MortalWorld):
    def step(self, actions):
        result = super().step(actions)
        return dataclasses.replace(result, reward=result.reward[:, 0])


class Unmarked(MortalWorld):
    def reset(self, seeds):
        view = super().reset(seeds)
        view.first.fill_(False)
        return view


class Undefined(MortalWorld):
    def show(self, view):
        super().show(view)
        view.obs[:, 0, 0] = torch.where(view.obs[:, 0, 1] > 0.5, torch.nan, view.obs[:, 0, 0])


class Paralysing(MortalWorld):
    """The dead have nothing to do at all."""

    def show(self, view):
        super().show(view)
        view.action_mask.logical_and_(view.alive.unsqueeze(-1))


class Indulgent(MortalWorld):
    def _refuse_illegal(self, actions):
        """Takes anything."""


class Boundless(TargetWorld):
    def _refuse_illegal(self, actions):
        """Takes anything."""


class Padded(UnevenWorld):
    def show(self, view):
        super().show(view)
        view.action_mask.fill_(True)


class OneView(MortalWorld):
    """Writes over the view that was acted on."""

    def __init__(self, num_envs):
        super().__init__(num_envs)
        self._pair = (self._pair[0], self._pair[0])


class Forever(MortalWorld):
    """Forgets its own time limit."""

    def out_of_time(self):
        return np.zeros(self.world.num_envs, np.bool_)


class StillFirst(MortalWorld):
    def step(self, actions):
        result = super().step(actions)
        result.view.first.copy_(result.terminated)
        return result


class Redrawing(MortalWorld):
    """Draws the masks of all environments anew when one of them is reset."""

    def reset_done(self):
        ended = self._ended.any()
        view = super().reset_done()
        if ended:
            for env in range(self.world.num_envs):
                self._draw_legal(env, int(self.clock[env]))
            first = view.first.clone()
            self.show(view)
            view.first.copy_(first)
        return view


class Systemic(MortalWorld):
    """Seeded by the system."""

    def reset(self, seeds):
        return super().reset([np.random.SeedSequence() for _ in seeds])


class Entangled(MortalWorld):
    """One generator for all."""

    def reset(self, seeds):
        view = super().reset(seeds)
        self.generators = [self.generators[0] for _ in seeds]
        return view


class Amnesiac(MortalWorld):
    """Restores all but the generators."""

    def restore(self, snapshot):
        fresh = [np.random.default_rng(7).bit_generator.state for _ in snapshot["generators"]]
        return super().restore({**snapshot, "generators": fresh})


class Unstorable(MortalWorld):
    def snapshot(self):
        return {**super().snapshot(), "generators": self.generators}


class Elsewhere(MortalWorld):
    """Returns another view than the one that was current."""

    def restore(self, snapshot):
        view = super().restore(snapshot)
        view.obs.add_(1.0)
        return view


class Haunted(MortalWorld):
    """Restores all but the ends, which stay those of a life that never was."""

    def restore(self, snapshot):
        ended = self._ended.copy()
        view = super().restore(snapshot)
        self._ended = ended
        return view


class Restless(MortalWorld):
    """Begins every episode twice after a reset."""

    def reset(self, seeds):
        view = super().reset(seeds)
        self._ended[:] = True
        return view


class Promising(MortalWorld):
    episode_metrics = ("won",)


class Vague(MortalWorld):
    episode_metrics = ("won",)

    def metrics(self):
        return {"won": np.full(self.world.num_envs, np.nan)}


class Once(MortalWorld):
    closed = False

    def close(self):
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True


CASES = [
    ("env-world", Crowd, "it is 4"),
    ("env-world", Anonymous, "'tiny' and ''"),
    ("env-world", Narrow, "it is 2"),
    ("env-shapes", Double, "its type is torch.float64"),
    ("env-shapes", Stateless, "its shape is (3, 2)"),
    ("env-shapes", TeamPaid, "its shape is (3,)"),
    ("env-shapes", Unmarked, "it is [False, False, False]"),
    ("env-finite", Undefined, "obs is not in step"),
    ("env-masks", Paralysing, "has none at times"),
    ("env-masks", Indulgent, "it was accepted"),
    ("env-masks", Boundless, "it was accepted"),
    ("env-masks", Padded, "beyond action_dim is legal"),
    ("env-two-views", OneView, "was overwritten by the step"),
    ("env-ends", Forever, "one went on after 8"),
    ("env-ends", StillFirst, "it is set in step"),
    ("env-reset-done", Redrawing, "changed in step"),
    ("env-same-seeds", Systemic, "differs"),
    ("env-batch-size", Entangled, "differs between one copy and 3"),
    ("env-snapshot", Amnesiac, "of step"),
    ("env-snapshot", Unstorable, "snapshot.generators[0] is a Generator"),
    ("env-snapshot", Elsewhere, "obs is another one"),
    ("env-forgotten-ends", Haunted, "changed, as if an episode had ended since"),
    ("env-forgotten-ends", Restless, "changed, as if an episode had ended since"),
    ("env-metrics", Promising, "it has nothing"),
    ("env-metrics", Vague, "nan"),
    ("env-closing", Once, "closed already"),
]


def failure(name: str, habitat: Habitat) -> ContractFailure:
    with pytest.raises(ContractFailure) as raised:
        CHECKS[name](habitat)
    return raised.value


@pytest.mark.parametrize(("name", "world", "message"), CASES, ids=[case[1].__name__ for case in CASES])
def test_a_broken_rule_is_found_and_explained(name, world, message):
    found = failure(name, Habitat(world, steps=40))
    assert message in found.happened
    assert found.guide == place(name)
    assert "\n" not in str(found)


def test_a_score_needs_its_metric():
    found = failure("env-world", Habitat(MortalWorld, metric="battle_won"))
    assert found.expected == "the score's metric 'battle_won' among the episode metrics"


def test_a_faulty_pettingzoo_view_is_found():
    assert "AttributeError" in failure("env-pettingzoo", Habitat(MortalWorld, parallel=object)).happened


def test_every_check_has_a_world_that_breaks_it():
    assert {case[0] for case in CASES} | {"env-pettingzoo"} == set(CHECKS)


def test_the_guide_explains_every_check():
    headings = GUIDE.read_text(encoding="utf-8").splitlines()
    assert {f"### {name}" for name in CHECKS} <= set(headings)
