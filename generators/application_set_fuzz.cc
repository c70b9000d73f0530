// YAML of an ApplicationSet, expanded against a small world.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "generators/reconciling/jq_path.h"
#include "generators/testing_world.h"

namespace leidang::generators {
namespace {

class Ignore final : public Sink {
 public:
  void OnApplication(const GeneratedApplication& application) override {
    (void)application.Manifest();
    (void)application.Explain();
  }
  void OnError(const ParameterSetError& error) override { (void)error.ToString(); }
};

void Run(absl::string_view text) {
  const absl::StatusOr<object::Value> manifest = yaml::ParseYaml(text, "fuzz");
  if (!manifest.ok()) return;
  const absl::StatusOr<ApplicationSet> set = ApplicationSet::Parse(*manifest);
  if (!set.ok()) return;
  for (const IgnoreRule& rule : set->ignore_application_differences()) {
    for (const std::string& e : rule.jq_path_expressions) {
      if (const auto path = JqPath::Compile(e); path.ok()) (void)path->Delete(*manifest);
    }
  }
  FakeWorld fake;
  fake.AddCluster("a", {{"env", "prod"}});
  fake.AddCluster("b");
  fake.git.tree = std::make_shared<FakeTree>(std::map<std::string, std::string>{
      {"apps/x/c.yaml", "name: x\nlist: [1, {a: b}]\n"}, {"apps/y/c.json", "[{\"name\":\"y\"}]"}});
  Ignore sink;
  ExpandOptions options;
  options.limits.parameter_sets_max = 100;
  options.limits.steps_max = 10'000;
  options.limits.rendered_bytes_max = 1 << 14;
  (void)Expand(*set, fake.world, sink, options);
}

}  // namespace
}  // namespace leidang::generators

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leidang::generators::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
