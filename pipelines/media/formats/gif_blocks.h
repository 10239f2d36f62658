// What the blocks of a GIF hold [GIF89a].
#ifndef PIPELINES_MEDIA_FORMATS_GIF_BLOCKS_H_
#define PIPELINES_MEDIA_FORMATS_GIF_BLOCKS_H_

#include <string_view>

namespace pipelines::media {

// Whether `blocks`, a packet of LibAV's GIF demuxer, holds a picture. From 7.0
// on, that hands on a comment behind the last picture as a packet of its own.
// What is no block counts as a picture, so that it is found damaged.
bool HoldsGifPicture(std::string_view blocks);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_GIF_BLOCKS_H_
