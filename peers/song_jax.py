"""Song, Yang & Wang (2017) in JAX, written for speed.

Rollout: one jitted `while_loop` that stops when every trial has ended. Gradient: jitted `scan`s over as many steps as
the longest trial took, rounded up to a multiple of `BUCKET` so that few lengths are ever compiled.
"""

from functools import partial

import jax
import jax.numpy as jnp

BUCKET = 32
ARRAYS = ("x0", "w_in", "b_in", "w_gates", "w_rec", "w_out", "b_out")


def masked(params, masks):
    return {name: params[name] * masks[name] if name in masks else params[name] for name in params}


def project(params, inputs, noise):
    n = params["x0"].shape[0]
    projected = inputs @ params["w_in"] + params["b_in"]
    return projected[..., :n] + noise, projected[..., n:]


def step(params, alpha, x, drive, gates):
    n = x.shape[1]
    r = jnp.maximum(x, 0)
    opened = jax.nn.sigmoid(r @ params["w_gates"] + gates)
    candidate = (opened[:, n:] * r) @ params["w_rec"] + drive
    return x + alpha * opened[:, :n] * (candidate - x)


def run(params, alpha, inputs, noise):
    """Rates at every index, (T, B, N); row t of inputs and noise drives t to t + 1."""
    drives, gates = project(params, inputs, noise)
    x0 = jnp.broadcast_to(params["x0"], (inputs.shape[1], params["x0"].shape[0]))

    def body(x, given):
        x = step(params, alpha, x, *given)
        return x, x

    _, states = jax.lax.scan(body, x0, (drives, gates))
    return jnp.maximum(jnp.concatenate((x0[None], states)), 0)


def value_inputs(rates, actions, mask, n_actions):
    seen = jnp.concatenate((rates, jax.nn.one_hot(actions, n_actions, dtype=rates.dtype)), axis=2)
    return jax.lax.stop_gradient(seen * mask[..., None])[:-1]


def losses(params, masks, alpha, inputs, noise, value_noise, actions, rewards, mask, immediate=True):
    policy, value = (masked(params[name], masks[name]) for name in ("policy", "value"))
    rates = run(policy, alpha, inputs, noise)
    logits = rates @ policy["w_out"] + policy["b_out"]
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), actions[..., None], axis=2)[..., 0]
    seen = value_inputs(rates, actions, mask, logits.shape[2])
    predicted = (run(value, alpha, seen, value_noise) @ value["w_out"] + value["b_out"])[..., 0]
    earned = rewards * mask
    returns = jnp.cumsum(earned[::-1], axis=0)[::-1]
    value_loss = jnp.sum((predicted - returns) ** 2 * mask) / jnp.sum(mask)
    weighed = (returns.at[0].set(rewards[0]) if immediate else returns) - jax.lax.stop_gradient(predicted)
    policy_loss = -jnp.sum(chosen * weighed * mask) / actions.shape[1]
    return policy_loss + value_loss, (policy_loss, value_loss)


@partial(jax.jit, static_argnames=("policy_sd",))
def roll_out(policy, masks, alpha, policy_sd, key, means, noise_sd, rewards, ends):
    steps, trials, n_actions = rewards.shape
    policy = masked(policy, masks)
    n = policy["x0"].shape[0]
    keys = jax.random.split(key, 3)
    inputs = means + noise_sd * jax.random.normal(keys[0], means.shape)
    noise = policy_sd * jax.random.normal(keys[1], (steps - 1, trials, n))
    gumbel = jax.random.gumbel(keys[2], (steps, trials, n_actions))
    drives, gates = project(policy, inputs[1:], noise)
    x0 = jnp.broadcast_to(policy["x0"], (trials, n))

    def act(t, x, alive, actions, earned, mask):
        logits = jnp.maximum(x, 0) @ policy["w_out"] + policy["b_out"]
        chosen = jnp.argmax(logits + gumbel[t], axis=1)
        pick = lambda table: jnp.take_along_axis(table[t], chosen[:, None], axis=1)[:, 0]
        actions = actions.at[t].set(chosen.astype(jnp.int32))
        earned = earned.at[t].set(jnp.where(alive, pick(rewards), 0.0))
        mask = mask.at[t].set(alive.astype(jnp.float32))
        return alive & ~pick(ends), actions, earned, mask

    def going_on(state):
        return (state[0] < steps) & jnp.any(state[2])

    def body(state):
        t, x, *rest = state
        x = step(policy, alpha, x, drives[t - 1], gates[t - 1])
        return (t + 1, x, *act(t, x, *rest))

    empty = jnp.zeros((steps, trials))
    start = act(0, x0, jnp.ones(trials, bool), jnp.zeros((steps, trials), jnp.int32), empty, empty)
    t, _, _, actions, earned, mask = jax.lax.while_loop(going_on, body, (1, x0, *start))
    return t, inputs, noise, actions, earned, mask


def adam(params, gradients, moments, count, rate):
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradients.values()))
    scale = jnp.minimum(1.0, 1.0 / norm)
    rate = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    new_params, new_moments = {}, {}
    for name, g in gradients.items():
        m, s = moments[name]
        m, s = 0.9 * m + 0.1 * scale * g, 0.999 * s + 0.001 * (scale * g) ** 2
        new_moments[name] = m, s
        new_params[name] = params[name] - rate * m / (jnp.sqrt(s) + 1e-8)
    return new_params, new_moments


@partial(jax.jit, static_argnames=("length", "value_sd"), donate_argnums=(0, 1))
def learn(params, moments, masks, alpha, length, value_sd, key, count, inputs, noise, actions, earned, mask):
    inputs, noise = inputs[1:length], noise[: length - 1]
    n = params["value"]["x0"].shape[0]
    value_noise = value_sd * jax.random.normal(key, (length - 1, actions.shape[1], n))
    cut = (actions[:length], earned[:length], mask[:length])
    gradients, _ = jax.grad(losses, has_aux=True)(params, masks, alpha, inputs, noise, value_noise, *cut)
    stepped = {name: adam(params[name], gradients[name], moments[name], count, 1e-12) for name in params}
    return {name: new[0] for name, new in stepped.items()}, {name: new[1] for name, new in stepped.items()}


class Pupil:
    def __init__(self, data):
        meta = data["meta"]
        array = lambda x: jnp.asarray(x, jnp.float32)
        self.params = {name: jax.tree.map(array, data[name]) for name in ("policy", "value")}
        self.masks = {name: jax.tree.map(array, data[name + "_masks"]) for name in ("policy", "value")}
        self.moments = jax.tree.map(lambda p: (jnp.zeros_like(p), jnp.zeros_like(p)), self.params)
        self.alpha, self.sd = meta["alpha"], (meta["policy_noise_sd"], meta["value_noise_sd"])
        self.batches = [
            [jnp.asarray(batch[name]) for name in ("inputs", "noise_sd", "rewards", "ends")] for batch in data["batches"]
        ]
        self.key = jax.random.key(1)
        self.count = 0

    def next_key(self):
        self.key, key = jax.random.split(self.key)
        return key

    def update(self, index):
        batch = self.batches[index % len(self.batches)]
        longest, *rest = roll_out(
            self.params["policy"], self.masks["policy"], self.alpha, self.sd[0], self.next_key(), *batch
        )
        steps = batch[2].shape[0]
        length = min(-(-int(longest) // BUCKET) * BUCKET, steps)
        self.count += 1
        self.params, self.moments = learn(
            self.params, self.moments, self.masks, self.alpha, length, self.sd[1], self.next_key(), float(self.count), *rest
        )
        jax.block_until_ready(self.params)
        return float(rest[-1].sum(0).mean())

    def validate(self, _):
        out = roll_out(
            self.params["policy"], self.masks["policy"], self.alpha, self.sd[0], self.next_key(), *self.batches[0]
        )
        return float(out[-1].sum(0).mean())


class Kernel:
    def __init__(self, data):
        meta = data["meta"]
        array = lambda x: jnp.asarray(x, jnp.float32)
        self.params, self.masks = jax.tree.map(array, data["net"]), jax.tree.map(array, data["net_masks"])
        steps, trials = meta["steps"] - 1, meta["trials"]
        n_inputs, outputs = self.params["w_in"].shape[0], self.params["b_out"].shape[0]
        keys = jax.random.split(jax.random.key(1), 3)
        inputs = 0.3 * jnp.ones((steps, trials, n_inputs))
        noise = 0.1 * jax.random.normal(keys[0], (steps, trials, self.params["x0"].shape[0]))
        actions = jax.random.randint(keys[1], (steps + 1, trials), 0, outputs)
        advantage = jax.random.normal(keys[2], (steps + 1, trials))
        alpha = meta["alpha"]

        def loss(params, masks, inputs, noise, actions, advantage):
            params = masked(params, masks)
            out = run(params, alpha, inputs, noise) @ params["w_out"] + params["b_out"]
            if outputs == 1:
                return jnp.mean((out[..., 0] - advantage) ** 2)
            chosen = jnp.take_along_axis(jax.nn.log_softmax(out), actions[..., None], axis=2)[..., 0]
            return -jnp.sum(chosen * advantage) / chosen.shape[1]

        self.given = inputs, noise, actions, advantage
        self.gradient = jax.jit(jax.value_and_grad(loss))

    def go(self, _):
        jax.block_until_ready(self.gradient(self.params, self.masks, *self.given))
        return self.given[2].shape[0]


def prepare(kind, data):
    if kind == "kernel":
        return Kernel(data).go
    pupil = Pupil(data)
    return pupil.update if kind == "update" else pupil.validate


def gradients(case):
    """Losses and gradients of a reference case in float64, for `check.py`."""
    jax.config.update("jax_enable_x64", True)
    array = lambda x: jnp.asarray(x, jnp.float64)
    params = {name: jax.tree.map(array, case[name]) for name in ("policy", "value")}
    masks = {name: jax.tree.map(array, case[name + "_masks"]) for name in ("policy", "value")}
    given = [array(case[name]) for name in ("inputs", "noise", "value_noise")]
    rest = [jnp.asarray(case["actions"]), array(case["rewards"]), array(case["mask"])]
    found, (policy_loss, value_loss) = jax.grad(losses, has_aux=True)(params, masks, case["alpha"], *given, *rest, case["immediate"])
    return float(policy_loss), float(value_loss), found["policy"], found["value"]
