// Command-line overrides of single config fields: --set path.to.field=value.
#ifndef PIPELINES_CONFIG_OVERRIDE_H_
#define PIPELINES_CONFIG_OVERRIDE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace pipelines {

// Applies "a.b.c=value" to `message`. The value is written as in a text file,
// but strings need no quotes; the value of a repeated field is a list, as in
// "losses.perceptual.scales=[1, 0.5]", and replaces the former one.
// InvalidArgument if there is no such field or the value does not fit.
absl::Status ApplyOverride(absl::string_view assignment,
                           google::protobuf::Message* message);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_OVERRIDE_H_
