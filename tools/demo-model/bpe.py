#!/usr/bin/python3
"""Learns a byte-level BPE vocabulary, as GPT-2 has one, and writes it as `tokenizer.json` (Hugging Face tokenizers).

    bpe.py corpus.txt OUT [--vocabulary 2048]

writes OUT/tokenizer.json and OUT/ids.npy: the corpus in tokens (uint16), each document closed by the end token.

Sennrich et al., 2016: https://arxiv.org/abs/1508.07909
"""

import argparse
import collections
import json
import re
import time
from pathlib import Path

import numpy as np

END = "<|endoftext|>"

# GPT-2's words, but digits one by one: sums are learned from single digits.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"


def byte_alphabet() -> list:
    """256 printable characters that stand for the bytes 0 to 255 in a vocabulary, as GPT-2 chose them."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def learn_merges(word_counts: dict, merges_wanted: int) -> list:
    """
    word_counts: how often each word occurs. Returns the merges: pairs of tokens, the most frequent first. Of equally
    frequent pairs the last in alphabetical order is taken, so the result is always the same.
    """
    alphabet = byte_alphabet()
    words = [[alphabet[byte] for byte in word.encode()] for word in word_counts]
    counts = list(word_counts.values())
    pair_counts = collections.Counter()
    words_with = collections.defaultdict(set)

    def add(index: int, sign: int) -> None:
        for pair in zip(words[index], words[index][1:]):
            pair_counts[pair] += sign * counts[index]
            if sign > 0:
                words_with[pair].add(index)

    for index in range(len(words)):
        add(index, 1)
    merges = []
    while len(merges) < merges_wanted:
        pair, count = max(pair_counts.items(), key=lambda item: (item[1], item[0]), default=(None, 0))
        if count < 1:
            raise SystemExit(f"The corpus has pairs for {len(merges)} merges only; {merges_wanted} are wanted.")
        merges.append(pair)
        for index in words_with.pop(pair):
            add(index, -1)
            words[index] = merge(words[index], pair)
            add(index, 1)
        pair_counts.pop(pair, None)
    return merges


def merge(tokens: list, pair: tuple) -> list:
    """Joins each occurrence of the pair, from the left."""
    merged = []
    place = 0
    while place < len(tokens):
        if tuple(tokens[place : place + 2]) == pair:
            merged.append(pair[0] + pair[1])
            place += 2
        else:
            merged.append(tokens[place])
            place += 1
    return merged


def tokenizer_json(merges: list) -> dict:
    """Ids: the bytes, then the merges in their order, then the end token."""
    vocabulary = byte_alphabet() + [left + right for left, right in merges]
    end_id = len(vocabulary)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": end_id,
                "content": END,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": {**{token: index for index, token in enumerate(vocabulary)}, END: end_id},
            "merges": [f"{left} {right}" for left, right in merges],
        },
    }


class Tokenizer:
    """Reads a `tokenizer.json` of ours. Slow and simple: what the engine's tokenizer is compared with."""

    def __init__(self, tokenizer: dict):
        self.ids = tokenizer["model"]["vocab"]
        self.tokens = {index: token for token, index in self.ids.items()}
        self.ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(tokenizer["model"]["merges"])}
        self.words = re.compile(tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"])
        self.alphabet = byte_alphabet()
        self.bytes = {character: byte for byte, character in enumerate(self.alphabet)}
        self.end = self.ids[END]
        self.known = {}

    def encode_word(self, word: str) -> list:
        if word not in self.known:
            tokens = [self.alphabet[byte] for byte in word.encode()]
            while len(tokens) > 1:
                pair = min(zip(tokens, tokens[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
                if pair not in self.ranks:
                    break
                tokens = merge(tokens, pair)
            self.known[word] = [self.ids[token] for token in tokens]
        return self.known[word]

    def encode(self, text: str) -> list:
        """Text without end tokens → ids."""
        return [index for word in self.words.findall(text) for index in self.encode_word(word)]

    def encode_corpus(self, corpus: str) -> np.ndarray:
        """Documents, each closed by the end token → ids of uint16, each document closed by the end token's."""
        ids = []
        for document in filter(None, corpus.split(END)):
            ids += self.encode(document)
            ids.append(self.end)
        return np.array(ids, dtype=np.uint16)

    def byte_length(self, index: int) -> int:
        """Bytes of text that a token stands for; none for the end token."""
        return 0 if index == self.end else len(self.tokens[index])

    def decode(self, ids: list) -> str:
        characters = "".join(self.tokens[index] for index in ids if index != self.end)
        return bytes(self.bytes[character] for character in characters).decode("utf-8", "replace")


def train(corpus: str, vocabulary: int) -> dict:
    """Returns `tokenizer.json` of so many tokens: 256 bytes, merges, and the end token."""
    word = re.compile(WORDS)
    word_counts = collections.Counter()
    for document in corpus.split(END):
        word_counts.update(word.findall(document))
    return tokenizer_json(learn_merges(word_counts, vocabulary - 256 - 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocabulary", type=int, default=2048, help="tokens, the 256 bytes and the end token included")
    arguments = parser.parse_args()

    started = time.monotonic()
    corpus = arguments.corpus.read_text()
    tokenizer = train(corpus, arguments.vocabulary)
    ids = Tokenizer(tokenizer).encode_corpus(corpus)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False))
    np.save(arguments.out / "ids.npy", ids)
    print(
        f"{arguments.vocabulary} tokens learned; the corpus is {len(ids):,} of them, "
        f"{len(corpus) / len(ids):.2f} characters each ({time.monotonic() - started:.0f} s)"
    )


if __name__ == "__main__":
    main()
