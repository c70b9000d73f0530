// The child that rocks_database_test kills: commits one change after another to the store whose
// directory it is given, and writes each revision to its output once it is durable.

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/time/thread_loop.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/rocks/rocks_database.h"
#include "hub/store/store_contract.h"

namespace leidang::hub {
namespace {

constexpr int kChangesMax = 100'000;

int Run(const std::string& directory) {
  DatabaseOptions options;
  options.directory = directory;
  options.new_hub_id = TestHub();
  PumpedLoop loop;
  auto database = RocksDatabase::Open(options, loop.clock());
  if (!database.ok()) {
    std::fprintf(stderr, "%s\n", database.status().ToString().c_str());
    return 1;
  }
  ThreadLoop commits("commit");
  auto store = OpenRocksStore(**database, &commits);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  WriteBatch open;
  open.OpenLog(TestCluster(1), TestAuthority());
  (*store)->Commit(std::move(open), &loop, [](const CommitResult&) {});
  const absl::StatusOr<ClusterLog> log = (*store)->Log(TestCluster(1));
  const uint64_t begin = log.ok() ? log->head : 0;
  for (int i = 0; i < kChangesMax; ++i) {
    WriteBatch batch;
    batch.Put(TestCluster(1),
              TestAssignment(absl::StrCat("app", i % 50), absl::StrCat("value ", begin + i)));
    bool done = false;
    (*store)->Commit(std::move(batch), &loop, [&done](const CommitResult& result) {
      done = true;
      if (!result.status.ok() || result.heads.empty()) return;
      std::printf("%llu\n", static_cast<unsigned long long>(result.heads.begin()->second));
      std::fflush(stdout);
    });
    if (!loop.RunUntil([&done] { return done; })) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace leidang::hub

int main(int argc, char** argv) { return argc == 2 ? leidang::hub::Run(argv[1]) : 64; }
