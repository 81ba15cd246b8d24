// SPDX-License-Identifier: Apache-2.0
//
// Shard: what one worker holds of the broker. Its replica of every vhost's routing, the queues that
// are at home here, the connections and channels of this worker; and the one door through which a
// session reaches everything else.
//
// Where a queue is at home elsewhere, the same calls carry small tasks there and back (remote.h).
// Tasks from one worker to another keep their order, so a channel's publish, get and settle reach a
// queue in the order in which they were made.
//
// Questions take a Done: it is called once, on this worker, perhaps before the call returns.
// Statements (publish, settle, resume) take none.
//
// Thread: its worker, every method. Owns: queues and remote sinks. Borrows: ports and sinks, which
// deregister before they go.

#pragma once

#include "message/ids.h"
#include "queue/queue.h"
#include "queue/queue_host.h"
#include "queue/read_through.h"
#include "queue/store_limits.h"
#include "vhost/alarms.h"
#include "vhost/broker.h"
#include "vhost/dead_letters.h"
#include "vhost/gates.h"
#include "vhost/ports.h"
#include "vhost/queue_journals.h"
#include "vhost/remote.h"
#include "vhost/removals.h"
#include "vhost/replica.h"
#include "vhost/reply_addresses.h"
#include "vhost/requests.h"
#include "vhost/wake_list.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret {

struct Event;
class SortedStore;

/// A queue in numbers, for people and for the management API; taken at one moment.
struct QueueSnapshot {
  QueueId id;
  QueueCounts counts;
  QueueTotals totals;
  ConsumerId single_active_consumer;  ///< Zero: none, or all of its consumers are active.
  RecoveredCounts recovered;          ///< When the broker started.
  bool is_balanced = true;            ///< Queue::is_balanced().
};

class Shard final : private QueueJournalsHost {
 public:
  Shard(Broker& broker, WorkerId home);
  ~Shard() override;

  [[nodiscard]] WorkerId home() const { return home_; }
  [[nodiscard]] Broker& broker() const { return broker_; }

  // What is known here.

  [[nodiscard]] const std::string& node_name() const { return broker_.node_name(); }
  [[nodiscard]] VhostReplica* find_vhost(std::string_view name) const;
  [[nodiscard]] const std::shared_ptr<const AuthSnapshot>& auth() const { return auth_; }
  /// Grows whenever a vhost comes or goes: find_vhost() may answer differently.
  [[nodiscard]] std::uint64_t vhosts_version() const { return vhosts_version_; }
  /// Grows whenever auth() is replaced.
  [[nodiscard]] std::uint64_t auth_version() const { return auth_version_; }
  /// What is on. Changes between turns only, and every connection is told.
  [[nodiscard]] const AlarmSet& alarms() const { return *alarms_; }

  // Who is here.

  [[nodiscard]] ConnectionId next_connection_id() { return connection_ids_.next(); }
  [[nodiscard]] ChannelId next_channel_id() { return channel_ids_.next(); }
  [[nodiscard]] ConsumerId next_consumer_id() { return consumer_ids_.next(); }
  void add_connection(ConnectionId id, ConnectionPort& port) { connections_[id] = &port; }
  void remove_connection(ConnectionId id);
  void add_channel(ChannelId id, ConfirmSink& sink) { channels_[id] = &sink; }
  void remove_channel(ChannelId id) { channels_.erase(id); }
  [[nodiscard]] std::vector<ConnectionPort*> connections() const;
  /// Without dead_letters_, removals_ and gates_.
  [[nodiscard]] std::size_t channel_count() const { return channels_.size() - 3; }
  /// Of every queue that is at home here and was declared.
  [[nodiscard]] std::vector<QueueSnapshot> queue_snapshots() const { return snapshots(false); }
  /// Of what exchanges hold back here, by the queues that nobody declared.
  [[nodiscard]] std::vector<QueueSnapshot> held_back_snapshots() const { return snapshots(true); }

  // Declarations. The answer comes when every worker knows and, for durable things, when it is on
  // disk.

  void declare_exchange(ExchangeDeclaration declaration, Done<void> done);
  void delete_exchange(ExchangeDeletion deletion, Done<void> done);
  void declare_queue(QueueDeclaration declaration, Done<DeclaredQueue> done);
  void delete_queue(QueueDeletion deletion, Done<std::uint64_t> done);
  void change_binding(BindingRequest request, Done<void> done);
  /// Deletes the exclusive queues of a connection that closes.
  void delete_exclusive_queues(ConnectionId connection, std::move_only_function<void()> done);

  // Questions to a queue. An empty answer: the queue is gone.

  /// For who declares it: the queue is in use.
  void look(const QueueHandle& queue,
            std::move_only_function<void(std::optional<QueueCounts>)> done);
  void purge(const QueueHandle& queue,
             std::move_only_function<void(std::optional<std::uint64_t>)> done);
  void get(const QueueHandle& queue, ChannelId channel, bool no_ack,
           std::move_only_function<void(std::optional<Queue::Got>)> done);

  enum class ConsumeOutcome { subscribed, exclusive_use, queue_gone };
  /// Subscribes `sink`. After `subscribed` deliveries come from the end of this turn on.
  void consume(const QueueHandle& queue, const ConsumerSpec& spec, DeliverySink& sink,
               std::move_only_function<void(ConsumeOutcome)> done);
  /// Ends a subscription. When `done` is called no more deliveries come.
  void cancel(const QueueHandle& queue, ConsumerId consumer, std::move_only_function<void()> done);

  /// Deletes the queue itself, at home, if the conditions allow. Says how many messages were ready.
  void delete_at_home(
      const QueueHandle& queue, bool if_unused, bool if_empty,
      std::move_only_function<void(std::expected<std::uint64_t, DeleteRefusal>)> done);

  // Statements to a queue.

  /// As cancel(), for a channel that goes: nothing reaches the sink from now on.
  void drop_consumer(const QueueHandle& queue, ConsumerId consumer);
  void publish(const QueueHandle& queue, MessagePtr message, PublishToken token);
  /// To all that `exchange` leads to; nobody hears of it. Requires: the exchange exists.
  void publish_to(VhostReplica& vhost, std::string_view exchange, const MessagePtr& message);
  [[nodiscard]] Gates& gates() { return gates_; }
  /// To be given to who is bound to these exchanges later.
  void keep_in_histories(const VhostReplica& vhost, std::span<const ExchangePtr> histories,
                         const MessagePtr& message);
  void settle(const QueueHandle& queue, ChannelId channel, std::span<const MessageSeq> messages,
              Settlement settlement);
  /// `token` is confirmed when what was settled at the queue before is as safe as its messages are.
  void await_settled(const QueueHandle& queue, PublishToken token);
  void release(const QueueHandle& queue, ChannelId channel);
  void resume(const QueueHandle& queue, ConsumerId consumer);

  // What exchanges hold back: `queue` is ExchangeProperties::held_back.

  /// As SortedStore::list(); empty when the queue has gone.
  using HeldBackList = std::vector<StoredMessage>;
  void list_held_back(const QueueHandle& queue, MessageSeq after, std::size_t count,
                      std::move_only_function<void(HeldBackList)> done);
  void remove_held_back(const QueueHandle& queue, MessageSeq seq,
                        std::move_only_function<void(Removals::Outcome)> done);

  // Direct reply-to.

  /// Replies to `address` go to the sink until it is removed.
  void add_reply_sink(ChannelId channel, std::string address, ReplySink& sink);
  void remove_reply_sink(ChannelId channel) { reply_addresses_.remove(channel); }
  /// Sends a reply. Whether somebody gets it is not said.
  void reply(std::string_view address, const MessagePtr& message);
  /// A reply that its client was too slow for.
  void note_reply_dropped() { ++dropped_replies_; }
  [[nodiscard]] std::uint64_t dropped_replies() const { return dropped_replies_; }
  /// Is there somebody with this address?
  void find_reply_sink(std::string_view address, std::move_only_function<void(bool)> done);

  // The firehose.

  /// Some vhost is traced: ask VhostReplica::is_traced().
  [[nodiscard]] bool has_traced_vhost() const { return traced_vhost_count_ != 0; }
  /// Gives what the firehose says of a message to the queues that listen, after what is being done.
  void trace(std::string vhost, MessagePtr said);

  // The event exchange.

  /// Somebody listens to amq.rabbitmq.event: what happens is to be told.
  [[nodiscard]] bool has_event_listener() const { return event_binding_count_ != 0; }
  /// Tells the queues that listen, after what is being done. Events reach a queue in the order in
  /// which they were told, and what follows from what was told here is told later.
  void tell(const Event& event);

  /// More is on its way to some worker, or to the disk, than it has taken in, or waits for queues
  /// to be ready: stop reading from publishers.
  [[nodiscard]] bool is_congested() const {
    return congested_peers_ != 0 || journals_.is_congested() || loading_count_ != 0 ||
           unready_publish_bytes_ >= publish_window_bytes;
  }
  /// `id`'s port is told by on_uncongested().
  void await_uncongested(ConnectionId id) { held_connections_.push_back(id); }

  /// `id` has published to a heavy queue; its port is told by on_slow_tick().
  void await_slow_tick(ConnectionId id) { slowed_connections_.push_back(id); }
  /// Somebody waits: call tick_slowed() some milliseconds later.
  [[nodiscard]] bool has_slowed() const { return !slowed_connections_.empty(); }
  void tick_slowed();

  // Publishes that blocked connections hold back, of all of them.

  [[nodiscard]] std::uint64_t held_publish_bytes() const { return held_publish_bytes_; }
  void note_publish_held(std::uint64_t bytes) { held_publish_bytes_ += bytes; }
  void note_publishes_let_go(std::uint64_t bytes) { held_publish_bytes_ -= bytes; }
  /// Their connection went before the alarm did.
  void note_held_publishes_dropped(std::uint64_t count) { dropped_publishes_ += count; }
  [[nodiscard]] std::uint64_t dropped_publishes() const { return dropped_publishes_; }

  // The journals.

  /// Begins to open them. Before the worker starts.
  [[nodiscard]] Result<void> open_journals();
  /// Closes them in good order. After the worker has ended.
  void close_journals();
  [[nodiscard]] const QueueJournals& journals() const { return journals_; }
  /// A journal could not be written: call retry_journals() now and then while this is so.
  [[nodiscard]] bool has_stalled_journal() const { return journals_.has_stalled(); }
  void retry_journals() { journals_.retry(); }

  // The turn.

  /// Wall time in milliseconds since 1970; the same for the whole of a turn.
  [[nodiscard]] std::uint64_t now_ms() override;
  /// Dispatches queues and sends what was gathered for other workers. True: it did something.
  bool finish_turn();
  /// All that belonged to the turn is done: the time goes on.
  void end_turn() { turn_ms_ = 0; }

  /// When wake_queues() wants to be called, in wall time since 1970; nullopt: not at all.
  [[nodiscard]] std::optional<std::uint64_t> next_wake_ms() const { return wakes_.next_ms(); }
  /// Looks at the queues whose time has come. True: there were some.
  bool wake_queues();

  /// Gives back what tables keep for a crowd that has gone.
  void shrink();

  // For the registry and the other shards, always on this worker.

  void apply(const TopologyChange& change);
  /// A queue that was added with awaits_commit is on disk, or will be deleted at once.
  void on_queue_committed(QueueId id);
  void on_alarms(AlarmSetPtr alarms);
  /// Memory is short, or is not any more. While it is, told again now and then: queues keep less of
  /// what is on disk too, what is nowhere else goes to disk, and the heaviest are fed slowly.
  void on_memory_short(bool is_short);
  /// Deletes the queue if the conditions allow. Returns how many messages were ready.
  [[nodiscard]] std::expected<std::uint64_t, DeleteRefusal> delete_here(const QueueHandle& queue,
                                                                        bool if_unused,
                                                                        bool if_empty);
  [[nodiscard]] Queue* find_queue_here(QueueId id) const;
  void await_settled_here(QueueId id, PublishToken token);
  void on_remote_publish(QueueId queue, MessagePtr message, PublishToken token, WorkerId from);
  void on_remote_reply(ChannelId channel, std::string_view address, const MessagePtr& message,
                       WorkerId from);
  void on_remote_delivery(ConsumerId consumer, const StoredMessage& message);
  void on_remote_cancelled(ConsumerId consumer);
  void on_remote_undone(ConsumerId consumer);
  void on_remote_confirm(ChannelId channel, std::uint64_t first, std::uint32_t count,
                         bool is_accepted);
  void on_publish_credit(WorkerId from, std::uint64_t bytes);

  // For what sends messages on: DeadLetters, Gates.

  /// QueueHost's.
  void confirm(PublishToken token, bool is_accepted) override;
  /// A mandatory message reached nobody.
  void give_back(ChannelId channel, const MessagePtr& message);
  /// So much is on its way to another worker: publishers are held when that is too much.
  void count_publish_to(WorkerId home, std::uint64_t bytes);
  /// So much of that has come from another one, and has gone on.
  void note_publish_taken(WorkerId from, std::uint64_t bytes) {
    publish_bytes_taken_[from.value()] += bytes;
  }

 private:
  // QueueHost
  void needs_dispatch(Queue& queue) override { dispatch_list_.push_back(&queue); }
  void is_unused(Queue& queue) override;
  void has_loaded(Queue& queue) override;
  void wake_at(Queue& queue, std::uint64_t time_ms) override { wakes_.add(time_ms, queue.id()); }
  [[nodiscard]] bool dead_letter(Queue& queue, const StoredMessage& message, Death death) override;
  void dead_letter_refused(Queue& queue, const MessagePtr& message) override;
  // QueueJournalsHost
  void on_journal_ready(std::uint16_t index, Recovered recovered) override;
  void on_journal_unusable(std::uint16_t index, const Error& why) override;
  void on_journal_trouble(std::uint16_t index, JournalTrouble trouble,
                          const std::string& why) override;
  void on_journal_uncongested() override { let_go_held(); }

  /// Runs `ask` with the queue (null: gone) on its home and `answer` with the result here.
  template <class Answer>
  void at_home(const QueueHandle& queue, std::move_only_function<Answer(Shard&, Queue*)> ask,
               std::move_only_function<void(Answer)> answer);
  /// Runs a Registry method on the control worker and `done` with the result here.
  template <class Request, class T>
  void ask_registry(void (Registry::*method)(Request, Done<T>), Request request, Done<T> done);

  [[nodiscard]] std::vector<QueueSnapshot> snapshots(bool of_held_back) const;
  void set_traced(VhostReplica& vhost, bool is_traced);
  void count_event_binding(const BindingProperties& binding, int change);
  /// Routes a message of the broker's own and gives it to the queues.
  void say(const std::string& vhost, const MessagePtr& said);
  void say_events();
  void add_exchange_here(const ExchangeAdded& added);
  void remove_exchange_here(const ExchangeProperties& exchange);
  void add_queue_here(const QueueAdded& added);
  struct RecoveredPriority {
    std::uint8_t priority = 0;
    RecoveredOwner messages;
  };
  void make_queue(const QueueHandlePtr& handle, const Policy* policy,
                  std::vector<RecoveredPriority> recovered, bool is_clean);
  [[nodiscard]] std::unique_ptr<MessageStore> make_store(const QueueProperties& properties,
                                                         Durability durability,
                                                         std::vector<RecoveredPriority> recovered,
                                                         bool is_clean);
  /// The messages that a start found of the queue; they are taken out of there.
  [[nodiscard]] static std::vector<RecoveredPriority> take_recovered(const QueueProperties& queue,
                                                                     Recovered& from);
  void change_policy(const QueueHandle& queue, PolicyPtr policy);
  /// Shows to every worker what holds for the queue's deliveries.
  static void set_consumer_timeout(const QueueHandle& queue, const Policy* policy);
  /// What waits until the queue is ready; null: it is, or it is not here.
  [[nodiscard]] std::vector<std::move_only_function<void()>>* find_waiting(QueueId id) {
    if (unready_.empty()) [[likely]]
      return nullptr;
    const auto found = unready_.find(id);
    return found == unready_.end() ? nullptr : &found->second.acts;
  }
  /// Runs `act` now, or when the queue is ready.
  template <class Act>
  void when_ready(QueueId id, Act&& act) {
    auto* waiting = find_waiting(id);
    if (waiting == nullptr) [[likely]]
      return act();
    waiting->emplace_back(std::forward<Act>(act));
  }
  void go_on_if_ready(QueueId id);
  [[nodiscard]] static std::vector<OwnersPage> pages_of(
      OwnerId queue, const std::vector<RecoveredPriority>& found);
  void find_ids(const QueueHandlePtr& handle, std::vector<OwnersPage> pages);
  void get_here(QueueId id, ChannelId channel, bool no_ack,
                std::move_only_function<void(std::optional<Queue::Got>)> done);
  void answer_waiting_gets(QueueId id);
  void let_go_held();
  void send_credit(ConsumerId id, RemoteConsumer& consumer);
  void undo_remote_delivery(ConsumerId id, RemoteConsumer& consumer, MessageSeq seq);
  void flush_confirms();
  void flush_publish_credit();

  Broker& broker_;
  const WorkerId home_;
  IdSource<ConnectionId> connection_ids_;
  IdSource<ChannelId> channel_ids_;
  IdSource<ConsumerId> consumer_ids_;

  StringMap<std::unique_ptr<VhostReplica>> vhosts_;
  std::shared_ptr<const AuthSnapshot> auth_;
  std::uint64_t auth_version_ = 0;
  std::uint64_t vhosts_version_ = 1;
  std::size_t traced_vhost_count_ = 0;
  std::size_t event_binding_count_ = 0;  // With amq.rabbitmq.event as the source.
  std::vector<MessagePtr> events_;       // Told, and not yet given to queues. Control worker only.

  boost::unordered_flat_map<ConnectionId, ConnectionPort*, std::hash<ConnectionId>> connections_;
  boost::unordered_flat_map<ChannelId, ConfirmSink*, std::hash<ChannelId>> channels_;
  ReplyAddresses reply_addresses_;

  // The queues' stores are in these books, and go before.
  QueueJournals journals_;
  StoreLimits store_limits_;  // Changed by on_memory_short().

  struct HomeQueue {
    std::unique_ptr<Queue> queue;
    QueueHandlePtr handle;
    RecoveredCounts recovered;
    std::unique_ptr<const DeadLetterRoute> dead_letters;  // Null: there are none.
    SortedStore* held_back = nullptr;  // The queue's store, if an exchange holds messages back.
  };
  boost::unordered_flat_map<QueueId, HomeQueue, std::hash<QueueId>> queues_;
  // Queues of which nothing may be said yet, and what was asked of them meanwhile: their messages
  // are still to be found, or nobody may rely on them since their declaration is not on disk.
  struct Unready {
    QueueHandlePtr handle;
    PolicyPtr policy;
    bool awaits_journal = false;
    bool awaits_commit = false;
    bool awaits_ids = false;  // Of what is in it; see Deduplication.
    std::vector<std::move_only_function<void()>> acts;
  };
  boost::unordered_flat_map<QueueId, Unready, std::hash<QueueId>> unready_;
  std::size_t loading_count_ = 0;            // Of those, how many await a journal or ids.
  std::uint64_t unready_publish_bytes_ = 0;  // Of this worker's connections, waiting there.
  // basic.get that waits for a message from the disk.
  struct WaitingGet {
    ChannelId channel;
    bool no_ack = false;
    std::move_only_function<void(std::optional<Queue::Got>)> done;
  };
  boost::unordered_flat_map<QueueId, std::vector<WaitingGet>, std::hash<QueueId>> waiting_gets_;
  WakeList wakes_;
  std::uint64_t turn_ms_ = 0;  // now_ms(), once somebody has asked in this turn.
  std::vector<Queue*> dispatch_list_;
  std::vector<Queue*> dispatching_;

  // Consumers of this worker whose queue is elsewhere or not ready yet, and the other end:
  // stand-ins here for consumers elsewhere.
  boost::unordered_flat_map<ConsumerId, RemoteConsumer, std::hash<ConsumerId>> remote_consumers_;
  boost::unordered_flat_map<ConsumerId, std::unique_ptr<RemoteSink>, std::hash<ConsumerId>>
      remote_sinks_;

  ConfirmRange confirms_;                               // Gathered for one channel elsewhere.
  std::vector<std::uint64_t> publish_bytes_taken_;      // By worker: taken in, not yet credited.
  std::vector<std::uint64_t> publish_bytes_in_flight_;  // By worker: sent, not yet credited to us.
  std::vector<bool> is_congested_;  // By worker: the window was full and is not yet half empty.
  unsigned congested_peers_ = 0;
  std::vector<ConnectionId> held_connections_;
  std::vector<ConnectionId> slowed_connections_;

  DeadLetters dead_letters_;
  Removals removals_;
  Gates gates_;
  AlarmSetPtr alarms_ = std::make_shared<const AlarmSet>();
  std::uint64_t held_publish_bytes_ = 0;
  std::uint64_t dropped_publishes_ = 0;
  std::uint64_t dropped_replies_ = 0;
};

}  // namespace leveret
