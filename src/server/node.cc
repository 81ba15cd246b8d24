// SPDX-License-Identifier: Apache-2.0
#include "server/node.h"

#include "base/log.h"
#include "base/memory.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/signal_set.hpp>
#include <unistd.h>

namespace leveret {
namespace {

// RabbitMQ 3.10's.
constexpr MemoryShare memory_limit_default{0.4};
constexpr std::uint64_t disk_free_limit_default = 50'000'000;

std::string default_node_name() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) return "leveret@localhost";
  const std::string name(host);
  return "leveret@" + name.substr(0, name.find('.'));
}

}  // namespace

/// SIGTERM and SIGINT, heard on the control worker.
class Node::Signals {
 public:
  Signals(WorkerPool& pool, Node& node)
      : signals_(pool.io_context(Broker::control), SIGTERM, SIGINT) {
    signals_.async_wait([&node](boost::system::error_code error, int signal) {
      if (error) return;
      log(LogLevel::info, "server", "stopping signal={}", signal);
      node.drain();
    });
  }

 private:
  boost::asio::signal_set signals_;
};

Result<std::unique_ptr<Node>> Node::open(const Settings& settings) {
  LEVERET_TRY(DataDirectory directory, DataDirectory::open(settings.data_dir));
  std::unique_ptr<Node> node(new Node(std::move(directory)));
  LEVERET_CHECK(node->build(settings));
  return node;
}

Result<void> Node::build(const Settings& settings) {
  const unsigned workers =
      settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
  const std::string node_name =
      settings.node_name.empty() ? default_node_name() : settings.node_name;
  pool_ = std::make_unique<WorkerPool>(std::min(workers, WorkerPool::workers_max));
  LEVERET_TRY(metadata_, MetadataStore::open(directory_.metadata_file()));
  LEVERET_TRY(broker_, Broker::open({.executor = pool_.get(),
                                     .metadata = metadata_.get(),
                                     .clock = &clock_,
                                     .node_name = node_name,
                                     .event_vhost = settings.event_vhost,
                                     .personality = settings.personality,
                                     .journal = {.files = &files_,
                                                 .directory = directory_.journal_directory(),
                                                 .durability = settings.durability},
                                     .on_fatal = [this](const Error& error) {
                                       pool_->post(Broker::control,
                                                   [this, boxed = std::make_unique<Error>(error)] {
                                                     fail(*boxed);
                                                   });
                                     }}));
  session_options_.consumer_timeout = settings.consumer_timeout;
  session_options_.consumer_timeout_action = settings.consumer_timeout_action;
  session_options_.channel_consumers_max =
      settings.channel_consumers_max.value_or(SessionOptions::unlimited);
  session_options_.cluster_name = node_name;
  session_options_.product_version = settings.personality->version;
  session_options_.message_bytes_max = settings.personality->message_bytes_max;
  session_options_.leveret_version = LEVERET_VERSION;
  for (unsigned worker = 0; worker < pool_->worker_count(); ++worker) {
    const WorkerId id(static_cast<std::uint16_t>(worker));
    hosts_.push_back(std::make_unique<WorkerHost>(*pool_, *broker_, session_options_, id));
    pool_->add_turn_hook(id, *hosts_.back());
  }
  probe_ = std::make_unique<SystemProbe>(directory_.path());
  monitor_ = std::make_unique<ResourceMonitor>(ResourceMonitor::Deps{
      .alarms = &broker_->alarms(),
      .probe = probe_.get(),
      .give_memory_back = [this] { give_memory_back(); },
      .tell_memory_short = [this](bool is_short) { tell_memory_short(is_short); },
      .paging_ratio = settings.paging_ratio,
      .memory_limit = settings.memory_high_watermark.or_else(memory_limit_default),
      .disk_free_limit = settings.disk_free_limit.or_else(disk_free_limit_default),
      .memory_total = settings.memory_total});
  look_timer_ = std::make_unique<Timer>(*pool_, Broker::control, [this] { look_at_resources(); });
  look_timer_->arm_after(Duration::zero());
  drain_timer_ = std::make_unique<Timer>(*pool_, Broker::control, [this] { finish_drain(); });
  signals_ = std::make_unique<Signals>(*pool_, *this);
  LEVERET_TRY(listener_, Listener::open(*pool_, {.host = settings.bind, .port = settings.port},
                                        [this](Socket socket) { accept(std::move(socket)); }));
  HttpServer::Deps http;
  http.broker = broker_.get();
  http.pool = pool_.get();
  http.resources = monitor_.get();
  http.unix_socket = directory_.socket_file();
  http.bind = settings.management_bind.empty() ? settings.bind : settings.management_bind;
  if (settings.management_port != 0) http.port = settings.management_port;
  http.request_stop = [this] { drain(); };
  http.product_version = LEVERET_VERSION;
  http.rabbitmq_version = settings.personality->version;
  http.data_directory = directory_.path();
  http.listeners.push_back({"amqp", listener_->local().address, listener_->port()});
  HttpServer::Deps metrics = http;
  LEVERET_TRY(http_, HttpServer::open(std::move(http)));
  if (settings.prometheus_port != 0) {
    metrics.is_for_metrics = true;
    metrics.unix_socket.clear();
    metrics.port = settings.prometheus_port;
    LEVERET_TRY(metrics_, HttpServer::open(std::move(metrics)));
  }
  log(LogLevel::info, "server",
      "started node={} version={} workers={} data_dir={} amqp={} management_port={}", node_name,
      LEVERET_VERSION, pool_->worker_count(), directory_.path().string(), listener_->local().text(),
      http_->port());
  return {};
}

Node::Node(DataDirectory directory) : directory_(std::move(directory)) {}

Node::~Node() {
  if (pool_) {
    pool_->request_stop();
    pool_->join();
  }
  if (broker_) broker_->close();
  // Callbacks of the store go to the pool, and connections speak to the broker: from the outside
  // in.
  metrics_.reset();
  http_.reset();
  listener_.reset();
  signals_.reset();
  drain_timer_.reset();
  look_timer_.reset();
  monitor_.reset();
  hosts_.clear();
  metadata_.reset();
  broker_.reset();
}

Result<void> Node::run() {
  pool_->start();
  pool_->join();
  log(LogLevel::info, "server", "stopped");
  return outcome_;
}

void Node::request_stop() {
  pool_->post_from_outside(Broker::control, [this] { drain(); });
}

// On the control worker from here on.

void Node::accept(Socket socket) {
  if (is_draining_) return;
  const auto least_loaded = std::ranges::min_element(
      hosts_, {}, [](const auto& host) { return host->connection_count(); });
  WorkerHost& host = **least_loaded;
  host.expect_connection();
  if (host.worker() == Broker::control) {
    host.add_connection(std::move(socket));
    return;
  }
  pool_->post(host.worker(), [&host, socket = std::move(socket)]() mutable {
    host.add_connection(std::move(socket));
  });
}

void Node::look_at_resources() {
  monitor_->look();
  look_timer_->arm_after(look_interval);
}

void Node::give_memory_back() {
  for (unsigned worker = 0; worker < pool_->worker_count(); ++worker) {
    pool_->post(WorkerId(static_cast<std::uint16_t>(worker)), [] { return_unused_memory(); });
  }
}

void Node::tell_memory_short(bool is_short) {
  for (const auto& host : hosts_) {
    pool_->post(host->worker(),
                [&shard = host->shard(), is_short] { shard.on_memory_short(is_short); });
  }
}

void Node::fail(const Error& error) {
  if (outcome_) {
    log(LogLevel::error, "server", "failed reason=\"{}\"", error.text());
    outcome_ = std::unexpected(error);
  }
  drain();
}

void Node::drain() {
  if (std::exchange(is_draining_, true)) return;
  listener_->close();
  drain_timer_->arm_after(drain_max);
  draining_workers_ = pool_->worker_count();
  for (const auto& host : hosts_) {
    pool_->post(host->worker(), [this, &host = *host] {
      host.close_all(amqp::ReplyCode::connection_forced,
                     "broker forced connection closure with reason 'shutdown'", [this] {
                       pool_->post(Broker::control, [this] {
                         if (--draining_workers_ == 0) finish_drain();
                       });
                     });
    });
  }
}

void Node::finish_drain() {
  if (std::exchange(is_drained_, true)) return;
  drain_timer_->cancel();
  look_timer_->cancel();
  http_->close();
  if (metrics_) metrics_->close();
  for (const auto& host : hosts_) {
    pool_->post(host->worker(), [&host = *host] { host.abandon_all(); });
  }
  pool_->request_stop();
}

}  // namespace leveret
