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
        Bytes(ops, absl::StrCat("\"namespace\":", Quoted(frame.ns), ","));
        continue;
      }
      const Fact fact = field.name == "name" ? Fact::kName : Fact::kNone;
      Field(ops, with_finalizer, field, absl::StrCat(frame.path, ".metadata"), fact);
    }
    Close(ops, "}");
    Bytes(ops, "\"spec\":");
    const FieldType& spec = *TemplateType().Find("spec");
    Struct(ops, *object::Find(typed, {"spec"}), *spec.type, absl::StrCat(frame.path, ".spec"));
    Close(ops, "}");
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
    op.bytes = std::string(key);
    op.omit_empty = omit_empty;
    op.fact = fact;
    op.text = std::move(compiled);
    op.field = field;
    ops.push_back(std::move(op));
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
          Struct(ops, item, *field.type, absl::StrCat(path, "[", i++, "]"));
        }
        Close(ops, "]");
        break;
      }
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
      for (const Value& item : value.get_array()) Any(ops, item, absl::StrCat(path, "[", i++, "]"));
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
    for (const auto& [key, item] : literal) {
      const std::string at = absl::StrCat(path, ".", key);
      const std::string quoted = absl::StrCat(Quoted(key), ":");
      if (item->is_string()) {
        Text(ops, quoted, View(item->get_string()), false, at);
      } else {
        Bytes(ops, quoted);
        Any(ops, *item, at);
      }
    }
    Close(ops, "}");
  }

  void Members(Ops& ops, const object::Object& value, const std::string& path) {
    Op op;
    op.kind = Op::Kind::kMembers;
    op.field = path;
    for (const auto& [raw_key, item] : value) {
      if (item.is_null()) continue;
      ApplicationTemplate::Member member;
      member.key = cache_->Get(View(raw_key));
      member.field = absl::StrCat(path, "[", View(raw_key), "]");
      if (!member.key->is_literal()) target_->texts_.emplace_back(member.field, member.key);
      Note(*member.key);
      Any(member.value, item, absl::StrCat(path, ".", View(raw_key)));
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
  std::string scratch;
  RETURN_IF_ERROR(Run(ops_, params, context, &scratch, out, &out->json, failed_field));
  out->json.pop_back();  // The comma behind the whole.
  return absl::OkStatus();
}

absl::Status ApplicationTemplate::Run(const Ops& ops, const TValue& params, RenderContext* context,
                                      std::string* scratch, RenderedApplication* out,
                                      std::string* json, std::string* failed_field) const {
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
        RETURN_IF_ERROR(RunMembers(op, params, context, out, json, failed_field));
        break;
      case Op::Kind::kText: {
        scratch->clear();
        if (absl::Status status = op.text->Render(params, context, scratch); !status.ok()) {
          *failed_field = op.field;
          return status;
        }
        MakeUtf8(scratch);
        if (std::string* slot = Slot(op.fact, out)) slot->assign(*scratch);
        if (op.omit_empty && scratch->empty()) break;
        json->append(op.bytes);
        AppendJsonString(*scratch, *json);
        json->push_back(',');
        break;
      }
    }
  }
  return absl::OkStatus();
}

// Of two keys that render to the same the one that is written later counts.
absl::Status ApplicationTemplate::RunMembers(const Op& op, const TValue& params,
                                             RenderContext* context, RenderedApplication* out,
                                             std::string* json, std::string* failed_field) const {
  std::map<std::string, std::string> members;
  std::string scratch;
  for (const Member& member : op.members) {
    std::string value;
    RETURN_IF_ERROR(Run(member.value, params, context, &scratch, out, &value, failed_field));
    std::string key;
    if (absl::Status status = member.key->Render(params, context, &key); !status.ok()) {
      *failed_field = member.field;
      return status;
    }
    members[ToUtf8(key)] = std::move(value);
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
