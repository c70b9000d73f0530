#pragma once

// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status and absl::StatusOr (Debian's Abseil has
// none). The status is passed on as it is; convert its code by hand where its meaning changes on
// the way up.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LEIDANG_CONCAT_INNER(a, b) a##b
#define LEIDANG_CONCAT(a, b) LEIDANG_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                           \
  do {                                                  \
    if (absl::Status status_ = (expr); !status_.ok()) { \
      return status_;                                   \
    }                                                   \
  } while (false)

// ASSIGN_OR_RETURN(std::string text, Read(path));
#define ASSIGN_OR_RETURN(lhs, expr) \
  LEIDANG_ASSIGN_OR_RETURN(LEIDANG_CONCAT(status_or_, __LINE__), lhs, expr)

#define LEIDANG_ASSIGN_OR_RETURN(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = *std::move(tmp)
