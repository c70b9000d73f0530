#include "hub/http/status_pages.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

HttpResponse OfStatus(const absl::Status& status) {
  HttpResponse response;
  response.status = status.ok() ? 200 : 503;
  response.body = status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n");
  return response;
}

}  // namespace

HttpResponse ServeStatus(const StatusPages& pages, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, "text/plain; charset=utf-8", "only GET and HEAD are served here\n"};
  }
  if (request.path == "/healthz") return OfStatus(pages.health());
  if (request.path == "/readyz") return OfStatus(pages.ready());
  if (request.path == "/metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8", pages.metrics.Expose()};
  }
  return {404, "text/plain; charset=utf-8", "there are /metrics, /healthz and /readyz\n"};
}

}  // namespace leidang::hub
