#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Stands before Debian's invoke-rc.d and deb-systemd-invoke while setup.sh installs rabbitmq-server:
# starts neither it nor Erlang's port mapper, and leaves every other service to the real program.
case " $* " in
  *' rabbitmq-server'* | *' epmd'*) exit 0 ;;
esac
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
exec "$(basename "$0")" "$@"
