#include "agent/scripts/confinement.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "gtest/gtest.h"
#include <sys/socket.h>
#include <sys/wait.h>

namespace leidang::agent {
namespace {

enum : int { kConfined = 0, kNoFilter = 1, kReached = 2, kBroken = 3 };

// In a process of its own, as there is no way back.
int TryToReachOut() {
  if (!ConfineThisProcess()) return kNoFilter;
  if (::open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM) return kReached;
  if (::open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0) return kReached;
  if (::socket(AF_INET, SOCK_STREAM, 0) >= 0 || ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) {
    return kReached;
  }
  if (::fork() >= 0) return kReached;
  if (::kill(::getppid(), 0) == 0) return kReached;
  ::execl("/bin/true", "true", nullptr);
  const std::vector<char> memory(50 << 20, 'x');
  return memory.back() == 'x' ? kConfined : kBroken;
}

TEST(Confinement, AConfinedProcessComputesAndReachesNothing) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(TryToReachOut());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << status;
#if defined(__x86_64__) || defined(__aarch64__)
  EXPECT_EQ(WEXITSTATUS(status), kConfined);
#else
  EXPECT_EQ(WEXITSTATUS(status), kNoFilter);
#endif
}

}  // namespace
}  // namespace leidang::agent
