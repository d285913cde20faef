"""SrSv's network: MAT's body, and values that know predecessors' actions and successors' policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from marlzoo.api import World
from marlzoo.learn.batches import micro_batches
from marlzoo.learn.joint_ppo import JointEvaluation, JointRows, micro_batch_size
from marlzoo.nets.attention import readout
from marlzoo.nets.heads import ActionDistribution, noise_for
from marlzoo.nets.mat_body import MatBody, score
from marlzoo_srsv.config import SrsvConfig
from marlzoo_srsv.successors import (
    Situation,
    form,
    greedy_continuations,
    has_own_plans,
    hidden_along,
    imitation_loss,
    soft_plan,
)
from marlzoo_srsv.value import ValueStream


class SrsvNetwork(nn.Module):
    """Policy and values of all agents in one pass. With `v=mat` it has MAT's parameters and nothing else.

    In the code `eo` is the encoder's output, `do` the decoder's, and `do_plan` the decoder's along the plan:
    the actions that stand for the policies of agents j >= i. The value head is the `f` of the method.
    """

    def __init__(self, world: World, config: SrsvConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.world = world
        self.config = config
        self.soft = config.succ_form == "soft"
        self.body = MatBody.of(world, config, generator)
        self.value_head = readout(config.width, 1, generator)
        self.stream: ValueStream | None = None
        self.marginal: nn.Module | None = None
        if config.wants_stream:
            features = world.action_dim * (2 if self.soft and not world.discrete else 1)
            self.stream = ValueStream(features, config.width, config.detach_w, generator)
        if config.wants_successors and config.succ == "marginal":
            self.marginal = readout(config.width, world.action_dim, generator)

    @torch.no_grad()
    def act(
        self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, noise: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """`obs [B, N, O]` to the joint action, and the greedy one as `plan`.

        Without `noise` the action itself is greedy, and there is no plan.
        """
        rep = self.body.encode(self.body.prepare(obs), alive)
        if noise is None or not self.config.wants_plan:
            return self.body.act(rep, alive, action_mask, noise), {}
        # A sample without noise is the greedy action, so one decoder call serves both.
        both = self.body.act(
            rep.repeat(2, 1, 1),
            alive.repeat(2, 1),
            None if action_mask is None else action_mask.repeat(2, 1, 1),
            torch.cat((noise, torch.zeros_like(noise))),
        )
        actions, plan = both.chunk(2)
        return actions, {"plan": plan}

    @torch.no_grad()
    def rows(
        self,
        obs: Tensor,
        alive: Tensor,
        action_mask: Tensor | None,
        actions: Tensor,
        memo: Mapping[str, Tensor],
    ) -> JointRows:
        rows = JointRows(self.body.prepare(obs), alive, action_mask, actions, memo)
        if not self.config.wants_successors or self.config.succ == "tf":
            return rows
        if self.config.succ == "plan" and not self.soft:
            return rows
        pieces = micro_batches(len(rows), micro_batch_size(self.config, alive.shape[1]))
        made = [self._plan(rows[piece]) for piece in pieces]
        return replace(rows, extras={name: torch.cat([part[name] for part in made]) for name in made[0]})

    def evaluate(self, rows: JointRows) -> JointEvaluation:
        at = self._situation(rows)
        do, do_plan = self._decode(at, rows)
        options = self.body.distribution(do, rows.action_mask)
        log_prob, entropy = score(options, rows.actions, self.config.ratio_agg == "per_dim")
        values = self._values(at.rep, do, do_plan, options, rows)
        return JointEvaluation(log_prob, entropy, values, self._imitation(at, options))

    @torch.no_grad()
    def values_ahead(
        self, obs: Tensor, alive: Tensor, action_mask: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """Where values need actions, they are decoded here with the present parameters, for this only."""
        if not self.config.wants_actions:
            return self._values_of_views(self.body.encode(self.body.prepare(obs), alive))
        noise = noise_for(self.world, alive.shape, generator)
        actions, memo = self.act(obs, alive, action_mask, noise)
        return self.evaluate(self.rows(obs, alive, action_mask, actions, memo)).values

    @torch.no_grad()
    def explain(self, rows: JointRows) -> tuple[Tensor, Tensor | None]:
        """The values `[B, N]`, and their weights `[B, N, N]` where there is a value stream: row i says how
        much V^i looks at what each agent before i did, and at what each from i on plans."""
        if self.stream is None:
            return self.evaluate(rows).values, None
        caught: list[Tensor] = []
        hook = self.stream.attention.weigh.register_forward_hook(lambda *call: caught.append(call[-1]))
        try:
            values = self.evaluate(rows).values
        finally:
            hook.remove()
        steps, agents = rows.alive.shape
        # Perhaps two tokens per agent, of which every row sees one.
        return values, caught[0].reshape(steps, agents, -1, agents).sum(2)

    def _situation(self, rows: JointRows) -> Situation:
        return Situation(self.body.encode(rows.obs, rows.alive), rows.alive, rows.action_mask)

    def _plan(self, rows: JointRows) -> dict[str, Tensor]:
        """`plan`: choices that stand for the policies of agents j >= i; `soft`: the other form, if wanted."""
        at = self._situation(rows)
        if self.marginal is not None:
            options = self._marginal_options(self.marginal, at)
            plan, soft = form(options, soft=False), form(options, soft=True)
            return {"plan": plan, "soft": soft} if self.soft else {"plan": plan}
        if self.config.succ == "greedy_cont":
            plan = greedy_continuations(self.body, at, rows.actions)
        else:
            plan = rows.extras["plan"]
        return {"plan": plan, "soft": soft_plan(self.body, at, plan)} if self.soft else {"plan": plan}

    def _decode(self, at: Situation, rows: JointRows) -> tuple[Tensor, Tensor]:
        """`do` and `do_plan`; where the value has no use for the latter, it is `do`."""
        config = self.config
        if not config.wants_successors or config.value_base == "eo" or config.succ == "tf":
            do = self.body.decode_parallel(at.rep, rows.actions, at.alive)
            return do, do
        plan = rows.extras["plan"]
        if has_own_plans(at, plan):
            do = self.body.decode_parallel(at.rep, rows.actions, at.alive)
            return do, hidden_along(self.body, at, plan)
        both = torch.cat((rows.actions, plan))
        do, do_plan = self.body.decode_parallel(at.rep.repeat(2, 1, 1), both, at.alive.repeat(2, 1)).chunk(2)
        return do, do_plan

    def _values(
        self, eo: Tensor, do: Tensor, do_plan: Tensor, options: ActionDistribution, rows: JointRows
    ) -> Tensor:
        """`[B, N]`, by the configured value function."""
        config, f = self.config, self.value_head
        if config.value_grad != "full":
            do, do_plan = do.detach(), do_plan.detach()
        if config.value_grad == "head_only":
            eo = eo.detach()
        if not config.wants_actions:
            return self._values_of_views(eo)
        if config.v == "dov":
            return f(do).squeeze(-1)
        if self.stream is None:
            return self._with_decoder_weights(eo, do, rows)
        base, base_plan = (eo, eo) if config.value_base == "eo" else (do, do_plan)
        executed = self.stream.tokens.executed(rows.actions, base)
        if config.without_pi:
            return self.stream.executed_only(f, do, executed)
        planned = self.stream.tokens.planned(self._planned_actions(options, rows), base_plan)
        if config.without_a:
            return self.stream.planned_only(f, eo, planned)
        return self.stream.two_streams(f, do, executed, planned)

    def _values_of_views(self, eo: Tensor) -> Tensor:
        """`[B, N]` for `v=mat` and `v=pool`, which know no action."""
        if self.stream is not None:
            return self.stream.pooled(self.value_head, eo)
        return self.value_head(eo).squeeze(-1)

    def _planned_actions(self, options: ActionDistribution, rows: JointRows) -> Tensor:
        if self.config.succ == "tf":
            return form(options, self.soft)
        return rows.extras["soft" if self.soft else "plan"]

    def _with_decoder_weights(self, eo: Tensor, do: Tensor, rows: JointRows) -> Tensor:
        """The literal reading: `V^i = sum_{j<=i} w_ij f(do_j)` with the decoder's own last attention `w`.

        Its row i reaches back to the start token only, so successors' policies cannot enter.
        """
        visible = self.body.causally_visible(rows.alive)
        weights = self.body.decoder.cross_weights(eo, rows.actions, visible)
        if self.config.detach_w or self.config.value_grad != "full":
            weights = weights.detach()
        return (weights @ self.value_head(do)).squeeze(-1)

    def _marginal_options(self, head: nn.Module, at: Situation) -> ActionDistribution:
        """The policies of the head without autoregression; the body gets no gradient from it."""
        return self.body.distribution_of(head(at.rep.detach()), at.action_mask)

    def _imitation(self, at: Situation, options: ActionDistribution) -> Tensor | None:
        if self.marginal is None:
            return None
        taught = self._marginal_options(self.marginal, at)
        return self.config.marginal_coef * imitation_loss(taught, options, at.alive)
