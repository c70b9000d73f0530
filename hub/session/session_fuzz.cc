// What an authenticated agent may send, in any order: the table must answer or send it away, and go
// on.
//
// Input: messages, each a length of two bytes and that many bytes of an AgentMessage.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

#include "common/base/check.h"
#include "common/time/sim_loop.h"
#include "hub/session/session_table.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"

namespace leidang::hub {
namespace {

constexpr intent::ClusterId kCluster{intent::ClusterId::Bytes{1}};
constexpr intent::Authority kHub{intent::HubId(intent::HubId::Bytes{9}), 3, 77};

struct Line {
  int reads = 0;
  bool writing = false;
  bool gone = false;
};

class End final : public AgentStream {
 public:
  explicit End(std::shared_ptr<Line> line) : line_(std::move(line)) {}
  ~End() override { line_->gone = true; }
  void Write(v1::HubMessage) override {
    CHECK(!line_->writing);
    line_->writing = true;
  }
  void Read() override {
    CHECK(line_->reads == 0);
    ++line_->reads;
  }
  void Close(absl::Status) override { line_->gone = true; }

 private:
  std::shared_ptr<Line> line_;
};

void Fill(SimLoop& loop, Store& store) {
  WriteBatch batch;
  batch.OpenLog(kCluster, kHub);
  for (uint8_t i = 0; i < 6; ++i) {
    intent::Assignment assignment;
    assignment.key = {intent::EntryKind::kApplication,
                      std::string("leidang/app-") + static_cast<char>('a' + i)};
    assignment.uid = intent::Uid(intent::Uid::Bytes{1});
    assignment.body = "{}";
    batch.Put(kCluster, std::move(assignment));
  }
  store.Commit(std::move(batch), &loop,
               [](const CommitResult& result) { CHECK(result.status.ok()); });
  loop.RunFor(absl::Seconds(1));
}

void Run(absl::string_view input) {
  SimLoop loop;
  MemoryRows disk;
  absl::StatusOr<std::unique_ptr<Store>> store = OpenMemoryStore(&disk, &loop);
  CHECK(store.ok());
  Fill(loop, **store);
  SessionTable table(loop, **store, {}, nullptr);
  const auto line = std::make_shared<Line>();
  const SessionId id = table.Accept(kCluster, std::make_unique<End>(line));
  while (input.size() >= 2 && !line->gone) {
    const size_t size = static_cast<uint8_t>(input[0]) << 8 | static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    v1::AgentMessage message;
    const size_t taken = std::min(size, input.size());
    const bool parsed = message.ParseFromArray(input.data(), static_cast<int>(taken));
    input.remove_prefix(taken);
    loop.RunFor(absl::Seconds(2));
    if (line->reads > 0 && !line->gone && parsed) {
      --line->reads;
      table.Received(id, message);
    }
    loop.RunFor(absl::Milliseconds(10));
    while (line->writing && !line->gone) {
      line->writing = false;
      table.Written(id);
    }
    for (const ClusterView& view : table.Views()) CHECK(view.acked <= view.head);
  }
}

}  // namespace
}  // namespace leidang::hub

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leidang::hub::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
