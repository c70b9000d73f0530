#include "common/proof/status_digest.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/base/check.h"

namespace leidang::proof {
namespace {

constexpr char kVersion = 1;
constexpr char kNoHealth = '\xff';

void AppendU64(uint64_t number, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(number >> shift));
}

void AppendBytes(absl::string_view bytes, std::string* out) {
  AppendU64(bytes.size(), out);
  absl::StrAppend(out, bytes);
}

void AppendTime(absl::Time time, std::string* out) {
  AppendU64(static_cast<uint64_t>(absl::ToUnixNanos(time)), out);
}

}  // namespace

object::Sha256 StatusElementOf(const intent::EntryStatus& status) {
  std::string out;
  out.reserve(256);
  out.push_back(kVersion);
  AppendBytes(status.key.ToString(), &out);
  AppendBytes(status.uid.Raw(), &out);
  AppendU64(status.received, &out);
  AppendU64(status.applied, &out);
  AppendBytes(status.applied_element.Raw(), &out);
  out.push_back(static_cast<char>(status.sync));
  out.push_back(static_cast<char>(status.health));
  out.push_back(static_cast<char>(status.operation));
  AppendBytes(status.message, &out);
  AppendBytes(status.applied_commit, &out);
  AppendU64(status.objects, &out);
  AppendU64(status.drift_corrections, &out);
  out.push_back(static_cast<char>((status.deleting ? 1 : 0) | (status.gone ? 2 : 0) |
                                  (status.unclaimed ? 4 : 0)));
  AppendTime(status.observed_at, &out);
  AppendU64(status.conditions.size(), &out);
  for (const intent::StatusCondition& condition : status.conditions) {
    AppendBytes(condition.type, &out);
    AppendBytes(condition.reason, &out);
    AppendBytes(condition.message, &out);
    AppendTime(condition.since, &out);
  }
  // Ends that know of no resources come to the same digest for a status without any.
  if (!status.resources.empty()) AppendU64(status.resources.size(), &out);
  for (const intent::ObjectStatus& object : status.resources) {
    for (const std::string* part :
         {&object.key.group, &object.key.kind, &object.key.ns, &object.key.name}) {
      AppendBytes(*part, &out);
    }
    out.push_back(static_cast<char>(object.sync));
    out.push_back(object.health ? static_cast<char>(*object.health) : kNoHealth);
    out.push_back(static_cast<char>(object.operation));
    AppendBytes(object.hook, &out);
    AppendBytes(object.message, &out);
  }
  return object::Sha256::Of(out);
}

void StatusDigest::Add(const object::Sha256& element) {
  ++count_;
  sum_.Add(element);
}

void StatusDigest::Remove(const object::Sha256& element) {
  CHECK(count_ > 0);
  --count_;
  sum_.Subtract(element);
}

object::Sha256 StatusDigest::Root() const {
  std::string out;
  AppendU64(count_, &out);
  absl::StrAppend(&out, sum_.Raw());
  return object::Sha256::Of(out);
}

}  // namespace leidang::proof
