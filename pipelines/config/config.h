// Reading the configuration of a run, and writing it.
//
// The schema with all meanings, ranges and defaults is config.proto; what a
// config resolves to is in resolve.h, the checks are in validate.h.
#ifndef PIPELINES_CONFIG_CONFIG_H_
#define PIPELINES_CONFIG_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// Reads a text file, applies the overrides ("path.to.field=value") in order,
// moves what stands in fields of former versions, fills in what the schema
// gives to groups of fields (FillDefaults in resolve.h), and validates the
// whole. The errors of ReadTextFormat, as NotFound; InvalidArgument as
// "<file>: model.num_transforms is 0; use a value in [1, 64]", or with the
// override instead of the file if the file alone has no such fault.
absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<std::string>& overrides);

// The same for a config that is at hand; `name` stands for the file in errors.
absl::StatusOr<Config> ParseConfig(absl::string_view name,
                                   absl::string_view text,
                                   const std::vector<std::string>& overrides);

// The config as a text file that LoadConfig reads back, defaults left out.
std::string ConfigText(const Config& config);

// The config as a text file that LoadConfig reads back, with every field that
// has a value, also those that have their default: what the config resolves to.
std::string ResolvedText(const Config& config);

// A line for each field in which two configs differ, as
// "modified: training.batch_size: 8 -> 4".
std::vector<std::string> ConfigDifferences(const Config& a, const Config& b);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_CONFIG_H_
