#include "common/time/waiting.h"

#include <future>
#include <utility>

namespace leidang {

void OnLoop(EventLoop& loop, const std::function<void()>& work) {
  std::promise<void> done;
  loop.Post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

absl::Status AwaitOn(EventLoop& loop,
                     const std::function<void(std::function<void(absl::Status)>)>& start) {
  std::promise<absl::Status> done;
  loop.Post([&] { start([&done](absl::Status status) { done.set_value(std::move(status)); }); });
  return done.get_future().get();
}

}  // namespace leidang
