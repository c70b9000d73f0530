#include "tests/integration/chaos/witness.h"

#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <sys/inotify.h>
#include <sys/stat.h>

#include "common/base/check.h"

namespace leidang::chaos {
namespace {

constexpr size_t kExamplesMax = 20;

struct Content {
  std::optional<uint64_t> value;
  struct stat facts{};
};

std::optional<Content> ReadAt(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  Content content;
  std::string text(16 << 10, '\0');
  const ssize_t count = ::read(descriptor, text.data(), text.size());
  ::fstat(descriptor, &content.facts);
  ::close(descriptor);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripLeadingAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "value:")) continue;
    uint64_t value = 0;
    std::string digits(absl::StripAsciiWhitespace(line));
    digits.erase(0, digits.find_first_not_of("\"v'"));
    while (!digits.empty() && absl::ascii_isdigit(digits.back()) == 0) digits.pop_back();
    if (absl::SimpleAtoi(digits, &value)) content.value = value;
  }
  return content;
}

bool IsOurs(absl::string_view name) {
  return absl::EndsWith(name, ".yaml") && !absl::StartsWith(name, ".");
}

}  // namespace

Witness::Witness(std::vector<std::string> directories) {
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  CHECK(descriptor_ >= 0);
  for (std::string& directory : directories) {
    const int watch = ::inotify_add_watch(descriptor_, directory.c_str(),
                                          IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE);
    CHECK(watch >= 0);
    directories_[watch] = std::move(directory);
  }
  thread_ = std::thread([this] { Run(); });
}

Witness::~Witness() {
  stopping_ = true;
  thread_.join();
  ::close(descriptor_);
}

Witness::Seen Witness::seen() const {
  MutexLock lock(&mu_);
  return seen_;
}

std::optional<uint64_t> Witness::ValueOf(const std::string& path) {
  const std::optional<Content> content = ReadAt(path);
  return content.has_value() ? content->value : std::nullopt;
}

void Witness::Look(const std::string& path) {
  const std::optional<Content> content = ReadAt(path);
  if (!content.has_value() || !content->value.has_value()) return;
  MutexLock lock(&mu_);
  File& file = files_[path];
  const int64_t changed_ns =
      content->facts.st_mtim.tv_sec * 1'000'000'000 + content->facts.st_mtim.tv_nsec;
  if (file.inode == content->facts.st_ino && file.changed_ns == changed_ns) return;
  file.inode = content->facts.st_ino;
  file.changed_ns = changed_ns;
  ++seen_.writes;
  if (file.value.has_value() && *content->value <= *file.value) {
    ++(*content->value == *file.value ? seen_.repeats : seen_.inversions);
    if (seen_.examples.size() < kExamplesMax) {
      seen_.examples.push_back(
          absl::StrCat(path, ": value ", *content->value, " after ", *file.value));
    }
  }
  file.value = content->value;
}

void Witness::Gone(const std::string& path) {
  MutexLock lock(&mu_);
  ++seen_.ends;
  ++seen_.ends_of[path];
}

void Witness::Run() {
  alignas(inotify_event) char buffer[64 << 10];
  while (!stopping_) {
    pollfd polled{descriptor_, POLLIN, 0};
    ::poll(&polled, 1, 50);
    const ssize_t count = ::read(descriptor_, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < count;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof(event));
      const char* name = buffer + at + sizeof(event);
      at += static_cast<ssize_t>(sizeof(event) + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        MutexLock lock(&mu_);
        ++seen_.lost_hints;
        continue;
      }
      const auto directory = directories_.find(event.wd);
      if (directory == directories_.end() || event.len == 0 || !IsOurs(name)) continue;
      const std::string path = absl::StrCat(directory->second, "/", name);
      if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        Gone(path);
      } else {
        Look(path);
      }
    }
  }
}

}  // namespace leidang::chaos
