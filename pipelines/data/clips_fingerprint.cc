#include "pipelines/data/clips_fingerprint.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/sha256.h"
#include "pipelines/data/clip_index.pb.h"
#include "pipelines/data/index_cache.h"

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
    // A name may hold a line end, but no zero.
    names.Add(absl::string_view(clip.name.c_str(), clip.name.size() + 1));
    // The bytes of folders are no part of `sizes`, which evaluations keep.
    const bool is_folder = clip.info.random_access;
    sizes.Add(absl::StrCat(clip.info.num_frames, " ", clip.info.size.width, "x",
                           clip.info.size.height, " ",
                           is_folder ? 0 : clip.bytes, "\n"));
    constexpr int64_t kSecond = 1000000000;
    times.Add(absl::StrCat(clip.modified_ns / kSecond, ".",
                           clip.modified_ns % kSecond));
    times.Add(is_folder ? absl::StrCat(" ", clip.bytes, "\n") : "\n");
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

std::vector<std::string> ChangedClips(const std::vector<IndexedClip>& clips) {
  std::vector<std::string> changed;
  for (const IndexedClip& clip : clips) {
    const ClipRecord now = Stamp(clip.path, clip.name);
    if (now.modified_ns() != clip.modified_ns || now.bytes() != clip.bytes) {
      changed.push_back(clip.path);
    }
  }
  return changed;
}

}  // namespace pipelines::data
