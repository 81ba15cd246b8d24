# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the verbs of ./dev need from Debian 12, in three groups, and how it is installed: quietly,
# only what is missing, in a blink when nothing is. Sourced by ./dev.

packages_build=(
  g++ cmake ninja-build ccache mold
  libargon2-dev libbenchmark-dev libboost1.81-dev libcli11-dev libfmt-dev libgmock-dev libgtest-dev
  libmimalloc-dev libpcre2-dev libspdlog-dev libsqlite3-dev libssl-dev libxxhash-dev
  pkgconf
)

# rabbitmq-server is the oracle that the interop tests can be pointed at; amqp-specs has the XML that
# src/amqp/methods.gen.h is generated from.
packages_test=(
  python3 python3-pytest python3-pika python3-kombu python3-yaml python3-celery python3-aio-pika
  python3-oslo.messaging php-cli php-amqplib
  amqp-specs amqp-tools rabbitmq-server
  ca-certificates clang-format-14 curl git shellcheck
)

packages_analysis=(clang-19 clang-tidy-19 libclang-rt-19-dev llvm-19 git python3)

# ensure_packages GROUP...
ensure_packages() {
  local group wanted=()
  for group in "$@"; do
    case $group in
      build) wanted+=("${packages_build[@]}") ;;
      test)
        wanted+=("${packages_test[@]}")
        # Any Node.js will do for amqplib; one that is already here is left alone.
        if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
          wanted+=(nodejs npm)
        fi
        ;;
      analysis) wanted+=("${packages_analysis[@]}") ;;
      *) fail "no package group '$group': build, test, analysis" ;;
    esac
  done

  local missing
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if ((${#missing[@]} > 0)); then
    install_packages "${missing[@]}"
  fi
  if [[ " $* " == *' test '* ]]; then
    install_node_modules
  fi
}

# Prints the packages that are not installed, one a line, each once.
missing_packages() {
  comm -13 \
    <(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed --quiet 's/^installed //p' | sort --unique) \
    <(printf '%s\n' "$@" | sort --unique)
}

as_root() {
  if ((EUID == 0)); then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "installing needs root or sudo: $*"
  fi
}

# as_root, with the output kept for the case that it fails.
as_root_quietly() {
  local log
  log=$(mktemp)
  if as_root "$@" >"$log" 2>&1 </dev/null; then
    rm --force "$log"
    return 0
  fi
  last_failure=$(tail --lines=30 "$log")
  rm --force "$log"
  return 1
}

# Boost 1.81 cannot stand beside Debian's default 1.74: what goes is said before it goes.
install_quietly() {
  local removed
  removed=$("$@" --simulate 2>/dev/null | sed --quiet 's/^Remv \([^ ]*\).*/\1/p') || return 1
  if [[ -n $removed ]]; then
    printf './dev: which removes what conflicts: %s\n' "${removed//$'\n'/ }" >&2
  fi
  as_root_quietly "$@"
}

install_packages() {
  command -v apt-get >/dev/null ||
    fail "this is not Debian; install what corresponds to: $*"
  printf './dev: installing %d packages: %s\n' "$#" "$*" >&2

  local install=(apt-get install --yes --quiet=2 --no-install-recommends
    --option Dpkg::Use-Pty=0 "$@")
  local is_with_service=false last_failure=''
  if [[ " $* " == *' rabbitmq-server '* ]]; then
    # Debian starts a service when it installs it. RabbitMQ is wanted for its programs only, and its
    # port is the one that `./dev run` listens on. A policy-rc.d would do, but is its owner's file.
    is_with_service=true
    install+=(--option "DPkg::Path=$PWD/tools/dev/no_service:/usr/sbin:/usr/bin:/sbin:/bin")
  fi

  # Lists that were never fetched, or are older than the archive, show as a failed install.
  local outcome=0
  if ! install_quietly "${install[@]}"; then
    as_root_quietly apt-get update --quiet=2 && install_quietly "${install[@]}" || outcome=1
  fi
  if ((outcome != 0)); then
    printf '%s\n' "$last_failure" >&2
    fail "apt-get could not install: $*"
  fi
  # Nor is it wanted at the next start of the machine.
  if [[ $is_with_service == true ]] && command -v systemctl >/dev/null; then
    as_root systemctl --quiet disable rabbitmq-server.service
  fi
}

# npm leaves its own lock file in node_modules; older than ours means that ours has changed since.
install_node_modules() {
  local folder=tests/interop
  if [[ ! -e $folder/package-lock.json ||
    $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]]; then
    return
  fi
  printf './dev: installing the Node.js packages of %s\n' "$folder" >&2
  npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error >&2
  touch "$folder/node_modules/.package-lock.json"
}
