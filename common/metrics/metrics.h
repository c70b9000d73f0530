#pragma once

// Counters, gauges and histograms, and their text for scrapers. A registry is passed in, like
// everything else; each part of a program asks it for its metrics once, at its construction, and
// keeps the references.
//
//   class Mirror {
//     explicit Mirror(Metrics& metrics)
//         : fetches_(metrics.AddCounter({.name = "leidang_hub_fetches_total", .help = "Fetches
//         begun."})) {}
//
// Names: leidang_hub_… or leidang_agent_…, base units (seconds, bytes), counters end in _total.
// Labels have few values: never an Application's name.

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leidang {

// All three: thread-safe, and live as long as their registry.
class Counter {
 public:
  virtual ~Counter() = default;
  // REQUIRES: by >= 0.
  virtual void Add(double by) = 0;
  virtual double value() const = 0;
  void Increment() { Add(1); }
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
  virtual void Add(double by) = 0;
  virtual double value() const = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
};

struct MetricName {
  std::string name;
  std::string help;
  std::map<std::string, std::string> labels = {};
};

// A registry of metrics. Thread-safe.
//
// Asking again for the same name and labels gives the same metric. A name or label that scrapers
// would refuse, or one name asked for as two kinds, is a broken invariant of the program.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& AddCounter(const MetricName& name);
  Gauge& AddGauge(const MetricName& name);
  // `bounds` are the upper bounds of the buckets, ascending; those of one name are equal.
  Histogram& AddHistogram(const MetricName& name, const std::vector<double>& bounds);

  // Text exposition format 0.0.4, sorted by name and labels.
  std::string Expose() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

// Bounds for durations from 1 ms to 1 min.
std::vector<double> SecondsBounds();

}  // namespace leidang
