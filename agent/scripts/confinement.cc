#include "agent/scripts/confinement.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace leidang::agent {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kMachine = 0;
#endif

// What an allocator, a standard library and a loop over two pipes need.
constexpr uint32_t kAllowed[] = {SYS_read,         SYS_write,          SYS_readv,
                                 SYS_writev,       SYS_close,          SYS_brk,
                                 SYS_mmap,         SYS_munmap,         SYS_mremap,
                                 SYS_mprotect,     SYS_madvise,        SYS_exit,
                                 SYS_exit_group,   SYS_futex,          SYS_rt_sigreturn,
                                 SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_clock_gettime,
                                 SYS_gettimeofday, SYS_getrandom,      SYS_sched_yield,
                                 SYS_getpid,       SYS_gettid,         SYS_tgkill,
                                 SYS_sigaltstack,  SYS_restart_syscall};

sock_filter Statement(uint16_t code, uint32_t value) { return {code, 0, 0, value}; }
sock_filter Jump(uint32_t value, uint8_t if_equal, uint8_t otherwise) {
  return {BPF_JMP | BPF_JEQ | BPF_K, if_equal, otherwise, value};
}

std::vector<sock_filter> Filter() {
  std::vector<sock_filter> filter;
  filter.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  filter.push_back(Jump(kMachine, 1, 0));
  filter.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(Statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const uint32_t call : kAllowed) {
    filter.push_back(Jump(call, 0, 1));
    filter.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  filter.push_back(Statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  return filter;
}

}  // namespace

bool ConfineThisProcess() {
  if (kMachine == 0) return false;
  std::vector<sock_filter> filter = Filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace leidang::agent
