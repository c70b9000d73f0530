#include "common/process/startup_code.h"

#include <cstdint>
#include <link.h>
#include <unistd.h>

#include <sys/mman.h>

namespace leidang {
namespace {

struct Walk {
  uintptr_t page = 0;
  size_t objects = 0;
  size_t bytes = 0;
};

// Segments without PF_W are as they are in the file: position-independent code is not relocated.
int Forget(dl_phdr_info* object, size_t size, void* user) {
  static_cast<void>(size);
  auto* walk = static_cast<Walk*>(user);
  const bool program = walk->objects++ == 0;
  // All but the program itself have a path, except what the kernel maps.
  if (!program && (object->dlpi_name == nullptr || object->dlpi_name[0] != '/')) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const uintptr_t at = object->dlpi_addr + segment.p_vaddr;
    const uintptr_t begin = at / walk->page * walk->page;
    const uintptr_t end = (at + segment.p_memsz + walk->page - 1) / walk->page * walk->page;
    // Only advice: where the kernel does not take it, all stays as it is.
    if (madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED) == 0) {
      walk->bytes += end - begin;
    }
  }
  return 0;
}

}  // namespace

size_t ForgetStartupCode() {
  Walk walk;
  walk.page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  dl_iterate_phdr(Forget, &walk);
  return walk.bytes;
}

}  // namespace leidang
