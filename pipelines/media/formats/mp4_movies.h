// Whether an mp4 or mov file holds one movie. FFmpeg and players read the first
// and pass over all others. Private to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_MP4_MOVIES_H_
#define PIPELINES_MEDIA_FORMATS_MP4_MOVIES_H_

#include <cstdint>
#include <istream>
#include <optional>

namespace pipelines::media {

// The byte where a second file begins that lists frames or sound of its own, as
// where two were put behind one another; empty if there is none. The header of
// a fragmented file lists nothing and may be repeated; a movie header that is
// there twice begins no file.
std::optional<int64_t> SecondMovie(std::istream& file);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_MP4_MOVIES_H_
