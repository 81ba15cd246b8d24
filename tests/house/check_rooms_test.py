# SPDX-License-Identifier: Apache-2.0
"""check_rooms.py on small trees: one sound one, and one for each way that a wall can fall."""

import pytest


def room(name: str, depends: str, source: str = "", cmake: str = "") -> dict[str, str]:
    return {
        f"src/{name}/README.md": f"# {name}\n\nDepends on: {depends}.\n",
        f"src/{name}/CMakeLists.txt": cmake or f"leveret_room({name})\n",
        f"src/{name}/{name}.h": source,
    }


SOUND = {
    **room("base", "nothing"),
    **room(
        "queue",
        "base",
        '#include "queue/queue.h"\n#include "base/base.h"\n#include <queue>\n#include <net/if.h>\n',
        "leveret_room(queue DEPENDS base LIBRARIES fmt::fmt)\n",
    ),
    **room("net", "base", "#include <boost/asio/ip/tcp.hpp>\n", "leveret_room(net DEPENDS base)\n"),
}


def test_a_sound_tree_passes(tree):
    assert tree.write(SOUND).failures("check_rooms.py") == []


# What is added to the sound tree, and what is said about it.
FALLEN_WALLS = {
    "an include that the README does not name": (
        {"src/queue/queue.cc": '#include "net/net.h"\n'},
        'src/queue/queue.cc:1: includes "net/net.h"; src/queue/README.md does not depend on net',
    ),
    "an include upwards, from a test": (
        {"src/base/base_test.cc": '\n#include "queue/queue.h"\n'},
        'src/base/base_test.cc:2: includes "queue/queue.h"; '
        "src/base/README.md does not depend on queue",
    ),
    "a room's header in angle brackets": (
        {"src/queue/queue.cc": "#include <net/net.h>\n"},
        'src/queue/queue.cc:1: includes <net/net.h>; a room\'s header is included as "net/net.h"',
    ),
    "an include without its room": (
        {"src/queue/queue.cc": '#include "queue.h"\n'},
        'src/queue/queue.cc:1: includes "queue.h"; say "queue/queue.h", or <queue.h> if it is not '
        "ours",
    ),
    "an include from no room": (
        {"src/queue/queue.cc": '#include "util/strings.h"\n'},
        "src/queue/queue.cc:1: includes \"util/strings.h\"; there is no room 'util'",
    ),
    "Asio away from the edge": (
        {"src/queue/queue.cc": "#include <boost/asio.hpp>\n"},
        "src/queue/queue.cc:1: includes <boost/asio.hpp>; "
        "Asio and Beast stay in client, ctl, mgmt, net, server",
    ),
    "Beast away from the edge": (
        {"src/base/base.cc": "  #  include <boost/beast/http.hpp>\n"},
        "src/base/base.cc:1: includes <boost/beast/http.hpp>; "
        "Asio and Beast stay in client, ctl, mgmt, net, server",
    ),
    "a fake outside of tests": (
        {"src/queue/queue.cc": '#include "base/testing/fake_clock.h"\n'},
        'src/queue/queue.cc:1: includes "base/testing/fake_clock.h"; testing/ is for tests only',
    ),
    "a room without a README": (
        {"src/auth/auth.cc": "", "src/auth/CMakeLists.txt": "leveret_room(auth)\n"},
        "src/auth/README.md: missing; a room says what it is and what it depends on",
    ),
    "a README without the line": (
        {"src/base/README.md": "# base\n"},
        "src/base/README.md: has 0 lines of the form 'Depends on: base, amqp.'",
    ),
    "a README with two of them": (
        {"src/net/README.md": "Depends on: base.\nDepends on: nothing.\n"},
        "src/net/README.md: has 2 lines of the form 'Depends on: base, amqp.'",
    ),
    "a dependence on what is no room": (
        {
            "src/net/README.md": "Depends on: base, strings.\n",
            "src/net/CMakeLists.txt": "leveret_room(net DEPENDS base strings)\n",
        },
        "src/net/README.md: depends on 'strings', which is no room",
    ),
    "a room without CMake": (
        {"src/auth/auth.cc": "", "src/auth/README.md": "Depends on: nothing.\n"},
        "src/auth/CMakeLists.txt: missing; nothing builds this room",
    ),
    "CMake that links more": (
        {"src/queue/CMakeLists.txt": "leveret_room(queue DEPENDS base net)\n"},
        "src/queue/CMakeLists.txt: DEPENDS base net, but src/queue/README.md depends on base",
    ),
    "CMake that links less": (
        {"src/queue/CMakeLists.txt": "leveret_room(queue # DEPENDS base\n)\n"},
        "src/queue/CMakeLists.txt: DEPENDS nothing, but src/queue/README.md depends on base",
    ),
    "CMake that gives the room another name": (
        {"src/net/CMakeLists.txt": "leveret_room(wire DEPENDS base)\n"},
        "src/net/CMakeLists.txt: builds a room named wire",
    ),
    "a tool that includes broker code": (
        {
            "ctl/main.cc": '#include "queue/queue.h"\n',
            "ctl/README.md": "Depends on: base.\n",
            "ctl/CMakeLists.txt": "add_executable(leveretctl main.cc)\n"
            "target_link_libraries(leveretctl PRIVATE leveret_base)\n",
        },
        'ctl/main.cc:1: includes "queue/queue.h"; ctl/README.md does not depend on queue',
    ),
    "a tool that links broker code": (
        {
            "ctl/main.cc": "",
            "ctl/README.md": "Depends on: base.\n",
            "ctl/CMakeLists.txt": "target_link_libraries(leveretctl leveret_base leveret_queue)\n",
        },
        "ctl/CMakeLists.txt: links queue, which ctl/README.md does not name",
    ),
}


@pytest.mark.parametrize("added, failure", FALLEN_WALLS.values(), ids=FALLEN_WALLS.keys())
def test_a_fallen_wall_is_named(tree, added, failure):
    assert tree.write(SOUND).write(added).failures("check_rooms.py") == [failure]


def test_a_circle_is_shown_whole(tree):
    tree.write(room("a", "b", cmake="leveret_room(a DEPENDS b)\n"))
    tree.write(room("b", "c", cmake="leveret_room(b DEPENDS c)\n"))
    tree.write(room("c", "a", cmake="leveret_room(c DEPENDS a)\n"))

    assert tree.failures("check_rooms.py") == [
        "the rooms depend on each other in a circle: a -> b -> c -> a"
    ]


def test_a_room_that_depends_on_itself_is_told_so(tree):
    tree.write(room("a", "a", cmake="leveret_room(a DEPENDS a)\n"))

    assert tree.failures("check_rooms.py") == ["src/a/README.md: depends on itself"]


def test_tests_and_fakes_may_use_the_fakes_of_any_room(tree):
    tree.write(SOUND).write(
        {
            "src/net/testing/fake_socket.h": "",
            "src/queue/queue_test.cc": '#include "net/testing/fake_socket.h"\n',
            "src/queue/testing/fake_sink.h": '#include "net/testing/fake_socket.h"\n',
        }
    )

    assert tree.failures("check_rooms.py") == []
