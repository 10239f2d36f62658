// Writes the frames of a reconstruction for detectors to look at.
#ifndef PIPELINES_EVALUATION_FRAME_WRITER_H_
#define PIPELINES_EVALUATION_FRAME_WRITER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/media/frame_sink.h"

namespace pipelines {

// For each clip two folders of PNGs, 000000.png and so on, of equal size:
//
//   <folder>/generated/<clip>/   the model's frames
//   <folder>/real/<clip>/        the clip's own, as the model saw them
//
// which is what the field's pose-evaluation scripts read as videos. A clip's
// folder appears when it is whole. The errors of media::OpenFrameSink:
// AlreadyExists, naming the folder, where one of that name is there.
class FrameWriter : public ReconstructionObserver {
 public:
  explicit FrameWriter(std::string folder);
  ~FrameWriter() override;

  absl::Status BeginClip(const std::string& clip) override;
  absl::Status AddFrame(const RebuiltFrame& frame) override;
  absl::Status EndClip(const ClipResult& result) override;

 private:
  const std::string folder_;
  std::unique_ptr<media::FrameSink> generated_, real_;
};

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_FRAME_WRITER_H_
