#!/usr/bin/python3
"""Writes the training text of the demo model: documents in random order, each closed by <|endoftext|>.

    corpus.py OUT/corpus.txt --sources FOLDER     the whole, 20 MB; FOLDER as fetch.sh fills it from sources.tsv
    corpus.py OUT/corpus.txt --smoke              about 300 kB, from what is in this folder

Two thirds of it are other people's: children's books, fairy tales, dialogues. The rest is generated (dialogues.py).
"""

import argparse
import csv
import hashlib
import re
from pathlib import Path
from random import Random

from bpe import END
from dialogues import conversation, exchange, told_story

SEED = 20261121
SOURCES = Path(__file__).with_name("sources.tsv")

# How often each is drawn, for the whole corpus and for a smoke run.
EXCHANGES, CONVERSATIONS, STORIES = 14_000, 3_000, 7_000
SMOKE_EXCHANGES, SMOKE_CONVERSATIONS, SMOKE_STORIES = 1_400, 300, 250

TINYSTORIES_REPEATS = 4
DIALOGUES = 4_000
DIALOGUE_CHARACTERS = range(201, 1500)
CHUNK_CHARACTERS = 1_800
# A book's first and last chunks are title page, contents, and notes.
BOOK_MARGIN = slice(2, -2)

# Stands in for the books in a smoke run.
SMOKE_TALE = """\
A crow was thirsty and found a jug with a little water in it. Her beak was too short to reach it.

So she took pebbles, one by one, and dropped them into the jug. The water rose, and at last she could drink.

A hare laughed at a tortoise because she was so slow. "Let us run a race," said the tortoise, and off they went.

The hare was soon far ahead, lay down under a tree and fell asleep. The tortoise walked on and on, and when the hare
awoke, she was waiting for him at the end.
"""


def clean(text: str) -> str:
    """Plain ASCII with straight quotes, no underlining, no runs of blanks."""
    for character, plain in {
        "\r": "",
        "“": '"',
        "”": '"',
        "’": "'",
        "‘": "'",
        "—": " - ",
        "–": "-",
        "_": "",
    }.items():
        text = text.replace(character, plain)
    text = re.sub(r"[^\n\x20-\x7e]", "", text)
    return re.sub(r"[ \t]+", " ", text)


def chunks(text: str) -> list:
    """Whole paragraphs, as many as fit into CHUNK_CHARACTERS; a longer paragraph is a chunk of its own."""
    done, current = [], ""
    for paragraph in re.split(r"\n\s*\n", text):
        paragraph = " ".join(paragraph.split())
        if not paragraph:
            continue
        if current and len(current) + len(paragraph) > CHUNK_CHARACTERS:
            done.append(current)
            current = ""
        current = f"{current}\n\n{paragraph}" if current else paragraph
    return [*done, current] if current else done


class Sources:
    """The files that sources.tsv names, in a folder laid out owner/repository/path."""

    def __init__(self, folder: Path):
        with SOURCES.open(newline="") as table:
            self.rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
        self.folder = folder
        missing = [row for row in self.rows if not self.path(row).exists()]
        if missing:
            wanted = "\n".join(f"  {self.path(row)}  ({row['repository']} @ {row['commit']})" for row in missing)
            raise SystemExit(f"These sources are missing. `fetch.sh {folder}` fetches them:\n{wanted}")

    def path(self, row: dict) -> Path:
        return self.folder / row["repository"] / row["path"]

    def paths(self, use: str) -> list:
        return [self.path(row) for row in self.rows if row["use"] == use]

    def tiny_stories(self) -> list:
        """A story begins where one of its usual openings is; what is shorter than 300 characters is a part of one."""
        [path] = self.paths("tinystories")
        stories = re.split(r"(?=(?:One day|Once upon a time|Once there was),? )", clean(path.read_text()))
        return [story.strip() for story in stories if len(story) > 300]

    def fairy_tales(self) -> list:
        """FairytaleQA: a CSV per story, a row per section. A story becomes one paragraph, and so mostly one chunk."""
        [folder] = self.paths("fairytales")
        stories = []
        for path in sorted(folder.glob("**/*.csv")):
            with path.open(newline="", encoding="utf-8", errors="ignore") as file:
                sections = [" ".join(row["text"].split()) for row in csv.DictReader(file)]
            stories.append("\n".join(sections))
        return chunks(clean("\n\n".join(stories)))

    def books(self) -> list:
        """Project Gutenberg's header and licence are cut off."""
        documents = []
        for path in self.paths("book"):
            text = path.read_text(encoding="utf-8", errors="ignore")
            body = re.split(r"\*\*\* ?(?:START|END) OF TH[^\n]*\n", text)
            documents += chunks(clean(body[1] if len(body) > 1 else text))[BOOK_MARGIN]
        return documents

    def dialogues(self) -> list:
        """
        Self-dialogue corpus: a row per chat that one person wrote with themselves, a column per turn.
        Rejected work and that of blocked workers is left out, as its own `get_data.py` does.
        """
        [folder], [blocked_path] = self.paths("dialogues"), self.paths("blocked")
        blocked = set(blocked_path.read_text().split())
        chats = {}
        for path in sorted(folder.glob("*/*.csv")):
            with path.open(newline="", encoding="utf-8", errors="ignore") as file:
                for row in csv.DictReader(file):
                    if not row["Reject"] and row["WorkerId"] not in blocked:
                        chats[row["AssignmentId"]] = chat_of(row)
        return [text for text in map(clean, chats.values()) if len(text) in DIALOGUE_CHARACTERS]


def chat_of(row: dict) -> str:
    count = sum(1 for name in row if name and name.startswith("Answer.sentence"))
    turns = [row.get(f"Answer.sentence{number}") for number in range(1, count + 1)]
    said = [" ".join(turn.split()) for turn in turns if turn and turn != "{}"]
    return "\n".join(f"{'Assistant' if index % 2 else 'User'}: {turn}" for index, turn in enumerate(said))


def generated(rng: Random, exchanges: int, conversations: int, stories: int) -> list:
    return [
        *(exchange(rng) for _ in range(exchanges)),
        *(conversation(rng) for _ in range(conversations)),
        *(told_story(rng) for _ in range(stories)),
    ]


def whole_corpus(folder: Path) -> list:
    rng = Random(SEED)
    sources = Sources(folder)
    documents = generated(rng, EXCHANGES, CONVERSATIONS, STORIES)
    documents += sources.tiny_stories() * TINYSTORIES_REPEATS
    documents += sources.fairy_tales()
    documents += sources.books()
    dialogues = sources.dialogues()
    rng.shuffle(dialogues)
    documents += dialogues[:DIALOGUES]
    rng.shuffle(documents)
    return documents


def smoke_corpus() -> list:
    rng = Random(SEED)
    documents = generated(rng, SMOKE_EXCHANGES, SMOKE_CONVERSATIONS, SMOKE_STORIES)
    documents += chunks(clean(SMOKE_TALE))
    rng.shuffle(documents)
    return documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the text file to write")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--sources", type=Path, metavar="FOLDER", help="where the texts of sources.tsv are")
    source.add_argument("--smoke", action="store_true", help="without them: for a quick try")
    arguments = parser.parse_args()

    documents = smoke_corpus() if arguments.smoke else whole_corpus(arguments.sources)
    text = "".join(document + END for document in documents)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    print(f"{len(documents):,} documents, {len(text) / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
