#include "cli/appset/generate.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "cli/appset/directory_world.h"
#include "common/base/status_macros.h"
#include "common/yaml/go_yaml.h"
#include "common/yaml/yaml.h"
#include "generators/expand.h"

namespace leidang::cli {

namespace {

using object::Value;

constexpr int kFailed = 1;
constexpr int kUsage = 64;

enum class Output { kYaml, kJson, kName };

std::optional<Output> ParseOutput(absl::string_view text) {
  if (text == "yaml") return Output::kYaml;
  if (text == "json") return Output::kJson;
  if (text == "name") return Output::kName;
  return std::nullopt;
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  return std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Prints each Application as it comes.
class Printer final : public generators::Sink {
 public:
  Printer(Output output, const std::optional<std::string>& explain, GenerateResult* result)
      : output_(output), explain_(explain), result_(*result) {}

  void OnApplication(const generators::GeneratedApplication& application) override {
    if (explain_.has_value()) {
      if (application.name() == *explain_) Explain(application);
      return;
    }
    switch (output_) {
      case Output::kYaml:
        absl::StrAppend(&result_.out, count_ > 0 ? "---\n" : "",
                        yaml::MarshalYaml(application.Manifest()));
        break;
      case Output::kJson:
        absl::StrAppend(&result_.out, count_ > 0 ? ",\n" : "[\n",
                        object::PrettyJson(application.Manifest()));
        break;
      case Output::kName:
        absl::StrAppend(&result_.out, application.ns(), "/", application.name(), "\n");
        break;
    }
    ++count_;
  }

  void OnError(const generators::ParameterSetError& error) override {
    absl::StrAppend(&result_.err, "error: ", error.ToString(), "\n");
    result_.exit_code = kFailed;
  }

  void Close() {
    if (explain_.has_value()) {
      if (count_ > 0) return;
      absl::StrAppend(&result_.err, "error: no Application ", *explain_,
                      " is generated: see `-o name` for those that are\n");
      result_.exit_code = kFailed;
    } else if (output_ == Output::kJson) {
      absl::StrAppend(&result_.out, count_ > 0 ? "\n]\n" : "[]\n");
    }
  }

 private:
  void Explain(const generators::GeneratedApplication& application) {
    ++count_;
    const generators::Provenance& from = application.provenance();
    absl::StrAppend(&result_.out, "Application ", application.ns(), "/", application.name(),
                    "\n  generator      ", from.generator, "\n  parameter set  ",
                    from.parameter_set.value_or(0), "\n  parameters\n");
    for (const absl::string_view line :
         absl::StrSplit(yaml::MarshalYaml(application.Parameters()), '\n', absl::SkipEmpty())) {
      absl::StrAppend(&result_.out, "    ", line, "\n");
    }
    for (const generators::RenderedField& field : application.Explain()) {
      absl::StrAppend(&result_.out, "  ", field.field, "\n    ", field.text,
                      "\n    = ", field.rendered, "\n");
    }
  }

  const Output output_;
  const std::optional<std::string>& explain_;
  GenerateResult& result_;
  size_t count_ = 0;
};

absl::Status Prepare(const GenerateRequest& request, DirectoryWorld* world) {
  if (request.world.has_value()) RETURN_IF_ERROR(world->Load(*request.world));
  for (const std::string& repository : request.repositories) {
    const size_t equals = repository.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--repo ", repository, ": expected URL=path"));
    }
    RETURN_IF_ERROR(
        world->AddRepository(repository.substr(0, equals), repository.substr(equals + 1)));
  }
  return absl::OkStatus();
}

}  // namespace

GenerateResult GenerateApplications(const GenerateRequest& request) {
  GenerateResult result;
  const auto fail = [&](int code, absl::string_view message) {
    absl::StrAppend(&result.err, "error: ", message, "\n");
    result.exit_code = code;
    return result;
  };
  const std::optional<Output> output = ParseOutput(request.output);
  if (!output.has_value()) {
    return fail(kUsage, absl::StrCat("-o ", request.output, ": expected yaml, json or name"));
  }
  const absl::StatusOr<std::string> text = ReadWhole(request.file);
  if (!text.ok()) return fail(kUsage, text.status().message());
  DirectoryWorld world;
  if (absl::Status status = Prepare(request, &world); !status.ok()) {
    return fail(kUsage, status.message());
  }
  const auto documents = yaml::ParseYamlStream(*text, request.file);
  if (!documents.ok()) return fail(kFailed, documents.status().message());
  Printer printer(*output, request.explain, &result);
  size_t sets = 0;
  for (const yaml::Document& document : *documents) {
    if (object::FindString(document.value, {"kind"}) != "ApplicationSet") continue;
    ++sets;
    const absl::StatusOr<generators::ApplicationSet> set =
        generators::ApplicationSet::Parse(document.value);
    if (!set.ok()) {
      fail(kFailed, absl::StrCat(request.file, ":", document.line, ": ", set.status().message()));
      continue;
    }
    const generators::ExpansionResult expansion = Expand(*set, world.world(), printer);
    for (const std::string& warning : expansion.warnings) {
      absl::StrAppend(&result.err, "warning: ", warning, "\n");
    }
  }
  if (sets == 0) return fail(kFailed, absl::StrCat(request.file, ": holds no ApplicationSet"));
  printer.Close();
  return result;
}

}  // namespace leidang::cli
