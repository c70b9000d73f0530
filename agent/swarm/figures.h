#pragma once

// What a load test measured: figures in the order in which they came, as a table for people and as
// JSON for machines. Plain values; thread-compatible.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/object/value.h"

namespace leidang::agent {

// Of a set of samples, in seconds. Empty samples give zeros.
struct Percentiles {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;

  static Percentiles Of(std::vector<absl::Duration> samples);
};

// One line of the report: a name ("herd-verified") and its values, each with a unit in its name
// ("p99_s", "rss_mb").
class Figure {
 public:
  explicit Figure(std::string name) : name_(std::move(name)) {}

  Figure& Count(absl::string_view key, uint64_t value);
  Figure& Number(absl::string_view key, double value);
  Figure& Add(const Percentiles& percentiles);  // p50_s, p90_s, p99_s, max_s.

  const std::string& name() const { return name_; }
  std::optional<double> Value(absl::string_view key) const;
  std::string Line() const;  // "RESULT name=herd-verified agents=1000 p99_s=1.2"
  object::Value Json() const;
  // `key=value` pairs, for a table's second column.
  std::string Cells() const;

 private:
  struct Entry {
    std::string key;
    std::string text;
    double number = 0;
    object::Value json;
  };
  std::string name_;
  std::vector<Entry> values_;
};

class Figures {
 public:
  void Add(Figure figure) { figures_.push_back(std::move(figure)); }
  const std::vector<Figure>& all() const { return figures_; }
  // Of every figure with that name, in their order.
  std::vector<double> Values(absl::string_view name, absl::string_view key) const;

  std::string Table() const;
  // An object: what was asked for, and the figures by name in their order.
  object::Value Json(object::Value asked) const;

 private:
  std::vector<Figure> figures_;
};

}  // namespace leidang::agent
