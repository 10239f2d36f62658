// Brings published weight files to a folder and keeps an eye on them.
//
// Beside each file, <name>.sha256 (in the format of sha256sum) records the
// digest that it had when it first came. Later calls hold the file, or a new
// copy of it, to that.
#ifndef NETWORKS_PUBLISHED_FETCH_H_
#define NETWORKS_PUBLISHED_FETCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "networks/published/download.h"
#include "networks/published/weight_files.h"

namespace networks::published {

struct FetchOptions {
  // Downloads even what is there, replacing it when the new copy is complete.
  bool force = false;

  // `sha256` and `check` are set by Fetch.
  DownloadOptions download;
};

struct FetchResult {
  std::string path;
  std::string sha256;
  bool downloaded = false;  // or was there, whole
};

// Makes sure that `file` is in `folder`, which is made if need be. Errors of
// Download; besides, DataLoss if the file is there with a wrong digest, or came
// and is no PyTorch file (a proxy's page, say).
absl::StatusOr<FetchResult> Fetch(const WeightFile& file,
                                  const std::string& folder,
                                  const FetchOptions& options = {});

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_FETCH_H_
