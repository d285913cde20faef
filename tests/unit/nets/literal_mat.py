"""The multi-agent transformer, literally: float64 NumPy, row by row, the decoder re-run for every agent.

Written from the published description. Discrete tokens are one-hot with a start flag in slot 0; nothing is
cached, looked up, folded or batched.
"""

from __future__ import annotations

import math

import numpy as np


class LiteralMat:
    """Takes the parameters of a `MatBody` by name."""

    def __init__(self, body):
        self.shape = body.shape
        self.parameters = {name: p.detach().double().numpy() for name, p in body.named_parameters()}

    def linear(self, name, x):
        bias = self.parameters.get(f"{name}.bias")
        result = x @ self.parameters[f"{name}.weight"].T
        return result if bias is None else result + bias

    def norm(self, name, x):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        scaled = (x - mean) / np.sqrt(variance + 1e-5)
        return scaled * self.parameters[f"{name}.weight"] + self.parameters[f"{name}.bias"]

    @staticmethod
    def gelu(x):
        return np.vectorize(lambda value: 0.5 * value * (1.0 + math.erf(value / math.sqrt(2.0))))(x)

    def attention(self, name, query, memory, allowed):
        """`query [N, D]`, `memory [N, D]`; `allowed(i, j)` says whether i may look at j."""
        q, k, v = (self.linear(f"{name}.{part}", x) for part, x in
                   (("query", query), ("key", memory), ("value", memory)))  # fmt: skip
        size = self.shape.width // self.shape.heads
        out = np.zeros_like(q)
        for head in range(self.shape.heads):
            part = slice(head * size, (head + 1) * size)
            for i in range(len(q)):
                seen = [j for j in range(len(k)) if allowed(i, j)]
                scores = np.array([q[i, part] @ k[j, part] / math.sqrt(size) for j in seen])
                weights = np.exp(scores - scores.max())
                weights /= weights.sum()
                out[i, part] = sum(w * v[j, part] for w, j in zip(weights, seen, strict=True))
        return self.linear(f"{name}.proj", out)

    def feed_forward(self, name, x):
        return self.linear(f"{name}.2", self.gelu(self.linear(f"{name}.0", x)))

    def readout(self, name, x):
        hidden = self.norm(f"{name}.2", self.gelu(self.linear(f"{name}.0", x)))
        return self.linear(f"{name}.3", hidden)

    def encode(self, obs, alive=None):
        """`obs [N, O] -> [N, D]`; with `alive`, nobody looks at the dead (but everyone at itself).

        Here and below, `alive` is `[N]`, or `[N, N]` with row i saying at whom agent i looks.
        """

        def allowed(i, j):
            return alive is None or np.broadcast_to(alive, (len(obs), len(obs)))[i, j] or i == j

        x = self.norm("encoder.feature_norm", obs) if self.shape.feature_norm else obs
        x = self.norm("encoder.norm", self.gelu(self.linear("encoder.embed", x)))
        for block in range(self.shape.blocks):
            name = f"encoder.blocks.{block}"
            x = self.norm(f"{name}.attention_norm", x + self.attention(f"{name}.attention", x, x, allowed))
            x = self.norm(f"{name}.mlp_norm", x + self.feed_forward(f"{name}.mlp", x))
        return x

    def tokens(self, actions, agents):
        """The decoder's input rows, for as many leading `actions` as there are; the rest is 0."""
        if not self.shape.discrete:
            rows = np.zeros((agents, self.shape.action_dim))
            for i, action in enumerate(actions[: agents - 1]):
                rows[i + 1] = action
            return rows
        rows = np.zeros((agents, self.shape.action_dim + 1))
        rows[0, 0] = 1.0
        for i, action in enumerate(actions[: agents - 1]):
            rows[i + 1, action + 1] = 1.0
        return rows

    def decode(self, rep, actions, alive=None):
        """Hidden rows `[N, D]` of the whole decoder after some leading `actions`."""

        def allowed(i, j):
            if j > i or alive is None:
                return j <= i
            return j == 0 or i == j or np.broadcast_to(alive, (len(rep), len(rep)))[i, j - 1]

        embedded = self.linear("decoder.tokens.embed", self.tokens(actions, len(rep)))
        if self.shape.dec_token == "action+rep":
            actors = np.vstack([np.zeros_like(rep[:1]), rep[:-1]])
            embedded = embedded + self.linear("decoder.tokens.rep", actors)
        y = self.norm("decoder.tokens.norm", self.gelu(embedded))
        for block in range(self.shape.blocks):
            name = f"decoder.blocks.{block}"
            y = self.norm(f"{name}.self_norm", y + self.attention(f"{name}.self_attention", y, y, allowed))
            z = self.attention(f"{name}.cross_attention", rep, y, allowed)
            z = self.norm(f"{name}.cross_norm", rep + z)
            y = self.norm(f"{name}.mlp_norm", z + self.feed_forward(f"{name}.mlp", z))
        return y

    def outputs(self, rep, actions, alive=None):
        """Logits or means `[N, A]`."""
        return self.readout("decoder.head", self.decode(rep, actions, alive))

    def act(self, rep, mask, noise, alive=None):
        """The published loop: the whole decoder for every agent, of which one row is used."""
        actions = []
        for i in range(len(rep)):
            outputs = self.outputs(rep, actions, alive)[i]
            if self.shape.discrete:
                actions.append(int(np.argmax(np.where(mask[i], outputs, -1e10) + noise[i])))
            else:
                actions.append(outputs + 0.5 / (1.0 + np.exp(-self.parameters["log_std"])) * noise[i])
        return np.array(actions)
