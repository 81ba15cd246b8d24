// SPDX-License-Identifier: Apache-2.0
//
// The queues that are at home on a worker: made when they are declared, or when the journal with
// their messages is ready; asked, also for what is on its way from the disk; deleted.
#include "base/assert.h"
#include "base/log.h"
#include "journal/owner_names.h"
#include "queue/classic_queue.h"
#include "queue/priority_store.h"
#include "queue/sorted_store.h"
#include "queue/stream_queue.h"
#include "vhost/queue_arguments.h"
#include "vhost/registry.h"
#include "vhost/shard.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace leveret {
namespace {

/// Its messages are not only taken from the head.
bool is_sorted(const QueueProperties& queue) {
  return queue.is_held_back || expires_anywhere(queue);
}

std::unique_ptr<const DeadLetterRoute> boxed(std::optional<DeadLetterRoute> route) {
  return route ? std::make_unique<const DeadLetterRoute>(std::move(*route)) : nullptr;
}

OwnerId owner_of(const QueueProperties& queue) {
  const OwnerId owner =
      queue.number != 0 ? owner_of_queue(queue.number) : owner_of_nameless(queue.id.value());
  return is_sorted(queue) ? owner_of_unordered(owner) : owner;
}

bool holds_ids_of_present(const QueueProperties& queue) {
  const auto rules = deduplication_of(queue);
  return rules && rules->holds == DeduplicationRules::Holds::present;
}

}  // namespace

void Shard::set_consumer_timeout(const QueueHandle& queue, const Policy* policy) {
  const ConsumerTimeout timeout = consumer_timeout_of(queue.properties, policy);
  queue.consumer_timeout_ms.store(timeout.ms, std::memory_order_relaxed);
  queue.timeout_action.store(timeout.action, std::memory_order_relaxed);
}

void Shard::add_queue_here(const QueueAdded& added) {
  const QueueProperties& properties = added.queue->properties;
  const bool is_kept = properties.number != 0 && broker_.journal_settings().files != nullptr;
  const bool awaits_journal = is_kept && journals_.find_log(properties.journal) == nullptr;
  if (awaits_journal) ++loading_count_;
  if (awaits_journal || added.awaits_commit) {
    unready_[properties.id] = {.handle = added.queue,
                               .policy = added.policy,
                               .awaits_journal = awaits_journal,
                               .awaits_commit = added.awaits_commit,
                               .acts = {}};
  }
  if (!awaits_journal) make_queue(added.queue, added.policy.get(), {}, /*is_clean=*/true);
}

void Shard::add_exchange_here(const ExchangeAdded& added) {
  const QueueHandlePtr& held_back = added.exchange->held_back;
  if (held_back == nullptr || held_back->home() != home_) return;
  add_queue_here({.queue = held_back, .awaits_commit = added.awaits_commit});
}

void Shard::remove_exchange_here(const ExchangeProperties& exchange) {
  if (exchange.held_back == nullptr || exchange.held_back->home() != home_) return;
  when_ready(exchange.held_back->properties.id, [this, held_back = exchange.held_back] {
    static_cast<void>(delete_here(*held_back, /*if_unused=*/false, /*if_empty=*/false));
  });
}

void Shard::on_queue_committed(QueueId id) {
  unready_.at(id).awaits_commit = false;
  go_on_if_ready(id);
}

void Shard::go_on_if_ready(QueueId id) {
  const auto found = unready_.find(id);
  const Unready& unready = found->second;
  if (unready.awaits_journal || unready.awaits_commit || unready.awaits_ids) return;
  auto acts = std::move(found->second.acts);
  unready_.erase(found);
  for (auto& act : acts) act();
  let_go_held();
}

void Shard::change_policy(const QueueHandle& handle, PolicyPtr policy) {
  const QueueProperties& properties = handle.properties;
  if (handle.queue != nullptr) {
    handle.queue->set_durability(
        durability_of(properties, policy.get(), broker_.journal_settings().durability));
    QueueLife life = life_of(properties, policy.get(), broker_.personality().delivery_limit);
    queues_.at(properties.id).dead_letters = boxed(std::move(life.dead_letters));
    handle.queue->set_rules(life.rules);
    set_consumer_timeout(handle, policy.get());
  } else if (const auto unready = unready_.find(properties.id); unready != unready_.end()) {
    unready->second.policy = std::move(policy);
  }
}

void Shard::make_queue(const QueueHandlePtr& handle, const Policy* policy,
                       std::vector<RecoveredPriority> recovered, bool is_clean) {
  const QueueProperties& properties = handle->properties;
  RecoveredCounts counts;
  for (const RecoveredPriority& one : recovered) counts += one.messages.counts;
  if (counts.unconfirmed + counts.discarded != 0) {
    log(LogLevel::info, "queue",
        "recovered {}=\"{}\" vhost=\"{}\" confirmed={} unconfirmed={} discarded={}",
        properties.is_held_back ? "delayed_by" : "queue", log_safe(properties.name),
        log_safe(properties.vhost), counts.confirmed, counts.unconfirmed, counts.discarded);
  }
  const Durability durability =
      durability_of(properties, policy, broker_.journal_settings().durability);
  QueueLife life = life_of(properties, policy, broker_.personality().delivery_limit);
  HomeQueue& home_queue = queues_[properties.id];
  home_queue.handle = handle;
  home_queue.recovered = counts;
  home_queue.dead_letters = boxed(std::move(life.dead_letters));
  if (type_of(properties) == QueueType::stream) {
    auto stream = std::make_unique<StreamLog>(
        journals_.find_log(properties.journal), store_limits_,
        StreamLog::Options{.owner = owner_of(properties), .durability = durability});
    for (RecoveredPriority& one : recovered) stream->recover(std::move(one.messages));
    home_queue.queue = std::make_unique<StreamQueue>(
        properties.id, life.rules, static_cast<QueueHost&>(*this), std::move(stream));
  } else {
    auto store = make_store(properties, durability, std::move(recovered), is_clean);
    if (properties.is_held_back) home_queue.held_back = static_cast<SortedStore*>(store.get());
    home_queue.queue = std::make_unique<ClassicQueue>(
        properties.id,
        ClassicQueue::Options{.is_auto_delete = properties.is_auto_delete,
                              .is_single_active = has_single_active_consumer(properties),
                              .rules = life.rules,
                              .deduplication = deduplication_of(properties)},
        static_cast<QueueHost&>(*this), std::move(store));
  }
  handle->queue = home_queue.queue.get();
  set_consumer_timeout(*handle, policy);
}

std::unique_ptr<MessageStore> Shard::make_store(const QueueProperties& properties,
                                                Durability durability,
                                                std::vector<RecoveredPriority> recovered,
                                                bool is_clean) {
  MessageLog* log_of_queue = journals_.find_log(properties.journal);
  const bool is_kept = properties.number != 0;
  const bool keeps_all = type_of(properties) == QueueType::quorum || properties.is_held_back;
  if (is_sorted(properties)) {
    const SortedStore::Options options{
        .owner = owner_of(properties),
        .order = properties.is_held_back ? SortedStore::Order::due : SortedStore::Order::arrival,
        .is_durable = is_kept,
        .keeps_all = keeps_all,
        .durability = durability,
        .priority_max = priority_max_of(properties)};
    auto store = std::make_unique<SortedStore>(log_of_queue, store_limits_, options);
    for (const RecoveredPriority& one : recovered) store->recover(one.messages, is_clean);
    return store;
  }
  const ClassicStore::Options options{.owner = owner_of(properties),
                                      .is_durable = is_kept,
                                      .keeps_all = keeps_all,
                                      .durability = durability};
  if (const std::uint8_t priority_max = priority_max_of(properties); priority_max != 0) {
    auto store =
        std::make_unique<PriorityStore>(log_of_queue, store_limits_, options, priority_max);
    for (RecoveredPriority& one : recovered) {
      store->recover(one.priority, std::move(one.messages), is_clean);
    }
    return store;
  }
  auto store = std::make_unique<ClassicStore>(log_of_queue, store_limits_, options);
  for (RecoveredPriority& one : recovered) store->recover(std::move(one.messages), is_clean);
  return store;
}

// What queues do by themselves.

bool Shard::wake_queues() {
  bool has_woken = false;
  while (const auto due = wakes_.take_due(now_ms())) {
    has_woken = true;
    if (Queue* queue = find_queue_here(*due)) queue->on_wake();
  }
  return has_woken;
}

bool Shard::dead_letter(Queue& queue, const StoredMessage& message, Death death) {
  const HomeQueue& home_queue = queues_.at(queue.id());
  const DeadLetters::Source source{*home_queue.handle, message.seq};
  if (home_queue.held_back != nullptr) return dead_letters_.send_due(source, *message.message);
  if (home_queue.dead_letters == nullptr) return false;
  return dead_letters_.send(source, *home_queue.dead_letters, message.message, death);
}

// In a task of its own: the next queue may refuse as well, and so on along any number of queues.
void Shard::dead_letter_refused(Queue& queue, const MessagePtr& message) {
  broker_.executor().post(home_, [&broker = broker_, id = queue.id(), message] {
    Shard& here = broker.here();
    const auto found = here.queues_.find(id);
    if (found == here.queues_.end() || found->second.dead_letters == nullptr) return;
    // Where nobody gets it, it is gone, as it would be for who published it.
    static_cast<void>(here.dead_letters_.send({*found->second.handle, MessageSeq()},
                                              *found->second.dead_letters, message, Death::maxlen));
  });
}

// The journals.

Result<void> Shard::open_journals() { return journals_.open(); }

void Shard::close_journals() {
  journals_.close([this](std::uint16_t index, std::vector<SeqRun>& delivered) {
    for (const auto& [id, home_queue] : queues_) {
      const QueueProperties& properties = home_queue.handle->properties;
      if (properties.number != 0 && properties.journal == index) {
        home_queue.queue->collect_delivered(delivered);
      }
    }
  });
}

/// Those of the youngest messages, as many as ids are held. Of each priority the older first.
std::vector<OwnersPage> Shard::pages_of(OwnerId queue,
                                        const std::vector<RecoveredPriority>& found) {
  std::vector<OwnersPage> pages;
  for (const RecoveredPriority& one : found) {
    const auto& all = one.messages.pages;
    std::uint64_t messages = 0;
    auto first = all.end();
    while (first != all.begin() && messages < DeduplicationRules::present_ids_max) {
      messages += (--first)->count;
    }
    for (; first != all.end(); ++first) {
      pages.push_back({owner_of_priority(queue, one.priority), *first});
    }
  }
  return pages;
}

void Shard::on_journal_ready(std::uint16_t index, Recovered recovered) {
  const bool is_clean = recovered.report.is_clean;
  struct Ready {
    QueueHandlePtr handle;
    PolicyPtr policy;
  };
  std::vector<Ready> ready;
  for (auto& [id, unready] : unready_) {
    if (!unready.awaits_journal || unready.handle->properties.journal != index) continue;
    unready.awaits_journal = false;
    ready.push_back({unready.handle, unready.policy});
  }
  loading_count_ -= ready.size();
  for (const auto& [handle, policy] : ready) {
    std::vector<RecoveredPriority> found = take_recovered(handle->properties, recovered);
    std::vector<OwnersPage> pages;
    if (holds_ids_of_present(handle->properties))
      pages = pages_of(owner_of(handle->properties), found);
    make_queue(handle, policy.get(), std::move(found), is_clean);
    if (!pages.empty()) find_ids(handle, std::move(pages));
  }
  // What is left belonged to queues that were deleted.
  Journal& journal = journals_.find_log(index)->journal();
  for (const auto& [id, owner] : recovered.owners) {
    for (const RecoveredPage& page : owner.pages) {
      journal.drop(page.segment, page.count, page.share_bytes);
    }
  }
  for (const auto& [handle, policy] : ready) go_on_if_ready(handle->properties.id);
}

std::vector<Shard::RecoveredPriority> Shard::take_recovered(const QueueProperties& queue,
                                                            Recovered& from) {
  std::vector<RecoveredPriority> found;
  const auto take = [&](OwnerId owner, std::uint8_t priority) {
    const auto messages = from.owners.find(owner);
    if (messages == from.owners.end()) return;
    found.push_back({priority, std::move(messages->second)});
    from.owners.erase(messages);
  };
  const OwnerId owner = owner_of(queue);
  const unsigned priority_max = is_sorted(queue) ? 0 : priority_max_of(queue);
  for (unsigned priority = 0; priority <= priority_max; ++priority) {
    take(owner_of_priority(owner, static_cast<std::uint8_t>(priority)),
         static_cast<std::uint8_t>(priority));
  }
  return found;
}

void Shard::find_ids(const QueueHandlePtr& handle, std::vector<OwnersPage> pages) {
  ++loading_count_;
  unready_.at(handle->properties.id).awaits_ids = true;
  handle->queue->ids_of_present()->begin_finding();
  read_through(
      journals_.find_log(handle->properties.journal)->journal(), std::move(pages),
      [handle](const Message& message) {
        if (handle->queue) handle->queue->ids_of_present()->hold_found(message);
      },
      [this, handle] {
        --loading_count_;
        if (handle->queue) handle->queue->ids_of_present()->end_finding();
        unready_.at(handle->properties.id).awaits_ids = false;
        go_on_if_ready(handle->properties.id);
      });
}

void Shard::on_journal_unusable(std::uint16_t index, const Error& why) {
  broker_.report_fatal(
      {why.code, "journal " + std::to_string(index) + " cannot be opened: " + why.context});
}

void Shard::on_journal_trouble(std::uint16_t index, JournalTrouble trouble,
                               const std::string& why) {
  // A client is told what RabbitMQ tells it where there is no room. An alarm has a name of its own
  // for each journal, so that one that works again does not end another's.
  struct Tell {
    Broker* broker;
    std::string name;
    JournalTrouble trouble;
    std::string why;
  };
  auto tell = std::make_unique<Tell>(&broker_, "journal " + std::to_string(index), trouble, why);
  broker_.executor().post(Broker::control, [tell = std::move(tell)] {
    Alarms& alarms = tell->broker->alarms();
    const std::string numbers = "cause=\"" + tell->why + "\"";
    if (tell->trouble == JournalTrouble::none) {
      alarms.clear(tell->name, numbers);
    } else {
      alarms.raise(tell->name,
                   tell->trouble == JournalTrouble::stalled ? "low on disk" : "journal failed",
                   numbers);
    }
  });
}

std::expected<std::uint64_t, DeleteRefusal> Shard::delete_here(const QueueHandle& handle,
                                                               bool if_unused, bool if_empty) {
  const auto found = queues_.find(handle.properties.id);
  LEVERET_ASSERT(found != queues_.end(), "queue '{}' deleted twice", handle.properties.name);
  Queue* queue = found->second.queue.get();
  if (auto allowed = queue->may_delete(if_unused, if_empty); !allowed) {
    return std::unexpected(allowed.error());
  }
  const std::vector<ConsumerId> consumers = queue->consumers();
  const std::uint64_t dropped = queue->close();
  for (const ConsumerId consumer : consumers) remote_sinks_.erase(consumer);
  std::erase(dispatch_list_, queue);
  std::ranges::replace(dispatching_, queue, nullptr);
  handle.queue = nullptr;
  queues_.erase(found);
  answer_waiting_gets(handle.properties.id);
  return dropped;
}

void Shard::get_here(QueueId id, ChannelId channel, bool no_ack,
                     std::move_only_function<void(std::optional<Queue::Got>)> done) {
  Queue* queue = find_queue_here(id);
  if (queue == nullptr) return done(std::nullopt);
  // Who came first is served first, also when the disk made him wait.
  const auto waiting = waiting_gets_.find(id);
  if (waiting == waiting_gets_.end()) {
    Queue::Got got = queue->get(channel, no_ack);
    if (!got.is_loading) return done(std::move(got));
  }
  waiting_gets_[id].push_back({channel, no_ack, std::move(done)});
}

void Shard::has_loaded(Queue& queue) {
  if (!waiting_gets_.empty()) answer_waiting_gets(queue.id());
}

void Shard::answer_waiting_gets(QueueId id) {
  const auto found = waiting_gets_.find(id);
  if (found == waiting_gets_.end()) return;
  std::vector<WaitingGet> waiting = std::move(found->second);
  waiting_gets_.erase(found);
  for (WaitingGet& get : waiting) get_here(id, get.channel, get.no_ack, std::move(get.done));
}

}  // namespace leveret
