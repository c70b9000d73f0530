#include "common/yaml/decode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "common/object/number.h"
#include "common/yaml/scalar.h"

namespace leidang::yaml {
namespace {

using object::Array;
using object::Object;
using object::Value;

bool IsMergeKey(const Node& node) {
  return node.kind == Node::Kind::kScalar && node.value == "<<" &&
         ((node.plain && node.tag.empty()) || node.tag == kMergeTag);
}

// As Go's %#v prints what its reader makes of the node. Keys stand in the order of the text.
class GoSyntax {
 public:
  std::string Of(const Node& node) {
    if (node.kind == Node::Kind::kAlias) return node.target->expanding ? "" : Of(*node.target);
    if (node.kind == Node::Kind::kScalar) return OfScalar(node);
    const bool is_map = node.kind == Node::Kind::kMapping;
    std::string out = is_map ? "map[interface {}]interface {}{" : "[]interface {}{";
    for (size_t i = 0; i < node.children.size() && out.size() < kTextMax; ++i) {
      if (i > 0) out += is_map && i % 2 == 1 ? ":" : ", ";
      const std::string child = Of(*node.children[i]);
      out += child == "<nil>" ? "interface {}(nil)" : child;
    }
    return out + "}";
  }

 private:
  static constexpr size_t kTextMax = 4096;

  static std::string OfScalar(const Node& node) {
    Scalar scalar = {ScalarType::kString, node.value};
    if (node.plain && node.tag.empty()) scalar = ResolvePlain(node.value);
    if (std::holds_alternative<std::monostate>(scalar.value)) return "<nil>";
    if (const bool* b = std::get_if<bool>(&scalar.value)) return *b ? "true" : "false";
    if (const int64_t* i = std::get_if<int64_t>(&scalar.value)) return absl::StrCat(*i);
    if (const uint64_t* u = std::get_if<uint64_t>(&scalar.value)) {
      return absl::StrCat("0x", absl::Hex(*u));
    }
    if (const double* d = std::get_if<double>(&scalar.value)) return FormatFloatG(*d);
    std::string quoted;
    AppendJsonString(std::get<std::string>(scalar.value), quoted);
    return quoted;
  }
};

class Decoder {
 public:
  Decoder(absl::string_view file_name, const ParseOptions& options)
      : file_name_(file_name), options_(options) {}

  absl::StatusOr<Value> Decode(Node& node, size_t depth) {
    RETURN_IF_ERROR(Count(node, depth));
    switch (node.kind) {
      case Node::Kind::kScalar:
        return DecodeScalar(node);
      case Node::Kind::kSequence:
        return DecodeSequence(node, depth);
      case Node::Kind::kMapping: {
        Object object;
        RETURN_IF_ERROR(DecodeInto(node, depth, object));
        return Value(std::move(object));
      }
      case Node::Kind::kAlias:
        break;
    }
    RETURN_IF_ERROR(CheckNotInside(node));
    ++alias_depth_;
    auto value = Decode(*node.target, depth);
    --alias_depth_;
    return value;
  }

  // JSON has no infinity and no NaN: an error if one of them is left, in the order of keys.
  absl::Status CheckFinite(const Value& value) {
    if (std::all_of(not_finite_.begin(), not_finite_.end(),
                    [](const Node* node) { return node == nullptr; })) {
      return absl::OkStatus();
    }
    return CheckTree(value);
  }

 private:
  absl::Status CheckTree(const Value& value) {
    if (const Array* array = value.if_array()) {
      for (const Value& element : *array) RETURN_IF_ERROR(CheckTree(element));
    } else if (const Object* object = value.if_object()) {
      std::map<absl::string_view, const Value*> members;
      for (const auto& member : *object) {
        members[{member.key().data(), member.key().size()}] = &member.value();
      }
      for (const auto& [key, member] : members) RETURN_IF_ERROR(CheckTree(*member));
    } else if (const double* d = value.if_double(); d != nullptr && !std::isfinite(*d)) {
      const Node& node = *NotFinite(*d);
      return Error(node, absl::StrCat("JSON has no number for ", node.value,
                                      ": quote it if it is meant as text"));
    }
    return absl::OkStatus();
  }

  // Where each key of one map was written, to find the second.
  using Written = std::map<std::string, Mark>;

  absl::Status Error(const Node& node, absl::string_view what) const {
    return ErrorAt(file_name_, node.mark, what);
  }

  absl::Status GoError(const Node& node, absl::string_view what, absl::string_view in_go) const {
    absl::Status status = Error(node, what);
    status.SetPayload(kGoErrorText, absl::Cord(in_go));
    return status;
  }

  absl::Status Count(const Node& node, size_t depth) {
    if (alias_depth_ == 0) return absl::OkStatus();
    ++alias_nodes_;
    alias_bytes_ += node.value.size();
    if (alias_nodes_ > options_.limits.alias_nodes_max ||
        alias_bytes_ > options_.limits.alias_bytes_max) {
      return Error(node, absl::StrCat("the aliases of this document expand to more than ",
                                      options_.limits.alias_nodes_max, " nodes or ",
                                      options_.limits.alias_bytes_max, " bytes"));
    }
    if (depth > options_.limits.depth_max && node.kind != Node::Kind::kScalar) {
      return Error(node, absl::StrCat("more than ", options_.limits.depth_max,
                                      " levels of nesting, aliases expanded"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckNotInside(const Node& alias) const {
    if (!alias.target->expanding) return absl::OkStatus();
    return Error(alias, absl::StrCat("the anchor &", alias.value, " contains its own alias"));
  }

  absl::StatusOr<Value> DecodeSequence(Node& node, size_t depth) {
    node.expanding = true;
    Array array;
    array.reserve(node.children.size());
    for (Node* child : node.children) {
      ASSIGN_OR_RETURN(Value value, Decode(*child, depth + 1));
      array.push_back(std::move(value));
    }
    node.expanding = false;
    return Value(std::move(array));
  }

  // Sets the members of a mapping in `object`, over what is there.
  absl::Status DecodeInto(Node& node, size_t depth, Object& object) {
    node.expanding = true;
    Written written;
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      Node& key = *node.children[i];
      Node& member = *node.children[i + 1];
      if (IsMergeKey(key)) {
        RETURN_IF_ERROR(Merge(member, depth, object));
        continue;
      }
      ASSIGN_OR_RETURN(const std::string name, DecodeKey(key, member));
      ASSIGN_OR_RETURN(Value value, Decode(member, depth + 1));
      RETURN_IF_ERROR(CheckWrittenOnce(name, key, written));
      object.insert_or_assign(name, std::move(value));
    }
    node.expanding = false;
    return absl::OkStatus();
  }

  absl::Status CheckWrittenOnce(const std::string& name, const Node& key, Written& written) const {
    if (options_.duplicates == object::Duplicates::kLastWins) return absl::OkStatus();
    const auto [first, is_new] = written.emplace(name, key.mark);
    if (is_new) return absl::OkStatus();
    return Error(key, absl::StrCat("the key \"", name, "\" is there twice, first in line ",
                                   first->second.line));
  }

  absl::Status Merge(Node& node, size_t depth, Object& object) {
    if (node.kind != Node::Kind::kSequence) return MergeOne(node, depth, object);
    // From the back, as earlier ones take precedence.
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
      RETURN_IF_ERROR(MergeOne(**child, depth, object));
    }
    return absl::OkStatus();
  }

  absl::Status MergeOne(Node& node, size_t depth, Object& object) {
    Node& source = node.kind == Node::Kind::kAlias ? *node.target : node;
    if (source.kind != Node::Kind::kMapping) {
      return Error(node, "the merge key << wants a map or a list of maps");
    }
    if (&source == &node) return DecodeInto(node, depth, object);
    RETURN_IF_ERROR(CheckNotInside(node));
    ++alias_depth_;
    absl::Status status = Count(source, depth);
    if (status.ok()) status = DecodeInto(source, depth, object);
    --alias_depth_;
    return status;
  }

  absl::StatusOr<Scalar> Resolve(const Node& node) const {
    if (!node.tag.empty()) {
      auto scalar = ResolveTagged(node.tag, node.value);
      if (scalar.ok()) return scalar;
      return GoError(node, scalar.status().message(), GoTagError(node.tag, node.value));
    }
    if (node.plain) return ResolvePlain(node.value);
    return Scalar{ScalarType::kString, node.value};
  }

  absl::StatusOr<Value> DecodeScalar(const Node& node) {
    ASSIGN_OR_RETURN(const Scalar scalar, Resolve(node));
    if (std::holds_alternative<std::monostate>(scalar.value)) return Value(nullptr);
    if (const bool* b = std::get_if<bool>(&scalar.value)) return Value(*b);
    if (const int64_t* i = std::get_if<int64_t>(&scalar.value)) return Value(*i);
    if (const uint64_t* u = std::get_if<uint64_t>(&scalar.value)) return Value(*u);
    if (const double* d = std::get_if<double>(&scalar.value)) return NumberValue(node, *d);
    const std::string& text = std::get<std::string>(scalar.value);
    if (scalar.type == ScalarType::kBinary) return Value(ToUtf8(text));
    return Value(text);
  }

  // The first node with that kind of number which JSON does not have.
  const Node*& NotFinite(double d) { return not_finite_[std::isnan(d) ? 0 : d < 0 ? 1 : 2]; }

  // A double as it would come out of JSON: whole ones become integers.
  Value NumberValue(const Node& node, double d) {
    if (!std::isfinite(d)) {
      const Node*& first = NotFinite(d);
      if (first == nullptr) first = &node;
      return Value(d);
    }
    const std::string text = object::FormatFloat(d);
    const char* const end = text.data() + text.size();
    if (text == "-0") return Value(d);
    int64_t i = 0;
    if (auto r = std::from_chars(text.data(), end, i); r.ec == std::errc() && r.ptr == end) {
      return Value(i);
    }
    uint64_t u = 0;
    if (auto r = std::from_chars(text.data(), end, u); r.ec == std::errc() && r.ptr == end) {
      return Value(u);
    }
    return Value(d);
  }

  absl::StatusOr<std::string> DecodeKey(const Node& node, const Node& member) const {
    const Node& key = node.kind == Node::Kind::kAlias ? *node.target : node;
    if (key.kind != Node::Kind::kScalar) {
      return GoError(
          node,
          "a map or a list cannot be a key: quote text that begins with { or [, such as a template",
          absl::StrCat("yaml: invalid map key: ", GoSyntax().Of(key)));
    }
    ASSIGN_OR_RETURN(const Scalar scalar, Resolve(key));
    if (const bool* b = std::get_if<bool>(&scalar.value)) return *b ? "true" : "false";
    if (const int64_t* i = std::get_if<int64_t>(&scalar.value)) return absl::StrCat(*i);
    // Go prints float keys with the precision of a 32-bit float.
    if (const double* d = std::get_if<double>(&scalar.value)) {
      return FormatFloatG(static_cast<float>(*d));
    }
    if (const std::string* text = std::get_if<std::string>(&scalar.value)) {
      return scalar.type == ScalarType::kBinary ? ToUtf8(*text) : *text;
    }
    if (scalar.type == ScalarType::kNull) {
      return GoError(node, "a key cannot be null: quote it",
                     absl::StrCat("unsupported map key of type: %!s(<nil>), key: <nil>, value: ",
                                  GoSyntax().Of(member)));
    }
    return GoError(node, absl::StrCat("the key ", key.value, " is too large a number: quote it"),
                   absl::StrCat("unsupported map key of type: uint64, key: ", GoSyntax().Of(key),
                                ", value: ", GoSyntax().Of(member)));
  }

  const absl::string_view file_name_;
  const ParseOptions& options_;
  std::array<const Node*, 3> not_finite_ = {};
  size_t alias_depth_ = 0;
  size_t alias_nodes_ = 0;
  size_t alias_bytes_ = 0;
};

}  // namespace

absl::StatusOr<Value> Decode(Node& root, absl::string_view file_name, const ParseOptions& options) {
  Decoder decoder(file_name, options);
  ASSIGN_OR_RETURN(Value value, decoder.Decode(root, 1));
  RETURN_IF_ERROR(decoder.CheckFinite(value));
  return value;
}

}  // namespace leidang::yaml
