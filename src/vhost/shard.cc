// SPDX-License-Identifier: Apache-2.0
#include "vhost/shard.h"

#include "base/assert.h"
#include "vhost/registry.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace leveret {
namespace {

/// Messages a queue hands out before the next queue's turn.
constexpr std::uint32_t dispatch_messages_max = 1024;

/// A question on its way to another worker and back.
template <class Answer>
struct Question {
  std::move_only_function<Answer(Shard&, Queue*)> ask;
  std::move_only_function<void(Answer)> answer;
  QueueId queue;
  WorkerId asker;
  std::optional<Answer> said;
};

/// A Done that, called on any worker, is carried to `asker` and called there.
template <class T>
Done<T> answered_on(Executor& executor, WorkerId asker, Done<T> done) {
  return [&executor, asker, done = std::move(done)](amqp::AmqpResult<T> result) mutable {
    struct Reply {
      Done<T> done;
      amqp::AmqpResult<T> result;
    };
    auto reply = std::make_unique<Reply>(std::move(done), std::move(result));
    executor.post(asker, [reply = std::move(reply)] { reply->done(std::move(reply->result)); });
  };
}

}  // namespace

Shard::Shard(Broker& broker, WorkerId home)
    : broker_(broker),
      home_(home),
      connection_ids_(home),
      channel_ids_(home),
      consumer_ids_(home),
      journals_(broker.executor(), broker.clock(), broker.journal_settings(), home, *this),
      publish_bytes_taken_(broker.executor().worker_count()),
      publish_bytes_in_flight_(broker.executor().worker_count()),
      is_congested_(broker.executor().worker_count()),
      dead_letters_(*this),
      removals_(*this),
      gates_(*this) {}

Shard::~Shard() {
  for (auto& [id, home_queue] : queues_) home_queue.handle->queue = nullptr;
}

VhostReplica* Shard::find_vhost(std::string_view name) const {
  const auto found = vhosts_.find(name);
  return found == vhosts_.end() ? nullptr : found->second.get();
}

void Shard::remove_connection(ConnectionId id) {
  connections_.erase(id);
  std::erase(held_connections_, id);
  std::erase(slowed_connections_, id);
}

std::vector<ConnectionPort*> Shard::connections() const {
  std::vector<ConnectionPort*> all;
  all.reserve(connections_.size());
  for (const auto& [id, port] : connections_) all.push_back(port);
  return all;
}

std::vector<QueueSnapshot> Shard::snapshots(bool of_held_back) const {
  std::vector<QueueSnapshot> all;
  if (!of_held_back) all.reserve(queues_.size());
  for (const auto& [id, home_queue] : queues_) {
    if (home_queue.handle->properties.is_held_back != of_held_back) continue;
    all.push_back({id, home_queue.queue->counts(), home_queue.queue->totals(),
                   home_queue.queue->single_active_consumer(), home_queue.recovered,
                   home_queue.queue->is_balanced()});
  }
  return all;
}

// Declarations.

template <class Request, class T>
void Shard::ask_registry(void (Registry::*method)(Request, Done<T>), Request request,
                         Done<T> done) {
  if (home_ == Broker::control) {
    (broker_.registry().*method)(std::move(request), std::move(done));
    return;
  }
  struct Ask {
    Request request;
    Done<T> done;
  };
  auto ask = std::make_unique<Ask>(std::move(request), std::move(done));
  broker_.executor().post(
      Broker::control, [&broker = broker_, method, asker = home_, ask = std::move(ask)]() mutable {
        (broker.registry().*method)(std::move(ask->request),
                                    answered_on<T>(broker.executor(), asker, std::move(ask->done)));
      });
}

void Shard::declare_exchange(ExchangeDeclaration declaration, Done<void> done) {
  ask_registry(&Registry::declare_exchange, std::move(declaration), std::move(done));
}

void Shard::delete_exchange(ExchangeDeletion deletion, Done<void> done) {
  ask_registry(&Registry::delete_exchange, std::move(deletion), std::move(done));
}

void Shard::declare_queue(QueueDeclaration declaration, Done<DeclaredQueue> done) {
  ask_registry(&Registry::declare_queue, std::move(declaration), std::move(done));
}

void Shard::delete_queue(QueueDeletion deletion, Done<std::uint64_t> done) {
  ask_registry(&Registry::delete_queue, std::move(deletion), std::move(done));
}

void Shard::change_binding(BindingRequest request, Done<void> done) {
  ask_registry(&Registry::change_binding, std::move(request), std::move(done));
}

void Shard::delete_exclusive_queues(ConnectionId connection, std::move_only_function<void()> done) {
  ask_registry<ConnectionId, void>(
      &Registry::delete_exclusive_queues, connection,
      [done = std::move(done)](amqp::AmqpResult<void>) mutable { done(); });
}

// Questions to a queue.

template <class Answer>
void Shard::at_home(const QueueHandle& queue, std::move_only_function<Answer(Shard&, Queue*)> ask,
                    std::move_only_function<void(Answer)> answer) {
  if (queue.home() == home_) {
    when_ready(queue.properties.id,
               [this, handle = QueueHandlePtr(&queue), ask = std::move(ask),
                answer = std::move(answer)]() mutable { answer(ask(*this, handle->queue)); });
    return;
  }
  auto question = std::make_unique<Question<Answer>>(std::move(ask), std::move(answer),
                                                     queue.properties.id, home_, std::nullopt);
  broker_.executor().post(
      queue.home(), [&broker = broker_, question = std::move(question)]() mutable {
        Shard& there = broker.here();
        const QueueId id = question->queue;
        there.when_ready(id, [&there, question = std::move(question)]() mutable {
          question->said.emplace(question->ask(there, there.find_queue_here(question->queue)));
          const WorkerId asker = question->asker;
          there.broker_.executor().post(asker, [question = std::move(question)] {
            question->answer(std::move(*question->said));
          });
        });
      });
}

void Shard::look(const QueueHandle& queue,
                 std::move_only_function<void(std::optional<QueueCounts>)> done) {
  at_home<std::optional<QueueCounts>>(
      queue,
      [](Shard&, Queue* there) { return there ? std::optional(there->look()) : std::nullopt; },
      std::move(done));
}

void Shard::purge(const QueueHandle& queue,
                  std::move_only_function<void(std::optional<std::uint64_t>)> done) {
  at_home<std::optional<std::uint64_t>>(
      queue,
      [](Shard&, Queue* there) { return there ? std::optional(there->purge()) : std::nullopt; },
      std::move(done));
}

void Shard::get(const QueueHandle& queue, ChannelId channel, bool no_ack,
                std::move_only_function<void(std::optional<Queue::Got>)> done) {
  const QueueId id = queue.properties.id;
  if (queue.home() == home_) {
    when_ready(id, [this, id, channel, no_ack, done = std::move(done)]() mutable {
      get_here(id, channel, no_ack, std::move(done));
    });
    return;
  }
  struct Ask {
    Broker& broker;
    WorkerId asker;
    std::move_only_function<void(std::optional<Queue::Got>)> done;
  };
  auto ask = std::make_unique<Ask>(broker_, home_, std::move(done));
  broker_.executor().post(queue.home(), [id, channel, no_ack, ask = std::move(ask)]() mutable {
    Shard& there = ask->broker.here();
    there.when_ready(id, [&there, id, channel, no_ack, ask = std::move(ask)]() mutable {
      there.get_here(
          id, channel, no_ack, [ask = std::move(ask)](std::optional<Queue::Got> got) mutable {
            struct Answer {
              std::unique_ptr<Ask> ask;
              std::optional<Queue::Got> got;
            };
            Executor& executor = ask->broker.executor();
            const WorkerId asker = ask->asker;
            auto answer = std::make_unique<Answer>(std::move(ask), std::move(got));
            executor.post(
                asker, [answer = std::move(answer)] { answer->ask->done(std::move(answer->got)); });
          });
    });
  });
}

void Shard::consume(const QueueHandle& queue, const ConsumerSpec& spec, DeliverySink& sink,
                    std::move_only_function<void(ConsumeOutcome)> done) {
  const auto outcome = [](const std::expected<void, AttachRefusal>& attached) {
    return attached ? ConsumeOutcome::subscribed : ConsumeOutcome::exclusive_use;
  };
  const bool is_here = queue.home() == home_;
  const bool has_to_wait = is_here && find_waiting(queue.properties.id) != nullptr;
  if (!is_here || has_to_wait) {
    remote_consumers_[spec.id] = {.sink = &sink,
                                  .queue = QueueHandlePtr(&queue),
                                  .channel = spec.channel,
                                  .no_ack = spec.no_ack};
  }
  if (is_here) {
    when_ready(queue.properties.id, [this, handle = QueueHandlePtr(&queue), spec, &sink, outcome,
                                     has_to_wait, done = std::move(done)]() mutable {
      // Dropped while it waited: its sink has gone, and must not be looked at.
      const bool has_gone = has_to_wait && remote_consumers_.erase(spec.id) == 0;
      done(has_gone || handle->queue == nullptr ? ConsumeOutcome::queue_gone
                                                : outcome(handle->queue->attach(spec, sink)));
    });
    return;
  }
  at_home<ConsumeOutcome>(
      queue,
      [spec, outcome](Shard& there, Queue* queue_there) {
        if (queue_there == nullptr) return ConsumeOutcome::queue_gone;
        auto stand_in = std::make_unique<RemoteSink>(there.broker_, spec.id);
        const ConsumeOutcome said = outcome(queue_there->attach(spec, *stand_in));
        if (said == ConsumeOutcome::subscribed) {
          there.remote_sinks_[spec.id] = std::move(stand_in);
        }
        return said;
      },
      [this, id = spec.id, done = std::move(done)](ConsumeOutcome said) mutable {
        if (said != ConsumeOutcome::subscribed) remote_consumers_.erase(id);
        done(said);
      });
}

void Shard::cancel(const QueueHandle& queue, ConsumerId consumer,
                   std::move_only_function<void()> done) {
  at_home<bool>(
      queue,
      [consumer](Shard& there, Queue* queue_there) {
        if (queue_there) queue_there->detach(consumer);
        there.remote_sinks_.erase(consumer);
        return true;
      },
      [this, consumer, done = std::move(done)](bool) mutable {
        remote_consumers_.erase(consumer);
        done();
      });
}

void Shard::delete_at_home(
    const QueueHandle& queue, bool if_unused, bool if_empty,
    std::move_only_function<void(std::expected<std::uint64_t, DeleteRefusal>)> done) {
  at_home<std::expected<std::uint64_t, DeleteRefusal>>(
      queue,
      [handle = QueueHandlePtr(&queue), if_unused, if_empty](Shard& there, Queue*) {
        return there.delete_here(*handle, if_unused, if_empty);
      },
      std::move(done));
}

// Statements to a queue.

void Shard::drop_consumer(const QueueHandle& queue, ConsumerId consumer) {
  remote_consumers_.erase(consumer);
  at_home<bool>(
      queue,
      [consumer](Shard& there, Queue* queue_there) {
        if (queue_there) queue_there->detach(consumer);
        there.remote_sinks_.erase(consumer);
        return true;
      },
      [](bool) {});
}

void Shard::publish(const QueueHandle& queue, MessagePtr message, PublishToken token) {
  if (queue.home() == home_) {
    if (auto* waiting = find_waiting(queue.properties.id)) [[unlikely]] {
      unready_publish_bytes_ += message->block_bytes();
      waiting->emplace_back(
          [this, handle = QueueHandlePtr(&queue), message = std::move(message), token]() mutable {
            unready_publish_bytes_ -= message->block_bytes();
            publish(*handle, std::move(message), token);
          });
      return;
    }
    if (queue.queue) {
      queue.queue->publish(std::move(message), token);
    } else if (token) {
      confirm(token, true);  // Deleted on the way: gone as if it had been in it.
    }
    return;
  }
  count_publish_to(queue.home(), message->block_bytes());
  struct Publish {  // Names its sender by the token or, without one, by nothing: kept to 48 bytes.
    Broker* broker;
    QueueId queue;
    MessagePtr message;
    PublishToken token;
    WorkerId from;
    void operator()() { broker->here().on_remote_publish(queue, std::move(message), token, from); }
  };
  broker_.executor().post(queue.home(),
                          Publish{&broker_, queue.properties.id, std::move(message), token, home_});
}

void Shard::settle(const QueueHandle& queue, ChannelId channel,
                   std::span<const MessageSeq> messages, Settlement settlement) {
  if (queue.home() == home_) {
    if (queue.queue) queue.queue->settle(channel, messages, settlement);
    return;
  }
  // Consecutive messages travel as one task.
  for (std::size_t at = 0; at < messages.size();) {
    const std::uint64_t first = messages[at].value();
    std::uint32_t run = 1;
    while (at + run < messages.size() && messages[at + run].value() == first + run) ++run;
    at += run;
    broker_.executor().post(queue.home(), [&broker = broker_, id = queue.properties.id, channel,
                                           first, run, settlement] {
      Queue* there = broker.here().find_queue_here(id);
      if (there == nullptr) return;
      constexpr std::uint32_t at_once = 64;
      MessageSeq seqs[at_once];
      for (std::uint32_t done = 0; done < run;) {
        const std::uint32_t count = std::min(run - done, at_once);
        for (std::uint32_t i = 0; i < count; ++i) seqs[i] = MessageSeq(first + done + i);
        there->settle(channel, std::span(seqs, count), settlement);
        done += count;
      }
    });
  }
}

void Shard::await_settled(const QueueHandle& queue, PublishToken token) {
  const QueueId id = queue.properties.id;
  if (queue.home() == home_) return await_settled_here(id, token);
  broker_.executor().post(queue.home(), [&broker = broker_, id, token] {
    broker.here().await_settled_here(id, token);
  });
}

void Shard::await_settled_here(QueueId id, PublishToken token) {
  if (Queue* queue = find_queue_here(id)) return queue->await_settled(token);
  confirm(token, true);  // Deleted meanwhile, and what was settled with it.
}

void Shard::release(const QueueHandle& queue, ChannelId channel) {
  at_home<bool>(
      queue,
      [channel](Shard&, Queue* there) {
        if (there) there->release(channel);
        return true;
      },
      [](bool) {});
}

void Shard::resume(const QueueHandle& queue, ConsumerId consumer) {
  if (queue.home() == home_) {
    if (queue.queue) queue.queue->resume(consumer);
    return;
  }
  const auto found = remote_consumers_.find(consumer);
  if (found == remote_consumers_.end()) return;
  if (found->second.is_undoing) {
    found->second.is_resume_wanted = true;
    return;
  }
  send_credit(consumer, found->second);
}

// The turn.

bool Shard::finish_turn() {
  const bool has_dispatched = !dispatch_list_.empty();
  dispatching_.swap(dispatch_list_);
  for (Queue* queue : dispatching_) {
    if (queue && queue->dispatch(dispatch_messages_max)) dispatch_list_.push_back(queue);
  }
  dispatching_.clear();
  journals_.flush();
  flush_confirms();
  // Whose messages wait for the disk is not asked for more.
  if (!journals_.is_congested()) flush_publish_credit();
  return has_dispatched;
}

std::uint64_t Shard::now_ms() {
  if (turn_ms_ == 0) {
    const auto since = broker_.clock().wall_now().time_since_epoch();
    turn_ms_ = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }
  return turn_ms_;
}

void Shard::shrink() {
  connections_.rehash(0);
  channels_.rehash(0);
  remote_consumers_.rehash(0);
  remote_sinks_.rehash(0);
  queues_.rehash(0);
  journals_.reclaim();
  wakes_.shrink();
  dispatch_list_.shrink_to_fit();
  dispatching_.shrink_to_fit();
}

void Shard::confirm(PublishToken token, bool is_accepted) {
  const WorkerId publisher = home_of(token.channel);
  if (publisher == home_) {
    const auto sink = channels_.find(token.channel);
    if (sink != channels_.end()) sink->second->on_confirmed(token.sequence, 1, is_accepted);
    return;
  }
  if (confirms_.channel == token.channel && confirms_.is_accepted == is_accepted &&
      confirms_.first + confirms_.count == token.sequence) {
    ++confirms_.count;
    return;
  }
  flush_confirms();
  confirms_ = {token.channel, token.sequence, 1, is_accepted};
}

void Shard::flush_confirms() {
  if (confirms_.count == 0) return;
  broker_.executor().post(home_of(confirms_.channel), [&broker = broker_, range = confirms_] {
    broker.here().on_remote_confirm(range.channel, range.first, range.count, range.is_accepted);
  });
  confirms_ = {};
}

void Shard::on_remote_confirm(ChannelId channel, std::uint64_t first, std::uint32_t count,
                              bool is_accepted) {
  const auto sink = channels_.find(channel);
  if (sink != channels_.end()) sink->second->on_confirmed(first, count, is_accepted);
}

void Shard::is_unused(Queue& queue) {
  const QueueHandlePtr handle = queues_.at(queue.id()).handle;
  broker_.executor().post(Broker::control, [&broker = broker_, handle] {
    broker.registry().delete_unused_queue(handle);
  });
}

// What comes from other workers.

Queue* Shard::find_queue_here(QueueId id) const {
  const auto found = queues_.find(id);
  return found == queues_.end() ? nullptr : found->second.queue.get();
}

void Shard::on_remote_publish(QueueId id, MessagePtr message, PublishToken token, WorkerId from) {
  if (auto* waiting = find_waiting(id)) [[unlikely]] {
    waiting->emplace_back([this, id, message = std::move(message), token, from] {
      on_remote_publish(id, message, token, from);
    });
    return;
  }
  publish_bytes_taken_[from.value()] += message->block_bytes();
  if (Queue* queue = find_queue_here(id)) {
    queue->publish(std::move(message), token);
  } else if (token) {
    confirm(token, true);
  }
}

void Shard::on_remote_delivery(ConsumerId id, const StoredMessage& message) {
  const auto found = remote_consumers_.find(id);
  if (found == remote_consumers_.end())
    return;  // Its channel went; the queue has the message still.
  RemoteConsumer& consumer = found->second;
  ++consumer.uncredited_messages;
  consumer.uncredited_bytes += message.message->body_bytes();
  const Readiness readiness =
      consumer.is_undoing ? Readiness::no_credit : consumer.sink->readiness();
  if (readiness == Readiness::no_credit) {
    undo_remote_delivery(id, consumer, message.seq);
    return;
  }
  consumer.sink->deliver(message);
  const bool is_lump = consumer.uncredited_messages >= remote_credit_messages ||
                       consumer.uncredited_bytes >= remote_credit_bytes;
  if (is_lump && readiness == Readiness::ready) send_credit(id, consumer);
}

void Shard::undo_remote_delivery(ConsumerId id, RemoteConsumer& consumer, MessageSeq seq) {
  const bool is_first = !std::exchange(consumer.is_undoing, true);
  broker_.executor().post(
      consumer.queue->home(), [&broker = broker_, queue = consumer.queue->properties.id,
                               channel = consumer.channel, seq, id, is_first] {
        if (Queue* there = broker.here().find_queue_here(queue)) there->undo_delivery(channel, seq);
        if (!is_first) return;
        // The queue passes the consumer over from now on: what it sent before is ahead of this.
        broker.executor().post(home_of(id), [&broker, id] { broker.here().on_remote_undone(id); });
      });
}

void Shard::on_remote_undone(ConsumerId id) {
  const auto found = remote_consumers_.find(id);
  if (found == remote_consumers_.end()) return;
  RemoteConsumer& consumer = found->second;
  consumer.is_undoing = false;
  if (std::exchange(consumer.is_resume_wanted, false)) send_credit(id, consumer);
}

void Shard::send_credit(ConsumerId id, RemoteConsumer& consumer) {
  broker_.executor().post(consumer.queue->home(),
                          [&broker = broker_, queue = consumer.queue->properties.id, id,
                           messages = std::exchange(consumer.uncredited_messages, 0),
                           bytes = std::exchange(consumer.uncredited_bytes, 0)] {
                            Shard& there = broker.here();
                            const auto sink = there.remote_sinks_.find(id);
                            if (sink == there.remote_sinks_.end()) return;
                            sink->second->on_credit(messages, bytes);
                            if (Queue* queue_there = there.find_queue_here(queue))
                              queue_there->resume(id);
                          });
}

void Shard::on_remote_cancelled(ConsumerId id) {
  const auto found = remote_consumers_.find(id);
  if (found == remote_consumers_.end()) return;
  DeliverySink* sink = found->second.sink;
  remote_consumers_.erase(found);
  sink->on_cancelled();
}

}  // namespace leveret
