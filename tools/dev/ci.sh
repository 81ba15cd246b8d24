# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# `./dev ci`: every judgement of the house in stages, each timed. A red stage does not hide the ones
# after it; the last lines say what each took and what all of it came to. Sourced by ./dev.

ci_passed=0
ci_failed=0
ci_skipped=0
ci_report=()

# stage NAME COMMAND...: a stage that ran ctest counts as its tests, any other as one check.
stage() {
  local name=$1 log=build/ci/$1.log started=$SECONDS outcome=0
  shift
  printf '\n[%s] %s\n' "$name" "$*"
  # A subshell, so that `errexit` holds inside a stage although its outcome is asked for.
  set +o errexit
  (
    set -o errexit
    "$@"
  ) </dev/null 2>&1 | tee "$log"
  outcome=${PIPESTATUS[0]}
  set -o errexit

  local summary
  summary=$(grep --extended-regexp '^[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" |
    tail --lines=1 || true)
  local failed=0 passed=0 skipped
  skipped=$(grep --count '\*\*\*Skipped' "$log" || true)
  if [[ $summary =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    failed=${BASH_REMATCH[1]}
    passed=$((BASH_REMATCH[2] - failed - skipped))
    ci_skipped=$((ci_skipped + skipped))
  elif ((outcome == 0)); then
    passed=1
  fi
  if ((outcome != 0 && failed == 0)); then
    failed=1
  fi
  ci_passed=$((ci_passed + passed))
  ci_failed=$((ci_failed + failed))
  ci_report+=("$(printf '%-10s %-6s %5d s' "$name" \
    "$( ((outcome == 0)) && echo passed || echo FAILED)" "$((SECONDS - started))")")
}

# The command that the README promises to newcomers, as it stands there.
readme_test_command() {
  local command
  command=$(grep --only-matching --max-count=1 --extended-regexp '^ *\./dev test\b.*' README.md) ||
    fail "README.md names no test command"
  printf '%s\n' "$command"
  bash -c "$command"
}

# What programs wrote into the tree is what they would write now.
check_generated() {
  local outcome=0
  /usr/bin/python3 tools/generate_amqp.py --check || outcome=1
  /usr/bin/python3 -B tests/differential/page.py --check || outcome=1
  return "$outcome"
}

verb_ci() {
  (($# == 0)) || fail "ci takes no argument"
  export CI=true
  # A fresh clone elsewhere on the machine may use what an earlier one compiled.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
  mkdir --parents build/ci

  stage setup ./dev setup
  stage format ./dev fmt --check
  stage tidy /usr/bin/python3 tools/tidy.py
  stage rooms /usr/bin/python3 tools/check_rooms.py
  stage generated check_generated
  stage test readme_test_command
  stage asan ./dev asan
  stage tsan ./dev tsan
  stage fuzz ./dev fuzz --seconds 60
  stage clang-tidy ./dev tidy --all --minutes 10

  printf '\n'
  printf '%s\n' "${ci_report[@]}"
  printf '%d tests skipped; %d s in all\n' "$ci_skipped" "$SECONDS"
  printf '%d passed, %d failed\n' "$ci_passed" "$ci_failed"
  ((ci_failed == 0))
}
