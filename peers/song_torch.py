"""Song, Yang & Wang (2017) in PyTorch, eager or compiled, written for speed.

What makes it fast: one product for all inputs before the loop, `unbind` instead of indexing, read-outs and
look-ups in the trial tables after the loop, actions by the Gumbel trick from noise drawn at once, a look at whether
every trial has ended only every `CHUNK` steps, fused Adam. Compiled, the loop goes `CHUNK` unrolled steps at a time.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # do not spin while others are measured
os.environ.setdefault("KMP_BLOCKTIME", "0")

import torch
from torch.nn.functional import one_hot

CHUNK = 10
ARRAYS = ("x0", "w_in", "b_in", "w_gates", "w_rec", "w_out", "b_out")


class Net(torch.nn.Module):
    """Gated units with a linear read-out. Matrices are from x to; columns of w_in: drive, update, recurrent gate."""

    def __init__(self, arrays, masks, alpha):
        super().__init__()
        for name in ARRAYS:
            setattr(self, name, torch.nn.Parameter(torch.as_tensor(arrays[name], dtype=torch.float32)))
        for name, mask in masks.items():
            self.register_buffer("mask_" + name, torch.as_tensor(mask, dtype=torch.float32))
        self.masked = tuple(masks)
        self.alpha = alpha
        self.n = self.x0.shape[0]

    def weights(self):
        return {
            name: getattr(self, name) * getattr(self, "mask_" + name) if name in self.masked else getattr(self, name)
            for name in ("w_in", "w_gates", "w_rec")
        }

    def project(self, w_in, inputs, noise):
        """Everything that does not depend on the state: drives (T, B, N) and gates (T, B, 2N)."""
        steps, trials, _ = inputs.shape
        projected = torch.addmm(self.b_in, inputs.reshape(steps * trials, -1), w_in).view(steps, trials, 3 * self.n)
        drive, gates = projected.split((self.n, 2 * self.n), dim=2)
        if noise is not None:
            drive = drive + noise
        return drive, gates


def step(x, r, drive, gates, w_gates, w_rec, alpha):
    update, recurrent = torch.sigmoid(torch.addmm(gates, r, w_gates)).chunk(2, dim=1)
    candidate = torch.addmm(drive, recurrent * r, w_rec)
    x = x + alpha * update * (candidate - x)
    return x, torch.relu(x)


def chunk_of_steps(x, r, drives, gates, w_gates, w_rec, alpha):
    rates = []
    for drive, gate in zip(drives.unbind(0), gates.unbind(0)):
        x, r = step(x, r, drive, gate, w_gates, w_rec, alpha)
        rates.append(r)
    return x, r, torch.stack(rates)


torch._dynamo.config.recompile_limit = 64  # every batch size and network is a new shape
compiled_chunk = torch.compile(chunk_of_steps, dynamic=False)


def run(net, inputs, noise, compiled):
    """Rates at every index, (T, B, N), index 0 being the initial state; row t of inputs and noise drives t to t + 1."""
    weights = net.weights()
    drives, gates = net.project(weights["w_in"], inputs, noise)
    x = net.x0.expand(inputs.shape[1], net.n)
    r = torch.relu(x)
    if compiled and len(drives) > CHUNK:
        parts = [r.unsqueeze(0)]
        for d, g in zip(drives.split(CHUNK), gates.split(CHUNK)):
            go = compiled_chunk if len(d) == CHUNK else chunk_of_steps
            x, r, part = go(x, r, d, g, weights["w_gates"], weights["w_rec"], net.alpha)
            parts.append(part)
        return torch.cat(parts)
    rates = [r]
    for d, g in zip(drives.unbind(0), gates.unbind(0)):
        x, r = step(x, r, d, g, weights["w_gates"], weights["w_rec"], net.alpha)
        rates.append(r)
    return torch.stack(rates)


def losses(policy, value, rates, predicted, actions, rewards, mask, immediate=True):
    """The policy's and the value network's loss; the first action is weighed by its immediate reward, if so asked."""
    logits = rates @ policy.w_out + policy.b_out
    chosen = torch.log_softmax(logits, dim=2).gather(2, actions.unsqueeze(2)).squeeze(2)
    returns = (rewards * mask).flip(0).cumsum(0).flip(0)
    value_loss = ((predicted - returns) ** 2 * mask).sum() / mask.sum()
    advantage = returns - predicted.detach()
    if immediate:
        advantage[0] = rewards[0] - predicted.detach()[0]
    policy_loss = -(chosen * advantage * mask).sum() / actions.shape[1]
    return policy_loss, value_loss


def value_inputs(rates, actions, mask, n_actions):
    """What the value network sees on its way to index t: rates and action at t - 1."""
    seen = torch.cat((rates.detach(), one_hot(actions, n_actions).to(rates.dtype)), dim=2)
    return (seen * mask.unsqueeze(2))[:-1]


class Pupil:
    """Both networks, their optimisers and the trials of several updates."""

    def __init__(self, data, compiled):
        meta = data["meta"]
        self.compiled = compiled
        self.policy, self.value = (
            Net(data[name], data[name + "_masks"], meta["alpha"]) for name in ("policy", "value")
        )
        self.noise_sd = meta["policy_noise_sd"], meta["value_noise_sd"]
        self.optimisers = [
            torch.optim.Adam(net.parameters(), lr=1e-12, fused=True) for net in (self.policy, self.value)
        ]
        self.batches = [
            [torch.as_tensor(batch[name]) for name in ("inputs", "noise_sd", "rewards", "ends")]
            for batch in data["batches"]
        ]

    def roll_out(self, batch):
        """Rates (T, B, N) with their graph, actions, rewards and mask (T, B), as long as the longest trial."""
        means, noise_sd, rewards, ends = batch
        steps, trials, n_actions = rewards.shape
        inputs = means + noise_sd * torch.randn_like(means)
        noise = self.noise_sd[0] * torch.randn(steps - 1, trials, self.policy.n)
        weights = self.policy.weights()
        drives, gates = self.policy.project(weights["w_in"], inputs[1:], noise)
        w_out, b_out = self.policy.w_out.detach(), self.policy.b_out.detach()
        gumbel = -torch.log(-torch.log(torch.rand(steps, trials, n_actions).clamp_(1e-7, 1 - 1e-7)))
        x = self.policy.x0.expand(trials, self.policy.n)
        r = torch.relu(x)
        parts, actions, done = [r.unsqueeze(0)], [], 0
        alive = torch.ones(trials, dtype=torch.bool)
        drive_chunks, gate_chunks = drives.split(CHUNK), gates.split(CHUNK)
        for chunk in range(len(drive_chunks) + 1):
            if chunk > 0:
                d, g = drive_chunks[chunk - 1], gate_chunks[chunk - 1]
                go = compiled_chunk if self.compiled and len(d) == CHUNK else chunk_of_steps
                x, r, part = go(x, r, d, g, weights["w_gates"], weights["w_rec"], self.policy.alpha)
                parts.append(part)
            with torch.no_grad():
                now = slice(done, done + len(parts[-1]))
                logits = torch.matmul(parts[-1].detach(), w_out) + b_out
                chosen = (logits + gumbel[now]).argmax(2)
                actions.append(chosen)
                ended = ends[now].gather(2, chosen.unsqueeze(2)).squeeze(2)
                alive &= ~ended.any(0)
                done = now.stop
                if not alive.any():
                    break
        with torch.no_grad():
            actions = torch.cat(actions)
            look = actions.unsqueeze(2)
            ended = ends[: len(actions)].gather(2, look).squeeze(2)
            mask = (ended.cumsum(0) - ended.long() == 0).float()
            longest = int(mask.sum(0).max())
            earned = rewards[: len(actions)].gather(2, look).squeeze(2)
        return torch.cat(parts)[:longest], actions[:longest], earned[:longest], mask[:longest]

    def update(self, index):
        rates, actions, rewards, mask = self.roll_out(self.batches[index % len(self.batches)])
        rewards = rewards * mask
        seen = value_inputs(rates, actions, mask, self.policy.b_out.shape[0])
        noise = self.noise_sd[1] * torch.randn(len(seen), seen.shape[1], self.value.n)
        value_rates = run(self.value, seen, noise, self.compiled)
        predicted = (value_rates @ self.value.w_out + self.value.b_out).squeeze(2)
        policy_loss, value_loss = losses(self.policy, self.value, rates, predicted, actions, rewards, mask)
        (policy_loss + value_loss).backward()
        for net, optimiser in zip((self.policy, self.value), self.optimisers):
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0, foreach=True)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return float(mask.sum(0).mean())

    @torch.no_grad()
    def validate(self, index):
        """Forward only, in groups of 128 or all together, whichever is given by `index`'s parity (the least time counts)."""
        batch = self.batches[0]
        trials = batch[0].shape[1]
        size = 128 if index % 2 else trials
        steps = [
            self.roll_out([table[:, first : first + size].contiguous() for table in batch])[3].sum()
            for first in range(0, trials, size)
        ]
        return float(sum(steps)) / trials


class Kernel:
    """One network, forward and backward over given inputs, noise and actions."""

    def __init__(self, data, compiled):
        meta = data["meta"]
        self.net = Net(data["net"], data["net_masks"], meta["alpha"])
        self.compiled = compiled
        steps, trials = meta["steps"] - 1, meta["trials"]
        self.inputs = 0.3 * torch.ones(steps, trials, self.net.w_in.shape[0])
        self.noise = 0.1 * torch.randn(steps, trials, self.net.n)
        outputs = self.net.b_out.shape[0]
        self.actions = torch.randint(outputs, (steps + 1, trials))
        self.advantage = torch.randn(steps + 1, trials)

    def go(self, _):
        rates = run(self.net, self.inputs, self.noise, self.compiled)
        outputs = rates @ self.net.w_out + self.net.b_out
        if outputs.shape[2] == 1:
            loss = ((outputs.squeeze(2) - self.advantage) ** 2).mean()
        else:
            chosen = torch.log_softmax(outputs, dim=2).gather(2, self.actions.unsqueeze(2)).squeeze(2)
            loss = -(chosen * self.advantage).sum() / chosen.shape[1]
        loss.backward()
        self.net.zero_grad(set_to_none=True)
        return len(rates)


def prepare(kind, data, compiled):
    if kind == "kernel":
        return Kernel(data, compiled).go
    pupil = Pupil(data, compiled)
    return pupil.update if kind == "update" else pupil.validate


def gradients(case, dtype=torch.float64):
    """Losses and gradients of a reference case, for `check.py`."""
    nets = []
    for name in ("policy", "value"):
        net = Net(case[name], case[name + "_masks"], case["alpha"]).to(dtype)
        for array in ARRAYS:
            setattr(net, array, torch.nn.Parameter(torch.as_tensor(case[name][array], dtype=dtype)))
        nets.append(net)
    policy, value = nets
    tensor = {key: torch.as_tensor(case[key], dtype=dtype) for key in ("inputs", "noise", "value_noise", "rewards", "mask")}
    actions = torch.as_tensor(case["actions"])
    rates = run(policy, tensor["inputs"], tensor["noise"], False)
    seen = value_inputs(rates, actions, tensor["mask"], policy.b_out.shape[0])
    value_rates = run(value, seen, tensor["value_noise"], False)
    predicted = (value_rates @ value.w_out + value.b_out).squeeze(2)
    policy_loss, value_loss = losses(
        policy, value, rates, predicted, actions, tensor["rewards"], tensor["mask"], case["immediate"]
    )
    (policy_loss + value_loss).backward()
    found = [{array: getattr(net, array).grad.numpy() for array in ARRAYS} for net in nets]
    return policy_loss.item(), value_loss.item(), *found
