// Tells raw Motion JPEG (.mjpeg), which is JPEGs behind one another, from a
// photograph that other pictures follow.
#ifndef PIPELINES_MEDIA_FORMATS_MOTION_JPEG_H_
#define PIPELINES_MEDIA_FORMATS_MOTION_JPEG_H_

#include <istream>

namespace pipelines::media {

// Whether `file` begins with two JPEGs of one size, the second right behind the
// first. Not where the first lists others itself, as stereo cameras and phones
// write it (MPF, [CIPA DC-007]). Reads both, of 256 MiB at most each, and keeps
// 64 KiB of them.
bool IsMotionJpeg(std::istream& file);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_MOTION_JPEG_H_
