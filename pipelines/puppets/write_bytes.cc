#include "pipelines/puppets/write_bytes.h"

#include <cerrno>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace pipelines::data::puppets {

absl::Status FileError(const std::string& path, absl::string_view what,
                       const std::error_code& error) {
  const std::string message =
      absl::StrCat(path, ": ", what, ": ", error.message());
  return error == std::errc::no_space_on_device
             ? absl::ResourceExhaustedError(message)
             : absl::UnavailableError(message);
}

absl::Status WriteBytes(const std::string& path, absl::string_view bytes) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) return absl::OkStatus();
  return FileError(path, "cannot write",
                   std::error_code(errno, std::generic_category()));
}

}  // namespace pipelines::data::puppets
