// Sound files of every kind that pipelines/media reads, small, made anew.
#ifndef TOOLS_RELIABILITY_MEDIA_SEEDS_H_
#define TOOLS_RELIABILITY_MEDIA_SEEDS_H_

#include <string>
#include <vector>

namespace reliability {

struct Seed {
  std::string kind;  // "png", "mp4", "wav"
  std::string bytes;
  bool is_sound = false;
};

// Pictures (PNG of three kinds, JPEG, BMP, WebP, TIFF, PPM), videos (mp4, mov,
// mkv, webm, avi, gif, ts) and sound (wav, m4a, mp3, ogg). Uses `folder` for
// files on the way.
std::vector<Seed> MakeMediaSeeds(const std::string& folder);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_MEDIA_SEEDS_H_
