# SPDX-License-Identifier: Apache-2.0
#
# How every target of the house is built: language level, warnings, sanitizers, and the function
# that makes a room (one static library with its tests beside it).

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

option(LEVERET_TESTS "Build the unit tests, conversations and end-to-end tests" ON)
option(LEVERET_FUZZERS "Build the libFuzzer targets (clang only)" OFF)
option(LEVERET_DEBUG_ASSERTS "Compile LEVERET_DEBUG_ASSERT in" OFF)
option(LEVERET_MIMALLOC "Link mimalloc, which replaces malloc (not with sanitizers)" OFF)
set(LEVERET_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
                    -Wno-missing-field-initializers -Werror)
if(LEVERET_SANITIZE)
  add_compile_definitions(LEVERET_SANITIZED=1)
  add_compile_options(-fsanitize=${LEVERET_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  if(LEVERET_SANITIZE MATCHES "undefined")
    # fmt hides the type of its buffers from the linker, which the vptr check takes for another type.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${LEVERET_SANITIZE})
endif()
if(LEVERET_SANITIZE STREQUAL "thread")
  # ThreadSanitizer does not see fences, and g++ says so wherever Asio has one. Asio's are beside a
  # mutex that it does see; tools/tidy.py allows none of our own.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()
if(LEVERET_DEBUG_ASSERTS)
  add_compile_definitions(LEVERET_DEBUG_ASSERTS=1)
endif()

# A bundled Boost or Asio header costs seconds per file; only rooms at the edge may say so.
set(BOOST_DEFINES BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

if(LEVERET_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

# leveret_room(NAME [DEPENDS room...] [LIBRARIES target...])
#
# Makes the library leveret_NAME out of every .cc in the folder but *_test.cc, and the executable
# NAME_test out of those, whose tests ctest knows as NAME/Suite.name. `DEPENDS` names rooms (tools/check_rooms.py holds the includes to the
# README's own list), `LIBRARIES` names what comes from outside the house.
function(leveret_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM ROOM_DEPENDS PREPEND leveret_)
  if(sources)
    add_library(leveret_${name} STATIC ${sources})
    target_include_directories(leveret_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(leveret_${name} PUBLIC ${ROOM_DEPENDS} ${ROOM_LIBRARIES} Threads::Threads)
  else()
    add_library(leveret_${name} INTERFACE)
    target_include_directories(leveret_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(leveret_${name} INTERFACE ${ROOM_DEPENDS} ${ROOM_LIBRARIES}
                                                    Threads::Threads)
  endif()
  if(LEVERET_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE leveret_${name} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}/ DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 120 LABELS unit)
  endif()
endfunction()
