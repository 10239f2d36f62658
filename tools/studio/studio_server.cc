#include "tools/studio/studio_server.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "networks/published/weight_files.h"
#include "nlohmann/json.hpp"
#include "pipelines/base/user_path.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/api/api.h"
#include "tools/studio/api/checkpoints.h"
#include "tools/studio/http/access.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/static_files.h"
#include "tools/studio/jobs/decoder_client.h"
#include "tools/studio/jobs/device_in_use.h"
#include "tools/studio/jobs/job_queue.h"
#include "tools/studio/runs/run_reader.h"
#include "tools/studio/store/random_id.h"
#include "tools/studio/store/store.h"
#include "tools/studio/warp/warp_engine.h"

namespace studio {
namespace {

using nlohmann::json;

// Of the API; a later one that is not compatible is /api/v2.
constexpr char kVersion[] = "1";

json SystemOf(const StudioOptions& options, const DeviceInUse& device) {
  return {{"version", kVersion},
          {"device", device.device},
          {"device_name", device.name},
          {"precision", "auto"},
          {"threads", static_cast<int>(std::thread::hardware_concurrency())},
          {"limits",
           {{"max_upload", options.max_upload},
            {"max_queue", options.max_queue},
            {"quota", options.quota},
            {"max_age_seconds", absl::ToInt64Seconds(options.max_age)}}},
          {"choices", JobChoices()}};
}

DecoderOptions DecoderOptionsOf(std::function<bool()> is_stopping) {
  DecoderOptions options;
  options.is_stopping = std::move(is_stopping);
  return options;
}

}  // namespace

class StudioServer::Impl {
 public:
  explicit Impl(const StudioOptions& options)
      : options_(options),
        token_(options.token.empty() ? NewToken() : options.token),
        access_({token_, options.listen, options.allowed_hosts}),
        runs_(options.runs),
        checkpoints_(
            {pipelines::PretrainedCheckpoint(),
             [this] { return runs_.Folders(); }, options.checkpoint_folders,
             networks::published::WeightsFolder(pipelines::CacheFolder())}),
        decoder_(DecoderOptionsOf([this] { return is_stopping_.load(); })) {}

  ~Impl() {
    is_stopping_ = true;
    if (cleaner_.joinable()) {
      stopped_.Notify();
      cleaner_.join();
    }
    server_.reset();
  }

  absl::Status Start();

  int port() const { return server_->port(); }
  const std::string& token() const { return token_; }

 private:
  absl::Status StartJobs();
  void Clean();

  const StudioOptions options_;
  const std::string token_;
  const Access access_;
  std::atomic<bool> is_stopping_{false};
  RunReader runs_;
  Checkpoints checkpoints_;
  StaticFiles page_;
  DecoderClient decoder_;
  WarpEngine warp_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<JobQueue> jobs_;
  absl::Notification stopped_;
  std::thread cleaner_;
  std::unique_ptr<HttpServer> server_;
};

absl::Status StudioServer::Impl::StartJobs() {
  StoreOptions store;
  store.folder = options_.data;
  store.quota = options_.quota;
  store.bundled = {{"puppet", "image", pipelines::ExampleSource()},
                   {"dance", "video", pipelines::ExampleDriving()}};
  store.warn = options_.warn;
  ASSIGN_OR_RETURN(store_, Store::Open(store));
  JobQueueOptions jobs;
  jobs.store = store_.get();
  jobs.checkpoint = [this](const std::string& id) {
    return checkpoints_.Find(id);
  };
  jobs.max_queue = options_.max_queue;
  jobs.memory = options_.job_memory;
  jobs.device = options_.device;
  jobs.animate = options_.animate;
  jobs.is_stopping = [this] { return is_stopping_.load(); };
  ASSIGN_OR_RETURN(jobs_, JobQueue::Start(jobs));
  return absl::OkStatus();
}

absl::Status StudioServer::Impl::Start() {
  if (!IsNumericAddress(options_.listen)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen: \"", options_.listen,
                     "\" is no numeric address, as 127.0.0.1 or ::1"));
  }
  if (options_.token.empty() && !IsLoopback(options_.listen)) {
    return absl::InvalidArgumentError(
        absl::StrCat("others can reach ", options_.listen,
                     ": give --token_file with a token that only the intended "
                     "users know"));
  }
  const absl::StatusOr<DeviceInUse> device = FindDevice(options_.device);
  RETURN_IF_ERROR(device.status());
  ASSIGN_OR_RETURN(page_, StaticFiles::Load(options_.page));
  RETURN_IF_ERROR(StartJobs());
  ApiParts parts;
  parts.access = &access_;
  parts.page = &page_;
  parts.store = store_.get();
  parts.jobs = jobs_.get();
  parts.decoder = &decoder_;
  parts.checkpoints = &checkpoints_;
  parts.warp = &warp_;
  parts.runs = &runs_;
  parts.max_upload = options_.max_upload;
  parts.system = SystemOf(options_, *device);
  parts.is_stopping = [this] { return is_stopping_.load(); };
  HttpOptions http;
  http.listen = options_.listen;
  http.port = options_.port;
  ASSIGN_OR_RETURN(server_, HttpServer::Start(http, MakeApi(parts)));
  cleaner_ = std::thread([this] { Clean(); });
  return absl::OkStatus();
}

void StudioServer::Impl::Clean() {
  do {
    const absl::Time oldest = absl::Now() - options_.max_age;
    jobs_->RemoveOlderThan(oldest);
    store_->RemoveUploadsOlderThan(oldest);
  } while (!stopped_.WaitForNotificationWithTimeout(options_.cleanup_period));
}

absl::StatusOr<std::unique_ptr<StudioServer>> StudioServer::Start(
    const StudioOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<StudioServer>(new StudioServer(std::move(impl)));
}

StudioServer::StudioServer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

StudioServer::~StudioServer() = default;

int StudioServer::port() const { return impl_->port(); }

const std::string& StudioServer::token() const { return impl_->token(); }

}  // namespace studio
