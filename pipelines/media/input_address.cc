#include "pipelines/media/input_address.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace pipelines::media {
namespace {

// [RFC 3986, 3.1] A letter, then letters, digits, '+', '-' and '.'.
bool IsScheme(absl::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(text[0])) return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && c != '+' && c != '-' && c != '.') {
      return false;
    }
  }
  return true;
}

}  // namespace

Device DeviceOf(const std::string& name) {
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, "lavfi:")) {
    return {"lavfi", std::string(rest)};
  }
  if (absl::ConsumePrefix(&rest, "camera:")) {
    return {"video4linux2", absl::StrCat("/dev/video", rest)};
  }
  if (absl::StartsWith(name, "/dev/video")) return {"video4linux2", name};
  return {};
}

AddressKind ClassifyAddress(const std::string& name) {
  if (!DeviceOf(name).format.empty()) return AddressKind::kDevice;
  const size_t colon = name.find("://");
  return colon != std::string::npos && IsScheme(name.substr(0, colon))
             ? AddressKind::kUrl
             : AddressKind::kFile;
}

bool IsPipe(const std::string& name) {
  std::error_code error;
  return ClassifyAddress(name) == AddressKind::kFile &&
         std::filesystem::is_other(name, error);
}

}  // namespace pipelines::media
