#include "agent/cluster/event_skim.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

std::string Shown(absl::string_view line) {
  const std::optional<SkimmedEvent> event = SkimEvent(line);
  if (!event.has_value()) return "-";
  return absl::StrCat(event->type, " ", event->ns, "/", event->name, " ", event->uid, " ",
                      event->version);
}

TEST(SkimEvent, FindsTheIdentityOfTypedAndOfCustomObjects) {
  EXPECT_EQ(Shown(R"({"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":)"
                  R"({"name":"a","namespace":"shop","uid":"u-1","resourceVersion":"7",)"
                  R"("labels":{"x":"y"}},"data":{"k":"v"}}})"),
            "ADDED shop/a u-1 7");
  EXPECT_EQ(Shown(R"({"type":"MODIFIED","object":{"apiVersion":"e/v1","kind":"W","metadata":)"
                  R"({"annotations":{"q":"a \"}{[ quoted"},"generation":3,"name":"a",)"
                  R"("namespace":"shop","resourceVersion":"8","uid":"u-2"},"spec":{}}})"),
            "MODIFIED shop/a u-2 8");
  EXPECT_EQ(Shown(R"({"type":"ADDED","object":{"metadata":{"name":"n","uid":"u","resourceVersion":)"
                  R"("9"}}})"),
            "ADDED /n u 9");
  EXPECT_EQ(Shown(" { \"type\" : \"ADDED\" , \"object\" : { \"metadata\" : { \"name\" : \"n\" , "
                  "\"uid\" : \"u\" , \"resourceVersion\" : \"9\" } } }"),
            "ADDED /n u 9");
}

TEST(SkimEvent, IsNotFooledByContentThatLooksLikeAnIdentity) {
  EXPECT_EQ(Shown(R"({"type":"ADDED","object":{"data":{"metadata":{"name":"x","uid":"y",)"
                  R"("resourceVersion":"1"},"t":"\",\"uid\":\"z\""},"metadata":{"ownerReferences":)"
                  R"([{"name":"o","uid":"o-1"}],"labels":{"uid":"l","resourceVersion":"2"},)"
                  R"("name":"a","namespace":"shop","resourceVersion":"8","uid":"u"}}})"),
            "ADDED shop/a u 8");
}

TEST(SkimEvent, GivesUpWhereSomethingIsMissingOrNotAsItShouldBe) {
  const std::string whole =
      R"({"type":"ADDED","object":{"kind":"C","x":[1,{"y":null}],"metadata":{"name":"a",)"
      R"("namespace":"s","uid":"u","resourceVersion":"7")";
  EXPECT_EQ(Shown(whole), "ADDED s/a u 7") << "what follows is not looked at";
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(Shown(whole.substr(0, size)), "-");
  for (
      const char* line : {
          "[]",
          "{}",
          R"({"object":{"metadata":{"name":"a","uid":"u","resourceVersion":"7"}},"type":"ADDED"})",
          R"({"type":"ADDED","object":[]})",
          R"({"type":"ADDED","object":{"kind":"C"}})",
          R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}})",
          R"({"type":"ADDED","object":{"metadata":{"name":7,"uid":"u","resourceVersion":"7"}}})",
          R"({"type":"A","object":{"metadata":{"name":"\u0061","uid":"u","resourceVersion":"7"}}})",
          R"({"type":"ADDED","object":{"x":}}})",
      }) {
    EXPECT_EQ(Shown(line), "-") << line;
  }
}

}  // namespace
}  // namespace leidang::agent
