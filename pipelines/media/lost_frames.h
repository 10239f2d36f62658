// What FrameSource::damage() says of frames that are lost.
#ifndef PIPELINES_MEDIA_LOST_FRAMES_H_
#define PIPELINES_MEDIA_LOST_FRAMES_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace pipelines::media {

// "2 of 40 frames are lost".
inline std::string LostFrames(int64_t lost, int64_t all) {
  return absl::StrCat(lost, " of ", all,
                      lost == 1 ? " frames is lost" : " frames are lost");
}

// Of damage after which none is missed.
inline std::string NoLostFrames(const std::string& first_damage) {
  return absl::StrCat("no frame is known to be lost; damage ", first_damage);
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_LOST_FRAMES_H_
