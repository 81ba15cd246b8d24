// SPDX-License-Identifier: Apache-2.0
//
// Boost.JSON itself: the one file that compiles it.
#include <boost/json/src.hpp>
