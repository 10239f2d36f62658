// Files that are known by their first bytes not to be read, and what helps.
#ifndef PIPELINES_MEDIA_FORMATS_REFUSED_FORMATS_H_
#define PIPELINES_MEDIA_FORMATS_REFUSED_FORMATS_H_

#include <string>
#include <string_view>

namespace pipelines::media {

// For the user, behind the name of a file that begins with `head`: "is a HEIC
// or AVIF photo, which is not read; ...". Of drawings, documents, playlists and
// photos of a phone (of which some versions of FFmpeg read a part as a video).
// Empty for all others.
std::string WhyNotRead(std::string_view head);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_REFUSED_FORMATS_H_
