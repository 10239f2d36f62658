#include "pipelines/data/clips_fingerprint.h"

#include <sys/stat.h>

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/sha256.h"

namespace pipelines::data {
namespace {

using networks::weights::Sha256;

std::string Hex(Sha256& digest) {
  return absl::BytesToHexString(digest.Finish());
}

}  // namespace

Fingerprint FingerprintOf(const std::vector<IndexedClip>& clips) {
  Sha256 names, sizes, times;
  for (const IndexedClip& clip : clips) {
    struct stat info = {};
    const bool is_there = stat(clip.path.c_str(), &info) == 0;
    // What a folder itself takes depends on the file system.
    const int64_t bytes =
        is_there && S_ISREG(info.st_mode) ? int64_t{info.st_size} : 0;
    // A name may hold a line end, but no zero.
    names.Add(absl::string_view(clip.name.c_str(), clip.name.size() + 1));
    sizes.Add(absl::StrCat(clip.info.num_frames, " ", clip.info.size.width, "x",
                           clip.info.size.height, " ", bytes, "\n"));
    times.Add(
        absl::StrCat(info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec, "\n"));
  }
  return {Hex(names), Hex(sizes), Hex(times)};
}

std::string Difference(const Fingerprint& a, const Fingerprint& b,
                       bool with_times) {
  if (a.names != b.names) return "clips were added, removed or renamed";
  if (a.sizes != b.sizes) return "clips have another size";
  if (with_times && a.times != b.times) {
    return "files have other times: changed, or copied anew";
  }
  return "";
}

}  // namespace pipelines::data
