"""The architecture of GPT-2, for training and for export.

Radford et al., 2019: https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
Names and shapes of `Shape.config()` are those of https://huggingface.co/docs/transformers/model_doc/gpt2
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

MASKED = -1e9  # added to the attention score of what must not be seen


@dataclass(frozen=True)
class Shape:
    vocabulary: int
    context: int
    layers: int
    heads: int
    width: int

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def config(self) -> dict:
        """`config.json` of the hub. The last token of the vocabulary ends a text."""
        return {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "activation_function": "gelu_new",
            "n_layer": self.layers,
            "n_head": self.heads,
            "n_embd": self.width,
            "n_ctx": self.context,
            "n_positions": self.context,
            "vocab_size": self.vocabulary,
            "layer_norm_epsilon": 1e-5,
            "bos_token_id": self.vocabulary - 1,
            "eos_token_id": self.vocabulary - 1,
            "tie_word_embeddings": True,
            "use_cache": True,
        }


SHAPES = {
    "demo": Shape(vocabulary=2048, context=256, layers=4, heads=4, width=128),
    "smoke": Shape(vocabulary=512, context=128, layers=2, heads=2, width=64),
    "distilgpt2": Shape(vocabulary=50257, context=1024, layers=6, heads=12, width=768),
}


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    """GELU by its tanh approximation (https://arxiv.org/abs/1606.08415). Opset 14 has none, so it is spelt out there."""
    if torch.onnx.is_in_onnx_export():
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return nn.functional.gelu(x, approximate="tanh")


class Block(nn.Module):
    """One layer: attention, then a feed-forward net of four times the width, each added to what came in."""

    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.width
        self.shape = shape
        self.l1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.l2 = nn.LayerNorm(width)
        self.f1 = nn.Linear(width, 4 * width)
        self.f2 = nn.Linear(4 * width, width)

    def forward(self, x, mask, past=None):
        """
        x: [batch, tokens, width]; mask: [.., tokens, total tokens], added to the scores;
        past: keys and values of the tokens before, each [batch, heads, past tokens, head width].
        Returns x of the same shape, and keys and values of all tokens.
        """
        batch, tokens, width = x.shape
        heads = (batch, tokens, self.shape.heads, self.shape.head_width)
        q, k, v = (t.view(heads).transpose(1, 2) for t in self.qkv(self.l1(x)).split(width, 2))
        if past is not None:
            k = torch.cat([past[0], k], 2)
            v = torch.cat([past[1], v], 2)
        scores = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(self.shape.head_width)) + mask
        attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.proj(attended)
        return x + self.f2(gelu_new(self.f1(self.l2(x)))), k, v


class GPT2(nn.Module):
    """Token embeddings serve as the output layer too (tied weights)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.wte = nn.Embedding(shape.vocabulary, shape.width)
        self.wpe = nn.Embedding(shape.context, shape.width)
        self.b = nn.ModuleList([Block(shape) for _ in range(shape.layers)])
        self.ln = nn.LayerNorm(shape.width)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What is added to the residual stream starts smaller, as there are two of those per layer.
                residual = name.endswith(("proj.weight", "f2.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * shape.layers) if residual else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token ids [batch, tokens] → logits [batch, tokens, vocabulary]. No cache: for training and for reference."""
        tokens = ids.shape[1]
        mask = torch.full((tokens, tokens), MASKED).triu(1)
        x = self.wte(ids) + self.wpe.weight[:tokens]
        for block in self.b:
            x, _, _ = block(x, mask)
        return self.ln(x) @ self.wte.weight.T

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


class WithPast(nn.Module):
    """The same model with a cache as input and output: what is exported."""

    def __init__(self, model: GPT2):
        super().__init__()
        self.m = model

    def forward(self, ids, attention_mask, *past):
        """
        ids: [batch, tokens]; attention_mask: [batch, past + tokens], 0 where there is padding on the left;
        past: key, value, key, value … a pair per layer, each [batch, heads, past, head width].
        Returns logits [batch, tokens, vocabulary] and the pairs, now of past + tokens.
        """
        model = self.m
        tokens = ids.shape[1]
        total = attention_mask.shape[1]
        # Padding has no position: those of the tokens follow from the mask.
        positions = (attention_mask.cumsum(1) - 1).clamp(min=0)[:, total - tokens :]
        x = model.wte(ids) + model.wpe(positions)
        seen = torch.arange(total)[None, :]
        seeing = (torch.arange(tokens) + (total - tokens))[:, None]
        visible = (seen <= seeing)[None, None] & (attention_mask[:, None, None, :] > 0)
        mask = (1.0 - visible.to(torch.float32)) * MASKED
        present = []
        for layer, block in enumerate(model.b):
            x, k, v = block(x, mask, past[2 * layer : 2 * layer + 2])
            present += [k, v]
        return (model.ln(x) @ model.wte.weight.T, *present)


def greedy(model: GPT2, prompt_ids: list, new_tokens: int):
    """
    The likeliest token, again and again, without a cache.
    Returns the new ids, why it ended, and the smallest distance between the two best logits on the way: how much
    numeric noise the case stands.
    """
    end = model.shape.vocabulary - 1
    ids = list(prompt_ids)
    smallest_gap = math.inf
    finish_reason = "length"
    with torch.no_grad():
        for _ in range(new_tokens):
            logits = model(torch.tensor([ids[-model.shape.context :]]))[0, -1]
            best, second = logits.topk(2).values.tolist()
            smallest_gap = min(smallest_gap, best - second)
            token = int(logits.argmax())
            if token == end:
                finish_reason = "stop"
                break
            ids.append(token)
    return ids[len(prompt_ids) :], finish_reason, smallest_gap
