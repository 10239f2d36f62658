// The published weight files that this project can use: their names, which
// configurations and flags refer to, and where they are on the net and on the
// disk.
#ifndef NETWORKS_PUBLISHED_WEIGHT_FILES_H_
#define NETWORKS_PUBLISHED_WEIGHT_FILES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace networks::published {

struct WeightFile {
  // Of the file on the disk: as published, but where that says too little.
  absl::string_view name;
  // What a user may say instead, as "vgg19".
  absl::string_view short_name;
  // Where it is, to be tried in this order; empty ones are none. The last place
  // is for a mirror, so that its unfinished file is no source's.
  std::array<absl::string_view, 4> urls;
  // The first digits of the file's SHA-256, hexadecimal; empty where its
  // authors publish none and nobody else does.
  absl::string_view sha256;
  absl::string_view purpose;
  // Whose it is, and under which terms.
  absl::string_view origin;
  absl::string_view licence;
  // The file's size; 0 where it is not known.
  int64_t bytes = 0;
};

// All of them, by purpose.
absl::Span<const WeightFile> WeightFiles();

// Their short names, in the same order.
std::vector<std::string> ShortNames();

// By its name or its short name. InvalidArgument, listing the short names, if
// there is none.
absl::StatusOr<WeightFile> WeightFileByName(absl::string_view name);

// Where weights are fetched to: <cache_folder>/weights.
std::string WeightsFolder(absl::string_view cache_folder);

// The path of a file that a configuration or a flag names: a published name or
// short name, which must have been fetched to `folder`, or a path, told by a
// slash in it and as this process sees it: what a user typed must have been
// made absolute.
//
// NotFound if the file is not there, for a published name with MissingWeights;
// InvalidArgument if it is neither a published name nor a path.
absl::StatusOr<std::string> FindWeights(const std::string& name_or_path,
                                        const std::string& folder);

// Whether FindWeights finds all of them. An error that is not about a published
// name comes first; else all missing names are in one, so that they can be
// fetched by one command.
absl::Status FindAllWeights(const std::vector<std::string>& names_or_paths,
                            const std::string& folder);

// Published files that are to be fetched, and to where.
struct MissingWeights {
  // As fetch_weights takes them: several have spaces between.
  std::string name;
  std::string folder;
};

// What an error of FindWeights or FindAllWeights is about, for the program,
// which knows how its user can fetch it; empty for other errors.
std::optional<MissingWeights> MissingWeightsOf(const absl::Status& error);

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_WEIGHT_FILES_H_
