# SPDX-License-Identifier: Apache-2.0
"""format.py: the patch it prints, what it changes, what it leaves alone."""

import shutil

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("clang-format-14") is None, reason="clang-format-14 is not installed"
)

CROOKED = {
    ".clang-format": "BasedOnStyle: Google\n",
    "src/a/a.cc": "int  a( );\n",
    "src/a/b.cc": "int b();\n",
    "src/a/methods.gen.h": "int  c( );\n",
}


def test_check_prints_the_patch_and_changes_nothing(tree):
    tree.write(CROOKED)

    result = tree.run("format.py", "--check")

    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "--- a/src/a/a.cc",
        "+++ b/src/a/a.cc",
        "@@ -1 +1 @@",
        "-int  a( );",
        "+int a();",
    ]
    assert tree.read("src/a/a.cc") == "int  a( );\n"


def test_it_formats_in_place_but_not_what_is_generated(tree):
    tree.write(CROOKED)

    assert tree.run("format.py").stdout == "src/a/a.cc\n"

    assert tree.read("src/a/a.cc") == "int a();\n"
    assert tree.read("src/a/methods.gen.h") == "int  c( );\n"
    assert tree.run("format.py", "--check").returncode == 0
