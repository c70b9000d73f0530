// docs/formats/digest_vectors.json was made by another implementation of digest.md
// (docs/formats/make_digest_vectors.py).

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/intent/intent.h"
#include "common/object/value.h"
#include "common/proof/bucketed_digest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::proof {
namespace {

std::string Text(const object::Value& value, absl::string_view member) {
  return std::string(object::FindString(value, {member}));
}

uint64_t Number(const object::Value& value, absl::string_view member) {
  const object::Value* const found = object::Find(value, {member});
  return found == nullptr ? 0 : found->to_number<uint64_t>();
}

const object::Array& List(const object::Value& value, absl::string_view member) {
  return object::Find(value, {member})->as_array();
}

intent::Assignment ReadAssignment(const object::Value& entry) {
  intent::Assignment assignment;
  assignment.key = *intent::EntryKey::FromString(Text(entry, "key"));
  assignment.uid = *intent::Uid::FromHex(Text(entry, "uid"));
  assignment.body = Text(entry, "body");
  for (const object::Value& from : List(entry, "sources")) {
    intent::Source source;
    source.repo_url = Text(from, "repo_url");
    source.target_revision = Text(from, "target_revision");
    source.commit = Text(from, "commit");
    source.path = Text(from, "path");
    source.tool = static_cast<intent::Tool>(Number(from, "tool"));
    source.tree = *object::Sha256::FromHex(Text(from, "tree"));
    assignment.sources.push_back(source);
  }
  return assignment;
}

class DigestVectors : public ::testing::Test {
 protected:
  DigestVectors() {
    const absl::StatusOr<object::Value> read =
        object::ParseJson(::leidang::testing::ReadFile("docs/formats/digest_vectors.json"));
    EXPECT_OK(read);
    if (!read.ok()) return;
    vectors_ = *read;
    hub_ = *intent::HubId::FromHex(Text(vectors_, "hub_id"));
  }

  object::Value vectors_;
  intent::HubId hub_;
};

TEST_F(DigestVectors, UidsElementsAndBucketsAreThoseOfTheVectors) {
  ASSERT_TRUE(vectors_.is_object());
  for (const object::Value& entry : List(vectors_, "entries")) {
    const intent::Assignment assignment = ReadAssignment(entry);
    const std::string key = assignment.key.ToString();
    EXPECT_EQ(assignment.uid, intent::ComputeUid(hub_, assignment.key, Number(entry, "deletions")))
        << key;
    EXPECT_EQ(ElementOf(assignment).Hex(), Text(entry, "element")) << key;
    EXPECT_EQ(BucketOf(assignment.key), Number(entry, "bucket")) << key;
  }
}

TEST_F(DigestVectors, RootsAreThoseOfTheVectors) {
  ASSERT_TRUE(vectors_.is_object());
  const object::Array& entries = List(vectors_, "entries");
  for (const object::Value& set : List(vectors_, "sets")) {
    BucketedDigest digest;
    for (const object::Value& index : List(set, "entries")) {
      const intent::Assignment assignment = ReadAssignment(entries[index.to_number<uint64_t>()]);
      digest.Add(assignment.key, ElementOf(assignment));
    }
    EXPECT_EQ(digest.Root().Hex(), Text(set, "root")) << Text(set, "name");
  }
}

TEST_F(DigestVectors, ARootOverAllBucketsIsThatOfTheVectorsInAnyOrder) {
  ASSERT_TRUE(vectors_.is_object());
  BucketedDigest digest;
  for (int i = 599; i >= 0; --i) {
    intent::Assignment assignment;
    assignment.key = {intent::EntryKind::kApplication, absl::StrCat("leidang/app-", i)};
    assignment.uid = intent::ComputeUid(hub_, assignment.key, 0);
    assignment.body = "{}";
    digest.Add(assignment.key, ElementOf(assignment));
  }
  EXPECT_EQ(digest.Root().Hex(), Text(*object::Find(vectors_, {"many"}), "root"));
}

}  // namespace
}  // namespace leidang::proof
