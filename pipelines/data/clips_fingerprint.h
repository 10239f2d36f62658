// What identifies a set of clips without reading them.
#ifndef PIPELINES_DATA_CLIPS_FINGERPRINT_H_
#define PIPELINES_DATA_CLIPS_FINGERPRINT_H_

#include <string>
#include <vector>

#include "pipelines/data/dataset.h"

namespace pipelines::data {

// SHA-256 digests, in hexadecimal.
struct Fingerprint {
  std::string names;  // of the clips, in order
  // Frames, their size, and the bytes of files. A copy has the same.
  std::string sizes;
  // When files were last changed, and the bytes of folders. A copy may have
  // others.
  std::string times;
};

Fingerprint FingerprintOf(const std::vector<IndexedClip>& clips);

// What differs, in words, as "clips were added, removed or renamed"; empty if
// nothing does. Where `with_times` is false, times may differ.
std::string Difference(const Fingerprint& a, const Fingerprint& b,
                       bool with_times);

// The paths of clips of which time or bytes on disk are no longer those of
// `clips`. Costs a stat of each file, one after the other.
std::vector<std::string> ChangedClips(const std::vector<IndexedClip>& clips);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_CLIPS_FINGERPRINT_H_
