// Replays the conformance vectors of this room: what Argo CD's own code did with each input.

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "generators/template/fasttemplate.h"
#include "generators/template/normalize.h"
#include "generators/template/template.h"
#include "generators/template/testing.h"

namespace leidang::generators {
namespace {

std::vector<object::Value> Vectors(const std::string& file) {
  std::ifstream in("tests/conformance/vectors/" + file);
  std::vector<object::Value> vectors;
  for (std::string line; std::getline(in, line);) {
    absl::StatusOr<object::Value> vector = object::ParseJson(line);
    if (vector.ok())
      vectors.push_back(*std::move(vector));
    else
      ADD_FAILURE() << file << ": " << vector.status();
  }
  EXPECT_FALSE(vectors.empty()) << file;
  return vectors;
}

std::string Text(const object::Value& vector, absl::string_view key) {
  return std::string(object::FindString(vector, {key}));
}

struct Expected {
  bool error = false;
  bool panic = false;
  std::string text;
};

Expected Read(const object::Value& vector) {
  Expected expected;
  expected.error = object::Find(vector, {"error"}) != nullptr;
  expected.panic = object::Find(vector, {"panic"}) != nullptr;
  if (expected.error) {
    expected.text = Text(vector, "error");
  } else if (object::Find(vector, {"outputBase64"}) != nullptr) {
    absl::Base64Unescape(Text(vector, "outputBase64"), &expected.text);
  } else {
    expected.text = Text(vector, "output");
  }
  return expected;
}

// Compares, and counts error texts that differ.
void Check(const std::string& what, const Expected& expected, const absl::Status& status,
           const std::string& output, int* errors, int* equal) {
  if (expected.panic) {
    EXPECT_FALSE(status.ok()) << what;
    return;
  }
  if (!expected.error) {
    EXPECT_TRUE(status.ok()) << what << "\n" << status;
    if (status.ok()) {
      EXPECT_EQ(output, expected.text) << what;
    }
    return;
  }
  EXPECT_FALSE(status.ok()) << what << "\ngave " << output << "\nexpected " << expected.text;
  if (status.ok()) return;
  ++*errors;
  if (std::string(status.message()) == expected.text) {
    ++*equal;
  } else {
    std::cout << "error text differs: " << status.message() << "\n  expected: " << expected.text
              << "\n";
  }
}

TEST(Vectors, GoTemplatesRenderAsInArgoCd) {
  int errors = 0, equal = 0;
  for (const object::Value& vector : Vectors("gotemplate.jsonl")) {
    const std::string text = Text(vector, "template");
    std::vector<std::string> options;
    if (const object::Value* list = object::Find(vector, {"options"}); list != nullptr) {
      for (const object::Value& option : list->get_array()) {
        options.emplace_back(option.get_string().data(), option.get_string().size());
      }
    }
    const object::Value* params = object::Find(vector, {"params"});
    const TValue root = params == nullptr ? TValue() : TypedFromJson(*params);
    RenderContext context;
    std::string output;
    absl::StatusOr<Template> compiled = Template::Compile(text, options);
    const absl::Status status =
        compiled.ok() ? compiled->Execute(root, &context, &output) : compiled.status();
    Check(absl::StrCat(Text(vector, "id"), " ", text), Read(vector), status, output, &errors,
          &equal);
  }
  RecordProperty("error_texts_equal", equal);
  std::cout << equal << " of " << errors << " error texts equal\n";
  EXPECT_GE(equal * 100, errors * 97);
}

TEST(Vectors, FastTemplatesRenderAsInArgoCd) {
  int errors = 0, equal = 0;
  for (const object::Value& vector : Vectors("fasttemplate.jsonl")) {
    const std::string text = Text(vector, "template");
    const object::Value* params = object::Find(vector, {"params"});
    const TValue root = params == nullptr ? TValue() : TypedFromJson(*params);
    std::string output;
    const absl::StatusOr<FastTemplate> compiled = FastTemplate::Compile(text);
    if (compiled.ok()) compiled->Execute(root, &output);
    Check(absl::StrCat(Text(vector, "id"), " ", text), Read(vector), compiled.status(), output,
          &errors, &equal);
  }
  EXPECT_EQ(equal, errors);
}

std::string RunNormalize(const object::Value& vector) {
  const object::Array& args = object::Find(vector, {"args"})->get_array();
  const auto text = [&args](size_t i) {
    return absl::string_view(args[i].get_string().data(), args[i].get_string().size());
  };
  const std::string function = Text(vector, "function");
  if (function == "normalize") return Normalize(text(0));
  if (function == "gitURL") return NormalizeGitUrl(text(0));
  if (function == "sameGitURL") return SameGitUrl(text(0), text(1)) ? "true" : "false";
  SlugOptions options;
  if (args.size() > 1) options.length_max = args[0].get_int64();
  if (args.size() > 2)
    options.truncate = args[1].get_bool() ? Truncate::kAtWord : Truncate::kAnywhere;
  return Slugify(text(args.size() - 1), options).value_or("error");
}

TEST(Vectors, NamesAndUrlsAreNormalizedAsInArgoCd) {
  for (const object::Value& vector : Vectors("normalize.jsonl")) {
    const object::Value* output = object::Find(vector, {"output"});
    const std::string expected = output != nullptr && output->is_bool()
                                     ? (output->get_bool() ? "true" : "false")
                                     : Text(vector, "output");
    EXPECT_EQ(RunNormalize(vector), expected) << object::ToJson(vector);
  }
}

}  // namespace
}  // namespace leidang::generators
