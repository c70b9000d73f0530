#include "common/metrics/metrics.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "prometheus/check_names.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace leidang {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double by) override {
    CHECK(by >= 0);
    counter_.Increment(by);
  }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }
  void Add(double by) override { gauge_.Increment(by); }
  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

bool IsSorted(const std::vector<double>& bounds) {
  return std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
}

}  // namespace

struct Metrics::Impl {
  enum class Kind { kCounter, kGauge, kHistogram };
  using Key = std::pair<std::string, std::map<std::string, std::string>>;

  // The library throws for what these exclude.
  void CheckName(const MetricName& name, Kind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    CHECK(prometheus::CheckMetricName(name.name));
    for (const auto& label : name.labels) {
      CHECK(prometheus::CheckLabelName(label.first));
      CHECK(kind != Kind::kHistogram || label.first != "le");  // The library adds it to buckets.
    }
    CHECK(kinds.emplace(name.name, kind).first->second == kind);
  }

  prometheus::Registry registry;

  Mutex mu;
  std::map<std::string, Kind> kinds ABSL_GUARDED_BY(mu);
  std::map<Key, std::unique_ptr<Counter>> counters ABSL_GUARDED_BY(mu);
  std::map<Key, std::unique_ptr<Gauge>> gauges ABSL_GUARDED_BY(mu);
  std::map<Key, std::unique_ptr<Histogram>> histograms ABSL_GUARDED_BY(mu);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::AddCounter(const MetricName& name) {
  MutexLock lock(&impl_->mu);
  impl_->CheckName(name, Impl::Kind::kCounter);
  std::unique_ptr<Counter>& counter = impl_->counters[{name.name, name.labels}];
  if (counter == nullptr) {
    auto& family =
        prometheus::BuildCounter().Name(name.name).Help(name.help).Register(impl_->registry);
    counter = std::make_unique<PrometheusCounter>(family.Add(name.labels));
  }
  return *counter;
}

Gauge& Metrics::AddGauge(const MetricName& name) {
  MutexLock lock(&impl_->mu);
  impl_->CheckName(name, Impl::Kind::kGauge);
  std::unique_ptr<Gauge>& gauge = impl_->gauges[{name.name, name.labels}];
  if (gauge == nullptr) {
    auto& family =
        prometheus::BuildGauge().Name(name.name).Help(name.help).Register(impl_->registry);
    gauge = std::make_unique<PrometheusGauge>(family.Add(name.labels));
  }
  return *gauge;
}

Histogram& Metrics::AddHistogram(const MetricName& name, const std::vector<double>& bounds) {
  CHECK(IsSorted(bounds));
  MutexLock lock(&impl_->mu);
  impl_->CheckName(name, Impl::Kind::kHistogram);
  std::unique_ptr<Histogram>& histogram = impl_->histograms[{name.name, name.labels}];
  if (histogram == nullptr) {
    auto& family =
        prometheus::BuildHistogram().Name(name.name).Help(name.help).Register(impl_->registry);
    histogram = std::make_unique<PrometheusHistogram>(family.Add(name.labels, bounds));
  }
  return *histogram;
}

std::string Metrics::Expose() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  for (prometheus::MetricFamily& family : families) {
    std::sort(family.metric.begin(), family.metric.end(), [](const auto& a, const auto& b) {
      return std::lexicographical_compare(a.label.begin(), a.label.end(), b.label.begin(),
                                          b.label.end(), [](const auto& x, const auto& y) {
                                            return std::pair(x.name, x.value) <
                                                   std::pair(y.name, y.value);
                                          });
    });
  }
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<double> SecondsBounds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

}  // namespace leidang
