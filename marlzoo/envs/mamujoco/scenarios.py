"""The rules of Gymnasium's v5 tasks for a batch of copies: what is measured, how an episode starts, what a
step is worth and when it ends.

Everything is written in the order of Gymnasium's own arithmetic, which makes the results equal bit for bit:
for instance `(forward + healthy) - costs` is not regrouped, and sums run along contiguous rows. The weights
are the defaults of the v5 tasks.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from marlzoo.envs.mamujoco.engine import Bools, Floats

Blocks = Mapping[str, Floats]
"""Named columns `[E, size]` of the feature array."""

Slice = tuple[str, int, int | None]
"""`(block, start, stop)`."""


def squares(values: Floats) -> Floats:
    """The sum of squares of every row: `[E, n]` to `[E]`."""
    return np.asarray(np.sum(np.square(values), axis=1))


def lengths(vectors: Floats) -> Floats:
    """The Euclidean norm of every row, each as the dot product that `np.linalg.norm` takes of one vector."""
    return np.sqrt(np.array([vector.dot(vector) for vector in np.ascontiguousarray(vectors)]))


class Scenario(abc.ABC):
    """One task. `raw` names the arrays of `MjData` it needs, `derived` the further blocks with their sizes,
    `state` the slices of which Gymnasium's observation consists; `contact_forces` asks for the extra pass
    over the bodies that computes `cfrc_ext`."""

    raw: tuple[str, ...] = ("qpos", "qvel")
    state: tuple[Slice, ...] = ()
    contact_forces: bool = False
    noise: float = 0.1
    gaussian_velocity: bool = False

    def __init__(self, model: Any) -> None:
        self.model = model

    def derived(self) -> dict[str, int]:
        return {}

    def derive(self, blocks: Blocks) -> None:
        """Fill the derived blocks from the raw ones."""

    def anchor(self, blocks: Blocks) -> Floats:
        """`[E]`: the coordinate whose change over a step is the forward velocity."""
        return blocks["qpos"][:, 0]

    def start(self, rest: tuple[Floats, Floats], generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw the first positions and velocities around the model's `rest` ones."""
        qpos = rest[0] + generator.uniform(low=-self.noise, high=self.noise, size=len(rest[0]))
        if self.gaussian_velocity:
            return qpos, rest[1] + self.noise * generator.standard_normal(len(rest[1]))
        return qpos, rest[1] + generator.uniform(low=-self.noise, high=self.noise, size=len(rest[1]))

    @abc.abstractmethod
    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        """Reward and termination `[E]` of a step with `control [E, nu]` and forward `velocity [E]`."""

    def _never(self, velocity: Floats) -> Bools:
        return np.zeros(len(velocity), np.bool_)


class HalfCheetah(Scenario):
    state = (("qpos", 1, None), ("qvel", 0, None))
    gaussian_velocity = True
    control_weight: float = 0.1

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        return velocity - self.control_weight * squares(control), self._never(velocity)


class Swimmer(HalfCheetah):
    state = (("qpos", 2, None), ("qvel", 0, None))
    gaussian_velocity = False
    control_weight = 1e-4


class _Walking(Scenario):
    """Hopper and Walker2d: velocities beyond 10 are clipped in the state, and a fall ends the episode."""

    state = (("qpos", 1, None), ("qvel_clipped", 0, None))
    noise = 5e-3

    def derived(self) -> dict[str, int]:
        return {"qvel_clipped": self.model.nv}

    def derive(self, blocks: Blocks) -> None:
        np.clip(blocks["qvel"], -10, 10, out=blocks["qvel_clipped"])

    @abc.abstractmethod
    def healthy(self, blocks: Blocks) -> Bools:
        """`[E]`: the robot stands."""

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        healthy = self.healthy(blocks)
        return (velocity + healthy) - 1e-3 * squares(control), ~healthy


class Hopper(_Walking):
    def healthy(self, blocks: Blocks) -> Bools:
        height, angle = blocks["qpos"][:, 1], blocks["qpos"][:, 2]
        moderate = np.all(np.abs(blocks["qpos"][:, 2:]) < 100, axis=1) & np.all(
            np.abs(blocks["qvel"]) < 100, axis=1
        )
        return np.asarray(moderate & (height > 0.7) & (height < np.inf) & (np.abs(angle) < 0.2))


class Walker2d(_Walking):
    def healthy(self, blocks: Blocks) -> Bools:
        height, angle = blocks["qpos"][:, 1], blocks["qpos"][:, 2]
        return np.asarray((height > 0.8) & (height < 2.0) & (np.abs(angle) < 1.0))


class Ant(Scenario):
    raw = ("qpos", "qvel", "cfrc_ext", "xpos")
    state = (("qpos", 2, None), ("qvel", 0, None), ("cfrc_ext_clipped", 6, None))
    contact_forces = True
    gaussian_velocity = True

    def derived(self) -> dict[str, int]:
        return {"cfrc_ext_clipped": 6 * self.model.nbody}

    def derive(self, blocks: Blocks) -> None:
        np.clip(blocks["cfrc_ext"], -1, 1, out=blocks["cfrc_ext_clipped"])

    def anchor(self, blocks: Blocks) -> Floats:
        """The torso's x, body 1, as the last physics substep left it (before its integration)."""
        return blocks["xpos"][:, 3]

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        height = blocks["qpos"][:, 2]
        finite = np.isfinite(blocks["qpos"]).all(axis=1) & np.isfinite(blocks["qvel"]).all(axis=1)
        healthy = finite & (height >= 0.2) & (height <= 1.0)
        costs = 0.5 * squares(control) + 5e-4 * squares(blocks["cfrc_ext_clipped"])
        return (velocity + healthy) - costs, ~healthy


class HumanoidStandup(Scenario):
    raw: tuple[str, ...] = ("qpos", "qvel", "cinert", "cvel", "qfrc_actuator", "cfrc_ext")
    state: tuple[Slice, ...] = (
        ("qpos", 2, None),
        ("qvel", 0, None),
        ("cinert", 10, None),
        ("cvel", 6, None),
        ("qfrc_actuator", 6, None),
        ("cfrc_ext", 6, None),
    )
    contact_forces = True
    noise = 1e-2

    def impact(self, blocks: Blocks) -> Floats:
        """The price of contact forces, at most 10."""
        return np.minimum(5e-7 * squares(blocks["cfrc_ext"]), 10.0)

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        upward = blocks["qpos"][:, 2] / self.model.opt.timestep
        reward = upward - 0.1 * squares(control) - self.impact(blocks) + 1
        return reward, self._never(velocity)


class Humanoid(HumanoidStandup):
    raw = (*HumanoidStandup.raw, "xipos")

    def anchor(self, blocks: Blocks) -> Floats:
        """The centre of mass's x, from the bodies' own centres, summed body after body."""
        masses = self.model.body_mass
        moments = np.add.accumulate(masses * blocks["xipos"][:, ::3], axis=1)
        return moments[:, -1] / masses.sum()

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        height = blocks["qpos"][:, 2]
        healthy = (height > 1.0) & (height < 2.0)
        costs = 0.1 * squares(control) + self.impact(blocks)
        return (1.25 * velocity + 5.0 * healthy) - costs, ~healthy


class _Reaching(Scenario):
    """Reacher and Pusher: distances between named bodies."""

    raw = ("qpos", "qvel", "xpos")

    def place(self, blocks: Blocks, body: str) -> Floats:
        """The position `[E, 3]` of a body."""
        first = 3 * self.model.body(body).id
        return blocks["xpos"][:, first : first + 3]


class Reacher(_Reaching):
    state = (
        ("cos_qpos", 0, None),
        ("sin_qpos", 0, None),
        ("qpos", 2, None),
        ("qvel", 0, 2),
        ("tip_offset", 0, 2),
    )

    def derived(self) -> dict[str, int]:
        return {"sin_qpos": 2, "cos_qpos": 2, "tip_offset": 3}

    def derive(self, blocks: Blocks) -> None:
        np.sin(blocks["qpos"][:, :2], out=blocks["sin_qpos"])
        np.cos(blocks["qpos"][:, :2], out=blocks["cos_qpos"])
        np.subtract(self.place(blocks, "fingertip"), self.place(blocks, "target"), out=blocks["tip_offset"])

    def start(self, rest: tuple[Floats, Floats], generator: np.random.Generator) -> tuple[Floats, Floats]:
        qpos = generator.uniform(low=-0.1, high=0.1, size=len(rest[0])) + rest[0]
        goal = generator.uniform(low=-0.2, high=0.2, size=2)
        while np.linalg.norm(goal) >= 0.2:
            goal = generator.uniform(low=-0.2, high=0.2, size=2)
        qpos[-2:] = goal
        qvel = rest[1] + generator.uniform(low=-0.005, high=0.005, size=len(rest[1]))
        qvel[-2:] = 0
        return qpos, qvel

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        return -lengths(blocks["tip_offset"]) - squares(control), self._never(velocity)


class Pusher(_Reaching):
    state = (
        ("qpos", 0, 7),
        ("qvel", 0, 7),
        ("tips_arm", 0, None),
        ("object", 0, None),
        ("goal", 0, None),
    )
    bodies: ClassVar[tuple[str, ...]] = ("tips_arm", "object", "goal")

    def derived(self) -> dict[str, int]:
        return dict.fromkeys(self.bodies, 3)

    def derive(self, blocks: Blocks) -> None:
        for body in self.bodies:
            blocks[body][...] = self.place(blocks, body)

    def start(self, rest: tuple[Floats, Floats], generator: np.random.Generator) -> tuple[Floats, Floats]:
        place = self._draw_cylinder(generator)
        while np.linalg.norm(place) <= 0.17:
            place = self._draw_cylinder(generator)
        qpos = rest[0].copy()
        qpos[-4:-2] = place
        qpos[-2:] = 0
        qvel = rest[1] + generator.uniform(low=-0.005, high=0.005, size=len(rest[1]))
        qvel[-4:] = 0
        return qpos, qvel

    def _draw_cylinder(self, generator: np.random.Generator) -> Floats:
        across = generator.uniform(low=-0.3, high=0, size=1)
        along = generator.uniform(low=-0.2, high=0.2, size=1)
        return np.concatenate([across, along])

    def judge(self, blocks: Blocks, control: Floats, velocity: Floats) -> tuple[Floats, Bools]:
        near = -lengths(blocks["object"] - blocks["tips_arm"]) * 0.5
        distance = -lengths(blocks["object"] - blocks["goal"])
        return distance - squares(control) * 0.1 + near, self._never(velocity)


SCENARIOS: dict[str, type[Scenario]] = {
    kind.__name__: kind
    for kind in (HalfCheetah, Hopper, Walker2d, Ant, Humanoid, HumanoidStandup, Swimmer, Reacher, Pusher)
}
