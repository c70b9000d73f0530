#include "agent/health/kinds.h"

namespace leidang::agent {
namespace {

Health BalancerHealth(Fields& object) {
  return object.Items({"status", "loadBalancer", "ingress"}).empty() ? Progressing() : Healthy();
}

}  // namespace

Health ServiceHealth(Fields& object) {
  return object.Text({"spec", "type"}) == "LoadBalancer" ? BalancerHealth(object) : Healthy();
}

Health IngressHealth(Fields& object) { return BalancerHealth(object); }

}  // namespace leidang::agent
