#include "tools/reliability/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace reliability {

namespace fs = std::filesystem;

absl::StatusOr<ScratchFolder> ScratchFolder::Make(const std::string& parent,
                                                  const std::string& name) {
  const std::string folder =
      parent.empty() ? fs::temp_directory_path().string() : parent;
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  std::string path = absl::StrCat(folder, "/", name, "-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return networks::files::SystemError(errno, folder, "make a folder in it");
  }
  return ScratchFolder(std::move(path));
}

ScratchFolder::~ScratchFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // what stays takes space only
  fs::remove_all(path_, ignored);
}

}  // namespace reliability
