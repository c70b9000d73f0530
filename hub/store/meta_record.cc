#include "hub/store/meta_record.h"

#include "absl/strings/str_cat.h"

#include "hub/store/record_times.h"
#include "leidang/store/v1/records.pb.h"

namespace leidang::hub {

namespace pb = ::leidang::store::v1;

std::string EncodeMeta(const MetaFacts& facts) {
  pb::MetaRecord record;
  record.set_format(facts.format);
  record.set_hub_id(facts.hub_id.Raw());
  *record.mutable_created() = ToRecord(facts.created);
  return record.SerializeAsString();
}

absl::StatusOr<MetaFacts> DecodeMeta(absl::string_view key, absl::string_view value,
                                     uint32_t readable) {
  pb::MetaRecord record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size())) ||
      record.format() == 0) {
    return Damaged(Family::kMeta, key, "it is no record of its kind");
  }
  if (record.format() > readable) {
    return absl::FailedPreconditionError(absl::StrCat("the store has format ", record.format(),
                                                      "; this program reads up to ", readable,
                                                      ": run a newer leidang-hub"));
  }
  const auto hub_id = intent::HubId::FromRaw(record.hub_id());
  if (!hub_id.has_value()) return Damaged(Family::kMeta, key, "its hub id does not have 16 bytes");
  return MetaFacts{*hub_id, FromRecord(record.created()), record.format()};
}

}  // namespace leidang::hub
