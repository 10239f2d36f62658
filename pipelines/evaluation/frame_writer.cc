#include "pipelines/evaluation/frame_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::StatusOr<std::unique_ptr<media::FrameSink>> OpenFolder(
    const std::string& folder, const std::string& clip) {
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  return media::OpenFrameSink(absl::StrCat(folder, "/", clip, "/"), {});
}

}  // namespace

FrameWriter::FrameWriter(std::string folder) : folder_(std::move(folder)) {}
FrameWriter::~FrameWriter() = default;

absl::Status FrameWriter::BeginClip(const std::string& clip) {
  ASSIGN_OR_RETURN(generated_,
                   OpenFolder(absl::StrCat(folder_, "/generated"), clip));
  ASSIGN_OR_RETURN(real_, OpenFolder(absl::StrCat(folder_, "/real"), clip));
  return absl::OkStatus();
}

absl::Status FrameWriter::AddFrame(const RebuiltFrame& frame) {
  RETURN_IF_ERROR(generated_->Write(frame.prediction));
  return real_->Write(frame.driving);
}

absl::Status FrameWriter::EndClip(const ClipResult&) {
  RETURN_IF_ERROR(generated_->Finish());
  return real_->Finish();
}

}  // namespace pipelines
