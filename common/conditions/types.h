#pragma once

// Types of conditions, as users see them. Those that Argo CD has too mean the same here.

namespace leidang::conditions {

// Of an ApplicationSet.
inline constexpr char kErrorOccurred[] = "ErrorOccurred";
inline constexpr char kParametersGenerated[] = "ParametersGenerated";
inline constexpr char kResourcesUpToDate[] = "ResourcesUpToDate";
inline constexpr char kRolloutNotSupported[] = "RolloutNotSupported";

// Of an Application.
inline constexpr char kDeletionError[] = "DeletionError";
inline constexpr char kInvalidSpecError[] = "InvalidSpecError";
inline constexpr char kComparisonError[] = "ComparisonError";
inline constexpr char kSyncError[] = "SyncError";
inline constexpr char kUnknownError[] = "UnknownError";
inline constexpr char kSharedResourceWarning[] = "SharedResourceWarning";
inline constexpr char kRepeatedResourceWarning[] = "RepeatedResourceWarning";
inline constexpr char kExcludedResourceWarning[] = "ExcludedResourceWarning";
inline constexpr char kOrphanedResourceWarning[] = "OrphanedResourceWarning";
inline constexpr char kReconcileSkipped[] = "ReconcileSkipped";
inline constexpr char kClusterOffline[] = "ClusterOffline";
inline constexpr char kUnclaimed[] = "Unclaimed";
inline constexpr char kRefused[] = "Refused";
inline constexpr char kUnsupportedSource[] = "UnsupportedSource";

// Of a cluster.
inline constexpr char kDormant[] = "Dormant";

// Of both, and of clusters.
inline constexpr char kDeletionsHeld[] = "DeletionsHeld";

}  // namespace leidang::conditions
