// The matrix by which a stream's frames are shown: FFmpeg 6.1 and later keep it
// with the parameters of the codec, 5.1 with the stream.
#ifndef THIRD_PARTY_FFMPEG_DISPLAY_MATRIX_H_
#define THIRD_PARTY_FFMPEG_DISPLAY_MATRIX_H_

#include <cstddef>
#include <cstdint>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace ffmpeg {

// Its nine numbers; null if the stream has none.
inline const int32_t* DisplayMatrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVPacketSideData* matrix = av_packet_side_data_get(
      stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
      AV_PKT_DATA_DISPLAYMATRIX);
  const uint8_t* data = matrix == nullptr ? nullptr : matrix->data;
#else
  const uint8_t* data =
      av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
  return reinterpret_cast<const int32_t*>(data);
}

// Gives the stream one, whose nine numbers are to be filled in.
inline int32_t* NewDisplayMatrix(AVStream* stream) {
  constexpr size_t kSize = 9 * sizeof(int32_t);
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  uint8_t* data = av_packet_side_data_new(&stream->codecpar->coded_side_data,
                                          &stream->codecpar->nb_coded_side_data,
                                          AV_PKT_DATA_DISPLAYMATRIX, kSize, 0)
                      ->data;
#else
  uint8_t* data =
      av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, kSize);
#endif
  return reinterpret_cast<int32_t*>(data);
}

}  // namespace ffmpeg

#endif  // THIRD_PARTY_FFMPEG_DISPLAY_MATRIX_H_
