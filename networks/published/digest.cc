#include "networks/published/digest.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "networks/weights/sha256.h"

namespace networks::published {

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, path);
  weights::Sha256 digest;
  std::vector<char> block(1 << 20);
  size_t size;
  while ((size = std::fread(block.data(), 1, block.size(), file.get())) > 0) {
    digest.Add({block.data(), size});
  }
  if (std::ferror(file.get())) return absl::ErrnoToStatus(errno, path);
  return absl::BytesToHexString(digest.Finish());
}

}  // namespace networks::published
