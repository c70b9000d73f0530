#include "hub/store/migration.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/store/meta_record.h"

namespace leidang::hub {

// Format 1 is the first.
std::vector<Migration> StoreMigrations() { return {}; }

absl::StatusOr<uint32_t> Migrate(Rows& rows, const std::vector<Migration>& steps, uint32_t wanted) {
  const std::shared_ptr<const RowView> view = rows.Reveal(nullptr);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, view->Get(Family::kMeta, kMetaStoreKey));
  if (!value.has_value()) return absl::NotFoundError("the store has no format yet");
  ASSIGN_OR_RETURN(MetaFacts facts, DecodeMeta(kMetaStoreKey, *value, wanted));
  const uint32_t found = facts.format;
  for (; facts.format < wanted;) {
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const Migration& migration) {
      return migration.from == facts.format;
    });
    if (step == steps.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the store has format ", facts.format, ", and this program, which writes ",
                       wanted, ", cannot bring it further: run the versions in between first"));
    }
    RETURN_IF_ERROR(step->run(rows));
    ++facts.format;
    RowBatch batch;
    batch.Put(Family::kMeta, kMetaStoreKey, EncodeMeta(facts));
    RETURN_IF_ERROR(rows.Persist(std::move(batch), Durability::kSynced));
  }
  return found;
}

}  // namespace leidang::hub
