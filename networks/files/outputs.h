// Whether what a user names as outputs can be written without harm to what is
// there, to be asked before the work is begun.
#ifndef NETWORKS_FILES_OUTPUTS_H_
#define NETWORKS_FILES_OUTPUTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace networks::files {

struct PlannedOutputs {
  // Files to be written. Empty names are passed over, here and below.
  std::vector<std::string> files;

  // Folders to be made as a whole (atomic_folder.h): `overwrite` does not count
  // for them, and no other output may lie in them.
  std::vector<std::string> folders;

  // Folders to be made if need be, into which files are written one by one.
  // With `overwrite` those that are there may be replaced.
  std::vector<std::string> filled_folders;

  // What the work reads, files or folders; names that are no files (as
  // "camera:0") are passed over.
  std::vector<std::string> inputs;

  // Whether files that exist may be replaced.
  bool overwrite = false;

  // Whether folders of `files` that are missing are made before the files are
  // written.
  bool makes_folders = false;
};

// The first thing that forbids to write these outputs:
//
//   AlreadyExists     a file exists and is not to be replaced, or a folder is
//                     not empty
//   InvalidArgument   something else than a file (or a folder) has the name: a
//                     folder, a link, a device, a pipe; an output is an input,
//                     or a file in an input folder, by whatever name; two
//                     outputs are one file, or one lies in one of `folders`
//   the system's error  its folder is not there, cannot be looked into or
//                     written to, or, as /tmp, keeps what another user owns
absl::Status CheckOutputs(const PlannedOutputs& planned);

// Makes the folders that planned.files and planned.folders are to lie in, as
// far as they are missing; to be called right before these are written. The
// errors of MakeFolder.
absl::Status MakeParentFolders(const PlannedOutputs& planned);

}  // namespace networks::files

#endif  // NETWORKS_FILES_OUTPUTS_H_
