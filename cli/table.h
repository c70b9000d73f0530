#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

#include "leidang/v1/fleet.pb.h"

namespace leidang::cli {

// Rows of text in columns, as kubectl prints them: widths by the widest cell, two spaces between,
// no trailing space.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t size() const { return rows_.size() - 1; }
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // The header first; all of one length.
};

// The table of one kind. `now` is for ages.
Table TableOf(v1::Kind kind, const std::vector<v1::Resource>& resources, absl::Time now);

// "5s", "3m", "2h", "4d", as kubectl; "never" for a time that is not set.
std::string Age(absl::Time then, absl::Time now);

// True if its cluster has no live session, so that what was reported says nothing about now.
bool IsOffline(const v1::ApplicationSummary& application);
// "Synced"; while the cluster is offline what it last reported with a "?", "Synced?", or "Unknown".
std::string SyncText(const v1::ApplicationSummary& application);
std::string HealthText(const v1::ApplicationSummary& application);

// What is wrong with it, most important first; empty if nothing is.
std::string Trouble(const v1::Resource& resource);

}  // namespace leidang::cli
