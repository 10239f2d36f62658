// Sound files of every kind that pipelines/media reads, small, made anew.
#ifndef TOOLS_RELIABILITY_MEDIA_SEEDS_H_
#define TOOLS_RELIABILITY_MEDIA_SEEDS_H_

#include <string>
#include <vector>

#include "tools/reliability/mutation_program.h"

namespace reliability {

// Pictures (PNG of three kinds, JPEG, BMP, WebP, TIFF, PPM), videos (mp4, mov,
// mkv, webm, avi, gif, ts; webm and mov also with alpha, as VP9 and as ProRes
// 4444) and sound (wav, m4a, mp3, ogg). Uses `folder` for files on the way.
std::vector<Seed> MakeMediaSeeds(const std::string& folder);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_MEDIA_SEEDS_H_
