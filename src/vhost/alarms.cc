// SPDX-License-Identifier: Apache-2.0
#include "vhost/alarms.h"

#include "base/log.h"
#include "vhost/broker.h"
#include "vhost/events.h"
#include "vhost/shard.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace leveret {

bool AlarmSet::contains(std::string_view name) const {
  return std::ranges::find(alarms_, name, &Alarm::name) != alarms_.end();
}

std::string AlarmSet::reason() const {
  constexpr std::string_view shortage = "low on ";
  std::vector<std::string_view> missing;
  std::vector<std::string_view> others;
  for (const Alarm& alarm : alarms_) {
    std::string_view text = alarm.reason;
    const bool is_shortage = text.starts_with(shortage);
    if (is_shortage) text.remove_prefix(shortage.size());
    auto& texts = is_shortage ? missing : others;
    // Two alarms may be for the same want.
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  }
  std::string reason;
  if (!missing.empty()) reason = fmt::format("{}{}", shortage, fmt::join(missing, " & "));
  if (!missing.empty() && !others.empty()) reason += "; ";
  return reason + fmt::format("{}", fmt::join(others, "; "));
}

void Alarms::raise(std::string_view name, std::string_view reason, std::string_view numbers) {
  std::vector<Alarm> alarms(now_on_->alarms().begin(), now_on_->alarms().end());
  const auto place = std::ranges::lower_bound(alarms, name, {}, &Alarm::name);
  const bool is_on = place != alarms.end() && place->name == name;
  if (is_on) {
    if (place->reason == reason) return;
    place->reason = reason;
  } else {
    alarms.insert(place, {std::string(name), std::string(reason)});
  }
  log(LogLevel::warn, "vhost", "alarm_raised name={} reason=\"{}\" {}; publishers are blocked",
      name, reason, numbers);
  tell(std::move(alarms));
  if (!is_on) broker_.here().tell(alarm_event(true, name, broker_.node_name()));
}

void Alarms::clear(std::string_view name, std::string_view numbers) {
  if (!now_on_->contains(name)) return;
  std::vector<Alarm> alarms(now_on_->alarms().begin(), now_on_->alarms().end());
  std::erase_if(alarms, [name](const Alarm& alarm) { return alarm.name == name; });
  log(LogLevel::warn, "vhost", "alarm_cleared name={} {} alarms_left={}", name, numbers,
      alarms.size());
  tell(std::move(alarms));
  broker_.here().tell(alarm_event(false, name, broker_.node_name()));
}

void Alarms::tell(std::vector<Alarm> alarms) {
  now_on_ = std::make_shared<const AlarmSet>(std::move(alarms));
  for (unsigned worker = 0; worker < broker_.worker_count(); ++worker) {
    broker_.executor().post(
        WorkerId(static_cast<std::uint16_t>(worker)),
        [&broker = broker_, alarms = now_on_] { broker.here().on_alarms(alarms); });
  }
}

}  // namespace leveret
