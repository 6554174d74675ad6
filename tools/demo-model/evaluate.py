#!/usr/bin/python3
"""Measures an exported model: that it is what it should be, and how well it predicts text that it was not trained on.

    evaluate.py ../../public/models/minivault-demo --corpus corpus.txt

reads the weights out of onnx/model.onnx, computes expected-greedy.json again (which shows that they were read right),
and then the loss on the last tokens of the corpus, which train.py holds out. Generated sentences, and stories that the
corpus has four times, are in both parts of it; so documents that are in the held-out part only count by themselves too.
"""

import argparse
import json
import math
import re
from pathlib import Path
from random import Random

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from bpe import END, Tokenizer
from corpus import CONVERSATIONS, EXCHANGES, SEED, STORIES, generated
from gpt2 import GPT2, Shape, greedy
from train import HELD_OUT_TOKENS, HELD_OUT_WINDOWS, held_out_loss, split


def load(folder: Path) -> GPT2:
    """A folder by export.py → the model, in torch."""
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(
        vocabulary=config["vocab_size"],
        context=config["n_positions"],
        layers=config["n_layer"],
        heads=config["n_head"],
        width=config["n_embd"],
    )
    graph = onnx.load(str(folder / "onnx" / "model.onnx")).graph
    weights = {
        re.sub(r"^m\.", "", tensor.name): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
    }
    model = GPT2(shape)
    model.load_state_dict(weights)  # fails where a name or a shape differs
    return model.eval()


def check_greedy(model: GPT2, tokenizer: Tokenizer, expected: dict) -> int:
    """How many cases there are; ends the program if one differs."""
    for case in expected["cases"]:
        prompt_ids = tokenizer.encode(case["prompt"])
        ids, finish_reason, _ = greedy(model, prompt_ids, 64)
        computed = (prompt_ids, ids, finish_reason, tokenizer.decode(ids))
        if computed != (case["prompt_ids"], case["ids"], case["finish_reason"], case["text"]):
            raise SystemExit(f"{case['prompt']!r} is continued by {computed[3]!r}; {case['text']!r} was expected.")
    return len(expected["cases"])


def token_losses(model: GPT2, tokens: torch.Tensor) -> torch.Tensor:
    """
    Nats of each token but the first, given at most a context of those before it, and at least half of one (where there
    are so many): windows of a context's length, each half a context further on.
    """
    context = model.shape.context
    half = context // 2
    losses = []
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, half):
            window = tokens[start : start + context + 1]
            all_losses = nn.functional.cross_entropy(model(window[None, :-1])[0], window[1:], reduction="none")
            losses.append(all_losses if start == 0 else all_losses[half:])
            if start + context + 1 >= len(tokens):
                break
    return torch.cat(losses)


def only_held_out(corpus: str, tokenizer: Tokenizer, held_out: torch.Tensor) -> np.ndarray:
    """For each held-out token, whether its document is nowhere in the other part of the corpus."""
    documents = [document for document in corpus.split(END) if document]
    lengths = np.diff(np.flatnonzero(held_out.numpy() == tokenizer.end), prepend=-1)
    first = len(documents) - len(lengths)
    # The first of them begins before the held-out part, so the model has seen some of it.
    trained_on = set(documents[: first + 1])
    return np.repeat([document not in trained_on for document in documents[first:]], lengths)


def recited(model: GPT2, tokenizer: Tokenizer, corpus: str, count: int) -> str:
    """
    How much of other people's texts the model has by heart: of evenly spaced documents that were not generated, the
    first 32 tokens are given, and the next 32 of the greedy continuation compared.
    """
    ours = set(generated(Random(SEED), EXCHANGES, CONVERSATIONS, STORIES))
    documents = [document for document in corpus.split(END) if document and document not in ours]
    chosen = [tokenizer.encode(document)[:64] for document in documents[:: max(1, len(documents) // count)]]
    texts = torch.tensor([ids for ids in chosen if len(ids) == 64])
    said = texts[:, :32]
    with torch.no_grad():
        for _ in range(32):
            said = torch.cat([said, model(said)[:, -1].argmax(-1, keepdim=True)], 1)
    runs = (said == texts)[:, 32:].int().cumprod(1).sum(1)
    return (
        f"of {len(texts)} openings of 32 tokens, {int((runs == 32).sum())} are continued as in the corpus for 32 more; "
        f"the longest for {int(runs.max())}, the mean for {runs.float().mean():.1f}"
    )


def summary(losses: np.ndarray, lengths: np.ndarray) -> str:
    """losses: nats per token; lengths: bytes per token."""
    nats, tokens, size = losses.sum(), len(losses), lengths.sum()
    return (
        f"{nats / tokens:.3f} nats per token (perplexity {math.exp(nats / tokens):.1f}), {nats / size:.3f} nats per byte "
        f"({nats / size / math.log(2):.2f} bits), {tokens:,} tokens, {size:,} bytes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a folder by export.py")
    parser.add_argument("--corpus", type=Path, help="by corpus.py; without it the greedy cases alone are checked")
    parser.add_argument("--held-out", type=int, default=HELD_OUT_TOKENS, help="tokens at the end of the corpus")
    parser.add_argument("--recite", type=int, default=0, metavar="COUNT", help="documents to try it with")
    arguments = parser.parse_args()

    model = load(arguments.model)
    tokenizer = Tokenizer(json.loads((arguments.model / "tokenizer.json").read_text()))
    cases = check_greedy(model, tokenizer, json.loads((arguments.model / "expected-greedy.json").read_text()))
    print(f"{model.parameter_count():,} parameters; all {cases} greedy cases as expected", flush=True)
    if not arguments.corpus:
        return

    corpus = arguments.corpus.read_text()
    ids = tokenizer.encode_corpus(corpus)
    _, held_out = split(ids, arguments.held_out)
    losses = token_losses(model, held_out).numpy()
    lengths = np.array([tokenizer.byte_length(index) for index in held_out[1:].tolist()])
    new = only_held_out(corpus, tokenizer, held_out)[1:]
    print(f"the corpus is {len(ids):,} tokens; of the last {len(held_out):,}:")
    print(f"all:                  {summary(losses, lengths)}")
    print(f"new documents:        {summary(losses[new], lengths[new])}")
    print(f"seen in training too: {summary(losses[~new], lengths[~new])}")
    if arguments.recite:
        print(recited(model, tokenizer, corpus, arguments.recite))
    print(f"as train.py counts ({HELD_OUT_WINDOWS} windows): {held_out_loss(model, held_out, HELD_OUT_WINDOWS):.4f}")


if __name__ == "__main__":
    main()
