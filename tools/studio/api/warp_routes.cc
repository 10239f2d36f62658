#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/json_body.h"
#include "tools/studio/api/open_file.h"
#include "tools/studio/api/picture_cache.h"
#include "tools/studio/api/routes.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/base/limit.h"

namespace studio {
namespace {

using nlohmann::json;

// The longer side of a decoded picture: the largest size of a warped one.
constexpr int kPictureSide = 1024;
constexpr size_t kPictures = 4;
// A hand moves one point; more are other pages.
constexpr int kWarpsAtATime = 8;

absl::StatusOr<RgbaImage> DecodePicture(const ApiParts& parts,
                                        const std::string& id) {
  ASSIGN_OR_RETURN(InputHold input, parts.store->Hold(id));
  if (input->kind != "image") {
    return FieldError("picture", "has to be a picture, not a video");
  }
  const OpenFile file(input->path);
  input.reset();  // a file that is open may be deleted
  return parts.decoder->Pixels(file.descriptor(), kPictureSide);
}

absl::StatusOr<std::string> Warp(const ApiParts& parts, PictureCache* pictures,
                                 const json& request) {
  const auto id = request.find("picture");
  if (id == request.end() || !id->is_string()) {
    return FieldError("picture", "has to be the id of a picture");
  }
  // What was deleted is not shown any more.
  RETURN_IF_ERROR(parts.store->Find(id->get<std::string>()).status());
  ASSIGN_OR_RETURN(std::shared_ptr<const RgbaImage> picture,
                   pictures->Get(id->get<std::string>()));
  return parts.warp->Warp(request, std::move(picture));
}

Response Answer(const ApiParts& parts, PictureCache* pictures, Limit* limit,
                const json& request) {
  const std::shared_ptr<void> place = limit->Take();
  if (!place) {
    return ErrorResponse(503, "unavailable",
                         "other pictures are being warped; try again");
  }
  absl::StatusOr<std::string> bytes = Warp(parts, pictures, request);
  if (!bytes.ok()) return ErrorResponse(bytes.status());
  Response response;
  response.content_type = "application/octet-stream";
  response.body = *std::move(bytes);
  return response;
}

}  // namespace

void AddWarpRoutes(const ApiParts& parts, Router* router) {
  const auto pictures = std::make_shared<PictureCache>(
      kPictures,
      [&parts](const std::string& id) { return DecodePicture(parts, id); });
  const auto limit = std::make_shared<Limit>(kWarpsAtATime);
  router->Add("POST", "/warp",
              [&parts, pictures, limit](Request request, const Arguments&) {
                return ReadJson(std::move(request), [&parts, pictures,
                                                     limit](const json& body) {
                  return Answer(parts, pictures.get(), limit.get(), body);
                });
              });
}

}  // namespace studio
