// Whether the tables of frames of an mp4 or mov file can be believed. Private
// to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_MP4_TABLES_H_
#define PIPELINES_MEDIA_FORMATS_MP4_TABLES_H_

#include "absl/status/status.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/mp4_boxes.h"

namespace pipelines::media {

// [ISO 14496-12, 8.5.1] `tables`: the content of a track's stbl box. DataLoss
// where a table states more entries than its box holds, where a frame is larger
// than the file, where a chunk has more frames than 2^31 and where all chunks
// have fewer frames than the table of sizes: FFmpeg leaves out such frames
// without a word. OK for tables that are not there.
absl::Status CheckMp4Tables(ByteReader& file, const Mp4Box& tables);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_MP4_TABLES_H_
