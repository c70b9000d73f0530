#include "agent/swarm/targets.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;

const Target& Named(const std::vector<Target>& targets, const std::string& part) {
  for (const Target& target : targets) {
    if (target.what.find(part) != std::string::npos) return target;
  }
  ADD_FAILURE() << "no target " << part;
  return targets.front();
}

TEST(Targets, AreMetMissedOrNotMeasured) {
  Figures agents;
  agents.Add(Figure("idle").Number("hub_rss_mb", 1'300).Number("hub_cores", 0.2));
  agents.Add(Figure("herd").Count("resent", 1));
  Figures assignments;
  assignments.Add(Figure("statuses").Number("per_second", 20'000));
  const std::vector<Target> targets = Judge(agents, assignments);
  EXPECT_EQ(Named(targets, "memory of the hub").met, true);
  EXPECT_EQ(Named(targets, "stretch").met, false);
  EXPECT_EQ(Named(targets, "changes sent again").met, false);
  EXPECT_EQ(Named(targets, "statuses taken in").met, true);
  EXPECT_EQ(Named(targets, "1,000 agents, p99").met, std::nullopt);
  const std::string table = TargetsTable(targets);
  EXPECT_THAT(table, HasSubstr("MISSED"));
  EXPECT_THAT(table, HasSubstr("not measured"));
}

TEST(Targets, OfARepeatedFigureEachMustMeetThem) {
  Figures agents;
  agents.Add(Figure("herd").Count("resent", 3));
  agents.Add(Figure("herd").Count("resent", 0));
  EXPECT_EQ(Named(Judge(agents, {}), "changes sent again").met, false);
  EXPECT_EQ(Named(Judge(agents, {}), "changes sent again").measured, "3");
}

TEST(Targets, ScaleMakesBothRunsSmaller) {
  SwarmOptions options;
  options.scale = 0.01;
  EXPECT_EQ(ManyAgents(options).agents, 100u);
  EXPECT_EQ(ManyAssignments(options).agents, 10u);
  EXPECT_EQ(ManyAssignments(options).apps, 99u);
}

}  // namespace
}  // namespace leidang::agent
