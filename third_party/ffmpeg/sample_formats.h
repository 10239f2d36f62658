// The sample formats of an encoder: FFmpeg 7.1 deprecates the field that 5.1
// has, and 5.1 has not the function of 7.1.
#ifndef THIRD_PARTY_FFMPEG_SAMPLE_FORMATS_H_
#define THIRD_PARTY_FFMPEG_SAMPLE_FORMATS_H_

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace ffmpeg {

// The first sample format that `codec` encodes; AV_SAMPLE_FMT_NONE if it names
// none.
inline AVSampleFormat FirstSampleFormat(const AVCodec* codec) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* formats = nullptr;
  if (avcodec_get_supported_config(nullptr, codec,
                                   AV_CODEC_CONFIG_SAMPLE_FORMAT, 0, &formats,
                                   nullptr) < 0 ||
      formats == nullptr) {
    return AV_SAMPLE_FMT_NONE;
  }
  return static_cast<const AVSampleFormat*>(formats)[0];
#else
  return codec->sample_fmts == nullptr ? AV_SAMPLE_FMT_NONE
                                       : codec->sample_fmts[0];
#endif
}

}  // namespace ffmpeg

#endif  // THIRD_PARTY_FFMPEG_SAMPLE_FORMATS_H_
