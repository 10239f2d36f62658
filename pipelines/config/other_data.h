// A checkpoint's config for other data than the model was trained on.
#ifndef PIPELINES_CONFIG_OTHER_DATA_H_
#define PIPELINES_CONFIG_OTHER_DATA_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// What the programs' flags ask for; each may be empty.
struct OtherData {
  std::vector<std::string> overrides;  // "path.to.field=value", see override.h
  std::string folder;                  // of clips, instead of the config's own
  std::string model_size;              // see frame_size.h
};

// The overrides first, then the rest. The errors of override.h and
// frame_size.h; the config as a whole is not validated.
absl::Status UseOtherData(const OtherData& other, Config* config);

// RefuseOtherOverrides of override.h, for programs that read whole clips for a
// model that is trained: `allowed`, and where and how large the clips are. How
// pairs are drawn from them has no effect there.
absl::Status RefuseOverridesOfTraining(
    const std::vector<std::string>& assignments,
    std::vector<std::string> allowed);

// `named`, as UserPath reads it, as a path that is the same from any folder.
// Empty stays empty.
std::string AbsoluteFolder(const std::string& named);

// data.folder so: what a run keeps of its config is read from other folders.
void MakeFolderAbsolute(DataConfig* data);

// data.folder without the folders that it lies in, which are of one machine:
// for a file that others get.
void LeaveOutParentFolders(DataConfig* data);

}  // namespace pipelines

#endif  // PIPELINES_CONFIG_OTHER_DATA_H_
