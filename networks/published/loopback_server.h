// An HTTP server on the loopback interface that can misbehave, for tests.
#ifndef NETWORKS_PUBLISHED_LOOPBACK_SERVER_H_
#define NETWORKS_PUBLISHED_LOOPBACK_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace networks::published {

struct HttpRequest {
  std::string target;
  std::map<std::string, std::string> headers;  // by lower-case name

  // The first byte that a Range header asks for; 0 without one.
  int64_t range_first() const;
};

struct HttpResponse {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
  // What Content-Length says; -1: the truth.
  int64_t declared_length = -1;
  // Whether there is a Content-Length at all.
  bool declares_length = true;
  // How much of the body is sent before the connection ends; -1: all.
  int64_t cut_after = -1;
  // Keeps the connection open then, in silence, until the client leaves.
  bool stall = false;
  // Sends the body in pieces of a tenth with this pause between.
  int pause_milliseconds = 0;
};

// Answers one request after the other, on a thread of its own.
class LoopbackServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();

  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  // "http://127.0.0.1:<port><target>".
  std::string Url(const std::string& target) const;

  std::vector<HttpRequest> requests() const;

 private:
  void Serve();
  void Answer(int connection);

  Handler handler_;
  int listener_;
  int port_;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::thread thread_;
};

// A handler that serves `body` with ranges, as a good server does.
LoopbackServer::Handler ServeFile(const std::string& body,
                                  const std::string& entity_tag = "\"v1\"");

}  // namespace networks::published

#endif  // NETWORKS_PUBLISHED_LOOPBACK_SERVER_H_
