// SPDX-License-Identifier: Apache-2.0
//
// Registry: the one authority on what is declared. Every change is decided here, one after the
// other; then it goes at once to every worker's replica and, for durable things, to the metadata
// store. The answer is given when both have happened: a declare-ok is true on every worker and
// after a crash.
//
// Order: a change is in the registry's own books before its answer, so the next request sees it;
// its answer waits for the same disk write. A change whose write failed is taken back everywhere
// and answered with 541 INTERNAL_ERROR. A policy is in the books when it is on disk, and so never
// taken back.
//
// A queue that is kept in the metadata gets a number from here. Numbers are reserved on disk in
// blocks, before the first of a block is given; the rest of a block is lost with the process.
//
// Thread: the control worker, every method. Owns: the books. Borrows: the metadata store.

#pragma once

#include "auth/users.h"
#include "base/string_map.h"
#include "metadata/metadata_store.h"
#include "vhost/broker.h"
#include "vhost/events.h"
#include "vhost/policies.h"
#include "vhost/ports.h"
#include "vhost/recent_history.h"
#include "vhost/requests.h"
#include "vhost/topology.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace leveret {

/// Why an administrator's request was not carried out.
enum class AdminError {
  no_such_vhost,
  no_such_user,
  no_such_policy,
  invalid,
  already_exists,
  storage_failed
};
struct AdminRefusal {
  AdminError error;
  std::string text;
};
using AdminDone = std::move_only_function<void(std::expected<void, AdminRefusal>)>;

/// What came of a change that went to the disk.
[[nodiscard]] std::expected<void, AdminRefusal> to_admin(const Result<void>& written);
[[nodiscard]] std::unexpected<AdminRefusal> refuse_no_such_vhost(const std::string& name);

class Registry {
 public:
  struct ExchangeEntry {
    explicit ExchangeEntry(ExchangePtr of);

    ExchangePtr exchange;
    std::unique_ptr<RecentHistory> history;  ///< Null: its type keeps none.
    PolicyPtr policy;                        ///< Null: none matches.
    std::set<BindingPtr> as_source;
    std::set<BindingPtr> as_destination;
  };
  struct QueueEntry {
    QueueHandlePtr handle;
    QueuePolicy policy;
    std::set<BindingPtr> as_destination;
    bool is_being_deleted = false;
    std::vector<std::move_only_function<void()>> after_deletion;
  };
  struct VhostEntry {
    VhostRecord record;
    std::shared_ptr<UseCount> connections = std::make_shared<UseCount>();
    StringMap<ExchangeEntry> exchanges;
    StringMap<QueueEntry> queues;
    std::map<BindingProperties, BindingPtr> bindings;
    /// Shared with changes on their way to the disk, which so know this vhost from another that
    /// has its name later. Never null.
    std::shared_ptr<Policies> policies = std::make_shared<Policies>();
    bool is_traced = false;  ///< Until the broker stops.
    bool is_being_deleted = false;
    std::vector<std::move_only_function<void()>> after_deletion;
  };

  explicit Registry(Broker& broker, MetadataStore& metadata);

  /// Fills the books and every shard from what the store holds; an empty store gets the vhost `/`,
  /// the user `guest` and its permissions. Call before the workers run.
  [[nodiscard]] Result<void> load();

  // Asked by sessions, through their Shard.

  void declare_exchange(ExchangeDeclaration declaration, Done<void> done);
  void delete_exchange(ExchangeDeletion deletion, Done<void> done);
  void declare_queue(QueueDeclaration declaration, Done<DeclaredQueue> done);
  void delete_queue(QueueDeletion deletion, Done<std::uint64_t> done);
  void change_binding(BindingRequest request, Done<void> done);
  void delete_exclusive_queues(ConnectionId connection, Done<void> done);
  /// An auto-delete queue lost its last consumer; deletes it unless somebody came meanwhile.
  void delete_unused_queue(QueueHandlePtr queue);
  /// A message went through these exchanges, where a worker knew of so many changes: see
  /// VhostReplica::version().
  void keep_in_histories(std::span<const ExchangePtr> exchanges, const MessagePtr& message,
                         std::uint64_t version);

  // Asked by administrators. Names are RabbitMQ's verbs. `by`: who asks, for events.

  void add_vhost(VhostRecord vhost, AdminDone done, std::string by = std::string(by_broker));
  void delete_vhost(std::string name, AdminDone done, std::string by = std::string(by_broker));
  /// The firehose: whether what is published and delivered in the vhost is shown to its exchange
  /// amq.rabbitmq.trace. Every worker does when `done` is called. Errors: no_such_vhost.
  void set_tracing(std::string vhost, bool is_traced, AdminDone done);
  // Of the next three each begins when the one before is written or taken back.

  /// Changes what is said of the vhost: description, tags, default queue type, limits; not its
  /// name. Queues that there are already stay as they are, however many they are.
  /// Errors: no_such_vhost; storage_failed: nothing has changed.
  void change_vhost(std::string vhost, std::move_only_function<void(VhostRecord&)> change,
                    AdminDone done, std::string by = std::string(by_broker));
  /// The same for the limits alone.
  void change_vhost_limits(std::string vhost, std::move_only_function<void(LimitsRecord&)> change,
                           AdminDone done, std::string by = std::string(by_broker));
  /// Puts a change of users or permissions, decided by `change`, on disk and before every worker.
  /// The connections of a user who is deleted are closed then; no other change closes any.
  using UsersChange =
      std::move_only_function<std::expected<std::vector<Change>, AdminRefusal>(Users&)>;
  void change_users(UsersChange change, AdminDone done, std::string by = std::string(by_broker));

  /// Sets a policy, in place of the one of its kind and name: on disk first, then for all that it
  /// is for, then `done`. Its definition is `definition`. Errors: no_such_vhost; invalid, with
  /// RabbitMQ's text; storage_failed: nothing has changed.
  void set_policy(PolicyRecord policy, const amqp::FieldTable& definition, AdminDone done,
                  std::string by = std::string(by_broker));
  /// Errors: no_such_vhost; no_such_policy; storage_failed.
  void clear_policy(const std::string& vhost, const std::string& name, bool is_operator,
                    AdminDone done, std::string by = std::string(by_broker));

  [[nodiscard]] const StringMap<VhostEntry>& vhosts() const { return vhosts_; }
  [[nodiscard]] const Users& users() const { return users_; }

 private:
  /// Sends `topology` to every worker and `durable` to the store, and calls `done` after both.
  void commit(std::vector<TopologyChange> topology, std::vector<Change> durable,
              std::move_only_function<void(Result<void>)> done);
  /// commit(); and when it is written, before `done`, the event exchange is told that `by` did it.
  void commit_and_tell(std::vector<TopologyChange> topology, std::vector<Change> durable,
                       std::string by, std::move_only_function<void(Result<void>)> done);
  void tell(const std::vector<TopologyChange>& topology, std::string_view by) const;
  void tell(const std::vector<Event>& events) const;
  void broadcast(std::vector<TopologyChange> changes, std::move_only_function<void()> done);

  void add_new_queue(VhostEntry& vhost, QueueDeclaration declaration, Done<DeclaredQueue> done);
  /// Lets the queue's home serve who has waited for its declaration to be on disk.
  void tell_committed(const QueueHandle& queue);
  /// Calls `then` when there are numbers to give to queues, or with why there are none.
  void reserve_queue_numbers(std::move_only_function<void(Result<void>)> then);
  void answer_existing_queue(const QueueHandle& queue, QueueDeclaration declaration,
                             Done<DeclaredQueue> done);
  void remove_queue(const QueueHandlePtr& handle, QueueDeletion deletion, Done<std::uint64_t> done);

  /// Carries out `begin` when no other such change is on its way. It says whether it is on its way
  /// now; then in_turn_is_over() follows.
  void in_turn(std::move_only_function<bool()> begin);
  void in_turn_is_over();
  void begin_next_turns();
  [[nodiscard]] bool begin_vhost_change(const std::string& vhost,
                                        std::move_only_function<void(VhostRecord&)>& change,
                                        AdminDone& done, std::string by);
  [[nodiscard]] bool begin_users_change(UsersChange& change, AdminDone& done, std::string_view by);

  /// Writes `durable`; then makes the same `change` here and gives each queue and exchange the
  /// policy that is its.
  void change_policies(VhostEntry& vhost, Change durable,
                       std::move_only_function<void(Policies&)> change, AdminDone done,
                       std::string by);
  static void assign_exchange_policies(VhostEntry& vhost, std::vector<TopologyChange>& topology);
  static void assign_queue_policies(VhostEntry& vhost, std::vector<TopologyChange>& topology);

  /// Closes every connection whose vhost's or user's name is `name`, with connection-forced.
  using NameOf = const std::string& (ConnectionPort::*)() const;
  void close_connections(NameOf whose, const std::string& name, const std::string& text);
  void finish_vhost_deletion(const std::string& name, AdminDone done, std::string by);
  [[nodiscard]] Result<void> make_defaults(std::vector<TopologyChange>& topology);

  /// Takes an exchange or a queue's bindings out of the books, with the auto-delete exchanges that
  /// lose their last binding by it, and notes what has to be told.
  struct Removal {
    std::vector<TopologyChange> topology;
    std::vector<Change> durable;
  };
  // By value: what is passed may live in what goes.
  void take_out_binding(VhostEntry& vhost, BindingPtr binding, Removal& removal);
  void take_out_exchange(VhostEntry& vhost, std::string name, Removal& removal);
  void take_out_queue(VhostEntry& vhost, const std::string& name, Removal& removal);
  BindingPtr put_in_binding(VhostEntry& vhost, BindingProperties properties);
  [[nodiscard]] bool is_durable(const VhostEntry& vhost, const BindingProperties& binding) const;

  // registry_histories.cc
  /// All that the binding's source remembers, and until end_history() what comes too late for that.
  /// Before the binding is broadcast.
  void give_history(const VhostEntry& vhost, const BindingPtr& binding);
  void give_history(const BindingProperties& binding, const MessagePtr& message);
  void end_history(const BindingPtr& binding);

  [[nodiscard]] VhostEntry* find_vhost(const std::string& name);
  /// This very exchange, not another of its name.
  [[nodiscard]] bool has_exchange(const ExchangeProperties& exchange);
  [[nodiscard]] QueueId next_queue_id(WorkerId home);
  [[nodiscard]] WorkerId home_of_journal(std::uint16_t journal) const;
  /// Gives the exchange a queue for what it holds back. `number` 0: it is not kept.
  void hold_back_at(ExchangeProperties& exchange, WorkerId home, std::uint64_t number,
                    std::uint16_t journal);
  /// What a new vhost has: the exchanges of AMQP 0-9-1 §3.1.3 and RabbitMQ's own.
  [[nodiscard]] std::vector<ExchangePtr> predeclared_exchanges(const std::string& vhost) const;
  VhostEntry& put_in_vhost(VhostRecord record, std::vector<TopologyChange>& topology);
  [[nodiscard]] TopologyChange auth_change();

  Broker& broker_;
  MetadataStore& metadata_;
  Users users_;
  StringMap<VhostEntry> vhosts_;
  std::map<ConnectionId, std::set<QueueId>> exclusive_by_connection_;
  std::map<QueueId, QueueHandlePtr> exclusive_queues_;
  std::vector<IdSource<QueueId>> queue_ids_;

  // A number is given only when the store has it reserved. It may reach a journal before its queue
  // reaches the store; after a crash between the two it is still not given again.
  std::uint64_t last_queue_number_ = 0;
  std::uint64_t queue_numbers_reserved_ = 0;  // Durably.
  std::vector<std::move_only_function<void(Result<void>)>> waiting_for_queue_numbers_;

  /// A binding to an exchange that has a history, of which not every worker has heard yet.
  struct NewBinding {
    BindingPtr binding;
    ExchangePtr source;
    std::uint64_t version_before = 0;  // Of a replica that has not heard of it, at most.
  };
  std::vector<NewBinding> new_bindings_;

  std::deque<std::move_only_function<bool()>> turns_;  // Not begun yet.
  bool has_turn_ = false;                              // One is on its way.
};

/// True when the queue's or exchange's name is one that only the broker may make.
[[nodiscard]] bool has_reserved_prefix(std::string_view name);

}  // namespace leveret
