#include "pipelines/media/frame_sink.h"

#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/atomic_file.h"
#include "networks/files/atomic_folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/temporary.h"
#include "pipelines/media/device_sink.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

using networks::files::AtomicFile;
using networks::files::AtomicFolder;

constexpr char kAnimatedPicture[] = ".webp";

// With its dot, in small letters; empty where there is none.
std::string EndingOf(const std::string& path) {
  const std::string name = networks::files::BaseName(path);
  const size_t dot = name.find_last_of('.');
  return dot == std::string::npos ? ""
                                  : absl::AsciiStrToLower(name.substr(dot));
}

class FolderSink : public FrameSink {
 public:
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(
      const std::string& path, const VideoWriterOptions& options) {
    ASSIGN_OR_RETURN(AtomicFolder folder, AtomicFolder::Create(path));
    std::unique_ptr<FolderSink> sink(
        new FolderSink(path, std::move(folder), options.comment));
    if (!options.audio_from.empty()) {
      sink->warnings_.push_back(absl::StrCat(
          "a folder of images holds no sound; that of ", options.audio_from,
          " is left out; an output named .mp4 keeps it"));
    }
    return sink;
  }

  absl::Status Write(const cv::Mat& rgb) override {
    const std::string name = absl::StrFormat("%06d.png", num_written_++);
    ASSIGN_OR_RETURN(const std::string png,
                     EncodeImage(rgb, ".png", name, comment_));
    return folder_.Write(name, png);
  }

  // Images have no times.
  absl::Status WriteAt(const cv::Mat& rgb, int64_t, int64_t) override {
    return Write(rgb);
  }

  absl::Status Finish() override {
    if (num_written_ > 0) return folder_.Commit();
    return absl::FailedPreconditionError(path_ + ": no frame was written");
  }

  const std::vector<std::string>& warnings() const override {
    return warnings_;
  }

 private:
  FolderSink(std::string path, AtomicFolder folder, std::string comment)
      : path_(std::move(path)),
        folder_(std::move(folder)),
        comment_(std::move(comment)) {}

  const std::string path_;
  AtomicFolder folder_;
  const std::string comment_;
  std::vector<std::string> warnings_;
  int num_written_ = 0;
};

// A single picture, encoded when it comes and published at the end.
class PictureSink : public FrameSink {
 public:
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(
      const std::string& path, const VideoWriterOptions& options) {
    RETURN_IF_ERROR(
        CheckImageSize({options.width, options.height}, EndingOf(path), path));
    networks::files::OutputOptions output;
    output.overwrite = options.overwrite;
    ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path, output));
    std::unique_ptr<PictureSink> sink(
        new PictureSink(std::move(file), options.comment));
    if (!options.audio_from.empty()) {
      sink->warnings_.push_back(
          absl::StrCat("a picture holds no sound; that of ", options.audio_from,
                       " is left out"));
    }
    return sink;
  }

  absl::Status Write(const cv::Mat& rgb) override {
    const std::string& path = file_.path();
    if (has_picture_) {
      return absl::InvalidArgumentError(absl::StrCat(
          path,
          ": a picture holds one frame, and there are more; name a "
          "video, as .mp4, or a folder"));
    }
    has_picture_ = true;
    ASSIGN_OR_RETURN(const std::string bytes,
                     EncodeImage(rgb, EndingOf(path), path, comment_));
    return file_.Append(bytes);
  }

  // A picture has no time.
  absl::Status WriteAt(const cv::Mat& rgb, int64_t, int64_t) override {
    return Write(rgb);
  }

  absl::Status Finish() override {
    if (has_picture_) return file_.Commit();
    return absl::FailedPreconditionError(file_.path() +
                                         ": no frame was written");
  }

  const std::vector<std::string>& warnings() const override {
    return warnings_;
  }

 private:
  PictureSink(AtomicFile file, std::string comment)
      : file_(std::move(file)), comment_(std::move(comment)) {}

  AtomicFile file_;
  const std::string comment_;
  std::vector<std::string> warnings_;
  bool has_picture_ = false;
};

// A picture, which becomes a video of the same name by its second frame.
class AnimatedPictureSink : public FrameSink {
 public:
  static absl::StatusOr<std::unique_ptr<FrameSink>> Create(
      const std::string& path, const VideoWriterOptions& options) {
    // It holds the name until there is a video.
    ASSIGN_OR_RETURN(std::unique_ptr<FrameSink> picture,
                     PictureSink::Create(path, options));
    return std::unique_ptr<FrameSink>(
        new AnimatedPictureSink(path, options, std::move(picture)));
  }

  absl::Status Write(const cv::Mat& rgb) override {
    return Add(rgb, [&](FrameSink& sink, const cv::Mat& frame) {
      return sink.Write(frame);
    });
  }

  absl::Status WriteAt(const cv::Mat& rgb, int64_t pts,
                       int64_t duration) override {
    return Add(rgb, [=](FrameSink& sink, const cv::Mat& frame) {
      return sink.WriteAt(frame, pts, duration);
    });
  }

  void CutSoundToFrames() override { sink_->CutSoundToFrames(); }
  absl::Status Finish() override { return sink_->Finish(); }
  const std::vector<std::string>& warnings() const override {
    return sink_->warnings();
  }

 private:
  using WriteFrame = std::function<absl::Status(FrameSink&, const cv::Mat&)>;

  AnimatedPictureSink(std::string path, VideoWriterOptions options,
                      std::unique_ptr<FrameSink> picture)
      : path_(std::move(path)),
        options_(std::move(options)),
        sink_(std::move(picture)) {}

  absl::Status Add(const cv::Mat& rgb, const WriteFrame& write) {
    if (num_written_++ == 0) {
      first_ = rgb.clone();
      write_first_ = write;
      return write(*sink_, rgb);
    }
    if (write_first_) {
      sink_.reset();
      absl::StatusOr<std::unique_ptr<FrameSink>> video =
          VideoWriter::Create(path_, options_);
      RETURN_IF_ERROR(video.status());
      sink_ = *std::move(video);
      RETURN_IF_ERROR(write_first_(*sink_, first_));
      write_first_ = nullptr;
      first_.release();
    }
    return write(*sink_, rgb);
  }

  const std::string path_;
  const VideoWriterOptions options_;
  std::unique_ptr<FrameSink> sink_;
  int64_t num_written_ = 0;
  cv::Mat first_;
  WriteFrame write_first_;  // null once it is in the video
};

}  // namespace

bool HoldsOneFrameOnly(const std::string& path) {
  return IsPictureOutput(path) && EndingOf(path) != kAnimatedPicture;
}

bool IsPictureOutput(const std::string& path) {
  if (IsDeviceOutput(path)) return false;
  const std::string ending = EndingOf(path);
  for (const char* known :
       {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}) {
    if (ending == known) return true;
  }
  return false;
}

bool IsPictureInsteadOfFolder(const std::string& path) {
  std::error_code error;
  return IsPictureOutput(path) && path.back() != '/' &&
         !std::filesystem::is_directory(path, error);
}

bool HoldsAlphaOutput(const std::string& path) {
  if (IsFolderOutput(path)) return true;
  const std::string ending = EndingOf(path);
  return ending == ".webm" || ending == ".mov" || HoldsAlpha(ending);
}

bool IsFolderOutput(const std::string& path) {
  return !path.empty() && !IsDeviceOutput(path) &&
         (path.back() == '/' ||
          networks::files::BaseName(path).find('.') == std::string::npos);
}

absl::Status CheckEnding(const std::string& path) {
  if (IsDeviceOutput(path) || IsFolderOutput(path) || IsPictureOutput(path)) {
    return absl::OkStatus();
  }
  return VideoWriter::CheckEnding(path);
}

absl::StatusOr<std::unique_ptr<FrameSink>> OpenFrameSink(
    const std::string& path, const VideoWriterOptions& options) {
  if (path.empty()) return absl::InvalidArgumentError("no output is named");
  if (IsDeviceOutput(path)) return OpenDeviceSink(path, options);
  if (IsFolderOutput(path)) return FolderSink::Create(path, options);
  if (HoldsOneFrameOnly(path)) return PictureSink::Create(path, options);
  if (IsPictureOutput(path)) return AnimatedPictureSink::Create(path, options);
  return VideoWriter::Create(path, options);
}

}  // namespace pipelines::media
