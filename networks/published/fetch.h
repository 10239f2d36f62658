// Brings published weight files to a folder and keeps an eye on them.
//
// Beside each file, <name>.sha256 (in the format of sha256sum) records the
// digest that it had when it first came. Later calls hold the file, or a new
// copy of it, to that.
#ifndef NETWORKS_PUBLISHED_FETCH_H_
#define NETWORKS_PUBLISHED_FETCH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "networks/published/download.h"
#include "networks/published/weight_files.h"

namespace networks::published {

struct FetchOptions {
  // Downloads even what is there, replacing it when the new copy is complete.
  bool force = false;

  // `sha256`, `sha256_origin`, `bytes`, `part_suffix` and `check` are set by
  // Fetch.
  DownloadOptions download;
};

struct FetchResult {
  std::string path;
  std::string sha256;
  bool downloaded = false;  // or was there, whole
  // Nobody publishes the digest, so that of the first copy, this one, will be
  // asked of later ones.
  bool is_first = false;
  // What the sources said that were tried before; that the digest of a file
  // that was there cannot be recorded, unless all of it is published.
  std::vector<std::string> warnings;
};

// Makes sure that `file` is in `folder`, which is made if need be. Its sources
// are tried in turn until one has it, but for what no other source can mend: a
// full disk, another process at the same file, a folder that may not be
// written, a stop.
//
// Errors of Download, with what each source said: Unavailable if any of them
// may answer later. Besides, DataLoss if the file is there with a wrong digest,
// or came and is no PyTorch file (a web page, a link of Git LFS); the errors of
// ReadFile if its record is there and cannot be read.
absl::StatusOr<FetchResult> Fetch(const WeightFile& file,
                                  const std::string& folder,
                                  const FetchOptions& options = {});

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_FETCH_H_
