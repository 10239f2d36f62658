// Studio as a whole: the store, the jobs, the API and the HTTP server.
#ifndef TOOLS_STUDIO_STUDIO_SERVER_H_
#define TOOLS_STUDIO_STUDIO_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace studio {

struct StudioOptions {
  std::string listen = "127.0.0.1";
  int port = 7878;  // 0: any that is free
  // Of requests. Empty on the loopback interface: a new one.
  std::string token;
  std::vector<std::string> allowed_hosts;  // see http/access.h

  std::string data;                              // the store's folder
  std::string runs;                              // the root of training runs
  std::vector<std::string> checkpoint_folders;   // see api/checkpoints.h
  std::string page;                              // folder of the page's files
  int64_t quota = int64_t{20} << 30;             // bytes
  int64_t max_upload = int64_t{512} << 20;       // bytes
  absl::Duration max_age = absl::Hours(7 * 24);  // of uploads and jobs
  int max_queue = 20;
  int64_t job_memory = int64_t{8} << 30;  // bytes
  std::string device = "auto";
  // The words that start `animate`, for the commands that are shown.
  std::string animate = "tools/bazelw run //pipelines:animate --";
  // How often uploads and jobs that are too old are looked for.
  absl::Duration cleanup_period = absl::Minutes(1);
  // What the user should know. May be empty.
  std::function<void(const std::string& warning)> warn;
};

// Runs from Start to its destruction.
class StudioServer {
 public:
  // The errors of Store::Open, JobQueue::Start, StaticFiles::Load and
  // HttpServer::Start. InvalidArgument for a device that is not there, and
  // without a token where `listen` is not the loopback interface.
  static absl::StatusOr<std::unique_ptr<StudioServer>> Start(
      const StudioOptions& options);

  // Ends the running job and all connections.
  ~StudioServer();

  int port() const;
  const std::string& token() const;

 private:
  class Impl;
  explicit StudioServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_STUDIO_SERVER_H_
