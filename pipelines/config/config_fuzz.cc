// libFuzzer target of configs and of overrides. What stands before the first
// NUL is the text; each piece after it, up to the next NUL, is an override.
// Build and run:
//
//   tools/bazelw build --config=fuzz //pipelines/config:config_fuzz
//   bazel-bin/pipelines/config/config_fuzz FOLDER pipelines/config/shipped
//       pipelines/config/testdata/fuzz_config
//
// FOLDER receives the inputs found; the other ones hold the seeds.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "pipelines/config/config.h"

namespace pipelines {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// A file in memory with this content, the same one every time.
std::string PathOf(const std::string& content) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  Require(ftruncate(file, 0) == 0);
  Require(pwrite(file, content.data(), content.size(), 0) ==
          static_cast<ssize_t>(content.size()));
  return absl::StrCat("/proc/self/fd/", file);
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
  const auto loaded = LoadConfig(PathOf(text), pieces);
  Require(loaded.ok() == (config.ok() && !text.empty()));
  if (!config.ok()) {
    Require(!config.status().message().empty());
    return;
  }
  if (loaded.ok()) Require(ConfigDifferences(*config, *loaded).empty());
  CheckRoundTrip(*config, ConfigText(*config));
  CheckRoundTrip(*config, ResolvedText(*config));
}

}  // namespace
}  // namespace pipelines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pipelines::Parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
