#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "generators/kinds/evaluation.h"

namespace leidang::generators {

namespace {

using object::Array;
using object::Object;
using object::Value;

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }
absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

bool IsMissingKey(const absl::Status& status) {
  return absl::StrContains(status.message(), "map has no entry for key") ||
         absl::StrContains(status.message(), "can't evaluate field");
}

}  // namespace

absl::StatusOr<std::string> Interpolation::OfText(absl::string_view text) {
  std::string out;
  RETURN_IF_ERROR(texts_.Get(text)->Render(params_, &context_, &out));
  return out;
}

// Null members vanish, as they do in Argo CD's walk.
absl::StatusOr<Value> Interpolation::OfAny(const Value& value) {
  if (value.is_string()) {
    ASSIGN_OR_RETURN(const std::string text, OfText(View(value.get_string())));
    return Value(text);
  }
  if (value.is_array()) {
    Array out;
    for (const Value& item : value.get_array()) {
      ASSIGN_OR_RETURN(Value one, OfAny(item));
      out.push_back(std::move(one));
    }
    return Value(std::move(out));
  }
  if (!value.is_object()) return value;
  Object out;
  for (const auto& [key, item] : value.get_object()) {
    if (item.is_null()) continue;
    ASSIGN_OR_RETURN(Value one, OfAny(item));
    ASSIGN_OR_RETURN(const std::string name, OfText(View(key)));
    out[name] = std::move(one);
  }
  return Value(std::move(out));
}

// User constants may wait for the generator's own parameters: a text with a key that is not there
// yet stays.
absl::StatusOr<Value> Interpolation::OfValues(const Value& values) {
  if (!values.is_object()) return values;
  Object out;
  for (const auto& [key, item] : values.get_object()) {
    out[key] = item;
    if (!item.is_string()) continue;
    std::string text;
    const absl::Status status =
        strict_texts_.Get(View(item.get_string()))->Render(params_, &context_, &text);
    if (status.ok()) {
      out[key] = text;
    } else if (!IsMissingKey(status)) {
      return absl::Status(status.code(), absl::StrCat("failed to pre-resolve Values key \"",
                                                      View(key), "\": ", status.message()));
    }
  }
  return Value(std::move(out));
}

absl::StatusOr<Value> Interpolation::OfBody(absl::string_view kind, const Value& body) {
  const bool nests = kind == "matrix" || kind == "merge";
  Object out;
  for (const auto& [key, item] : body.get_object()) {
    absl::StatusOr<Value> one;
    if ((kind == "list" && key == "elements") || (kind == "plugin" && key == "input")) {
      one = OfAny(item);
      if (!one.ok()) {
        return absl::Status(
            one.status().code(),
            absl::StrCat("failed to deeply replace JSON field contents: ", one.status().message()));
      }
    } else if (key == "values" && kind != "list" && !nests) {
      one = OfValues(item);
    } else if (key == "generators" && nests && item.is_array()) {
      Array children;
      for (const Value& child : item.get_array()) {
        ASSIGN_OR_RETURN(Value interpolated, OfEntry(child));
        children.push_back(std::move(interpolated));
      }
      one = Value(std::move(children));
    } else {
      one = OfAny(item);
    }
    if (!one.ok()) return one.status();
    out[key] = *std::move(one);
  }
  return Value(std::move(out));
}

absl::StatusOr<Value> Interpolation::OfEntry(const Value& entry) {
  if (!entry.is_object()) return entry;
  Object out;
  for (const auto& [key, item] : entry.get_object()) {
    const std::vector<absl::string_view>& kinds = KnownKinds();
    const bool generator = std::find(kinds.begin(), kinds.end(), View(key)) != kinds.end();
    if (generator && item.is_object()) {
      ASSIGN_OR_RETURN(out[key], OfBody(View(key), item));
    } else if (key == "selector") {
      // A child's own post-selector is read as it is written, but its texts must render.
      ASSIGN_OR_RETURN(const Value rendered, OfAny(item));
      out[key] = rendered;
    }
  }
  return Value(std::move(out));
}

}  // namespace leidang::generators
