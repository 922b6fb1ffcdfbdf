#!/bin/sh
# A nightly job, run in the project's folder: it upgrades the pins, builds the image, runs the tests
# in the image, and commits the new pins with the report as the message. A failed step ends the job
# before the commit. After a failed build, the file is as it was.
set -eu

report=$(mktemp)
trap 'rm -f "$report"' EXIT

invoke deps.upgrade-all --format=markdown >"$report"
if git diff --quiet -- '*requirements*.txt'; then
  echo "Nothing could move."
  exit 0
fi
invoke test
git commit --quiet --file="$report" --cleanup=verbatim -- '*requirements*.txt'
git log -1 --format=%B
