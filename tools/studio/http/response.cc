#include "tools/studio/http/response.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/field_error.h"
#include "tools/studio/http/byte_range.h"

namespace studio {
namespace {

using nlohmann::json;

struct CodeOfStatus {
  absl::StatusCode code;
  int status;
};

constexpr CodeOfStatus kCodes[] = {
    {absl::StatusCode::kInvalidArgument, 400},
    {absl::StatusCode::kOutOfRange, 400},
    {absl::StatusCode::kNotFound, 404},
    {absl::StatusCode::kFailedPrecondition, 409},
    {absl::StatusCode::kAlreadyExists, 409},
    {absl::StatusCode::kAborted, 409},
    {absl::StatusCode::kResourceExhausted, 507},
    {absl::StatusCode::kUnavailable, 503},
    {absl::StatusCode::kCancelled, 503},
    {absl::StatusCode::kDeadlineExceeded, 503},
};

}  // namespace

FileBody::FileBody(FileBody&& other) noexcept
    : descriptor_(other.Release()),
      offset_(other.offset_),
      bytes_(other.bytes_) {}

FileBody& FileBody::operator=(FileBody&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  offset_ = other.offset_;
  bytes_ = other.bytes_;
  return *this;
}

FileBody::~FileBody() {
  if (descriptor_ >= 0) close(descriptor_);
}

Response JsonResponse(const json& json, int status) {
  Response response;
  response.status = status;
  // Names of files may hold any bytes; the answer is always valid UTF-8.
  response.body = json.dump(-1, ' ', /*ensure_ascii=*/false,
                            nlohmann::json::error_handler_t::replace);
  return response;
}

Response ErrorResponse(int status, absl::string_view code,
                       absl::string_view message, absl::string_view field) {
  json error = {{"code", std::string(code)}, {"message", std::string(message)}};
  if (!field.empty()) error["field"] = std::string(field);
  return JsonResponse({{"error", std::move(error)}}, status);
}

Response ErrorResponse(const absl::Status& error) {
  for (const CodeOfStatus& entry : kCodes) {
    if (entry.code == error.code()) {
      return ErrorResponse(entry.status, CodeName(entry.code), error.message(),
                           FieldOf(error));
    }
  }
  return ErrorResponse(500, "internal", error.message(), FieldOf(error));
}

Response EmptyResponse() {
  Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

Response FileResponse(const std::string& path, const std::string& content_type,
                      absl::string_view range) {
  const int file =
      open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    if (file >= 0) close(file);
    return ErrorResponse(404, "not_found", "the file is not there any more");
  }
  FileBody body(file, 0, status.st_size);
  Response response;
  const absl::StatusOr<std::optional<ByteRange>> part =
      ParseByteRange(range, status.st_size);
  if (!part.ok()) {
    response = ErrorResponse(416, "out_of_range", part.status().message());
    response.headers.emplace_back("Content-Range",
                                  absl::StrCat("bytes */", status.st_size));
    return response;
  }
  if (part->has_value()) {
    const ByteRange& asked = **part;
    response.status = 206;
    response.headers.emplace_back(
        "Content-Range",
        absl::StrCat("bytes ", asked.first, "-", asked.first + asked.bytes - 1,
                     "/", status.st_size));
    body = FileBody(body.Release(), asked.first, asked.bytes);
  }
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.content_type = content_type;
  response.body = std::move(body);
  return response;
}

}  // namespace studio
