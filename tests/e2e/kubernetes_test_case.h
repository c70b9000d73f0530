#pragma once

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/e2e/kubernetes_fleet.h"

namespace leidang::testing {

// One fleet for all tests of a suite.
class KubernetesTestCase : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { fleet() = std::make_unique<KubernetesFleet>(); }
  static void TearDownTestSuite() { fleet().reset(); }

  static std::unique_ptr<KubernetesFleet>& fleet() {
    static std::unique_ptr<KubernetesFleet> fleet;
    return fleet;
  }
  static KubernetesCluster& one() { return fleet()->one(); }
  static KubernetesCluster& two() { return fleet()->two(); }

  static std::string ConfigMap(const std::string& name, const std::string& colour,
                               const std::string& metadata = "") {
    return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name, metadata,
                        "}\ndata: {colour: ", colour, "}\n");
  }
  static std::string ConfigPath(const std::string& ns, const std::string& name) {
    return absl::StrCat("/api/v1/namespaces/", ns, "/configmaps/", name);
  }
  static std::string Colour(KubernetesCluster& cluster, const std::string& ns,
                            const std::string& name) {
    return std::string(object::FindString(cluster.Get(ConfigPath(ns, name)), {"data", "colour"}));
  }
};

}  // namespace leidang::testing
