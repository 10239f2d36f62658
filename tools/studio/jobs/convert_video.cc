#include "tools/studio/jobs/convert_video.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/provenance.h"
#include "pipelines/media/transparency.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/zip_file.h"

namespace studio {
namespace {

namespace media = pipelines::media;

// Of a frame's PNG.
constexpr size_t kMaxFrameBytes = size_t{1} << 30;

// Frames with alpha, all of one size, from a zip archive of PNGs.
class KeptFrames {
 public:
  // DataLoss, also if there is no frame.
  static absl::StatusOr<KeptFrames> Open(const std::string& path) {
    KeptFrames frames;
    frames.path_ = path;
    ASSIGN_OR_RETURN(frames.zip_, ZipReader::Open(path));
    ASSIGN_OR_RETURN(const bool has_frame, frames.Read());
    if (has_frame) return frames;
    return absl::DataLossError(absl::StrCat(path, ": holds no frames"));
  }

  // That of the picture: a video may be padded to even numbers.
  cv::Size size() const { return frame_.size(); }

  // RGBA. The last one comes again and again: of a pose, which fills a second,
  // there is one.
  absl::StatusOr<cv::Mat> Next() {
    if (!std::exchange(is_first_, false)) RETURN_IF_ERROR(Read().status());
    return frame_;
  }

 private:
  // False at the end, which leaves the last frame.
  absl::StatusOr<bool> Read() {
    ASSIGN_OR_RETURN(const std::optional<std::string> png,
                     zip_->Next(kMaxFrameBytes));
    if (!png) return false;
    ASSIGN_OR_RETURN(media::ImageWithAlpha picture,
                     media::DecodeImageWithAlpha(*png, "a frame"));
    if (!frame_.empty() && picture.rgb.size() != frame_.size()) {
      return absl::DataLossError(absl::StrCat(
          path_, ": a frame has ", picture.rgb.cols, "x", picture.rgb.rows,
          " pixels, and the first has ", frame_.cols, "x", frame_.rows));
    }
    if (picture.alpha.empty()) {
      picture.alpha = cv::Mat(picture.rgb.size(), CV_8UC1, cv::Scalar(255));
    }
    frame_ = media::WithAlpha(picture.rgb, picture.alpha);
    return true;
  }

  std::string path_;
  std::unique_ptr<ZipReader> zip_;
  cv::Mat frame_;
  bool is_first_ = true;  // frame_ has not been asked for
};

absl::Status ToVideo(media::VideoReader& reader, const std::string& from,
                     const std::string& to, std::optional<KeptFrames> frames) {
  const media::VideoInfo& info = reader.info();
  media::VideoWriterOptions options;
  options.width = frames ? frames->size().width : info.width;
  options.height = frames ? frames->size().height : info.height;
  options.frame_rate = info.frame_rate;
  options.time_base = info.time_base;
  if (info.has_audio && !absl::EndsWith(to, ".gif")) options.audio_from = from;
  options.comment = media::kSynthetic;
  options.with_alpha = frames.has_value();
  ASSIGN_OR_RETURN(const std::unique_ptr<media::VideoWriter> writer,
                   media::VideoWriter::Create(to, options));
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     reader.Next());
    if (!frame) return writer->Finish();
    cv::Mat picture = frame->rgb;
    if (frames) {
      ASSIGN_OR_RETURN(picture, frames->Next());
    }
    RETURN_IF_ERROR(writer->WriteAt(picture, frame->pts, frame->duration));
  }
}

absl::Status ToZip(media::VideoReader& reader, const std::string& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ZipWriter> zip, ZipWriter::Create(to));
  for (int64_t number = 0;; ++number) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     reader.Next());
    if (!frame) return zip->Finish();
    const std::string name = FrameFileName(number);
    ASSIGN_OR_RETURN(
        const std::string png,
        media::EncodeImage(frame->rgb, ".png", name, media::kSynthetic));
    RETURN_IF_ERROR(zip->Add(name, png));
  }
}

}  // namespace

absl::Status ConvertVideo(const std::string& from, const std::string& to,
                          const std::string& frames) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::VideoReader> reader,
                   media::VideoReader::Open(from));
  if (absl::EndsWith(to, ".zip")) return ToZip(*reader, to);
  if (absl::EndsWith(to, ".gif") || absl::EndsWith(to, ".webm")) {
    std::optional<KeptFrames> kept;
    if (!frames.empty() && media::HoldsAlphaOutput(to)) {
      ASSIGN_OR_RETURN(kept, KeptFrames::Open(frames));
    }
    return ToVideo(*reader, from, to, std::move(kept));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(to, ": use .gif, .webm or .zip"));
}

}  // namespace studio
