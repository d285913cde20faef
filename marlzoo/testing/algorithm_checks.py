"""The whole contract of algorithms: every check with its rule and its worlds, in the order of the guide."""

from __future__ import annotations

from marlzoo.testing import declared, keeping, learning, playing, sharing
from marlzoo.testing.checks import Case, Check, cases
from marlzoo.testing.subject import Subject

EVERYWHERE = ("matrix", "mortal", "uneven", "target")
"""Worlds with little in common: a single step; masks and deaths; unequal agents; continuous actions."""

ALGORITHM_CHECKS: tuple[Check[Subject], ...] = (
    Check(
        "light-import",
        "hooks and settings import nothing heavy",
        declared.light_import,
        reason_to_skip=declared.single_file,
    ),
    Check(
        "declaration",
        "the spec names real classes, and every setting is explained",
        declared.declaration,
        essential=True,
    ),
    Check(
        "presets",
        "presets hold known settings in range",
        declared.presets,
        reason_to_skip=declared.no_presets,
        essential=True,
    ),
    Check(
        "legal-actions",
        "actions are legal, and of the right shape and type",
        playing.legal_actions,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check("metrics", "an update reports finite floats", playing.sound_metrics, EVERYWHERE, playing.unclaimed),
    Check(
        "one-agent",
        "a single agent is a team",
        playing.one_agent,
        ("alone", "alone-target"),
        playing.unclaimed,
    ),
    Check("same-seed", "the same seed gives the same run", playing.same_seed, EVERYWHERE, playing.unclaimed),
    Check(
        "global-state",
        "global generators and settings are neither used nor changed",
        sharing.global_state,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "own-copies",
        "lent tensors are not changed, and copied where they are kept",
        playing.own_copies,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "greedy-play",
        "greedy play draws nothing and remembers nothing",
        playing.greedy_play,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "explanation",
        "what explain tells has the right shapes, and leaves no trace",
        playing.explanation,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "batch-independence",
        "greedy choices do not depend on the other environments",
        playing.batch_independence,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "safe-state",
        "states load with weights_only=True",
        keeping.safe_state,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "exact-resume",
        "a resumed run equals the uninterrupted one",
        keeping.exact_resume,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "policy",
        "a policy that is loaded acts as the one that was saved",
        keeping.policy,
        EVERYWHERE,
        playing.unclaimed,
    ),
    Check(
        "agent-count",
        "a policy acts with another number of agents",
        keeping.agent_count,
        ("mortal",),
        keeping.fixed_count,
    ),
    Check("matrix-game", "a matrix game is learned", learning.matrix_game, ("matrix",), playing.unclaimed),
    Check(
        "continuous-game",
        "a continuous game is learned",
        learning.continuous_game,
        ("target",),
        playing.unclaimed,
    ),
    Check("dead-agents", "the dead learn nothing", learning.dead_agents, ("ghost",), playing.unclaimed),
    Check(
        "episode-ends",
        "nothing after a reset counts as a consequence of what was before",
        learning.ends,
        ("terminated", "truncated"),
        playing.unclaimed,
    ),
)


def algorithm_cases() -> list[Case[Subject]]:
    """Every check in every one of its worlds."""
    return cases(ALGORITHM_CHECKS)
