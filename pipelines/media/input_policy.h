// Which of FFmpeg's demuxers and protocols an input may use: allow-lists, all
// in one place. Private to this folder.
//
// Some demuxers read texts that name other files or addresses, which they then
// open: HLS, DASH and IMF playlists, ffconcat, SDP, image patterns. A file from
// elsewhere that is named like a video could so put the pictures of another
// file of the user's into a result, or call a server. A file may use only
// demuxers that find everything in its own bytes.
#ifndef PIPELINES_MEDIA_INPUT_POLICY_H_
#define PIPELINES_MEDIA_INPUT_POLICY_H_

#include <string>

#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

// Whether a file may be read by this demuxer.
bool IsAllowedInFile(const AVInputFormat& format);

// For the user, behind the file's name: "is a playlist (Apple HTTP Live
// Streaming), which names other files; ...". `format` is not allowed in files.
// is_pipe: the file is one that cannot be sought in.
std::string WhyNotAllowed(const AVInputFormat& format, bool is_pipe);

// Of a URL that the user gave, as lists for FFmpeg, with commas between. A
// playlist behind a URL may name other addresses of the network; no protocol in
// the list reaches files of this machine.
const char* UrlDemuxers();
const char* UrlProtocols();
bool IsAllowedProtocol(const std::string& protocol);

// What FFmpeg asks when a demuxer wants to open something beside its input:
// refuses everything. The type of AVFormatContext::io_open.
int RefuseNestedOpen(AVFormatContext* format, AVIOContext** io, const char* url,
                     int flags, AVDictionary** options);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_INPUT_POLICY_H_
