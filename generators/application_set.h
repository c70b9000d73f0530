#pragma once

// What ApplicationSet::Parse makes of a set. Private to this room.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/object/value.h"
#include "generators/expand.h"
#include "generators/kinds/config.h"
#include "generators/params/text_template.h"

namespace leidang::generators {

struct ApplicationSet::Impl {
  std::string name;
  std::string ns;
  bool strict = false;
  TemplateMode mode;
  std::vector<Entry> generators;
  object::Value typed_template;  // Has passed ThroughType.
  std::string project;           // Of the template, as written.
  std::optional<std::string> template_patch;
  bool preserve_resources_on_deletion = false;
  std::optional<ApplicationsSync> applications_sync;
  std::vector<std::string> preserved_annotations;
  std::vector<std::string> preserved_labels;
  std::vector<IgnoreRule> ignore_rules;
  std::vector<std::string> warnings;
};

}  // namespace leidang::generators
