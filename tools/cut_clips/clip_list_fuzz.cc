// libFuzzer target of the tables of clips. Build and run:
//
//   tools/bazelw build --config=fuzz //tools/cut_clips:clip_list_fuzz
//   bazel-bin/tools/cut_clips/clip_list_fuzz FOLDER
//       tools/cut_clips/testdata/fuzz_clip_list
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cut_clips/clip_list.h"

namespace tools {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// The promises of ParseClipList. A name is that of a file in the output's
// folder.
void Check(const std::vector<ClipSpec>& clips) {
  std::set<std::string> names;
  for (const ClipSpec& clip : clips) {
    Require(clip.line > 1 && !clip.file.empty());
    Require(clip.start >= 0 && clip.end > clip.start);
    Require(!clip.box || !clip.box->empty());
    Require(!clip.name.empty() && clip.name.find('/') == std::string::npos);
    Require(clip.partition == "train" || clip.partition == "test");
    Require(names.insert(clip.partition + "/" + clip.name).second);
  }
}

}  // namespace
}  // namespace tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto clips = tools::ParseClipList(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (clips.ok()) tools::Check(*clips);
  return 0;
}
