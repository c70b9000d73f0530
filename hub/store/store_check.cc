#include "hub/store/store_check.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/proof/bucketed_digest.h"
#include "common/tree/tree_manifest.h"
#include "hub/store/key_codec.h"
#include "hub/store/meta_record.h"
#include "hub/store/records.h"

namespace leidang::hub {
namespace {

// The rows of one cluster's log, as far as they could be read.
struct OneLog {
  intent::ClusterId cluster;
  LogHeader header;
  bool has_header = false;
  struct Live {
    PutEntry put;
    intent::Revision revision = 0;
    bool assigned = false;
  };
  std::map<intent::EntryKey, Live> live;
  std::set<std::pair<intent::EntryKey, intent::Uid>> tombstones;
};

class StoreCheck {
 public:
  StoreCheck(const RowView& rows, CheckReport& report) : rows_(rows), report_(report) {}

  void Run() {
    CheckMeta();
    CheckLogs();
    CheckAssignmentsWithoutLog();
    CheckDerived();
    CheckStatuses();
    CheckContent();
  }

 private:
  void Scan(Family family, absl::string_view begin, absl::string_view end,
            const std::function<void(absl::string_view, absl::string_view)>& visit) {
    const absl::Status status =
        rows_.Scan(family, begin, end, [&](absl::string_view key, absl::string_view value) {
          visit(key, value);
          return true;
        });
    if (!status.ok()) report_.Damage(family, "", std::string(status.message()));
  }

  std::optional<std::string> Get(Family family, const std::string& key) {
    absl::StatusOr<std::optional<std::string>> value = rows_.Get(family, key);
    if (!value.ok()) {
      report_.Damage(family, key, std::string(value.status().message()));
      return std::nullopt;
    }
    return *std::move(value);
  }

  template <typename T>
  bool Readable(Family family, absl::string_view key, const absl::StatusOr<T>& decoded) {
    if (decoded.ok()) return true;
    report_.Damage(family, key, std::string(decoded.status().message()));
    return false;
  }

  void CheckMeta() {
    bool known = false;
    Scan(Family::kMeta, "", "", [&](absl::string_view key, absl::string_view value) {
      report_.CountRow(Family::kMeta);
      if (key != kMetaStoreKey) return;
      known = true;
      Readable(Family::kMeta, key, DecodeMeta(key, value));
    });
    if (!known) report_.Damage(Family::kMeta, kMetaStoreKey, "it is missing");
  }

  void CheckLogs() {
    OneLog log;
    Scan(Family::kLog, "", "", [&](absl::string_view key, absl::string_view value) {
      report_.CountRow(Family::kLog);
      const absl::StatusOr<LogKeyParts> parts = ParseLogKey(key);
      if (!Readable(Family::kLog, key, parts)) return;
      if (parts->cluster != log.cluster) {
        FinishLog(log);
        log = OneLog();
        log.cluster = parts->cluster;
        if (parts->revision != 0) {
          report_.Damage(Family::kLog, key, "the header of its log is missing");
        }
      }
      if (parts->revision == 0) {
        CheckHeader(key, value, log);
      } else {
        CheckLogRow(key, value, parts->revision, log);
      }
    });
    FinishLog(log);
  }

  void CheckHeader(absl::string_view key, absl::string_view value, OneLog& log) {
    const absl::StatusOr<LogHeader> header = DecodeLogHeader(key, value);
    if (!Readable(Family::kLog, key, header)) return;
    log.header = *header;
    log.has_header = true;
    if (header->acked > header->head) {
      report_.Damage(
          Family::kLog, key,
          absl::StrCat("revision ", header->acked, " is acknowledged, the head is ", header->head));
    }
    if (header->resumable_from > header->head) {
      report_.Damage(Family::kLog, key,
                     absl::StrCat("it is resumable from ", header->resumable_from, ", the head is ",
                                  header->head));
    }
    if (header->authority.hub.IsNone() || header->authority.epoch == 0) {
      report_.Damage(Family::kLog, key, "its authority names no hub or no epoch");
    }
  }

  void CheckLogRow(absl::string_view key, absl::string_view value, intent::Revision revision,
                   OneLog& log) {
    if (log.has_header && revision > log.header.head) {
      report_.Damage(Family::kLog, key,
                     absl::StrCat("it is beyond the head of its log, ", log.header.head));
    }
    absl::StatusOr<LogEntry> entry = DecodeLogEntry(key, value);
    if (!Readable(Family::kLog, key, entry)) return;
    if (auto* put = std::get_if<PutEntry>(&*entry)) {
      const intent::EntryKey name = put->key;
      if (!log.live.emplace(name, OneLog::Live{std::move(*put), revision}).second) {
        report_.Damage(Family::kLog, key,
                       absl::StrCat("the log has two puts of ", name.ToString()));
      }
      return;
    }
    const auto& mark = std::get<TombstoneEntry>(*entry);
    if (!log.tombstones.emplace(mark.tombstone.key, mark.tombstone.uid).second) {
      report_.Damage(Family::kLog, key, "the log has two tombstones of one uid");
    }
    const bool ended = mark.gone || mark.tombstone.key.kind != intent::EntryKind::kApplication;
    if (log.has_header && ended && revision <= log.header.acked) {
      report_.Damage(Family::kLog, key,
                     "a tombstone that is acknowledged and carried out was not forgotten");
    }
  }

  void FinishLog(OneLog& log) {
    if (log.cluster.IsNone()) return;
    clusters_.insert(log.cluster);
    for (const auto& [key, live] : log.live) {
      if (log.tombstones.contains({key, live.put.uid})) {
        report_.Damage(Family::kLog, LogKey(log.cluster, live.revision),
                       "a put of a uid that has a tombstone");
      }
    }
    const std::string prefix = ClusterPrefix(log.cluster);
    Scan(Family::kAssign, prefix, PrefixEnd(prefix),
         [&](absl::string_view key, absl::string_view value) { CheckAssignment(key, value, log); });
    for (const auto& [key, live] : log.live) {
      if (live.assigned) continue;
      report_.Damage(Family::kAssign, AssignKey(log.cluster, key),
                     absl::StrCat("revision ", live.revision,
                                  " of the log names it, it is missing or another one"));
    }
  }

  void CheckAssignment(absl::string_view key, absl::string_view value, OneLog& log) {
    report_.CountRow(Family::kAssign);
    const absl::StatusOr<LiveAssignment> live = DecodeAssignment(key, value);
    if (!Readable(Family::kAssign, key, live)) return;
    const auto it = log.live.find(live->assignment.key);
    if (it == log.live.end()) {
      report_.Damage(Family::kAssign, key, "no row of its cluster's log names it");
      return;
    }
    const OneLog::Live& entry = it->second;
    if (live->revision != entry.revision || live->assignment.uid != entry.put.uid) {
      report_.Damage(
          Family::kAssign, key,
          absl::StrCat("it is revision ", live->revision, " of uid ", live->assignment.uid.Hex(),
                       ", the log has revision ", entry.revision, " of uid ", entry.put.uid.Hex()));
    } else if (live->element != entry.put.element) {
      report_.Damage(Family::kAssign, key, "its element is not the one in the log");
    }
    if (proof::ElementOf(live->assignment) != live->element) {
      report_.Damage(Family::kAssign, key, "its element is not that of its content");
    }
    it->second.assigned = true;
    for (const intent::Source& source : live->assignment.sources) trees_.insert(source.tree);
  }

  void CheckAssignmentsWithoutLog() {
    Scan(Family::kAssign, "", "", [&](absl::string_view key, absl::string_view) {
      const absl::StatusOr<AssignKeyParts> parts = ParseAssignKey(key);
      if (!Readable(Family::kAssign, key, parts)) return;
      if (!clusters_.contains(parts->cluster)) {
        report_.Damage(Family::kAssign, key, "its cluster has no log");
      }
    });
  }

  void CheckDerived() {
    const std::string applications = ApplicationsPrefix();
    const std::string index = SetIndexRoot();
    Scan(Family::kDerived, "", "", [&](absl::string_view key, absl::string_view value) {
      report_.CountRow(Family::kDerived);
      if (absl::StartsWith(key, applications)) return CheckApplication(key, value);
      if (absl::StartsWith(key, index)) return CheckIndex(key);
      if (absl::StartsWith(key, SetStatesPrefix())) {
        Readable(Family::kDerived, key, DecodeSetState(key, value));
        return;
      }
      report_.Warning(Family::kDerived, key, "a kind of row that this program does not know");
    });
  }

  void CheckApplication(absl::string_view key, absl::string_view value) {
    const absl::StatusOr<DerivedApplication> application = DecodeApplication(key, value);
    if (!Readable(Family::kDerived, key, application)) return;
    if (!Get(Family::kDerived, SetIndexKey(application->set, application->key)).has_value()) {
      report_.Damage(Family::kDerived, key,
                     absl::StrCat("the index of its set \"", application->set, "\" lacks it"));
    }
  }

  void CheckIndex(absl::string_view key) {
    const absl::StatusOr<SetIndexParts> parts = ParseSetIndexKey(key);
    if (!Readable(Family::kDerived, key, parts)) return;
    const std::string row = ApplicationRowKey(parts->key);
    const std::optional<std::string> value = Get(Family::kDerived, row);
    if (!value.has_value()) {
      report_.Damage(Family::kDerived, key, "the Application that it names is missing");
      return;
    }
    const absl::StatusOr<DerivedApplication> application = DecodeApplication(row, *value);
    if (application.ok() && application->set != parts->set) {
      report_.Damage(
          Family::kDerived, key,
          absl::StrCat("the Application that it names belongs to \"", application->set, "\""));
    }
  }

  void CheckStatuses() {
    Scan(Family::kStatus, "", "", [&](absl::string_view key, absl::string_view value) {
      report_.CountRow(Family::kStatus);
      if (IsLinkRow(key)) {
        if (!Readable(Family::kStatus, key, DecodeLink(key, value))) return;
      } else if (!Readable(Family::kStatus, key, DecodeStatus(key, value))) {
        return;
      }
      KeyReader reader(key);
      if (!clusters_.contains(reader.ReadId<intent::ClusterId>())) {
        report_.Warning(Family::kStatus, key, "its cluster has no log");
      }
    });
  }

  void CheckContent() {
    std::set<object::Sha256> held;
    std::set<object::Sha256> files;
    Scan(Family::kContent, "", "", [&](absl::string_view key, absl::string_view value) {
      report_.CountRow(Family::kContent);
      const std::optional<object::Sha256> digest = object::Sha256::FromRaw(key);
      if (!digest.has_value()) {
        report_.Damage(Family::kContent, key, "its key is no SHA-256");
        return;
      }
      held.insert(*digest);
      if (object::Sha256::Of(value) != *digest) {
        report_.Damage(Family::kContent, key, "it does not have its SHA-256");
      } else if (trees_.contains(*digest)) {
        AddFiles(key, value, files);
      }
    });
    for (const auto* wanted : {&trees_, &files}) {
      for (const object::Sha256& digest : *wanted) {
        if (held.contains(digest) || digest == object::Sha256()) continue;
        report_.Damage(Family::kContent, digest.Raw(),
                       wanted == &trees_ ? "an assignment's tree is missing"
                                         : "a file of an assignment's tree is missing");
      }
    }
  }

  void AddFiles(absl::string_view key, absl::string_view value, std::set<object::Sha256>& files) {
    const absl::StatusOr<tree::TreeManifest> manifest = tree::Parse(value);
    if (!Readable(Family::kContent, key, manifest)) return;
    for (const auto& file : manifest->files) files.insert(file.digest);
  }

  const RowView& rows_;
  CheckReport& report_;
  std::set<intent::ClusterId> clusters_;
  std::set<object::Sha256> trees_;
};

}  // namespace

void CheckStore(const RowView& rows, CheckReport* report) { StoreCheck(rows, *report).Run(); }

}  // namespace leidang::hub
