// Overrides of single config fields: "path.to.field=value".
#ifndef PIPELINES_CONFIG_OVERRIDE_H_
#define PIPELINES_CONFIG_OVERRIDE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace pipelines {

// Applies "a.b.c=value" to `message`. The value is written as in a text file,
// but strings need no quotes; the value of a repeated field is a list, as in
// "losses.perceptual.scales=[1, 0.5]", and replaces the former one.
// The value of a message is text of its fields, which is merged into it; lists
// in it replace the former ones, too. An empty list removes the former one.
// InvalidArgument if there is no such field or the value does not fit, also if
// it is more than the value of this one field, or has an empty list where the
// schema has a default one (options.proto), which would take its place.
absl::Status ApplyOverride(absl::string_view assignment,
                           google::protobuf::Message* message);

// InvalidArgument naming the first assignment to a field outside `allowed`
// (paths of fields: "data", "training.seed"): for programs that take only part
// of a config from their caller and would pass over the rest in silence.
absl::Status RefuseOtherOverrides(const std::vector<std::string>& assignments,
                                  const std::vector<std::string>& allowed);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_OVERRIDE_H_
