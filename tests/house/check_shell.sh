#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every shell script of the house passes shellcheck; 77 tells ctest that it is not installed.
cd "$(dirname "$0")/../.." || exit 1
command -v shellcheck >/dev/null || exit 77
exec shellcheck --external-sources dev .ci/run tools/dev/*.sh tools/dev/no_service/invoke-rc.d tests/house/*.sh
