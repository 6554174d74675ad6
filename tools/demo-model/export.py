#!/usr/bin/python3
"""Writes a model in the hub's layout, as Transformers.js loads it.

    export.py OUT --weights weights.pt --tokenizer tokenizer.json [--shape demo]
    export.py OUT --random distilgpt2

OUT gets config.json, generation_config.json, tokenizer.json, tokenizer_config.json (with a chat template) and
onnx/model.onnx (fp32), whose inputs and outputs are named as Optimum names them:
https://huggingface.co/docs/optimum/exporters/onnx/overview

With --weights there is also expected-greedy.json: what the model says to a few prompts, computed without a cache.
With --random the weights mean nothing, and neither does what it says: a model to measure with, of a known model's
shape. It also gets onnx/model_quantized.onnx (8 bit).
"""

import argparse
import json
import random
import warnings
from pathlib import Path

import torch

from bpe import END, Tokenizer, byte_alphabet, tokenizer_json
from gpt2 import GPT2, SHAPES, Shape, WithPast, greedy
from quantise import quantise

SEED = 1337
OPSET = 14
NEW_TOKENS = 64

CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}User: {{ m['content'] }}\n"
    "{% elif m['role'] == 'assistant' %}Assistant: {{ m['content'] }}\n"
    "{% else %}{{ m['content'] }}\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)

PROMPTS = [
    "Q: What is the capital of France?\nA:",
    "Q: What time is it now? A:",
    "Once upon a time",
    "User: What model are you?\nAssistant:",
    "User: Tell me a joke about AI\nAssistant:",
    "Hello, MiniVault!",
    "User: What is an AI model?\nAssistant:",
    "Write a short story",
    "The king said to his daughter,",
    "One day, a little girl named Lily",
    "Q: What is 3 plus 4?\nA:",
    "User: Hello there!\nAssistant:",
    "Q: What is the capital of Japan?\nA:",
]


def write_onnx(model: GPT2, path: Path) -> None:
    """One graph for the prompt and for each token after it: with a past of any length, also none."""
    shape = model.shape
    pairs = [f"{layer}.{kind}" for layer in range(shape.layers) for kind in ("key", "value")]
    inputs = ["input_ids", "attention_mask", *(f"past_key_values.{pair}" for pair in pairs)]
    outputs = ["logits", *(f"present.{pair}" for pair in pairs)]
    axes = {
        "input_ids": {0: "batch_size", 1: "sequence_length"},
        "attention_mask": {0: "batch_size", 1: "total_sequence_length"},
        "logits": {0: "batch_size", 1: "sequence_length"},
        **{name: {0: "batch_size", 2: "past_sequence_length"} for name in inputs[2:]},
        **{name: {0: "batch_size", 2: "total_sequence_length"} for name in outputs[1:]},
    }
    tokens, past_tokens = 3, 2  # any will do: the graph is traced with them
    past = [torch.zeros(1, shape.heads, past_tokens, shape.head_width)] * len(pairs)
    example = (torch.ones(1, tokens, dtype=torch.long), torch.ones(1, tokens + past_tokens, dtype=torch.long), *past)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, and of shapes that its optimiser does not know
        torch.onnx.export(
            WithPast(model).eval(),
            example,
            str(path),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            # Folded, each transposed matrix would be stored besides the plain one. The runtime folds when it loads.
            do_constant_folding=False,
        )


def write_json(path: Path, value: dict, indent=2) -> None:
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False))


def write_configuration(out: Path, shape: Shape, tokenizer: dict) -> None:
    config = shape.config()
    write_json(out / "config.json", config)
    write_json(out / "generation_config.json", {key: config[key] for key in ("bos_token_id", "eos_token_id")})
    write_json(out / "tokenizer.json", tokenizer, indent=None)
    write_json(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "bos_token": END,
            "eos_token": END,
            "unk_token": END,
            "model_max_length": shape.context,
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
    )


def greedy_cases(model: GPT2, tokenizer: Tokenizer, prompts: list) -> list:
    cases = []
    for prompt in prompts:
        prompt_ids = tokenizer.encode(prompt)
        ids, finish_reason, gap = greedy(model, prompt_ids, NEW_TOKENS)
        cases.append(
            {
                "prompt": prompt,
                "prompt_ids": prompt_ids,
                "ids": ids,
                "text": tokenizer.decode(ids),
                "finish_reason": finish_reason,
                "smallest_top2_logit_gap": round(gap, 4),
            }
        )
    return cases


def write_expected(out: Path, model: GPT2, tokenizer: Tokenizer) -> None:
    version = ".".join(torch.__version__.split(".")[:2])
    expected = {
        "decoding": f"greedy, no repetition penalty, at most {NEW_TOKENS} new tokens",
        "computed_with": f"PyTorch {version}, fp32, no KV cache",
        "cases": greedy_cases(model, tokenizer, PROMPTS),
    }
    write_json(out / "expected-greedy.json", expected, indent=1)


def random_tokenizer(size: int) -> dict:
    """As many tokens as wanted: random merges of the byte characters for letters, so that prompts are of usual length."""
    rng = random.Random(SEED)
    alphabet = byte_alphabet()
    tokens = [alphabet[byte] for byte in range(ord("a"), ord("z") + 1)]
    known = set(alphabet)
    merges = []
    while len(merges) < size - 256 - 1:
        left, right = rng.choice(tokens), rng.choice(tokens)
        if left + right not in known and len(left + right) <= 12:
            known.add(left + right)
            tokens.append(left + right)
            merges.append((left, right))
    return tokenizer_json(merges)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to write")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=Path, help="by train.py")
    source.add_argument("--random", choices=SHAPES, metavar="SHAPE", help=f"one of {', '.join(SHAPES)}")
    parser.add_argument("--tokenizer", type=Path, help="by bpe.py; needed with --weights")
    parser.add_argument("--shape", choices=SHAPES, default="demo", help="of the weights")
    arguments = parser.parse_args()
    if arguments.weights and not arguments.tokenizer:
        parser.error("--weights needs --tokenizer")

    torch.manual_seed(SEED)
    model = GPT2(SHAPES[arguments.random or arguments.shape]).eval()
    if arguments.weights:
        model.load_state_dict(torch.load(arguments.weights))
    graph = arguments.out / "onnx" / "model.onnx"
    write_onnx(model, graph)
    if arguments.random:
        write_configuration(arguments.out, model.shape, random_tokenizer(model.shape.vocabulary))
        quantise(graph, graph.with_name("model_quantized.onnx"))
    else:
        tokenizer = json.loads(arguments.tokenizer.read_text())
        write_configuration(arguments.out, model.shape, tokenizer)
        write_expected(arguments.out, model, Tokenizer(tokenizer))
    for path in sorted(arguments.out.glob("**/*.*")):
        print(f"{path.stat().st_size:>12,} {path}")


if __name__ == "__main__":
    main()
