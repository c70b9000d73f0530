#include "agent/state/sqlite_state.h"

#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/state/state_contract.h"
#include "common/time/sim_loop.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

class SqliteStateUnderTest final : public StateUnderTest {
 public:
  SqliteStateUnderTest() { Reopen(); }
  State& state() override { return *state_; }
  void Reopen() override {
    state_.reset();
    loop_.Clear();
    auto opened = SqliteState::Open(loop_, loop_, directory_ / "state.db");
    EXPECT_TRUE(opened.ok()) << opened.status();
    state_ = *std::move(opened);
  }
  bool RunUntil(const std::function<bool()>& done) override {
    return loop_.RunUntil(done, absl::Hours(1));
  }

 private:
  testing::TempDir directory_;
  SimLoop loop_;
  std::unique_ptr<State> state_;
};

std::unique_ptr<StateUnderTest> NewSqliteStateUnderTest() {
  return std::make_unique<SqliteStateUnderTest>();
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StateContract, ::testing::Values(&NewSqliteStateUnderTest));

class SqliteStateTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_ / "state.db"; }
  static Transaction Begin(uint64_t session) { return {Obey{{intent::HubId({1}), 1, 1}, session}}; }

  testing::TempDir directory_;
  SimLoop loop_;
};

TEST_F(SqliteStateTest, NothingIsVisibleBeforeTheFileHasIt) {
  SimLoop disk;
  auto state = *SqliteState::Open(loop_, disk, path());
  bool done = false;
  state->Commit(Begin(1), [&](absl::Status) { done = true; });
  loop_.RunUntilIdle();
  EXPECT_EQ(state->allegiance(), Allegiance());
  disk.RunUntilIdle();
  EXPECT_EQ(state->allegiance(), Allegiance());
  EXPECT_FALSE(done);
  loop_.RunUntilIdle();
  EXPECT_EQ(state->allegiance().session_epoch, 1u);
  EXPECT_TRUE(done);
}

TEST_F(SqliteStateTest, IsNobodyElsesToRead) {
  auto state = *SqliteState::Open(loop_, loop_, path());
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SqliteStateTest, ADamagedFileIsRefusedWithWhatToDo) {
  std::ofstream(path()) << std::string(8192, 'x');
  const auto state = SqliteState::Open(loop_, loop_, path());
  EXPECT_EQ(state.status().code(), absl::StatusCode::kDataLoss) << state.status();
  EXPECT_THAT(std::string(state.status().message()), ::testing::HasSubstr("move"));
}

TEST_F(SqliteStateTest, AFileOfALaterVersionIsLeftAlone) {
  {
    auto state = *SqliteState::Open(loop_, loop_, path());
  }
  // user_version stands at offset 60 of the header, big-endian; SQLite folds the log into the file
  // at the last close.
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(60);
  file.write("\0\0\0\x63", 4);
  file.close();
  EXPECT_EQ(SqliteState::Open(loop_, loop_, path()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteStateTest, ADiskThatRefusesLosesNothingThatWasDurable) {
  auto state = *SqliteState::Open(loop_, loop_, path());
  std::vector<absl::StatusCode> codes;
  const auto commit = [&](Transaction transaction) {
    state->Commit(std::move(transaction),
                  [&codes](absl::Status status) { codes.push_back(status.code()); });
  };
  commit(Begin(1));
  loop_.RunUntilIdle();

  // Files may not grow: the kernel's stand-in for a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight{1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  commit(Begin(2));
  commit(Begin(3));
  loop_.RunUntilIdle();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(state->allegiance().session_epoch, 1u);

  commit(Begin(4));
  loop_.RunUntilIdle();
  ASSERT_EQ(codes.size(), 4u);
  EXPECT_NE(codes[1], absl::StatusCode::kOk);
  EXPECT_NE(codes[2], absl::StatusCode::kOk);
  EXPECT_EQ(codes[3], absl::StatusCode::kOk);
  state = *SqliteState::Open(loop_, loop_, path());
  EXPECT_EQ(state->allegiance().session_epoch, 4u);
}

// What was answered is there after SIGKILL, whatever came after it.
TEST_F(SqliteStateTest, SurvivesSigkill) {
  int pipes[2];
  ASSERT_EQ(::pipe(pipes), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    SimLoop loop;
    auto state = *SqliteState::Open(loop, loop, path());
    for (uint64_t session = 1;; ++session) {
      bool done = false;
      state->Commit(Begin(session), [&](absl::Status) { done = true; });
      loop.RunUntil([&] { return done; }, absl::Hours(1));
      if (::write(pipes[1], &session, sizeof(session)) != sizeof(session)) ::_exit(1);
    }
  }
  uint64_t answered = 0;
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(::read(pipes[0], &answered, sizeof(answered)), ssize_t{sizeof(answered)});
  ::kill(child, SIGKILL);
  ::close(pipes[1]);
  uint64_t more = 0;
  while (::read(pipes[0], &more, sizeof(more)) == ssize_t{sizeof(more)}) answered = more;
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pipes[0]);
  auto state = *SqliteState::Open(loop_, loop_, path());
  EXPECT_GE(state->allegiance().session_epoch, answered);
}

}  // namespace
}  // namespace leidang::agent
