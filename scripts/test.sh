#!/bin/sh
# The whole check: set-up, build, types, lint, every tier of tests. The last line is `N passed, N failed`.
cd "$(dirname "$0")/.." || exit 1
sh scripts/setup.sh test || { echo "0 passed, 1 failed"; exit 1; }
PATH=$PWD/node_modules/.bin:$PATH exec node scripts/test.ts "$@"
