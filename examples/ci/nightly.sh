#!/bin/sh
# A nightly job, run in the project's folder: it upgrades the pins, builds the image, runs the tests
# in the image, and commits the new pins with the report. After a failed build the file is as it was;
# after failed tests file and image are put back. It does not start on changes of your own.
set -eu

if ! git diff --quiet HEAD -- '*requirements*.txt'; then
  echo "Commit or stash the changes of the requirements first." >&2
  exit 1
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

invoke deps.upgrade-all --format=markdown >"$report"
if git diff --quiet -- '*requirements*.txt'; then
  echo "Nothing could move."
  exit 0
fi
if ! invoke test; then
  git checkout --quiet -- '*requirements*.txt'
  invoke deps.rebuild
  exit 1
fi
{ echo "Upgrade pins"; echo; cat "$report"; } |
  git commit --quiet --file=- --cleanup=verbatim -- '*requirements*.txt'
git log -1 --format=%B
