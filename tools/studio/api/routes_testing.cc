#include "tools/studio/api/routes_testing.h"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/response.h"

namespace studio {
namespace {

using nlohmann::json;

std::string BytesOf(FileBody* file) {
  std::string bytes(static_cast<size_t>(file->bytes()), '\0');
  const int64_t offset = file->offset();
  const int descriptor = file->Release();
  EXPECT_EQ(pread(descriptor, &bytes[0], bytes.size(), offset),
            static_cast<ssize_t>(bytes.size()));
  close(descriptor);
  return bytes;
}

std::string BytesOf(const StreamBody& next) {
  std::string bytes;
  for (std::string piece = next(); !piece.empty(); piece = next()) {
    bytes += piece;
  }
  return bytes;
}

RouteAnswer ToAnswer(Response response) {
  RouteAnswer answer;
  answer.status = response.status;
  answer.content_type = response.content_type;
  answer.headers = {response.headers.begin(), response.headers.end()};
  if (auto* text = std::get_if<std::string>(&response.body)) {
    answer.body = *text;
  } else if (auto* shared = std::get_if<std::shared_ptr<const std::string>>(
                 &response.body)) {
    answer.body = **shared;
  } else if (auto* file = std::get_if<FileBody>(&response.body)) {
    answer.body = BytesOf(file);
  } else {
    answer.body = BytesOf(std::get<StreamBody>(response.body));
  }
  return answer;
}

Response ReadWhole(BodyReader* reader, absl::string_view body) {
  const size_t half = body.size() / 2;
  for (const absl::string_view piece :
       {body.substr(0, half), body.substr(half)}) {
    const absl::Status status = reader->Write(piece);
    if (!status.ok()) return ErrorResponse(status);
  }
  return reader->Finish();
}

}  // namespace

json RouteAnswer::json() const {
  return nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
}

std::string RouteAnswer::ErrorField(const char* name) const {
  const nlohmann::json parsed = json();
  if (!parsed.is_object() || !parsed.contains("error")) return "";
  return parsed["error"].value(name, std::string());
}

RouteAnswer AskRoute(const Router& router, const std::string& method,
                     const std::string& target, const std::string& body) {
  Request request;
  if (!body.empty()) {
    request.content_length = static_cast<int64_t>(body.size());
  }
  return AskRoute(router, method, target, body, std::move(request));
}

RouteAnswer AskRoute(const Router& router, const std::string& method,
                     const std::string& target, const std::string& body,
                     Request request) {
  const absl::StatusOr<Target> parsed = ParseTarget(target);
  if (!parsed.ok()) return ToAnswer(ErrorResponse(parsed.status()));
  request.method = method;
  request.target = *parsed;
  Reply reply = router.Route(std::move(request), parsed->path);
  if (auto* response = std::get_if<Response>(&reply)) {
    return ToAnswer(std::move(*response));
  }
  auto& reader = std::get<std::unique_ptr<BodyReader>>(reply);
  return ToAnswer(ReadWhole(reader.get(), body));
}

}  // namespace studio
