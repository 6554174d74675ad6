#!/usr/bin/env bash
# Fetches what sources.tsv names: fetch.sh FOLDER puts each file at FOLDER/owner/repository/path, of that commit.
# Needs git and the network. What is already there is not fetched again.
set -euo pipefail
folder=${1:?"Say where to: fetch.sh FOLDER"}
sources="$(cd "$(dirname "$0")" && pwd)/sources.tsv"

tail -n +2 "$sources" | while IFS=$'\t' read -r _ repository commit path _; do
  target="$folder/$repository"
  if [ -e "$target/$path" ]; then continue; fi
  echo "$repository/$path"
  if [ ! -d "$target/.git" ]; then
    git init --quiet "$target"
    git -C "$target" remote add origin "https://github.com/$repository.git"
  fi
  # One commit, without its files; the checkout then fetches those that are wanted.
  git -C "$target" fetch --quiet --depth 1 --filter=blob:none origin "$commit"
  git -C "$target" checkout --quiet "$commit" -- "$path"
done
