#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/input_json.h"
#include "tools/studio/api/open_file.h"
#include "tools/studio/api/query.h"
#include "tools/studio/api/routes.h"
#include "tools/studio/base/limit.h"
#include "tools/studio/jobs/media_facts.h"

namespace studio {
namespace {

using nlohmann::json;

constexpr int kUploadsAtATime = 4;
constexpr int64_t kMaxFrame = int64_t{1} << 40;

// Stores the body as it comes; then the decoder looks at it.
class UploadReader : public BodyReader {
 public:
  UploadReader(const ApiParts& parts, MediaKind kind, int64_t bytes,
               NewUpload upload, std::shared_ptr<void> place)
      : parts_(parts),
        kind_(kind),
        bytes_(bytes),
        upload_(std::move(upload)),
        place_(std::move(place)) {}

  absl::Status Write(absl::string_view bytes) override {
    return upload_.Append(bytes);
  }

  Response Finish() override {
    if (upload_.bytes() != bytes_) {
      return ErrorResponse(400, "invalid_argument", "the upload was cut off");
    }
    const absl::StatusOr<Input> input = Publish();
    if (input.ok()) return JsonResponse(InputToJson(*input), 201);
    if (!absl::IsInvalidArgument(input.status())) {
      return ErrorResponse(input.status());
    }
    // Not what the request says it is, or nothing that can be read.
    return ErrorResponse(415, "invalid_argument", input.status().message(),
                         "kind");
  }

 private:
  absl::StatusOr<Input> Publish() {
    ASSIGN_OR_RETURN(const int descriptor, upload_.OpenForReading());
    const OpenFile file(descriptor);
    ASSIGN_OR_RETURN(const MediaFacts facts,
                     parts_.decoder->Probe(file.descriptor(), kind_));
    return upload_.Publish(FactsToJson(facts).dump());
  }

  const ApiParts& parts_;
  const MediaKind kind_;
  const int64_t bytes_;
  NewUpload upload_;
  std::shared_ptr<void> place_;
};

// What is wrong with the header of an upload; 0 if nothing.
Response CheckUpload(const ApiParts& parts, const Request& request) {
  const absl::string_view type = request.Header("content-type");
  if (absl::StartsWithIgnoreCase(type, "multipart/")) {
    return ErrorResponse(
        415, "invalid_argument",
        "the body is the file itself, not a form: use curl -X POST -T FILE");
  }
  if (request.content_length < 0) {
    return ErrorResponse(411, "invalid_argument",
                         "the request has to state its Content-Length");
  }
  if (request.content_length == 0) {
    return ErrorResponse(400, "invalid_argument",
                         "the file is empty; choose one that holds a picture, "
                         "a video or a motion");
  }
  if (request.content_length > parts.max_upload) {
    return ErrorResponse(
        413, "invalid_argument",
        absl::StrCat("the file has ", request.content_length,
                     " bytes; Studio takes at most ", parts.max_upload,
                     "; make it smaller, or start Studio with a larger "
                     "max_upload"));
  }
  return EmptyResponse();
}

Reply BeginUpload(const ApiParts& parts, Limit* limit, const Request& request) {
  const absl::StatusOr<std::string> name =
      QueryChoice(request, "kind", {"image", "video", "motion"});
  if (!name.ok()) return ErrorResponse(name.status());
  const absl::StatusOr<MediaKind> kind = ParseMediaKind(*name);
  if (!kind.ok()) return ErrorResponse(kind.status());
  Response refused = CheckUpload(parts, request);
  if (refused.status != 204) return refused;
  std::shared_ptr<void> place = limit->Take();
  if (!place) {
    return ErrorResponse(429, "unavailable",
                         "other files are being uploaded; try again soon");
  }
  absl::StatusOr<NewUpload> upload =
      parts.store->BeginUpload(*name, request.content_length);
  if (!upload.ok()) return ErrorResponse(upload.status());
  return std::make_unique<UploadReader>(parts, *kind, request.content_length,
                                        *std::move(upload), std::move(place));
}

absl::StatusOr<std::string> PreviewOf(const ApiParts& parts,
                                      const Request& request,
                                      const std::string& id) {
  RETURN_IF_ERROR(CheckQuery(request, {"frame", "side"}));
  ASSIGN_OR_RETURN(const int64_t frame,
                   QueryInteger(request, "frame", 0, kMaxFrame, 0));
  ASSIGN_OR_RETURN(const int64_t side,
                   QueryInteger(request, "side", 16, 4096, 512));
  ASSIGN_OR_RETURN(InputHold input, parts.store->Hold(id));
  ASSIGN_OR_RETURN(const MediaKind kind, ParseMediaKind(input->kind));
  const OpenFile file(input->path);
  input.reset();  // a file that is open may be deleted
  return parts.decoder->Preview(file.descriptor(), kind, frame,
                                static_cast<int>(side));
}

absl::StatusOr<json> CropOf(const ApiParts& parts, const Request& request,
                            const std::string& id) {
  RETURN_IF_ERROR(CheckQuery(request, {"by"}));
  ASSIGN_OR_RETURN(const std::string by,
                   QueryChoice(request, "by", {"face", "centre"}));
  ASSIGN_OR_RETURN(InputHold input, parts.store->Hold(id));
  if (input->kind != "image") {
    return absl::InvalidArgumentError("only pictures have a crop");
  }
  const OpenFile file(input->path);
  input.reset();  // a file that is open may be deleted
  ASSIGN_OR_RETURN(const CropBoxProposal crop,
                   parts.decoder->ProposeCrop(file.descriptor(), by == "face"));
  return json{{"x", crop.x},
              {"y", crop.y},
              {"side", crop.side},
              {"by", crop.is_face ? "face" : "centre"}};
}

absl::StatusOr<json> DescribeInput(const ApiParts& parts,
                                   const std::string& id) {
  ASSIGN_OR_RETURN(const Input input, parts.store->Find(id));
  json described = InputToJson(input);
  // The store keeps the facts of uploads alone.
  if (absl::StartsWith(id, kBundled)) {
    ASSIGN_OR_RETURN(const json facts, ProbeInput(*parts.decoder, input));
    described.update(facts);
  }
  return described;
}

Response ListUploads(const ApiParts& parts) {
  json list = json::array();
  for (const Input& input : parts.store->Uploads()) {
    list.push_back(InputToJson(input));
  }
  std::reverse(list.begin(), list.end());  // the newest first
  return JsonResponse(list);
}

Response GetContent(const ApiParts& parts, const Request& request,
                    const std::string& id) {
  const absl::StatusOr<Input> input = parts.store->Find(id);
  if (!input.ok()) return ErrorResponse(input.status());
  // Whatever a client sent is never shown as a page.
  return FileResponse(input->path, "application/octet-stream",
                      request.Header("range"));
}

// An upload never changes. A browser keeps the picture for those alone who have
// the token.
Response PreviewResponse(const absl::StatusOr<std::string>& png) {
  if (!png.ok()) return ErrorResponse(png.status());
  Response response;
  response.content_type = "image/png";
  response.headers = {{"Cache-Control", "private, max-age=86400, immutable"},
                      {"Vary", "Authorization"}};
  response.body = *png;
  return response;
}

}  // namespace

void AddUploadRoutes(const ApiParts& parts, Router* router) {
  router->Add("POST", "/uploads",
              [&parts, limit = std::make_shared<Limit>(kUploadsAtATime)](
                  const Request& request, const Arguments&) {
                return BeginUpload(parts, limit.get(), request);
              });
  router->AddSimple("GET", "/uploads",
                    [&parts](const Request&, const Arguments&) {
                      return ListUploads(parts);
                    });
  router->AddSimple("GET", "/uploads/*",
                    [&parts](const Request&, const Arguments& arguments) {
                      const absl::StatusOr<json> described =
                          DescribeInput(parts, arguments[0]);
                      return described.ok() ? JsonResponse(*described)
                                            : ErrorResponse(described.status());
                    });
  router->AddSimple(
      "DELETE", "/uploads/*",
      [&parts](const Request&, const Arguments& arguments) {
        const absl::Status status = parts.store->RemoveUpload(arguments[0]);
        return status.ok() ? EmptyResponse() : ErrorResponse(status);
      });
  router->AddSimple(
      "GET", "/uploads/*/content",
      [&parts](const Request& request, const Arguments& arguments) {
        return GetContent(parts, request, arguments[0]);
      });
  router->AddSimple(
      "GET", "/uploads/*/preview",
      [&parts](const Request& request, const Arguments& arguments) {
        return PreviewResponse(PreviewOf(parts, request, arguments[0]));
      });
  router->AddSimple(
      "GET", "/uploads/*/crop",
      [&parts](const Request& request, const Arguments& arguments) {
        const absl::StatusOr<json> crop = CropOf(parts, request, arguments[0]);
        return crop.ok() ? JsonResponse(*crop) : ErrorResponse(crop.status());
      });
}

}  // namespace studio
