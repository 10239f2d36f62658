// studio_converter FROM TO FRAMES: makes another format of a finished animation
// (convert_video.h); FRAMES may be left out. convert_client.h starts it; nobody
// else needs it.
//
// Before it reads them it gives up everything but FROM, FRAMES and the folder
// of TO. Ends with 0, or prints {"code","message"} and ends with 1.
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/jobs/convert_video.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

absl::Status Run(const std::string& from, const std::string& to,
                 const std::string& frames) {
  FileRules rules;
  rules.readable = {from};
  if (!frames.empty()) rules.readable.push_back(frames);
  rules.writable = {std::filesystem::path(to).parent_path().string()};
  ASSIGN_OR_RETURN(const FileJail jail, FileJail::Create(rules));
  if (const int error = jail.Enter(); error != 0) {
    return absl::ErrnoToStatus(error,
                               "cannot confine this process by Landlock");
  }
  RETURN_IF_ERROR(RestrictSystemCalls(SystemCalls::kFilesAndThreads));
  return ConvertVideo(from, to, frames);
}

absl::Status RunSafely(const std::string& from, const std::string& to,
                       const std::string& frames) {
  try {
    return Run(from, to, frames);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace
}  // namespace studio

int main(int argc, char** argv) {
  // Beyond the limit of a file's size writing fails, as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  if (argc != 3 && argc != 4) return 2;
  const absl::Status status =
      studio::RunSafely(argv[1], argv[2], argc == 4 ? argv[3] : "");
  if (status.ok()) return 0;
  using Json = nlohmann::json;
  const Json error = {{"code", studio::CodeName(status.code())},
                      {"message", std::string(status.message())}};
  std::printf(
      "%s", error.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return 1;
}
