#include "networks/published/digest.h"

#include <memory>

#include "absl/strings/escaping.h"
#include "networks/weights/sha256.h"
#include "third_party/absl/status_macros.h"

namespace networks::published {

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<weights::MappedFile> file,
                   weights::MappedFile::Open(path));
  return Sha256OfFile(*file);
}

absl::StatusOr<std::string> Sha256OfFile(const weights::MappedFile& file) {
  weights::Sha256 digest;
  digest.Add(file.contents());
  RETURN_IF_ERROR(file.Check());
  return absl::BytesToHexString(digest.Finish());
}

}  // namespace networks::published
