// SPDX-License-Identifier: Apache-2.0
//
//   GET /metrics
//
// For Prometheus, in its text format, without credentials as RabbitMQ's own; names as RabbitMQ's
// where it has the same thing. Counters of messages count since the queue they are of was made, and
// fall when it is deleted.
#include "mgmt/gather.h"
#include "mgmt/node_resources.h"
#include "mgmt/resources.h"
#include "mgmt/totals.h"
#include "vhost/alarms.h"
#include "vhost/registry.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace leveret {
namespace {

void add_metric(std::string& text, std::string_view name, std::string_view type,
                std::string_view help, std::uint64_t value) {
  text += fmt::format("# TYPE {0} {1}\n# HELP {0} {2}\n{0} {3}\n", name, type, help, value);
}

void add_journals(std::string& text, const Journal::Counts& counts) {
  add_metric(text, "leveret_journal_segments", "gauge", "Segments of all journals",
             counts.segments);
  add_metric(text, "leveret_journal_used_bytes", "gauge", "Bytes of all segments in use",
             counts.used_bytes);
  add_metric(text, "leveret_journal_live_bytes", "gauge",
             "Bytes of segments that messages still need", counts.live_bytes);
  add_metric(text, "leveret_journal_batches_total", "counter", "Batches written", counts.batches);
  add_metric(text, "leveret_journal_syncs_total", "counter", "Batches that were synced",
             counts.syncs);
  add_metric(text, "leveret_journal_written_bytes_total", "counter", "Bytes written to segments",
             counts.bytes_written);
  add_metric(text, "leveret_journal_segments_moved_total", "counter",
             "Sparse segments whose messages were moved", counts.segments_moved);
  add_metric(text, "leveret_journal_damaged_segments", "gauge",
             "Segments that are kept since something in them cannot be read",
             counts.damaged_segments);
}

void add_resources(std::string& text, const Call& call) {
  const AlarmSet& alarms = call.broker().alarms().now_on();
  const ResourceReadings now = call.context().deps.resources->readings();
  add_metric(text, "rabbitmq_alarms_memory_used_watermark", "untyped",
             "is 1 if VM memory watermark alarm is in effect", alarms.contains("memory") ? 1 : 0);
  add_metric(text, "rabbitmq_alarms_free_disk_space_watermark", "untyped",
             "is 1 if free disk space watermark alarm is in effect",
             alarms.contains("disk") ? 1 : 0);
  add_metric(text, "leveret_alarms", "gauge", "Alarms in effect, of whatever kind",
             alarms.alarms().size());
  add_metric(text, "rabbitmq_process_resident_memory_bytes", "gauge", "Memory used in bytes",
             now.memory_used);
  add_metric(text, "rabbitmq_resident_memory_limit_bytes", "gauge",
             "Memory high watermark in bytes", now.memory_limit);
  if (now.disk_free) {
    add_metric(text, "rabbitmq_disk_space_available_bytes", "gauge",
               "Disk space available in bytes", *now.disk_free);
  }
  add_metric(text, "rabbitmq_disk_space_available_limit_bytes", "gauge",
             "Free disk space low watermark in bytes", now.disk_free_limit);
}

std::string metrics_text(const Call& call, const Totals& totals) {
  std::uint64_t queues = 0;
  for (const auto& [name, vhost] : call.broker().registry().vhosts()) queues += vhost.queues.size();
  const QueueCounts& now = totals.counts;
  const QueueTotals& ever = totals.queues;
  const auto& deps = call.context().deps;

  std::string text = fmt::format(
      "# TYPE rabbitmq_build_info untyped\n# HELP rabbitmq_build_info Versions\n"
      "rabbitmq_build_info{{rabbitmq_version=\"{}\",product_name=\"Leveret\",product_version=\"{}"
      "\"}} "
      "1\n",
      deps.rabbitmq_version, deps.product_version);
  const auto gauge = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    add_metric(text, name, "gauge", help, value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    add_metric(text, name, "counter", help, value);
  };
  gauge("rabbitmq_connections", "Connections currently open", totals.connections);
  gauge("rabbitmq_channels", "Channels currently open", totals.channels);
  gauge("rabbitmq_consumers", "Consumers currently connected", now.consumers);
  gauge("rabbitmq_queues", "Queues available", queues);
  gauge("rabbitmq_queue_messages_ready", "Messages ready to be delivered to consumers", now.ready);
  gauge("rabbitmq_queue_messages_unacked",
        "Messages delivered to consumers but not yet acknowledged", now.unacked);
  gauge("rabbitmq_queue_messages", "Sum of ready and unacknowledged messages",
        now.ready + now.unacked);
  gauge("rabbitmq_queue_messages_ready_bytes", "Size in bytes of ready messages",
        now.ready_body_bytes);
  gauge("rabbitmq_queue_messages_unacked_bytes", "Size in bytes of all unacknowledged messages",
        now.unacked_body_bytes);
  counter("leveret_queue_messages_published_total", "Messages that queues took in", ever.published);
  counter("leveret_queue_messages_delivered_total", "Delivered to consumers that acknowledge",
          ever.delivered);
  counter("leveret_queue_messages_auto_acked_total",
          "Delivered to consumers and gets that do not acknowledge", ever.auto_acked);
  counter("leveret_queue_messages_got_total", "Got by basic.get, to be acknowledged", ever.got);
  counter("leveret_queue_messages_acked_total", "Acknowledged", ever.acked);
  counter("leveret_queue_messages_rejected_total", "Rejected without requeue", ever.rejected);
  counter("leveret_queue_messages_expired_total", "Expired and dead-lettered to nobody",
          ever.expired);
  counter("leveret_queue_messages_dropped_total",
          "Dropped from a full queue and dead-lettered to nobody", ever.dropped);
  counter("leveret_queue_messages_dead_lettered_total", "Dead-lettered, and safe where they went",
          ever.dead_lettered);
  gauge("leveret_queue_messages_dying", "Dead letters that are not safe where they go yet",
        now.dying);
  counter("leveret_queue_messages_requeued_total", "Requeued", ever.requeued);
  counter("leveret_queue_messages_redelivered_total", "Delivered again", ever.redelivered);
  counter("leveret_queue_messages_purged_total", "Purged", ever.purged);
  counter("leveret_queue_messages_recovered_total", "Found on disk when the broker started",
          ever.recovered);
  counter("leveret_queue_messages_refused_total",
          "Publishes that a full queue or a failed journal would not take", ever.refused);
  counter("leveret_queue_messages_deduplicated_total",
          "Publishes that a queue dropped since their ids had come before", ever.deduplicated);
  counter("leveret_queue_messages_damaged_total", "Could not be read back from the disk",
          ever.damaged);
  gauge("leveret_messages_delayed", "Messages that exchanges hold back until they are due",
        totals.delayed);
  counter("leveret_exchange_messages_deduplicated_total",
          "Publishes that an exchange dropped since their ids had come before",
          totals.deduplicated_by_exchanges);
  gauge("leveret_held_publish_bytes", "What blocked connections have published and is held back",
        totals.held_publish_bytes);
  counter("leveret_held_publishes_dropped_total",
          "Held publishes whose connection ended before the alarm did", totals.dropped_publishes);
  counter("leveret_replies_dropped_total",
          "Replies by direct reply-to that their clients did not read", totals.dropped_replies);
  add_journals(text, totals.journals);
  add_resources(text, call);
  return text;
}

void get_metrics(Call asked) {
  Broker& broker = asked.broker();
  gather<Totals>(broker, collect_totals,
                 [call = std::move(asked)](std::vector<Totals> all) mutable {
                   call.respond({.status = 200,
                                 .body = metrics_text(call, sum_of(all)),
                                 .content_type = "text/plain; version=0.0.4; charset=utf-8"});
                 });
}

}  // namespace

std::span<const Route> metrics_routes() {
  static constexpr Route routes[] = {
      {"GET", "/metrics", Need::management, get_metrics},
  };
  return routes;
}

}  // namespace leveret
