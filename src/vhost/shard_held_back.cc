// SPDX-License-Identifier: Apache-2.0
//
// What exchanges hold back, as an operator sees it: what there is, and out with one of it.
#include "queue/sorted_store.h"
#include "vhost/shard.h"

#include <memory>
#include <utility>

namespace leveret {
namespace {

/// A question that is answered later, on the worker that asked.
template <class Answer>
struct LateQuestion {
  Broker& broker;
  WorkerId asker;
  std::move_only_function<void(Answer)> done;

  static void answer(std::unique_ptr<LateQuestion> question, Answer said) {
    struct Late {
      std::unique_ptr<LateQuestion> question;
      Answer said;
    };
    Executor& executor = question->broker.executor();
    const WorkerId asker = question->asker;
    auto late = std::make_unique<Late>(std::move(question), std::move(said));
    executor.post(asker, [late = std::move(late)] { late->question->done(std::move(late->said)); });
  }
};

}  // namespace

void Shard::list_held_back(const QueueHandle& queue, MessageSeq after, std::size_t count,
                           std::move_only_function<void(HeldBackList)> done) {
  using Question = LateQuestion<HeldBackList>;
  auto question = std::make_unique<Question>(broker_, home_, std::move(done));
  broker_.executor().post(queue.home(), [id = queue.properties.id, after, count,
                                         question = std::move(question)]() mutable {
    Shard& there = question->broker.here();
    there.when_ready(id, [&there, id, after, count, question = std::move(question)]() mutable {
      const auto found = there.queues_.find(id);
      if (found == there.queues_.end()) return Question::answer(std::move(question), {});
      found->second.held_back->list(
          after, count,
          [question = std::move(question)](std::vector<StoredMessage> messages) mutable {
            Question::answer(std::move(question), std::move(messages));
          });
    });
  });
}

void Shard::remove_held_back(const QueueHandle& queue, MessageSeq seq,
                             std::move_only_function<void(Removals::Outcome)> done) {
  using Question = LateQuestion<Removals::Outcome>;
  auto question = std::make_unique<Question>(broker_, home_, std::move(done));
  broker_.executor().post(queue.home(), [id = queue.properties.id, seq,
                                         question = std::move(question)]() mutable {
    Shard& there = question->broker.here();
    there.when_ready(id, [&there, id, seq, question = std::move(question)]() mutable {
      there.removals_.remove(there.find_queue_here(id), seq,
                             [question = std::move(question)](Removals::Outcome outcome) mutable {
                               Question::answer(std::move(question), outcome);
                             });
    });
  });
}

}  // namespace leveret
