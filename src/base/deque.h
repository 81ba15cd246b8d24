// SPDX-License-Identifier: Apache-2.0
//
// Deque<T>: a double-ended queue that takes no memory until something is in it.
//
// libstdc++'s std::deque takes 576 bytes when it is made, which a hundred thousand idle queues and
// channels would each pay several times over. Otherwise it is used the same way.
//
// Thread: as a standard container.

#pragma once

#include <boost/container/deque.hpp>

namespace leveret {

template <class T>
using Deque = boost::container::deque<T>;

}  // namespace leveret
