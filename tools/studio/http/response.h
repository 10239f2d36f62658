// What a handler answers.
#ifndef TOOLS_STUDIO_HTTP_RESPONSE_H_
#define TOOLS_STUDIO_HTTP_RESPONSE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace studio {

// Bytes of an open file. Owns the descriptor. Movable.
class FileBody {
 public:
  FileBody(int descriptor, int64_t offset, int64_t bytes)
      : descriptor_(descriptor), offset_(offset), bytes_(bytes) {}
  FileBody(FileBody&& other) noexcept;
  FileBody& operator=(FileBody&& other) noexcept;
  ~FileBody();

  int64_t offset() const { return offset_; }
  int64_t bytes() const { return bytes_; }
  // Gives the descriptor away.
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
  int64_t offset_;
  int64_t bytes_;
};

// Pieces of a body without a known end. Called again and again on the
// connection's thread; it may wait, a few seconds at most, and gives the next
// piece, or an empty one at the end.
using StreamBody = std::function<std::string()>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  // Besides those that every response has (http_server.h).
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, std::shared_ptr<const std::string>, FileBody,
               StreamBody>
      body;
};

Response JsonResponse(const nlohmann::json& json, int status = 200);

// {"error":{"code","message","field"}}.
Response ErrorResponse(int status, absl::string_view code,
                       absl::string_view message, absl::string_view field = "");

// The same of a status, whose code decides: InvalidArgument and OutOfRange 400,
// NotFound 404, FailedPrecondition, AlreadyExists and Aborted 409,
// ResourceExhausted 507, Unavailable, Cancelled and DeadlineExceeded 503, all
// others 500. The field is that of base/field_error.h.
Response ErrorResponse(const absl::Status& error);

// 204.
Response EmptyResponse();

// The regular file `path`, or the one range of it that `range` (the header's
// value, which may be empty) asks for: 200, 206 or 416. A `range` that is no
// byte range is passed over, as the standard wants it; several ranges are 416.
Response FileResponse(const std::string& path, const std::string& content_type,
                      absl::string_view range);

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_RESPONSE_H_
