#include "tests/tidy/banned.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Check(const std::string& path, const std::string& code) {
  return Found(CheckBanned(Planted(path, code)));
}

TEST(Banned, EachCallIsFoundOutsideItsRoom) {
  const std::pair<const char*, const char*> planted[] = {
      {"t = absl::Now();", "1: clock"},
      {"t = std::chrono::steady_clock::now();", "1: clock"},
      {"t = time(nullptr);", "1: clock"},
      {"clock_gettime(CLOCK_REALTIME, &t);", "1: clock"},
      {"sleep(1);", "1: sleep"},
      {"::usleep(1);", "1: sleep"},
      {"std::this_thread::sleep_for(d);", "1: sleep"},
      {"absl::SleepFor(d);", "1: sleep"},
      {"std::thread t(f);", "1: thread"},
      {"std::jthread t(f);", "1: thread"},
      {"std::random_device d;", "1: random"},
      {"int n = rand();", "1: random"},
      {"std::mt19937 g;", "1: random"},
      {"v = boost::json::parse(text);", "1: json"},
      {"s = boost::json::serialize(v);", "1: json"},
      {"void F(std::string_view s);", "1: string-view"},
      {"std::mutex mu;", "1: lock"},
      {"absl::Mutex mu;", "1: lock"},
      {"throw Error();", "1: throw"},
      {"throw;", "1: throw"},
      {"assert(x);", "1: assert"},
      {"std::cout << x;", "1: iostream"},
      {"system(command);", "1: child"},
      {"thread_local int x;", "1: thread-local"},
      {"using namespace std;", "1: namespace"},
      {"#if 0", "1: dead-code"},
      {"GTEST_SKIP();", "1: switched-off"},
      {"TEST(A, DISABLED_B) {}", "1: switched-off"},
      {"f();  // NOLINT", "1: suppressed"},
      {"f();  // NOLINT(bugprone-x)", "1: suppressed"},
      {"// TODO: later", "1: unfinished"},
      {"// FIXME", "1: unfinished"},
  };
  for (const auto& [code, wanted] : planted) {
    EXPECT_THAT(Check("hub/session/a.cc", code), ElementsAre(wanted)) << code;
  }
}

TEST(Banned, TheRoomThatOwnsTheMachineMayUseIt) {
  EXPECT_THAT(Check("common/time/real_clock.cc", "t = absl::Now(); std::thread t(f);"), IsEmpty());
  EXPECT_THAT(Check("common/random/random.cc", "std::random_device d;"), IsEmpty());
  EXPECT_THAT(Check("common/object/parse.cc", "boost::json::basic_parser<H> p;"), IsEmpty());
  EXPECT_THAT(Check("tests/bench/a.cc", "t = absl::Now();"), IsEmpty());
  EXPECT_THAT(Check("hub/store/store_bench.cc", "t = absl::Now();"), IsEmpty());
  EXPECT_THAT(Check("tests/sim/a.cc", "t = absl::Now();"), ElementsAre("1: clock"));
}

TEST(Banned, WordsInLiteralsAndPartsOfOtherNamesPass) {
  EXPECT_THAT(Check("hub/a.cc", "f(\"sleep(1) TODO absl::Now()\");"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc",
                    "strand(); loop.sleep(1); static_assert(x); my::rand(); rethrow(); threads();"),
              IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "// std::thread and sleep() are explained here"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "int kTodo = METHODOLOGY;  // autodone"), IsEmpty());
  EXPECT_THAT(Check("hub/a.cc", "std::thread::id id; std::threads x;"), ElementsAre("1: thread"));
}

TEST(ObjectErase, IsFoundWhereTheFileShowsTheType) {
  const auto check = [](const std::string& path, const std::string& code) {
    return Found(CheckObjectErase(Planted(path, code)));
  };
  EXPECT_THAT(check("hub/a.cc", "void F(object::Object& o) {\n  o.erase(\"k\");\n}"),
              ElementsAre("2: json"));
  EXPECT_THAT(check("hub/a.cc", "boost::json::object* o;\no->erase(k);"), ElementsAre("2: json"));
  EXPECT_THAT(check("hub/a.cc", "v.as_object().erase(k);"), ElementsAre("1: json"));
  EXPECT_THAT(check("hub/a.cc", "std::map<K, V> o;\no.erase(k);"), IsEmpty());
  EXPECT_THAT(check("common/object/a.cc", "Object& o = v;\no.erase(k);"), IsEmpty());
}

}  // namespace
}  // namespace leidang::tidy
