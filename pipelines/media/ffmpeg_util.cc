#include "pipelines/media/ffmpeg_util.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

bool IsUrl(const std::string& path) {
  return path.find("://") != std::string::npos;
}

absl::Status CheckFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || access(path.c_str(), R_OK) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a folder, not a video"));
  }
  if (S_ISREG(info.st_mode) && info.st_size == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  }
  return absl::OkStatus();
}

// What FFmpeg calls the format and the address of a device; both empty for
// everything else.
struct Device {
  std::string format;
  std::string url;
};
Device DeviceOf(const std::string& path) {
  absl::string_view name = path;
  if (absl::ConsumePrefix(&name, "lavfi:")) {
    return {"lavfi", std::string(name)};
  }
  if (absl::ConsumePrefix(&name, "camera:")) {
    return {"video4linux2", absl::StrCat("/dev/video", name)};
  }
  if (absl::StartsWith(name, "/dev/video")) return {"video4linux2", path};
  return {};
}

absl::StatusOr<InputPtr> OpenDevice(const std::string& path,
                                    const Device& device) {
  avdevice_register_all();
  const AVInputFormat* format = av_find_input_format(device.format.c_str());
  if (format == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        path, ": this FFmpeg has no input device ", device.format));
  }
  AVFormatContext* input = nullptr;
  const int error =
      avformat_open_input(&input, device.url.c_str(), format, nullptr);
  if (error < 0) {
    return FfmpegStatus(
        error,
        absl::StrCat(path, ": cannot open the device '", device.url, "'"),
        absl::StatusCode::kInvalidArgument);
  }
  return InputPtr(input);
}

// FFmpeg "plays" any text as the output of a terminal.
bool IsTextDemuxer(const AVFormatContext& format) {
  for (const char* name : {"tty", "bin", "xbin", "adf", "idf"}) {
    if (std::strcmp(format.iformat->name, name) == 0) return true;
  }
  return false;
}

}  // namespace

bool IsDevice(const std::string& path) {
  return !DeviceOf(path).format.empty();
}

void SilenceFfmpeg() {
  static const bool silenced = [] {
    av_log_set_level(AV_LOG_QUIET);
    return true;
  }();
  static_cast<void>(silenced);
}

std::string FfmpegMessage(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

absl::Status FfmpegStatus(int error, const std::string& context,
                          absl::StatusCode otherwise) {
  // AVERROR(errno) is small and negative, FFmpeg's own codes are huge.
  if (error > -1000) return absl::ErrnoToStatus(AVUNERROR(error), context);
  return absl::Status(otherwise,
                      absl::StrCat(context, ": ", FfmpegMessage(error)));
}

absl::StatusOr<InputPtr> OpenInput(const std::string& path) {
  SilenceFfmpeg();
  if (IsDevice(path)) return OpenDevice(path, DeviceOf(path));
  if (!IsUrl(path)) RETURN_IF_ERROR(CheckFile(path));
  const std::string url = IsUrl(path) ? path : "file:" + path;
  AVFormatContext* format = nullptr;
  const int error = avformat_open_input(&format, url.c_str(), nullptr, nullptr);
  if (error < 0) {
    return FfmpegStatus(error, path + " is not a video that FFmpeg can read",
                        absl::StatusCode::kInvalidArgument);
  }
  InputPtr input(format);
  if (IsTextDemuxer(*input)) {
    return absl::InvalidArgumentError(path + " is a text and not a video");
  }
  return input;
}

}  // namespace pipelines::data
