// An HTTP/1.1 server by libmicrohttpd, with limits on all that a client can
// make grow.
//
// Each connection has a thread, so handlers may wait. What they are called with
// has been parsed and limited:
//
//   header             16 KiB with the request line, 64 fields   431
//   target             see ParseTarget                           400
//   Host, Authorization, Content-Length and Origin at most once  400
//   Transfer-Encoding  none: a body states its length            411
//   a body that is longer than the handler allows                413, before
//                                                                it is read
//   connections        max_connections, see connection_table.h
//   time               header_time, idle_time, and a total that grows with the
//                      bytes of body and answer
//
// All answers have the headers of kSecurityHeaders in the .cc file, except
// those by which libmicrohttpd itself refuses what is no HTTP/1.1 (505), a
// header that does not fit (431), a request without Host and a Content-Length
// that is no number or too large (400, 413). The library lets nobody add to
// these. They are fixed pages with nothing of the request in them.
#ifndef TOOLS_STUDIO_HTTP_HTTP_SERVER_H_
#define TOOLS_STUDIO_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {

// Takes the body of one request, piece by piece. Destroyed without Finish if
// the client leaves before the end.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The pieces of at most the content_length that the request states. After an
  // error the rest is read and dropped, and the error is the answer.
  virtual absl::Status Write(absl::string_view bytes) = 0;
  virtual Response Finish() = 0;
};

// An answer at once, whatever the body, or what takes the body.
using Reply = std::variant<Response, std::unique_ptr<BodyReader>>;

// Called when a header was read. From many threads.
using Handler = std::function<Reply(Request request)>;

// Collects the body and then calls `handler`, with the body in the request.
// 413 where it is longer than `max_bytes`, 411 where the request does not state
// a length and `needs_body`.
Reply ReadBody(Request request, int64_t max_bytes, bool needs_body,
               std::function<Response(const Request&)> handler);

struct HttpOptions {
  std::string listen = "127.0.0.1";  // a numeric address
  int port = 0;                      // 0: any that is free
  // More end the oldest without a whole header (connection_table.h).
  int max_connections = 512;
  // From the start of a connection, or the end of the request before, to the
  // end of a header.
  absl::Duration header_time = absl::Seconds(20);
  // Without a byte in a body or an answer.
  absl::Duration idle_time = absl::Seconds(30);
  // Of a body and of an answer; beside it they may take a second for each
  // `min_rate` bytes. A stream may take as long as it has something to tell:
  // its pieces find a client that is gone.
  absl::Duration body_time = absl::Seconds(60);
  int64_t min_rate = int64_t{32} << 10;  // bytes a second
};

class HttpServer {
 public:
  // Listens. Errors of Listen() (listen_socket.h), which name address and port;
  // the system's error.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      const HttpOptions& options, Handler handler);

  // Ends all connections, also those in the middle of an answer, and waits for
  // the handlers that run.
  ~HttpServer();

  int port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_HTTP_SERVER_H_
