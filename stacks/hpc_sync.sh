#!/usr/bin/env bash
# Code to a cluster and results back, with rsync over ssh. Shows what would happen; does it with GO=1; deletes nothing without DELETE=1.
#   make hpc-push HPC=user@host:folder     code, without data and without what runs left behind; DATA=1 takes data/raw along
#                                          stacks/*.site.yaml, a site's own settings, is neither sent nor touched; a stack file that
#                                          is replaced stays beside the new one as *.yaml.replaced
#   make hpc-pull HPC=user@host:folder     models, cards and job logs, to .fusionguard/hpc
set -euo pipefail
cd "$(dirname "$0")/.."
direction=${1:-}
target=${HPC:-}
if [[ ! $target =~ ^[A-Za-z0-9_][A-Za-z0-9_.@-]*:[^-].*$ ]]; then
  echo "Name the cluster and a folder there: make hpc-$direction HPC=user@host:folder" >&2
  exit 2
fi
command -v rsync >/dev/null || { echo 'rsync is not installed.' >&2; exit 2; }

options=(--archive --compress --itemize-changes --human-readable --partial --protect-args)
case $direction in
  push)
    # What git leaves out stays here, too: a release holds models. So does .env, where people keep keys.
    for name in .git .env .venv .fusionguard __pycache__ '*.egg-info' .pytest_cache .mypy_cache .ruff_cache .hypothesis \
      '/stacks/*.site.yaml' '/stacks/*.yaml.replaced' /tests/artifacts /benchmarks/results /release /wheelhouse mlruns spark-warehouse metastore_db derby.log node_modules '*.key'; do
      options+=(--exclude="$name")
    done
    if [ "${DATA:-}" = 1 ]; then
      options+=(--include=/data/README.md --include='/data/raw/***' --exclude='/data/*')
    else
      options+=(--include=/data/README.md --exclude='/data/*')
    fi
    from=./ to=$target/
    ;;
  pull)
    options+=(--include='/models/***' --include=/slurm/ --include=/slurm/runs/ --include='/slurm/runs/*/' --include='/slurm/runs/*/*/'
              --include='/slurm/runs/*/*/log' --include='/slurm/runs/*/*/job.json' --exclude='*' --prune-empty-dirs)
    from=$target/.fusionguard/ to=.fusionguard/hpc/
    ;;
  *) echo 'Say push or pull.' >&2; exit 2 ;;
esac
if [ "${DELETE:-}" = 1 ]; then options+=(--delete); fi
stack_files=(--backup --suffix=.replaced --include=/stacks/ --include='/stacks/*.yaml' --exclude='*')
if [ "${GO:-}" != 1 ]; then
  echo "What 'make hpc-$direction' would do (nothing is done yet; GO=1 does it):"
  rsync "${options[@]}" --dry-run "$from" "$to"
  exit
fi
if [ "$direction" = pull ]; then mkdir -p "$to"; else rsync "${options[@]}" "${stack_files[@]}" "$from" "$to"; fi
rsync "${options[@]}" "$from" "$to"
