#!/bin/sh
# A nightly job, run in the project's folder: it upgrades the pins, builds the image, runs the tests
# in the image, and commits the new pins with the report. After a failed build the files are as they
# were; after failed tests files and image are put back. It does not start on changes of your own.
set -eu

if ! git diff --quiet HEAD; then
  echo "Commit or stash your changes first." >&2
  exit 1
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

invoke deps.upgrade-all --format=markdown >"$report"
if git diff --quiet; then
  echo "Nothing could move."
  exit 0
fi
git add --update # the new pins alone, whatever the tests write
if ! invoke test; then
  git reset --quiet --hard
  invoke deps.rebuild
  exit 1
fi
{ echo "Upgrade pins"; echo; cat "$report"; } | git commit --quiet --file=- --cleanup=verbatim
git log -1 --format=%B
