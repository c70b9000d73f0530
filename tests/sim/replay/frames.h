#pragma once

// What can be said about the bytes of a message of the link without knowing what it is for: whether
// this version knows all of it, and what it looks like with something added or changed. Pure.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace leidang::sim {

// The fields and values of enumerations of the link, one a line, sorted: "Ack.sequence 3 uint64".
// Fields of later versions are those that are not in an older list.
std::set<std::string> LinkSchema();

// What of `message` this version does not know: the path of the first unknown field; empty if none.
std::string FirstUnknown(const google::protobuf::Message& message);
// Adds fields that no version has, to it and to all messages in it.
void AddUnknown(google::protobuf::Message* message);
// Removes what a version with that schema did not have.
void DropLater(const std::set<std::string>& schema, google::protobuf::Message* message);

// Fields change numbers in one type of message, wherever it stands in `bytes`, which are of a
// `type`.
struct Renumbering {
  std::string type;  // Full name.
  std::map<int, int> numbers;
};
std::string Renumbered(const google::protobuf::Descriptor& type, absl::string_view bytes,
                       const Renumbering& renumbering);

// The types that messages of the link are made of.
std::vector<const google::protobuf::Descriptor*> LinkTypes();
// The (type, field) that stand in `message` somewhere.
void CollectFields(const google::protobuf::Message& message,
                   std::set<const google::protobuf::FieldDescriptor*>* fields);

}  // namespace leidang::sim
