// The note in every file that this software makes.
#ifndef PIPELINES_MEDIA_PROVENANCE_H_
#define PIPELINES_MEDIA_PROVENANCE_H_

namespace pipelines::media {

// For VideoWriterOptions::comment of an animation.
inline constexpr char kSynthetic[] =
    "Synthetic: a still image animated by CPAB image animation";

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_PROVENANCE_H_
