#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/event_stream.h"
#include "tools/studio/api/json_body.h"
#include "tools/studio/api/open_file.h"
#include "tools/studio/api/query.h"
#include "tools/studio/api/routes.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/base/limit.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/media_facts.h"
#include "tools/studio/jobs/result_format.h"

namespace studio {
namespace {

using nlohmann::json;

// Each keeps a connection's thread.
constexpr int kStreamsAtATime = 64;
constexpr int kFrameSide = 512;

Response JobResponse(const absl::StatusOr<Job>& job, int status = 200) {
  return job.ok() ? JsonResponse(JobToJson(*job), status)
                  : ErrorResponse(job.status());
}

Response Submit(const ApiParts& parts, const json& request) {
  const absl::StatusOr<Job> job = parts.jobs->Submit(request);
  // A full queue: the client has asked too often.
  if (absl::IsUnavailable(job.status())) {
    return ErrorResponse(429, "resource_exhausted", job.status().message());
  }
  return JobResponse(job, 202);
}

Response ListJobs(const ApiParts& parts) {
  json list = json::array();
  for (const Job& job : parts.jobs->List()) list.push_back(JobToJson(job));
  return JsonResponse(list);
}

Response StreamEvents(const ApiParts& parts, Limit* limit,
                      const std::string& id) {
  const absl::StatusOr<Job> job = parts.jobs->Get(id);
  if (!job.ok()) return ErrorResponse(job.status());
  std::shared_ptr<void> place = limit->Take();
  if (!place) {
    return ErrorResponse(503, "unavailable",
                         "too many pages follow jobs; close some");
  }
  Response response;
  response.content_type = "text/event-stream";
  response.body =
      StreamBody([place, next = JobEvents(parts.jobs, id, parts.is_stopping)] {
        return next();
      });
  return response;
}

// Of a job that is done: a frame of its video. index -1: the last one.
absl::StatusOr<std::string> FrameOfResult(const ApiParts& parts, const Job& job,
                                          int64_t index) {
  ASSIGN_OR_RETURN(const std::string path, parts.jobs->Result(job.id, "mp4"));
  const OpenFile file(path);
  if (index < 0) index = std::max<int64_t>(0, job.frames - 1);
  return parts.decoder->Preview(file.descriptor(), MediaKind::kVideo, index,
                                kFrameSide);
}

// Empty: the newest one is asked for, and there is none. Who follows a job asks
// when a frame is announced; meanwhile the job may have ended.
absl::StatusOr<std::string> FrameOf(const ApiParts& parts,
                                    const Request& request,
                                    const std::string& id) {
  RETURN_IF_ERROR(CheckQuery(request, {"index"}));
  ASSIGN_OR_RETURN(const Job job, parts.jobs->Get(id));
  const auto index = request.target.query.find("index");
  int64_t frame = -1;  // the newest one
  if (index != request.target.query.end() && index->second != "latest" &&
      (!absl::SimpleAtoi(index->second, &frame) || frame < 0)) {
    return FieldError("index", "has to be latest or a frame's number, from 0");
  }
  if (job.state == JobState::kDone && (frame >= 0 || job.type() != "motion")) {
    return FrameOfResult(parts, job, frame);
  }
  if (frame >= 0 && frame != job.latest_frame) {
    return absl::FailedPreconditionError(
        "while a job runs only its newest frame can be had");
  }
  return parts.jobs->LatestFrame(id);
}

Response GetFrame(const ApiParts& parts, const Request& request,
                  const std::string& id) {
  absl::StatusOr<std::string> png = FrameOf(parts, request, id);
  if (!png.ok()) return ErrorResponse(png.status());
  if (png->empty()) return EmptyResponse();
  Response response;
  response.content_type = "image/png";
  response.body = *std::move(png);
  return response;
}

// The first one where the request names none.
absl::StatusOr<ResultFormat> QueryFormat(const Request& request) {
  std::vector<absl::string_view> names;
  for (const ResultFormat& format : ResultFormats()) {
    names.push_back(format.name);
  }
  ASSIGN_OR_RETURN(const std::string name,
                   QueryChoice(request, "format", names));
  return *FindResultFormat(name);
}

Response GetResult(const ApiParts& parts, const Request& request,
                   const std::string& id) {
  const absl::StatusOr<ResultFormat> format = QueryFormat(request);
  if (!format.ok()) return ErrorResponse(format.status());
  const absl::StatusOr<std::string> path =
      parts.jobs->Result(id, std::string(format->name));
  if (!path.ok()) return ErrorResponse(path.status());
  Response response = FileResponse(*path, std::string(format->content_type),
                                   request.Header("range"));
  response.headers.emplace_back(
      "Content-Disposition",
      absl::StrCat("attachment; filename=\"", DownloadName(id, *format), "\""));
  return response;
}

Response GetKeypoints(const ApiParts& parts, const std::string& id) {
  const absl::StatusOr<std::string> path = parts.jobs->Keypoints(id);
  return path.ok() ? FileResponse(*path, "application/json", "")
                   : ErrorResponse(path.status());
}

void AddResultRoutes(const ApiParts& parts, Router* router) {
  router->AddSimple("GET", "/jobs/*/events",
                    [&parts, limit = std::make_shared<Limit>(kStreamsAtATime)](
                        const Request&, const Arguments& arguments) {
                      return StreamEvents(parts, limit.get(), arguments[0]);
                    });
  router->AddSimple(
      "GET", "/jobs/*/frame",
      [&parts](const Request& request, const Arguments& arguments) {
        return GetFrame(parts, request, arguments[0]);
      });
  router->AddSimple(
      "GET", "/jobs/*/result",
      [&parts](const Request& request, const Arguments& arguments) {
        return GetResult(parts, request, arguments[0]);
      });
  router->AddSimple("GET", "/jobs/*/keypoints",
                    [&parts](const Request&, const Arguments& arguments) {
                      return GetKeypoints(parts, arguments[0]);
                    });
}

}  // namespace

void AddJobRoutes(const ApiParts& parts, Router* router) {
  router->Add("POST", "/jobs", [&parts](Request request, const Arguments&) {
    return ReadJson(std::move(request),
                    [&parts](const json& body) { return Submit(parts, body); });
  });
  router->AddSimple("GET", "/jobs", [&parts](const Request&, const Arguments&) {
    return ListJobs(parts);
  });
  router->AddSimple("GET", "/jobs/*",
                    [&parts](const Request&, const Arguments& arguments) {
                      return JobResponse(parts.jobs->Get(arguments[0]));
                    });
  router->AddSimple(
      "DELETE", "/jobs/*",
      [&parts](const Request&, const Arguments& arguments) {
        const absl::Status status = parts.jobs->Remove(arguments[0]);
        return status.ok() ? EmptyResponse() : ErrorResponse(status);
      });
  router->AddSimple("POST", "/jobs/*/cancel",
                    [&parts](const Request&, const Arguments& arguments) {
                      return JobResponse(parts.jobs->Cancel(arguments[0]));
                    });
  AddResultRoutes(parts, router);
}

}  // namespace studio
