#!/usr/bin/python3
"""Trains a GPT-2 from random weights on a tokenised corpus.

    train.py ids.npy OUT/weights.pt --minutes 60        as the shipped weights were, on two cores
    train.py ids.npy OUT/weights.pt --steps 300 --shape smoke

The last tokens of the corpus are held out: they are never trained on, and the loss on them is printed.
With --steps a run can be repeated exactly, on the same machine; with --minutes it does what the machine can in that
time. Debian's torch without libopenblas0-pthread is thirty times slower.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gpt2 import GPT2, SHAPES

SEED = 1337
BATCH = 16  # windows of a context's length
PEAK_RATE = 3e-3
WARM_UP_STEPS = 100
LAST_RATE = 0.05  # of the peak
WEIGHT_DECAY = 0.1
BETAS = (0.9, 0.98)
LARGEST_GRADIENT_NORM = 1.0
HELD_OUT_TOKENS = 50_000
HELD_OUT_WINDOWS = 60
REPORT_STEPS = 100
CHECK_STEPS = 500


def split(ids: np.ndarray, held_out: int):
    """Tokens → those to train on and those to measure with, as int64."""
    tokens = torch.from_numpy(ids.astype(np.int64))
    return tokens[:-held_out], tokens[-held_out:]


def held_out_loss(model: GPT2, held_out: torch.Tensor, windows: int) -> float:
    """Nats per token over the first windows of a context's length each."""
    context = model.shape.context
    losses = []
    with torch.no_grad():
        for start in range(0, windows * context, context):
            window = held_out[start : start + context + 1]
            if len(window) <= context:
                break
            losses.append(nn.functional.cross_entropy(model(window[None, :-1])[0], window[1:]).item())
    return sum(losses) / len(losses)


def learning_rate(step: int, done: float) -> float:
    """done: the part of the run that is over, 0 to 1. A short warm-up, then half a cosine down to LAST_RATE."""
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return PEAK_RATE * min(1, (step + 1) / WARM_UP_STEPS) * (LAST_RATE + (1 - LAST_RATE) * cosine)


def optimizer_of(model: GPT2) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=BETAS)


def train(model: GPT2, tokens: torch.Tensor, held_out: torch.Tensor, minutes: float, steps: int, batch: int):
    """Until the minutes or the steps are over, whichever of the two is given (the other is 0)."""
    context = model.shape.context
    optimizer = optimizer_of(model)
    started = time.monotonic()
    step = 0
    while True:
        done = step / steps if steps else (time.monotonic() - started) / 60 / minutes
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, done)
        starts = torch.randint(len(tokens) - context - 1, (batch,))
        windows = torch.stack([tokens[start : start + context + 1] for start in starts])
        logits = model(windows[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT_NORM)
        optimizer.step()
        step += 1
        if step % REPORT_STEPS == 0:
            rate = step * batch * context / (time.monotonic() - started)
            print(f"step {step} ({done:.0%}): loss {loss.item():.3f}, {rate:.0f} tokens/s", flush=True)
        if step % CHECK_STEPS == 0:
            print(f"held-out loss {held_out_loss(model, held_out, HELD_OUT_WINDOWS):.4f}", flush=True)
    print(f"{step} steps; held-out loss {held_out_loss(model, held_out, HELD_OUT_WINDOWS):.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", type=Path, help="the corpus in tokens, by bpe.py")
    parser.add_argument("out", type=Path, help="the weights to write")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, default=0)
    length.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, default=BATCH, help="windows per step")
    parser.add_argument("--shape", choices=SHAPES, default="demo")
    parser.add_argument("--held-out", type=int, default=HELD_OUT_TOKENS, help="tokens at the end of the corpus")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    tokens, held_out = split(np.load(arguments.ids), arguments.held_out)
    model = GPT2(SHAPES[arguments.shape])
    print(f"{model.parameter_count():,} parameters, {len(tokens):,} tokens to train on, {len(held_out):,} held out")
    train(model, tokens, held_out, arguments.minutes, arguments.steps, arguments.batch)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
