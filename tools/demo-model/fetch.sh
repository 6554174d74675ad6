#!/usr/bin/env bash
# Fetches what sources.tsv names: fetch.sh FOLDER puts each file at FOLDER/owner/repository/path, of that commit.
# Needs git and the network, about 200 MB of it. What is already there is not fetched again.
set -euo pipefail
folder=${1:?"Say where to: fetch.sh FOLDER"}
sources="$(cd "$(dirname "$0")" && pwd)/sources.tsv"

tail -n +2 "$sources" | while IFS=$'\t' read -r _ repository commit path _; do
  target="$folder/$repository"
  [ -e "$target/$path" ] && continue
  echo "$repository/$path"
  mkdir -p "$target"
  git -C "$target" init --quiet
  git -C "$target" fetch --quiet --depth 1 --filter=blob:none "https://github.com/$repository.git" "$commit"
  # The promised blobs are fetched from the remote that this names.
  git -C "$target" config remote.origin.url "https://github.com/$repository.git"
  git -C "$target" config remote.origin.promisor true
  git -C "$target" checkout --quiet "$commit" -- "$path"
done
