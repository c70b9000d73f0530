#include "hub/admin.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/rpc/to_grpc.h"
#include "hub/upkeep/upkeep.h"

namespace leidang::hub {
namespace {

absl::StatusOr<v1::BackupResponse> Backup(const AdminPorts& ports,
                                          const v1::BackupRequest& request) {
  const std::string folder =
      request.folder().empty() ? DefaultBackups(ports.data_dir) : request.folder();
  ASSIGN_OR_RETURN(const BackupFacts made,
                   BackUp(ports.database, ports.data_dir, folder,
                          request.keep() == 0 ? kBackupsKept : request.keep()));
  ports.log.Info("hub/upkeep", "a backup was made",
                 {{"id", absl::StrCat(made.id)}, {"folder", folder}});
  v1::BackupResponse response;
  response.set_id(made.id);
  response.set_bytes(made.bytes);
  SetTime(made.made_at, response.mutable_made_at());
  response.set_folder(folder);
  return response;
}

absl::StatusOr<v1::CheckResponse> Check(const AdminPorts& ports) {
  const CheckReport report = Scrub(ports.database);
  v1::CheckResponse response;
  response.set_text(report.ToText());
  response.set_damages(report.damages());
  response.set_warnings(report.warnings());
  return response;
}

absl::StatusOr<v1::ExportIdentityResponse> Export(const AdminPorts& ports,
                                                  const v1::ExportIdentityRequest& request) {
  v1::ExportIdentityResponse response;
  ASSIGN_OR_RETURN(*response.mutable_sealed(),
                   ExportIdentity(ports.database, ports.data_dir, request.passphrase(), ports.clock,
                                  ports.random));
  ports.log.Info("hub/upkeep", "the identity was exported");
  return response;
}

}  // namespace

AdminService::Parts AdminPartsOf(const AdminPorts& ports) {
  return {ports.workers,
          [ports](const v1::BackupRequest& request) { return Backup(ports, request); },
          [ports](const v1::CheckRequest&) { return Check(ports); },
          [ports](const v1::ExportIdentityRequest& request) { return Export(ports, request); }};
}

}  // namespace leidang::hub
