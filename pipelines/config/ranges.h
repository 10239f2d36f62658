// Checks the ranges that a schema states with the option `range`.
#ifndef PIPELINES_CONFIG_RANGES_H_
#define PIPELINES_CONFIG_RANGES_H_

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace pipelines {

// InvalidArgument naming the full path of the first field that is set to a
// value outside its range, the value and the range; or a number that is not
// finite.
absl::Status CheckRanges(const google::protobuf::Message& message);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_RANGES_H_
