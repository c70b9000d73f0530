// Paths and URLs.

#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/url.h"

namespace leidang::generators::gotmpl {
namespace {

// path.Clean: the shortest equivalent path, by text alone.
std::string CleanPath(absl::string_view path) {
  if (path.empty()) return ".";
  const bool rooted = path[0] == '/';
  std::string out = rooted ? "/" : "";
  size_t floor = out.size();  // What ".." cannot remove.
  for (size_t i = rooted ? 1 : 0; i < path.size();) {
    size_t end = path.find('/', i);
    if (end == absl::string_view::npos) end = path.size();
    const absl::string_view name = path.substr(i, end - i);
    i = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (out.size() > floor) {
        const size_t slash = out.rfind('/');
        out.resize(slash == std::string::npos || slash < floor ? floor : slash);
        continue;
      }
      if (rooted) continue;
    }
    if (out.size() > (rooted ? 1u : 0u)) out.push_back('/');
    absl::StrAppend(&out, name);
    if (name == "..") floor = out.size();
  }
  return out.empty() ? "." : out;
}

std::string BasePath(absl::string_view path) {
  if (path.empty()) return ".";
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  return path.empty() ? "/" : std::string(path);
}

std::string DirPath(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return CleanPath(slash == absl::string_view::npos ? absl::string_view()
                                                    : path.substr(0, slash + 1));
}

std::string ExtPath(absl::string_view path) {
  const size_t last = path.find_last_of("./");
  if (last == absl::string_view::npos || path[last] == '/') return "";
  return std::string(path.substr(last));
}

template <std::string (*Map)(absl::string_view)>
absl::Status Mapped(Call& call) {
  return call.ReturnText(Map(call.Text(0)));
}

absl::Status IsAbs(Call& call) {
  return call.ReturnBool(!call.Text(0).empty() && call.Text(0)[0] == '/');
}

absl::Status UrlParse(Call& call) {
  const absl::StatusOr<go::Url> url = go::ParseUrl(call.Text(0));
  if (!url.ok()) return CallError(absl::StrCat("unable to parse url: ", url.status().message()));
  if (absl::Status status = call.budget().Text(call.Text(0).size() * 4); !status.ok())
    return status;
  TValue map = TValue::Map();
  const auto set = [&map](absl::string_view key, const std::string& value) {
    map.mutable_map()->Set(key, TValue::String(value));
  };
  set("fragment", url->fragment);
  set("host", url->host);
  set("hostname", url->Hostname());
  set("opaque", url->opaque);
  set("path", url->path);
  set("query", url->raw_query);
  set("scheme", url->scheme);
  set("userinfo", url->user.has_value() ? url->user->ToString() : "");
  return call.Return(std::move(map));
}

absl::Status GetText(const TValue& map, absl::string_view key, std::string* text) {
  const TValue* value = map.Find(key);
  if (value == nullptr) return absl::OkStatus();
  if (value->is_nil())
    return CallError("runtime error: invalid memory address or nil pointer dereference");
  if (!value->is_string()) {
    return CallError(absl::StrCat("unable to parse ", key, " key, must be of type string, but ",
                                  GoKindName(value->type()), " found"));
  }
  *text = std::string(value->text());
  return absl::OkStatus();
}

absl::Status UrlJoin(Call& call) {
  const TValue& map = call[0];
  go::Url url;
  std::string user;
  struct Part {
    absl::string_view key;
    std::string* text;
  };
  const Part parts[] = {{"scheme", &url.scheme}, {"host", &url.host},
                        {"path", &url.path},     {"query", &url.raw_query},
                        {"opaque", &url.opaque}, {"fragment", &url.fragment},
                        {"userinfo", &user}};
  for (const Part& part : parts) {
    if (absl::Status status = GetText(map, part.key, part.text); !status.ok()) return status;
  }
  if (!user.empty()) {
    const absl::StatusOr<go::Url> parsed = go::ParseUrl(absl::StrCat("proto://", user, "@host"));
    if (!parsed.ok()) {
      return CallError(
          absl::StrCat("unable to parse userinfo in dict: ", parsed.status().message()));
    }
    url.user = parsed->user;
  }
  return call.ReturnText(url.ToString());
}

constexpr Function kFunctions[] = {
    {"base", "s", 's', Mapped<BasePath>},
    {"clean", "s", 's', Mapped<CleanPath>},
    {"dir", "s", 's', Mapped<DirPath>},
    {"ext", "s", 's', Mapped<ExtPath>},
    {"isAbs", "s", 'b', IsAbs},
    {"osBase", "s", 's', Mapped<BasePath>},
    {"osClean", "s", 's', Mapped<CleanPath>},
    {"osDir", "s", 's', Mapped<DirPath>},
    {"osExt", "s", 's', Mapped<ExtPath>},
    {"osIsAbs", "s", 'b', IsAbs},
    {"urlJoin", "m", 's', UrlJoin},
    {"urlParse", "s", 'm', UrlParse},
};

}  // namespace

absl::Span<const Function> PathFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
