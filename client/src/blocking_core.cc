// SPDX-License-Identifier: Apache-2.0
#include "client/src/blocking_core.h"

#include "client/src/channel_state.h"
#include "client/src/raise.h"

#include <utility>

#include <fmt/format.h>

namespace leveret::client {

void BlockingCore::on_blocked(std::string_view reason) {
  if (!on_blocked_callback) return;
  add_action([callback = on_blocked_callback, text = std::string(reason)] { callback(text); });
}

void BlockingCore::on_unblocked() {
  if (on_unblocked_callback) add_action(on_unblocked_callback);
}

// The inbox.

void BlockingCore::add(Event event) {
  inbox_bytes_ += bytes_of(event);
  inbox_.push_back(std::move(event));
  look_at_inbox();
}

std::vector<Delivery> BlockingCore::take_deliveries(const ChannelState& channel,
                                                    std::string_view consumer_tag) {
  std::vector<Delivery> taken;
  std::deque<Event> left;
  for (Event& event : inbox_) {
    if (event.channel.get() == &channel && event.delivery.method.consumer_tag == consumer_tag) {
      inbox_bytes_ -= bytes_of(event);
      taken.push_back(std::move(event.delivery));
    } else {
      left.push_back(std::move(event));
    }
  }
  inbox_.swap(left);
  look_at_inbox();
  return taken;
}

/// A call's answer comes behind what is in the inbox: then there is no stopping.
void BlockingCore::look_at_inbox() {
  link.set_listening(waiting_calls_ > 0 || inbox_bytes_ <= inbox_bytes_max);
}

// Calls.

void BlockingCore::check_open() const {
  if (failure_) raise(*failure_);
}

void BlockingCore::wait_for(Link::Lock& lock, const std::function<bool()>& is_so) {
  ++waiting_calls_;
  look_at_inbox();
  link.wait(lock, [&] { return is_so() || failure_; });
  --waiting_calls_;
  look_at_inbox();
  if (!is_so()) check_open();
}

void BlockingCore::call(Link::Lock& lock, const std::function<void(AnswerHandler)>& ask,
                        const std::function<void(const Answer&)>& take) {
  bool is_answered = false;
  std::optional<Failure> failure;
  ask([&](const std::expected<Answer, Failure>& answer) {
    is_answered = true;
    if (!answer) {
      failure = answer.error();
    } else if (take) {
      take(*answer);
    }
  });
  link.flush();
  wait_for(lock, [&] { return is_answered; });
  if (failure) raise(*failure);
}

// Dispatch.

void BlockingCore::check_may_dispatch(std::string_view what) const {
  if (dispatching_ != std::this_thread::get_id()) return;
  throw ReentrancyError(fmt::format("{} may not be called from a callback", what));
}

void BlockingCore::collect_timers(Time now) {
  // By time, and by their numbers where that is the same.
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> due;
  for (auto timer = timers.begin(); timer != timers.end();) {
    if (timer->second.at > now) {
      ++timer;
      continue;
    }
    due[{timer->second.at, timer->first}] = std::move(timer->second.callback);
    timer = timers.erase(timer);
  }
  for (auto& [at, callback] : due) add_action(std::move(callback));
}

std::optional<Time> BlockingCore::sooner(std::optional<Time> deadline) const {
  for (const auto& [id, timer] : timers) {
    if (!deadline || timer.at < *deadline) deadline = timer.at;
  }
  return deadline;
}

void BlockingCore::dispatch(Link::Lock& lock, std::optional<Time> deadline,
                            const std::function<bool()>& is_done) {
  const auto has_news = [&] { return (!inbox_.empty() && !dispatching_) || failure_ || is_done(); };
  while (true) {
    collect_timers(SystemClock().now());
    if (const std::optional<Time> until = sooner(deadline)) {
      link.wait(lock, *until, has_news);
    } else {
      link.wait(lock, has_news);
    }
    collect_timers(SystemClock().now());
    if (has_news()) break;
    if (deadline && SystemClock().now() >= *deadline) return;
  }
  if (inbox_.empty() || dispatching_) return check_open();
  // Those that are here now: what keeps coming must not keep the caller.
  for (std::size_t left = inbox_.size(); left > 0 && !inbox_.empty(); --left) run_next(lock);
}

void BlockingCore::run_next(Link::Lock& lock) {
  Event event = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= bytes_of(event);
  look_at_inbox();
  dispatching_ = std::this_thread::get_id();
  struct Return {
    BlockingCore& core;
    Link::Lock& lock;
    ~Return() {
      lock.lock();
      core.dispatching_.reset();
      core.link.notify();
    }
  };
  OnMessage callback =
      event.channel ? event.channel->callback_of(event.delivery.method.consumer_tag) : OnMessage();
  lock.unlock();
  const Return back{*this, lock};
  if (event.channel) {
    BlockingChannel handle = event.channel->handle();
    if (callback) {
      callback(handle, event.delivery.method, event.delivery.properties, event.delivery.body);
    }
  } else {
    event.action();
  }
}

}  // namespace leveret::client
