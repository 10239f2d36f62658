// libFuzzer target of Studio's requests, from the fields of a header to the
// answer: addresses, queries, who asks, ranges, names, JSON. What comes over a
// connection is split by libmicrohttpd, which is not called here.
//
// An input is a request with "\n" for the ends of lines and without a version:
// "GET /api/v1/jobs", fields, an empty line, a body. Host, Authorization and
// Content-Length are the right ones where it states none. {upload}, {job},
// {motion} and {run} stand for the ids of what is there.
//
// Nothing is decoded, animated or converted: no decoder is ever free, the queue
// is full, and all results are there. Build and run:
//
//   tools/bazelw build --config=fuzz //tools/studio/api:request_fuzz
//   bazel-bin/tools/studio/api/request_fuzz FOLDER
//       tools/studio/api/testdata/fuzz_request
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tools/studio/api/api.h"
#include "tools/studio/api/checkpoints.h"
#include "tools/studio/api/json_body.h"
#include "tools/studio/http/access.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/request_header.h"
#include "tools/studio/http/response.h"
#include "tools/studio/http/static_files.h"
#include "tools/studio/jobs/decoder_client.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/jobs/result_format.h"
#include "tools/studio/runs/run_reader.h"
#include "tools/studio/store/store.h"
#include "tools/studio/warp/warp_engine.h"
#include "tools/studio/warp/warp_request.h"

namespace studio {
namespace {

namespace fs = std::filesystem;

using nlohmann::json;

constexpr char kToken[] = "the-token-of-request-fuzz";
// Of files outside, to which links lead.
constexpr char kSecret[] = "what nobody may read";
constexpr char kPngSignature[] = "\x89PNG\r\n\x1a\n";
constexpr char kUpload[] = "not really a picture";
constexpr int64_t kQuota = 1 << 20;
constexpr int64_t kMaxUpload = 1 << 19;
// Of a stream, whose job has ended.
constexpr int kMaxPieces = 10;

// Those that an answer may have. An error of ours would be 500.
constexpr int kStatuses[] = {200, 204, 206, 304, 400, 401, 403, 404, 405,
                             409, 411, 413, 415, 416, 421, 429, 503, 507};

void Require(bool condition) {
  if (!condition) std::abort();
}

void Write(const std::string& path, absl::string_view bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  Require(file.good());
}

// What a server shows, and what it must not.
void WriteFiles(const std::string& folder) {
  const std::string outside = folder + "/outside";
  Write(outside + "/secret.png", absl::StrCat(kPngSignature, kSecret));
  Write(outside + "/losses.csv", absl::StrCat("step,", kSecret, "\n1,2\n"));
  Write(folder + "/page/index.html", "<!doctype html>");
  Write(folder + "/page/studio.css", "body {}");
  Write(folder + "/bundled/puppet.png", kPngSignature);
  Write(folder + "/bundled/dance.mp4", "a video");
  Write(folder + "/bundled/dance.safetensors", "a motion");
  Write(folder + "/shipped.safetensors", "weights");
  const std::string run = folder + "/runs/first";
  Write(run + "/losses.csv", "step,loss\n1,0.5\n2,0.25\n");
  Write(run + "/config.textproto", "training {\n  max_steps: 2\n}\n");
  Write(run + "/index.html", "<!doctype html>");
  Write(run + "/animation.mp4", absl::StrCat("size", "ftypisom"));
  Write(run + "/pictures/epoch-00001.png", kPngSignature);
  Write(run + "/evaluation/puppet.png", kPngSignature);
  for (const char* name : {"/pictures/link.png", "/evaluation/link.png"}) {
    fs::create_symlink(outside + "/secret.png", run + name);
  }
  fs::create_symlink(outside, folder + "/runs/link");
}

StoreOptions StoreIn(const std::string& folder) {
  StoreOptions options;
  options.folder = folder + "/data";
  options.quota = kQuota;
  options.bundled = {
      {"puppet", "image", folder + "/bundled/puppet.png"},
      {"dance", "video", folder + "/bundled/dance.mp4"},
      {"steps", "motion", folder + "/bundled/dance.safetensors"}};
  return options;
}

// Adds a picture; its id.
std::string AddUpload(Store* store) {
  const absl::string_view bytes = kUpload;
  absl::StatusOr<NewUpload> upload =
      store->BeginUpload("image", static_cast<int64_t>(bytes.size()));
  Require(upload.ok() && upload->Append(bytes).ok());
  const absl::StatusOr<Input> input = upload->Publish("{}");
  Require(input.ok());
  return input->id;
}

// Adds a job that is done, with its results; its id. One of an animation's is a
// link.
std::string AddJob(Store* store, bool is_motion, const std::string& outside) {
  const absl::StatusOr<std::string> id = store->MakeJobFolder();
  Require(id.ok());
  const std::string folder = store->JobFolder(*id);
  Job job;
  job.id = *id;
  job.state = JobState::kDone;
  job.created = absl::UnixEpoch();
  job.request["type"] = is_motion ? "motion" : "animate";
  job.results = ResultFormatNames(is_motion);
  job.frames = 2;
  Write(folder + "/job.json", JobToJson(job).dump());
  for (const ResultFormat& format : ResultFormats()) {
    if (format.is_of_motion != is_motion) continue;
    const std::string path = absl::StrCat(folder, "/output/", format.file);
    Write(path, "a result");
    if (format.name != "gif") continue;
    fs::remove(path);
    fs::create_symlink(outside + "/secret.png", path);
  }
  if (is_motion) Write(folder + "/output/keypoints.json", "{}");
  return *id;
}

DecoderOptions NoDecoders() {
  DecoderOptions options;
  options.program = "/no/decoder";
  options.timeout = absl::ZeroDuration();
  options.max_children = 0;
  return options;
}

// All of Studio but its connections, in a folder of its own.
class Server {
 public:
  Server()
      : folder_(MakeFolder()),
        access_({kToken, "127.0.0.1", {"lab7.example.org"}}),
        page_(*StaticFiles::Load(folder_ + "/page")),
        store_(*Store::Open(StoreIn(folder_))),
        decoder_(NoDecoders()),
        checkpoints_({folder_ + "/shipped.safetensors", nullptr, {}, ""}),
        runs_(folder_ + "/runs") {
    upload_ = AddUpload(store_.get());
    job_ = AddJob(store_.get(), /*is_motion=*/false, folder_ + "/outside");
    motion_ = AddJob(store_.get(), /*is_motion=*/true, folder_ + "/outside");
    const absl::StatusOr<json> runs = runs_.List();
    Require(runs.ok() && runs->size() == 1);
    run_ = runs->at(0).at("id").get<std::string>();
    StartJobs();
    used_ = store_->used();
  }

  ~Server() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  // `input` with the ids in place of the words that stand for them.
  std::string WithIds(absl::string_view input) const {
    return absl::StrReplaceAll(input, {{"{upload}", upload_},
                                       {"{job}", job_},
                                       {"{motion}", motion_},
                                       {"{run}", run_}});
  }

  Reply Answer(Request request) const { return handler_(std::move(request)); }

  // Requires that the store is as it was at the start.
  void CheckStore() const {
    Require(store_->used() == used_);
    const fs::directory_iterator uploads(folder_ + "/data/uploads");
    Require(std::distance(begin(uploads), end(uploads)) == 1);
  }

  // Requires that the file is one that is served.
  void CheckFile(FileBody* file) const {
    const int64_t offset = file->offset(), bytes = file->bytes();
    const int descriptor = file->Release();
    const fs::path path =
        fs::read_symlink(absl::StrCat("/proc/self/fd/", descriptor));
    close(descriptor);
    Require(absl::StartsWith(path.string(), folder_ + "/data/") ||
            absl::StartsWith(path.string(), folder_ + "/bundled/"));
    const auto size = static_cast<int64_t>(fs::file_size(path));
    Require(offset >= 0 && bytes >= 0 && offset <= size - bytes);
  }

 private:
  static std::string MakeFolder() {
    std::string name =
        (fs::temp_directory_path() / "request_fuzz-XXXXXX").string();
    Require(mkdtemp(name.data()) != nullptr);
    // As descriptors name it.
    const std::string folder = fs::canonical(name).string();
    WriteFiles(folder);
    return folder;
  }

  void StartJobs() {
    JobQueueOptions jobs;
    jobs.store = store_.get();
    jobs.checkpoint = [this](const std::string& id) {
      return checkpoints_.Find(id);
    };
    jobs.worker = "/no/worker";
    jobs.max_queue = 0;
    jobs_ = *JobQueue::Start(jobs);
    ApiParts parts;
    parts.access = &access_;
    parts.page = &page_;
    parts.store = store_.get();
    parts.jobs = jobs_.get();
    parts.decoder = &decoder_;
    parts.checkpoints = &checkpoints_;
    parts.warp = &warp_;
    parts.runs = &runs_;
    parts.max_upload = kMaxUpload;
    parts.system = json::object();
    parts.is_stopping = [] { return false; };
    handler_ = MakeApi(parts);
  }

  const std::string folder_;
  const Access access_;
  const StaticFiles page_;
  const std::unique_ptr<Store> store_;
  const DecoderClient decoder_;
  const Checkpoints checkpoints_;
  WarpEngine warp_;
  RunReader runs_;
  std::unique_ptr<JobQueue> jobs_;
  Handler handler_;
  std::string upload_, job_, motion_, run_;  // ids
  int64_t used_ = 0;
};

void CheckText(absl::string_view text, int status) {
  Require(!absl::StrContains(text, kSecret));
  if (status < 400) return;
  const json answer = json::parse(text.begin(), text.end(), nullptr,
                                  /*allow_exceptions=*/false);
  Require(answer.is_object() && answer.contains("error"));
  const json& error = answer["error"];
  for (const char* field : {"code", "message"}) {
    Require(error.contains(field) && error[field].is_string() &&
            !error[field].get_ref<const std::string&>().empty());
  }
}

void CheckStream(const StreamBody& next) {
  int pieces = 0;
  for (std::string piece = next(); !piece.empty(); piece = next()) {
    Require(!absl::StrContains(piece, kSecret));
    Require(++pieces <= kMaxPieces);
  }
}

void CheckResponse(const Server& server, Response* response) {
  Require(std::find(std::begin(kStatuses), std::end(kStatuses),
                    response->status) != std::end(kStatuses));
  for (const auto& [name, value] : response->headers) {
    Require(!name.empty() && value.find_first_of("\r\n") == std::string::npos);
  }
  if (const auto* text = std::get_if<std::string>(&response->body)) {
    CheckText(*text, response->status);
  } else if (const auto* shared =
                 std::get_if<std::shared_ptr<const std::string>>(
                     &response->body)) {
    CheckText(**shared, response->status);
  } else if (auto* file = std::get_if<FileBody>(&response->body)) {
    server.CheckFile(file);
  } else {
    CheckStream(std::get<StreamBody>(response->body));
  }
}

// The header of `text`, and in `body` what stands behind it.
std::optional<Response> ReadHeader(absl::string_view text, Request* request,
                                   absl::string_view* body) {
  const size_t end = text.find("\n\n");
  *body = end == absl::string_view::npos ? "" : text.substr(end + 2);
  const std::vector<absl::string_view> lines =
      absl::StrSplit(text.substr(0, end), '\n');
  RequestHeader header;
  std::set<std::string> names;
  const auto add = [&](absl::string_view name, absl::string_view value) {
    names.insert(absl::AsciiStrToLower(name));
    header.Add(name, value);
  };
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    add(field.first, absl::StripAsciiWhitespace(field.second));
  }
  if (names.count("host") == 0) add("host", "localhost");
  if (names.count("authorization") == 0) {
    add("authorization", absl::StrCat("Bearer ", kToken));
  }
  if (names.count("content-length") == 0 && !body->empty()) {
    add("content-length", absl::StrCat(body->size()));
  }
  const std::pair<absl::string_view, absl::string_view> start =
      absl::StrSplit(lines[0], absl::MaxSplits(' ', 1));
  return header.Read(start.first, start.second, request);
}

// Nothing where the client leaves before the end of its body. The body comes in
// two pieces.
std::optional<Response> ReadWhole(BodyReader* reader, int64_t length,
                                  absl::string_view body) {
  const size_t stated = static_cast<size_t>(std::max<int64_t>(0, length));
  body = body.substr(0, stated);
  const size_t half = body.size() / 2;
  for (const absl::string_view piece :
       {body.substr(0, half), body.substr(half)}) {
    const absl::Status status = reader->Write(piece);
    if (!status.ok()) return ErrorResponse(status);
  }
  if (body.size() < stated) return std::nullopt;
  return reader->Finish();
}

std::optional<Response> AnswerOf(const Server& server, Request request,
                                 absl::string_view body) {
  const int64_t length = request.content_length;
  Reply reply = server.Answer(std::move(request));
  if (auto* response = std::get_if<Response>(&reply)) {
    return std::move(*response);
  }
  return ReadWhole(std::get<std::unique_ptr<BodyReader>>(reply).get(), length,
                   body);
}

// The promises of ParseWarpRequest, which the server calls only when it has a
// decoded picture.
void CheckWarp(absl::string_view body) {
  const absl::StatusOr<json> parsed = ParseJsonObject(body);
  if (!parsed.ok()) return;
  const absl::StatusOr<WarpRequest> warp = ParseWarpRequest(*parsed);
  if (!warp.ok()) {
    Require(!warp.status().message().empty());
    return;
  }
  Require(warp->size >= kMinWarpSize && warp->size <= kMaxWarpSize);
  for (const int cells : {warp->tessellation.nx, warp->tessellation.ny}) {
    Require(cells >= 1 && cells <= kMaxWarpCells);
  }
  Require(warp->points.from.cols() == warp->points.to.cols());
  Require(warp->points.from.cols() <= kMaxWarpPoints);
  Require(warp->trace.cols() <= kMaxWarpPoints);
  Require(warp->points.from.allFinite() && warp->points.to.allFinite());
}

// Whether something was deleted.
bool Ask(const Server& server, absl::string_view input) {
  const std::string text = server.WithIds(input);
  // Messages repeat what was asked for.
  if (absl::StrContains(text, kSecret)) return false;
  Request request;
  absl::string_view body;
  std::optional<Response> response = ReadHeader(text, &request, &body);
  CheckWarp(body);
  const bool is_delete = request.method == "DELETE";
  if (!response) response = AnswerOf(server, std::move(request), body);
  const bool is_deleted = is_delete && response && response->status == 204;
  if (response) CheckResponse(server, &*response);
  if (!is_deleted) server.CheckStore();
  return is_deleted;
}

}  // namespace
}  // namespace studio

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<studio::Server> server;
  if (!server) server = std::make_unique<studio::Server>();
  if (studio::Ask(*server, {reinterpret_cast<const char*>(data), size})) {
    server.reset();
  }
  return 0;
}
