#!/usr/bin/env bash
# Runs all numbered stages in order; what is finished is skipped, what was interrupted continues.
# Usage: bash tools/run_all.sh [PROFILE]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

checked=$(python -m tools.profile run_all.sh "$@") # mistakes in the profile are told before the first stage
eval "$checked"                                    # --help

for stage in "$REPO_ROOT"/tools/[0-9][0-9]_*.sh; do
    name=$(basename "$stage" .sh) start=$SECONDS
    echo "== $name"
    bash "$stage" "$@"
    echo "== $name: $((SECONDS - start)) s"
done
