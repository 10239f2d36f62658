// SHA-256 of files.
#ifndef NETWORKS_PUBLISHED_DIGEST_H_
#define NETWORKS_PUBLISHED_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "networks/weights/mapped_file.h"

namespace networks::published {

// 64 lower-case hexadecimal digits. NotFound, PermissionDenied or Unknown (a
// read error) with the path.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);
// Of a file that is open, whose path may name another one by now.
absl::StatusOr<std::string> Sha256OfFile(const weights::MappedFile& file);

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_DIGEST_H_
