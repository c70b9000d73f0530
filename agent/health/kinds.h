#pragma once

// The check of each built-in kind, one file each. Internal to agent/health.

#include "agent/health/fields.h"
#include "agent/health/health.h"

namespace leidang::agent {

Health DeploymentHealth(Fields& object);
Health StatefulSetHealth(Fields& object);
Health DaemonSetHealth(Fields& object);
Health ReplicaSetHealth(Fields& object);
Health PodHealth(Fields& object);
Health JobHealth(Fields& object);
Health ServiceHealth(Fields& object);
Health IngressHealth(Fields& object);
Health PersistentVolumeClaimHealth(Fields& object);
Health HorizontalPodAutoscalerHealth(Fields& object);
Health ApiServiceHealth(Fields& object);
Health WorkflowHealth(Fields& object);

}  // namespace leidang::agent
