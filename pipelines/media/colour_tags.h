// Colours that a container or the frames of its video state: matrix, range,
// primaries and curve. Private to this folder.
#ifndef PIPELINES_MEDIA_COLOUR_TAGS_H_
#define PIPELINES_MEDIA_COLOUR_TAGS_H_

#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

// What a damaged file or frame states may be no value of the enumeration at
// all: it becomes unspecified.
void MakeColoursSane(AVCodecParameters* codec);
void MakeColoursSane(AVFrame* frame);

// Takes matrix, primaries and curve from `container` where the stream or its
// frame does not state them. Of VP8 the matrix of `container` comes first: a
// stream of it states none, and FFmpeg's decoder says BT.601.
void FillColours(const AVCodecParameters& container, AVCodecParameters* codec);
void FillColours(const AVCodecParameters& container, AVFrame* frame);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_COLOUR_TAGS_H_
