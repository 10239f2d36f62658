// libFuzzer target of configs and of overrides. What stands before the first
// NUL is the text; each piece after it, up to the next NUL, is an override.
// Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/config:config_fuzz
//   bazel-bin/pipelines/config/config_fuzz FOLDER pipelines/config/shipped
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.h"

namespace pipelines {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// What is accepted is accepted again as it is printed, and is the same.
void CheckRoundTrip(const Config& config, const std::string& text) {
  const auto again = ParseConfig("again", text, {});
  Require(again.ok());
  Require(ConfigDifferences(config, *again).empty());
}

void Parse(absl::string_view input) {
  std::vector<std::string> pieces = absl::StrSplit(input, '\0');
  const std::string text = pieces[0];
  pieces.erase(pieces.begin());
  const auto config = ParseConfig("fuzz", text, pieces);
  if (!config.ok()) {
    Require(!config.status().message().empty());
    return;
  }
  CheckRoundTrip(*config, ConfigText(*config));
  CheckRoundTrip(*config, ResolvedText(*config));
}

}  // namespace
}  // namespace pipelines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pipelines::Parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
