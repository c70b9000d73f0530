#include "generators/application/skeleton.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "generators/reconcile.h"

namespace leidang::generators {

namespace {

using object::FindString;
using object::Value;

absl::string_view View(const boost::json::string_view& s) { return {s.data(), s.size()}; }
absl::string_view View(const boost::json::string& s) { return {s.data(), s.size()}; }

std::string Quoted(absl::string_view text) {
  std::string out;
  AppendJsonString(ToUtf8(text), out);
  return out;
}

// A template may cut a character in two; what is written is text all the same.
void MakeUtf8(std::string* text) {
  const bool ascii = std::all_of(text->begin(), text->end(), [](char c) { return c >= 0; });
  if (!ascii && !IsUtf8(*text)) *text = ToUtf8(*text);
}

// Go reads raw JSON's numbers as float64 before it writes them again.
Value AsFloat(const Value& number) {
  if (number.is_int64()) return static_cast<double>(number.get_int64());
  if (number.is_uint64()) return static_cast<double>(number.get_uint64());
  return number;
}

}  // namespace

// Lays a template out. Every element writes a comma behind itself, which the closing of what holds
// it takes back.
class SkeletonWriter {
 public:
  using Fact = ApplicationTemplate::Fact;
  using Op = ApplicationTemplate::Op;
  using Ops = ApplicationTemplate::Ops;

  SkeletonWriter(ApplicationTemplate* target, TemplateCache* cache)
      : target_(target), cache_(cache) {}

  void Application(const Value& typed, const ApplicationFrame& frame) {
    Ops& ops = target_->ops_;
    Bytes(ops, R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{)");
    const Value& metadata = *object::Find(typed, {"metadata"});
    Value with_finalizer = metadata;
    if (object::Find(metadata, {"finalizers"}) == nullptr &&
        frame.finalizer == DefaultFinalizer::kYes) {
      with_finalizer.get_object()["finalizers"] = object::Array{kResourcesFinalizer};
    }
    // The namespace is the set's, whatever the template says.
    for (const FieldType& field : TemplateType().Find("metadata")->type->fields) {
      if (field.name == "namespace") {
        Unseen(ops, FindString(metadata, {"namespace"}),
               absl::StrCat(frame.path, ".metadata.namespace"), field);
        Bytes(ops, absl::StrCat("\"namespace\":", Quoted(frame.ns), ","));
        continue;
      }
      const Fact fact = field.name == "name" ? Fact::kName : Fact::kNone;
      order_ = {0};
      Field(ops, with_finalizer, field, absl::StrCat(frame.path, ".metadata"), fact);
    }
    Close(ops, "}");
    Bytes(ops, "\"spec\":");
    const FieldType& spec = *TemplateType().Find("spec");
    order_ = {1};
    Struct(ops, *object::Find(typed, {"spec"}), *spec.type, absl::StrCat(frame.path, ".spec"));
    Close(ops, "}");
    std::stable_sort(target_->turns_.begin(), target_->turns_.end(),
                     [](const auto& a, const auto& b) { return a.order < b.order; });
  }

 private:
  static void Bytes(Ops& ops, absl::string_view bytes) {
    if (ops.empty() || ops.back().kind != Op::Kind::kBytes) ops.emplace_back();
    absl::StrAppend(&ops.back().bytes, bytes);
  }

  static void Close(Ops& ops, absl::string_view bracket) {
    if (!ops.empty() && ops.back().kind == Op::Kind::kBytes && !ops.back().bytes.empty()) {
      std::string& bytes = ops.back().bytes;
      if (bytes.back() == ',') bytes.pop_back();
      // An opening bracket of its own may stand before a hole that is left out: then this one
      // follows bytes that are not part of it, and the last byte tells.
      absl::StrAppend(&bytes, bracket, ",");
      return;
    }
    Op op;
    op.kind = Op::Kind::kClose;
    op.bytes = std::string(bracket);
    ops.push_back(std::move(op));
  }

  // `key` is the quoted key with its colon, or nothing in a list.
  void Text(Ops& ops, absl::string_view key, absl::string_view text, bool omit_empty,
            const std::string& field, Fact fact = Fact::kNone) {
    std::shared_ptr<const TextTemplate> compiled = cache_->Get(text);
    if (compiled->is_literal()) {
      if (std::string* slot = ApplicationTemplate::Slot(fact, &target_->constant_)) {
        *slot = compiled->literal();
      }
      if (omit_empty && compiled->literal().empty()) return;
      Bytes(ops, absl::StrCat(key, Quoted(compiled->literal()), ","));
      return;
    }
    Note(*compiled);
    target_->texts_.emplace_back(field, compiled);
    Op op;
    op.kind = Op::Kind::kText;
    op.slot = Queue(compiled, field);
    op.bytes = std::string(key);
    op.omit_empty = omit_empty;
    op.fact = fact;
    op.text = std::move(compiled);
    op.field = field;
    ops.push_back(std::move(op));
  }

  void Unseen(Ops& ops, absl::string_view text, const std::string& path, const FieldType& field) {
    std::shared_ptr<const TextTemplate> compiled = cache_->Get(text);
    if (compiled->is_literal()) return;
    Note(*compiled);
    order_ = {0, field.order};
    Op op;
    op.kind = Op::Kind::kUnseen;
    op.slot = Queue(compiled, path);
    op.text = std::move(compiled);
    op.field = path;
    ops.push_back(std::move(op));
  }

  // A text in its turn; gives its slot.
  size_t Queue(std::shared_ptr<const TextTemplate> text, const std::string& field) {
    const size_t slot = target_->turns_.size();
    target_->turns_.push_back({order_, slot, std::move(text), field, in_raw_json_});
    return slot;
  }

  void Struct(Ops& ops, const Value& value, const StructType& type, const std::string& path) {
    Bytes(ops, "{");
    for (const FieldType& field : type.fields) Field(ops, value, field, path, FactOf(type, field));
    Close(ops, "}");
  }

  static Fact FactOf(const StructType& type, const FieldType& field) {
    if (type.name == "ApplicationSpec" && field.name == "project") return Fact::kProject;
    if (type.name != "ApplicationDestination") return Fact::kNone;
    if (field.name == "server") return Fact::kServer;
    return field.name == "name" ? Fact::kCluster : Fact::kNamespace;
  }

  void Field(Ops& ops, const Value& parent, const FieldType& field, const std::string& parent_path,
             Fact fact) {
    const Value* value = object::Find(parent, {field.name});
    if (value == nullptr) return;
    order_.push_back(field.order);
    Present(ops, *value, field, parent_path, fact);
    order_.pop_back();
  }

  void Present(Ops& ops, const Value& present, const FieldType& field,
               const std::string& parent_path, Fact fact) {
    const Value* const value = &present;
    const std::string path = absl::StrCat(parent_path, ".", field.name);
    const std::string key = absl::StrCat(Quoted(field.name), ":");
    if (value->is_string() && field.shape != Shape::kRaw) {
      const bool omit = field.empty == Empty::kOmitted;
      Text(ops, key, View(value->get_string()), omit, path, fact);
      return;
    }
    Bytes(ops, key);
    switch (field.shape) {
      case Shape::kStruct:
        Struct(ops, *value, *field.type, path);
        break;
      case Shape::kStructList: {
        Bytes(ops, "[");
        size_t i = 0;
        for (const Value& item : value->get_array()) {
          order_.push_back(i);
          Struct(ops, item, *field.type, absl::StrCat(path, "[", i++, "]"));
          order_.pop_back();
        }
        Close(ops, "]");
        break;
      }
      case Shape::kRaw:
        in_raw_json_ = true;
        Any(ops, *value, path);
        in_raw_json_ = false;
        break;
      default:
        Any(ops, *value, path);
    }
  }

  // A list of text, a map, or raw JSON: all are walked alike.
  void Any(Ops& ops, const Value& value, const std::string& path) {
    if (value.is_string()) {
      Text(ops, "", View(value.get_string()), false, path);
    } else if (value.is_array()) {
      Bytes(ops, "[");
      size_t i = 0;
      for (const Value& item : value.get_array()) {
        order_.push_back(i);
        Any(ops, item, absl::StrCat(path, "[", i++, "]"));
        order_.pop_back();
      }
      Close(ops, "]");
    } else if (value.is_object()) {
      Object(ops, value.get_object(), path);
    } else {
      Bytes(ops, absl::StrCat(object::CanonicalJson(AsFloat(value)), ","));
    }
  }

  void Object(Ops& ops, const object::Object& value, const std::string& path) {
    std::map<std::string, const Value*> literal;
    bool templated = false;
    for (const auto& [raw_key, item] : value) {
      if (item.is_null()) continue;
      const std::shared_ptr<const TextTemplate> key = cache_->Get(View(raw_key));
      templated = templated || !key->is_literal();
      if (key->is_literal()) literal[key->literal()] = &item;
    }
    if (templated) {
      Members(ops, value, path);
      return;
    }
    Bytes(ops, "{");
    size_t i = 0;
    for (const auto& [key, item] : literal) {
      order_.push_back(i++);
      const std::string at = absl::StrCat(path, ".", key);
      const std::string quoted = absl::StrCat(Quoted(key), ":");
      if (item->is_string()) {
        Text(ops, quoted, View(item->get_string()), false, at);
      } else {
        Bytes(ops, quoted);
        Any(ops, *item, at);
      }
      order_.pop_back();
    }
    Close(ops, "}");
  }

  void Members(Ops& ops, const object::Object& value, const std::string& path) {
    Op op;
    op.kind = Op::Kind::kMembers;
    op.field = path;
    size_t i = 0;
    for (const auto& [raw_key, item] : value) {
      if (item.is_null()) continue;
      // A member's value comes before its key.
      order_.push_back(2 * i + 1);
      ApplicationTemplate::Member member;
      member.key = cache_->Get(View(raw_key));
      member.field = absl::StrCat(path, "[", View(raw_key), "]");
      if (!member.key->is_literal()) target_->texts_.emplace_back(member.field, member.key);
      Note(*member.key);
      member.slot = Queue(member.key, member.field);
      order_.back() = 2 * i++;
      Any(member.value, item, absl::StrCat(path, ".", View(raw_key)));
      order_.pop_back();
      op.members.push_back(std::move(member));
    }
    ops.push_back(std::move(op));
  }

  void Note(const TextTemplate& text) {
    target_->may_mutate_ = target_->may_mutate_ || text.may_mutate();
    target_->draws_ = target_->draws_ || text.draws();
  }

  ApplicationTemplate* const target_;
  TemplateCache* const cache_;
  std::vector<size_t> order_;
  bool in_raw_json_ = false;
};

void RenderedApplication::Clear() {
  json.clear();
  name.clear();
  project.clear();
  server.clear();
  cluster.clear();
  destination_namespace.clear();
}

std::string* ApplicationTemplate::Slot(Fact fact, RenderedApplication* out) {
  switch (fact) {
    case Fact::kName:
      return &out->name;
    case Fact::kProject:
      return &out->project;
    case Fact::kServer:
      return &out->server;
    case Fact::kCluster:
      return &out->cluster;
    case Fact::kNamespace:
      return &out->destination_namespace;
    case Fact::kNone:
      break;
  }
  return nullptr;
}

ApplicationTemplate::ApplicationTemplate(const Value& typed, const ApplicationFrame& frame,
                                         TemplateCache* cache) {
  SkeletonWriter(this, cache).Application(typed, frame);
  Value raw = typed;
  raw.get_object()["apiVersion"] = "argoproj.io/v1alpha1";
  raw.get_object()["kind"] = "Application";
  raw.get_object()["metadata"].get_object()["namespace"] = frame.ns;
  unrendered_.json = object::CanonicalJson(raw);
  ReadFacts(raw, &unrendered_);
}

absl::Status ApplicationTemplate::Render(const TValue& params, RenderContext* context,
                                         RenderedApplication* out,
                                         std::string* failed_field) const {
  out->json.clear();
  out->name = constant_.name;
  out->project = constant_.project;
  out->server = constant_.server;
  out->cluster = constant_.cluster;
  out->destination_namespace = constant_.destination_namespace;
  // Where a text changes what the texts behind it see, all of them wait for their turn.
  std::vector<std::string> texts;
  if (may_mutate_) RETURN_IF_ERROR(RenderInTurn(params, context, &texts, failed_field));
  Rendering rendering{params, context, out, may_mutate_ ? &texts : nullptr, ""};
  if (absl::Status status = Run(ops_, &rendering, &out->json); !status.ok()) {
    // Of several that fail, the one whose turn comes first is told of.
    RETURN_IF_ERROR(RenderInTurn(params, context, &texts, failed_field));
    return status;
  }
  out->json.pop_back();  // The comma behind the whole.
  return absl::OkStatus();
}

absl::Status ApplicationTemplate::RenderInTurn(const TValue& params, RenderContext* context,
                                               std::vector<std::string>* texts,
                                               std::string* failed_field) const {
  texts->assign(turns_.size(), "");
  for (const Turn& turn : turns_) {
    const absl::Status status = turn.text->Render(params, context, &(*texts)[turn.slot]);
    if (status.ok()) continue;
    *failed_field = turn.field;
    if (!turn.in_raw_json) return status;
    return absl::Status(
        status.code(),
        absl::StrCat("failed to deeply replace JSON field contents: ", status.message()));
  }
  return absl::OkStatus();
}

// Leaves the text in the scratch.
absl::Status ApplicationTemplate::RunText(const TextTemplate& text, size_t slot,
                                          Rendering* rendering) const {
  if (rendering->texts != nullptr) {
    rendering->scratch = (*rendering->texts)[slot];
    return absl::OkStatus();
  }
  rendering->scratch.clear();
  return text.Render(rendering->params, rendering->context, &rendering->scratch);
}

absl::Status ApplicationTemplate::Run(const Ops& ops, Rendering* rendering,
                                      std::string* json) const {
  std::string& scratch = rendering->scratch;
  for (const Op& op : ops) {
    switch (op.kind) {
      case Op::Kind::kBytes:
        json->append(op.bytes);
        break;
      case Op::Kind::kClose:
        if (json->back() == ',') json->pop_back();
        json->append(op.bytes);
        json->push_back(',');
        break;
      case Op::Kind::kMembers:
        RETURN_IF_ERROR(RunMembers(op, rendering, json));
        break;
      case Op::Kind::kUnseen:
        RETURN_IF_ERROR(RunText(*op.text, op.slot, rendering));
        break;
      case Op::Kind::kText: {
        RETURN_IF_ERROR(RunText(*op.text, op.slot, rendering));
        MakeUtf8(&scratch);
        if (std::string* slot = Slot(op.fact, rendering->out)) slot->assign(scratch);
        if (op.omit_empty && scratch.empty()) break;
        json->append(op.bytes);
        AppendJsonString(scratch, *json);
        json->push_back(',');
        break;
      }
    }
  }
  return absl::OkStatus();
}

// Of two keys that render to the same the one that is written later counts.
absl::Status ApplicationTemplate::RunMembers(const Op& op, Rendering* rendering,
                                             std::string* json) const {
  std::map<std::string, std::string> members;
  for (const Member& member : op.members) {
    std::string value;
    RETURN_IF_ERROR(Run(member.value, rendering, &value));
    RETURN_IF_ERROR(RunText(*member.key, member.slot, rendering));
    members[ToUtf8(rendering->scratch)] = std::move(value);
  }
  json->push_back('{');
  for (const auto& [key, value] : members) {
    AppendJsonString(key, *json);
    json->push_back(':');
    json->append(value);
  }
  if (json->back() == ',') json->pop_back();
  json->append("},");
  return absl::OkStatus();
}

std::vector<RenderedField> ApplicationTemplate::Explain(const TValue& params,
                                                        RenderContext* context) const {
  std::vector<RenderedField> out;
  for (const auto& [field, text] : texts_) {
    RenderedField rendered{field, text->text(), ""};
    if (absl::Status status = text->Render(params, context, &rendered.rendered); !status.ok()) {
      rendered.rendered = std::string(status.message());
    }
    out.push_back(std::move(rendered));
  }
  return out;
}

void ReadFacts(const Value& application, RenderedApplication* out) {
  using object::FindString;
  const auto read = [&](std::initializer_list<absl::string_view> path) {
    return std::string(FindString(application, path));
  };
  out->name = read({"metadata", "name"});
  out->project = read({"spec", "project"});
  out->server = read({"spec", "destination", "server"});
  out->cluster = read({"spec", "destination", "name"});
  out->destination_namespace = read({"spec", "destination", "namespace"});
}

}  // namespace leidang::generators
