#include "pipelines/media/input_policy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

extern "C" {
#include <libavutil/avstring.h>
}

namespace pipelines::media {
namespace {

// Containers and streams that hold their frames or their sound themselves. The
// sound formats are here so that a file of sound is named as one.
#define CONTAINERS                                                          \
  "mov,matroska,avi,mpegts,mpeg,mpegvideo,gif,apng,flv,live_flv,ogg,asf,"   \
  "asf_o,nut,ivf,obu,av1,h261,h263,h264,hevc,m4v,dirac,cavsvideo,"          \
  "mjpeg,mjpeg_2000,smjpeg,yuv4mpegpipe,dv,mxf,gxf,lxf,wtv,pva,nuv,nsv,rm," \
  "swf,dxa,flic,roq,"                                                       \
  "wav,w64,aiff,au,caf,mp3,aac,ac3,eac3,dts,dtshd,truehd,mlp,flac,amr,ape," \
  "wv,tta,tak,voc,loas,gsm"

constexpr char kContainers[] = CONTAINERS;

// Live streams and playlists of the network, and single pictures.
constexpr char kUrlDemuxers[] = CONTAINERS
    ",hls,dash,rtsp,sdp,rtp,mpjpeg,"
    "png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,tiff_pipe";
#undef CONTAINERS

constexpr char kUrlProtocols[] =
    "http,https,httpproxy,tls,tcp,udp,rtp,srtp,rtsp,rtmp,rtmps,rtmpt,srt,ftp,"
    "crypto";

bool IsOneOf(const AVInputFormat& format, const char* names) {
  for (const absl::string_view name : absl::StrSplit(names, ',')) {
    // An input format's own name may be a list, too: "mov,mp4,m4a".
    if (av_match_name(std::string(name).c_str(), format.name) > 0) return true;
  }
  return false;
}

}  // namespace

bool IsAllowedInFile(const AVInputFormat& format) {
  return IsOneOf(format, kContainers);
}

std::string WhyNotAllowed(const AVInputFormat& format, bool is_pipe) {
  if (IsOneOf(format,
              "hls,applehttp,concat,dash,webm_dash_manifest,imf,sdp,"
              "rtsp,rtp,sap,image2,vobsub")) {
    return absl::StrCat("is a playlist (", format.long_name,
                        "), which names other files; give the video itself");
  }
  if (IsOneOf(format, "tty,bin,xbin,adf,idf")) {
    return "is a text and not a video";
  }
  // As a file, these are read by image_io.h.
  if (IsOneOf(format,
              "png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,tiff_pipe,j2k_pipe,"
              "sunrast_pipe,pbm_pipe,pgm_pipe,ppm_pipe")) {
    return is_pipe ? "is a picture in a pipe; save it as a file"
                   : "is a picture and no video or sound";
  }
  return absl::StrCat("is of a kind that is not read (", format.long_name,
                      "); convert it to MP4, or to PNG if it is a picture");
}

const char* UrlDemuxers() { return kUrlDemuxers; }
const char* UrlProtocols() { return kUrlProtocols; }

bool IsAllowedProtocol(const std::string& protocol) {
  return av_match_name(protocol.c_str(), kUrlProtocols) > 0;
}

int RefuseNestedOpen(AVFormatContext*, AVIOContext**, const char*, int,
                     AVDictionary**) {
  return AVERROR(EPERM);
}

}  // namespace pipelines::media
