// Early return of errors, as newer Abseils and Google's own code have it.
#ifndef THIRD_PARTY_ABSL_STATUS_MACROS_H_
#define THIRD_PARTY_ABSL_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expr` from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expr)                          \
  do {                                                 \
    if (absl::Status return_if_error_status_ = (expr); \
        !return_if_error_status_.ok()) {               \
      return return_if_error_status_;                  \
    }                                                  \
  } while (false)

// Evaluates `expr`, an absl::StatusOr<T>; returns its error from the enclosing
// function, or assigns its value to `lhs`, which may declare a variable.
#define ASSIGN_OR_RETURN(lhs, expr) \
  STATUS_MACROS_ASSIGN_(STATUS_MACROS_CONCAT_(status_or_, __LINE__), lhs, expr)

#define STATUS_MACROS_ASSIGN_(status_or, lhs, expr) \
  auto status_or = (expr);                          \
  if (!status_or.ok()) return status_or.status();   \
  lhs = *std::move(status_or)
#define STATUS_MACROS_CONCAT_(a, b) STATUS_MACROS_CONCAT_INNER_(a, b)
#define STATUS_MACROS_CONCAT_INNER_(a, b) a##b

#endif  // THIRD_PARTY_ABSL_STATUS_MACROS_H_
