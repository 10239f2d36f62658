#include "pipelines/animation/show_sets.h"

#include <memory>

#include "networks/files/outputs.h"
#include "pipelines/animation/sets_picture.h"
#include "pipelines/animation/video_source.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::Status WriteSetsPicture(Animator& animator, const std::string& source,
                              const std::string& output,
                              const AnimateVideoOptions& options) {
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  planned.inputs = options.other_inputs;
  planned.inputs.push_back(source);
  planned.overwrite = options.overwrite;
  planned.makes_folders = true;
  RETURN_IF_ERROR(networks::files::CheckOutputs(planned));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<VideoSource> opened,
      VideoSource::Open(source, animator, SourceOptionsOf(options, animator)));
  RETURN_IF_ERROR(networks::files::MakeParentFolders(planned));
  const PreparedSource& prepared = opened->prepared();
  return media::WriteImage(
      output,
      DrawSets(opened->first().picture(opened->box()), prepared.keypoints[0],
               animator.ReachOfKeypointSets(prepared), animator.set_names()));
}

}  // namespace pipelines
