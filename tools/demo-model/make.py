#!/usr/bin/python3
"""Makes the demo model from its sources: corpus, tokenizer, weights, files of the hub's layout, and a check of those.

    make.py OUT --sources FOLDER     an hour on two cores; FOLDER as fetch.sh fills it
    make.py OUT --smoke              a minute: the same steps with a tiny corpus, model and training, and no sources

What is made on the way stays in OUT/work, the model is in OUT/minivault-demo. Each step is a script of its own, with
its own --help.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(script: str, *arguments) -> None:
    print(f"{script} {' '.join(map(str, arguments))}", flush=True)
    status = subprocess.run([sys.executable, str(HERE / script), *map(str, arguments)]).returncode
    if status != 0:
        raise SystemExit(f"{script} failed, so there is no model.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder to write")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--sources", type=Path, metavar="FOLDER", help="where the texts of sources.tsv are")
    source.add_argument("--smoke", action="store_true", help="shows that the recipe works; the model is good for nothing")
    parser.add_argument("--minutes", type=float, default=60, help="of training")
    arguments = parser.parse_args()

    work = arguments.out / "work"
    model = arguments.out / "minivault-demo"
    corpus, weights = work / "corpus.txt", work / "weights.pt"
    if arguments.smoke:
        shape, vocabulary, held_out = "smoke", 512, 5_000
        texts = ["--smoke"]
        length = ["--steps", 250, "--batch", 4, "--threads", 1]
        # Threads wait for each other by spinning: for so small a model, on a busy machine, that is most of the work.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    else:
        shape, vocabulary, held_out = "demo", 2048, 50_000
        texts = ["--sources", arguments.sources]
        length = ["--minutes", arguments.minutes]

    run("corpus.py", corpus, *texts)
    run("bpe.py", corpus, work, "--vocabulary", vocabulary)
    run("train.py", work / "ids.npy", weights, *length, "--shape", shape, "--held-out", held_out)
    run("export.py", model, "--weights", weights, "--tokenizer", work / "tokenizer.json", "--shape", shape)
    run("evaluate.py", model, "--corpus", corpus, "--held-out", held_out)


if __name__ == "__main__":
    main()
