#include "agent/policy/policy_file.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

constexpr absl::string_view kRoom = "agent/policy";

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  text.resize(PolicyFile::kBytesMax + 1);
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) {
    return absl::NotFoundError(absl::StrCat("the policy ", path, " cannot be read"));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > PolicyFile::kBytesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the policy ", path, " is larger than ", PolicyFile::kBytesMax, " bytes"));
  }
  return text;
}

absl::StatusOr<ClusterPolicy> ParseText(const std::string& text, const std::string& path) {
  ASSIGN_OR_RETURN(const object::Value settings, yaml::ParseYaml(text, path));
  return ClusterPolicy::Parse(settings, path);
}

}  // namespace

PolicyFile::PolicyFile(EventLoop& loop, Log& log, std::string path)
    : loop_(loop), log_(log), path_(std::move(path)) {}

PolicyFile::~PolicyFile() {
  if (timer_ != 0) loop_.Cancel(timer_);
}

absl::StatusOr<ClusterPolicy> PolicyFile::Read() {
  ASSIGN_OR_RETURN(std::string text, ReadText(path_));
  ASSIGN_OR_RETURN(ClusterPolicy policy, ParseText(text, path_));
  text_ = std::move(text);
  return policy;
}

void PolicyFile::Follow(Changed changed) {
  changed_ = std::move(changed);
  timer_ = loop_.After(kInterval, [this] { Look(); });
}

void PolicyFile::Look() {
  timer_ = loop_.After(kInterval, [this] { Look(); });
  absl::StatusOr<std::string> text = ReadText(path_);
  if (text.ok() && *text == text_) {
    failed_.clear();
    return;
  }
  absl::StatusOr<ClusterPolicy> policy =
      text.ok() ? ParseText(*text, path_) : absl::StatusOr<ClusterPolicy>(text.status());
  if (!policy.ok()) {
    if (failed_ == policy.status().message()) return;
    failed_ = std::string(policy.status().message());
    log_.Error(kRoom, "the policy cannot be read; the one before stays in force",
               {{"file", path_}, {"error", failed_}});
    return;
  }
  failed_.clear();
  text_ = *std::move(text);
  log_.Info(kRoom, "the policy has changed", {{"file", path_}});
  changed_(*policy);
}

}  // namespace leidang::agent
