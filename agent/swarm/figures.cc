#include "agent/swarm/figures.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace leidang::agent {

Percentiles Percentiles::Of(std::vector<absl::Duration> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](size_t percent) {
    return absl::ToDoubleSeconds(samples[(samples.size() - 1) * percent / 100]);
  };
  return {at(50), at(90), at(99), at(100)};
}

Figure& Figure::Count(absl::string_view key, uint64_t value) {
  values_.push_back(
      {std::string(key), absl::StrCat(value), static_cast<double>(value), object::Value(value)});
  return *this;
}

Figure& Figure::Number(absl::string_view key, double value) {
  const std::string text =
      value < 10 ? absl::StrFormat("%.3f", value) : absl::StrFormat("%.1f", value);
  values_.push_back({std::string(key), text, value, object::Value(value)});
  return *this;
}

Figure& Figure::Add(const Percentiles& percentiles) {
  return Number("p50_s", percentiles.p50)
      .Number("p90_s", percentiles.p90)
      .Number("p99_s", percentiles.p99)
      .Number("max_s", percentiles.max);
}

std::optional<double> Figure::Value(absl::string_view key) const {
  for (const Entry& value : values_) {
    if (value.key == key) return value.number;
  }
  return std::nullopt;
}

std::vector<double> Figures::Values(absl::string_view name, absl::string_view key) const {
  std::vector<double> values;
  for (const Figure& figure : figures_) {
    if (figure.name() != name) continue;
    if (const std::optional<double> value = figure.Value(key)) values.push_back(*value);
  }
  return values;
}

std::string Figure::Cells() const {
  std::string cells;
  for (const Entry& value : values_)
    absl::StrAppend(&cells, cells.empty() ? "" : "  ", value.key, "=", value.text);
  return cells;
}

std::string Figure::Line() const {
  std::string line = absl::StrCat("RESULT name=", name_);
  for (const Entry& value : values_) absl::StrAppend(&line, " ", value.key, "=", value.text);
  return line;
}

object::Value Figure::Json() const {
  object::Object object;
  object["name"] = name_;
  for (const Entry& value : values_) object[value.key] = value.json;
  return object;
}

std::string Figures::Table() const {
  size_t width = 0;
  for (const Figure& figure : figures_) width = std::max(width, figure.name().size());
  std::string table;
  for (const Figure& figure : figures_) {
    absl::StrAppend(&table, figure.name(), std::string(width - figure.name().size() + 2, ' '),
                    figure.Cells(), "\n");
  }
  return table;
}

object::Value Figures::Json(object::Value asked) const {
  object::Array figures;
  for (const Figure& figure : figures_) figures.push_back(figure.Json());
  object::Object object;
  object["asked"] = std::move(asked);
  object["figures"] = std::move(figures);
  return object;
}

}  // namespace leidang::agent
