#pragma once

// What every ClusterClient must do: run on each implementation by INSTANTIATE_TEST_SUITE_P.

#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "agent/cluster/cluster_client.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

// A cluster with one client of it, and the hands of somebody else in the same cluster.
class ClusterUnderTest {
 public:
  virtual ~ClusterUnderTest() = default;

  virtual ClusterClient& client() = 0;
  // Ends the client and starts another one.
  virtual void Restart() = 0;
  // Lets everything happen that is under way, and the watch report what was changed.
  virtual void Settle() = 0;

  virtual void PutOutside(const object::Value& manifest) = 0;
  virtual void RemoveOutside(const object::ObjectKey& key) = 0;
  // Breaks the connections that changes are heard by, where there are any.
  virtual void BreakWatches() {}
};

struct ClusterKind {
  std::string name;
  std::function<std::unique_ptr<ClusterUnderTest>()> make;
};

class ClusterContractTest : public ::testing::TestWithParam<ClusterKind> {};

}  // namespace leidang::agent
