// SPDX-License-Identifier: Apache-2.0
//
// Broker: all that the workers share, which is nearly nothing: how to reach one another, the
// shards, and the one registry on the control worker.
//
// Thread: immutable after construction; what it points to says for itself.

#pragma once

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "vhost/personality.h"
#include "vhost/queue_journals.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leveret {

class Alarms;
class MetadataStore;
class Registry;
class Shard;

class Broker {
 public:
  /// The worker on which the registry lives.
  static constexpr WorkerId control{0};

  struct Deps {
    Executor* executor = nullptr;       // Not owned: outlives the broker.
    MetadataStore* metadata = nullptr;  // Not owned: outlives the broker.
    const Clock* clock = nullptr;       // Not owned: outlives the broker.
    std::string node_name;              ///< As RabbitMQ's: "leveret@host".
    std::string event_vhost = "/";      ///< The vhost of the exchange amq.rabbitmq.event.
    const Personality* personality = personalities().data();  ///< Whose behaviour is offered.
    JournalSettings journal;                                  ///< Where messages are kept.
    /// Something is wrong that only a stop is right for; called on any worker, perhaps repeatedly.
    std::function<void(const Error&)> on_fatal;
  };

  /// Loads what was declared before, makes the shards, and begins to open the journals. Call before
  /// the workers start. Errors: the metadata could not be read; the journals' directory.
  [[nodiscard]] static Result<std::unique_ptr<Broker>> open(const Deps& deps);
  ~Broker();

  [[nodiscard]] Executor& executor() const { return *deps_.executor; }
  [[nodiscard]] const Clock& clock() const { return *deps_.clock; }
  [[nodiscard]] const std::string& node_name() const { return deps_.node_name; }
  [[nodiscard]] const std::string& event_vhost() const { return deps_.event_vhost; }
  [[nodiscard]] const Personality& personality() const { return *deps_.personality; }
  [[nodiscard]] const JournalSettings& journal_settings() const { return deps_.journal; }
  void report_fatal(const Error& error) const {
    if (deps_.on_fatal) deps_.on_fatal(error);
  }
  /// Closes the journals in good order. When the workers have ended, before the executor goes.
  void close();
  [[nodiscard]] unsigned worker_count() const { return static_cast<unsigned>(shards_.size()); }
  /// A shard's methods are for its own worker; others post.
  [[nodiscard]] Shard& shard(WorkerId worker) const { return *shards_[worker.value()]; }
  [[nodiscard]] Shard& here() const { return shard(executor().here()); }
  /// Control worker only.
  [[nodiscard]] Registry& registry() const { return *registry_; }
  /// Control worker only.
  [[nodiscard]] Alarms& alarms() const { return *alarms_; }

 private:
  explicit Broker(const Deps& deps);

  const Deps deps_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Alarms> alarms_;
};

}  // namespace leveret
