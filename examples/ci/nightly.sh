#!/bin/sh
# A nightly job, from the project's folder: upgrade what can be, build the image, run the tests in
# it, and commit the new pins with the report as the message. Whatever fails ends the job before the
# commit; after a build that failed, the file is as it was.
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
