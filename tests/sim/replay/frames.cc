#include "tests/sim/replay/frames.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/unknown_field_set.h"
#include "google/protobuf/wire_format_lite.h"

#include "leidang/v1/link.pb.h"

namespace leidang::sim {
namespace {

namespace pb = ::google::protobuf;
using Wire = pb::internal::WireFormatLite;

constexpr int kNoField = 12'345;  // Of a version that there will not be.

std::string LineOf(const pb::FieldDescriptor& field) {
  std::string line = absl::StrCat(field.containing_type()->full_name(), ".", field.name(), " ",
                                  field.number(), " ", field.type_name());
  if (field.is_repeated()) absl::StrAppend(&line, " repeated");
  if (field.message_type() != nullptr)
    absl::StrAppend(&line, " ", field.message_type()->full_name());
  return line;
}

// Runs `fn` for each message that stands directly in `message`.
template <typename Fn>
void ForEachPart(pb::Message* message, const Fn& fn) {
  const pb::Reflection& reflection = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> set;
  reflection.ListFields(*message, &set);
  for (const pb::FieldDescriptor* field : set) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      fn(*field, reflection.MutableMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(*message, field); ++i)
      fn(*field, reflection.MutableRepeatedMessage(message, field, i));
  }
}

void CopyField(const pb::Descriptor& type, uint32_t tag, const Renumbering& renumbering,
               pb::io::CodedInputStream* in, pb::io::CodedOutputStream* out) {
  const int number = Wire::GetTagFieldNumber(tag);
  int written = number;
  if (const auto other = renumbering.numbers.find(number);
      type.full_name() == renumbering.type && other != renumbering.numbers.end())
    written = other->second;
  const Wire::WireType wire = Wire::GetTagWireType(tag);
  out->WriteTag(Wire::MakeTag(written, wire));
  uint64_t varint = 0;
  uint32_t length = 0;
  std::string bytes;
  if (wire == Wire::WIRETYPE_VARINT && in->ReadVarint64(&varint)) {
    out->WriteVarint64(varint);
  } else if (wire == Wire::WIRETYPE_LENGTH_DELIMITED && in->ReadVarint32(&length) &&
             in->ReadString(&bytes, static_cast<int>(length))) {
    const pb::FieldDescriptor* const field = type.FindFieldByNumber(number);
    if (field != nullptr && field->message_type() != nullptr)
      bytes = Renumbered(*field->message_type(), bytes, renumbering);
    out->WriteVarint32(static_cast<uint32_t>(bytes.size()));
    out->WriteString(bytes);
  }
}

}  // namespace

std::vector<const pb::Descriptor*> LinkTypes() {
  const pb::FileDescriptor& file = *v1::Hello::descriptor()->file();
  std::vector<const pb::Descriptor*> types;
  for (int i = 0; i < file.message_type_count(); ++i) types.push_back(file.message_type(i));
  return types;
}

std::set<std::string> LinkSchema() {
  std::set<std::string> schema;
  for (const pb::Descriptor* type : LinkTypes()) {
    for (int i = 0; i < type->field_count(); ++i) schema.insert(LineOf(*type->field(i)));
    for (int i = 0; i < type->enum_type_count(); ++i) {
      const pb::EnumDescriptor& list = *type->enum_type(i);
      for (int k = 0; k < list.value_count(); ++k) {
        schema.insert(absl::StrCat(list.full_name(), ".", list.value(k)->name(), " ",
                                   list.value(k)->number(), " value"));
      }
    }
  }
  return schema;
}

std::string FirstUnknown(const pb::Message& message) {
  const pb::UnknownFieldSet& unknown = message.GetReflection()->GetUnknownFields(message);
  if (!unknown.empty())
    return absl::StrCat(message.GetDescriptor()->name(), ".", unknown.field(0).number());
  std::string found;
  // Nothing is changed through it.
  ForEachPart(const_cast<pb::Message*>(&message),
              [&](const pb::FieldDescriptor&, pb::Message* part) {
                if (found.empty()) found = FirstUnknown(*part);
              });
  return found;
}

void AddUnknown(pb::Message* message) {
  pb::UnknownFieldSet* const unknown = message->GetReflection()->MutableUnknownFields(message);
  unknown->AddVarint(kNoField, 7);
  unknown->AddLengthDelimited(kNoField + 1, "of a later version");
  ForEachPart(message, [](const pb::FieldDescriptor& field, pb::Message* part) {
    // What is not of the link, such as a time, has no later version.
    if (field.message_type()->file() == v1::Hello::descriptor()->file()) AddUnknown(part);
  });
}

void DropLater(const std::set<std::string>& schema, pb::Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> set;
  reflection.ListFields(*message, &set);
  for (const pb::FieldDescriptor* field : set) {
    if (field->file() == v1::Hello::descriptor()->file() && !schema.contains(LineOf(*field)))
      reflection.ClearField(message, field);
  }
  ForEachPart(message,
              [&](const pb::FieldDescriptor&, pb::Message* part) { DropLater(schema, part); });
}

std::string Renumbered(const pb::Descriptor& type, absl::string_view bytes,
                       const Renumbering& renumbering) {
  std::string written;
  {
    pb::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                static_cast<int>(bytes.size()));
    pb::io::StringOutputStream sink(&written);
    pb::io::CodedOutputStream out(&sink);
    for (uint32_t tag = in.ReadTag(); tag != 0; tag = in.ReadTag())
      CopyField(type, tag, renumbering, &in, &out);
  }
  return written;
}

void CollectFields(const pb::Message& message, std::set<const pb::FieldDescriptor*>* fields) {
  std::vector<const pb::FieldDescriptor*> set;
  message.GetReflection()->ListFields(message, &set);
  for (const pb::FieldDescriptor* field : set) {
    if (field->file() == v1::Hello::descriptor()->file()) fields->insert(field);
  }
  ForEachPart(const_cast<pb::Message*>(&message),
              [&](const pb::FieldDescriptor&, pb::Message* part) { CollectFields(*part, fields); });
}

}  // namespace leidang::sim
