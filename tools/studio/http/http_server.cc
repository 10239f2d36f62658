#include "tools/studio/http/http_server.h"

#include <microhttpd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/http/connection_table.h"
#include "tools/studio/http/listen_socket.h"
#include "tools/studio/http/request_header.h"

namespace studio {
namespace {

// What libmicrohttpd keeps for a connection: the header, and a piece of a body.
constexpr size_t kConnectionMemory = size_t{64} << 10;
constexpr size_t kMaxHeaderBytes = size_t{16} << 10;
constexpr int kMaxHeaders = 64;
// A body up to this size is read though its request is refused, so that the
// connection can go on.
constexpr int64_t kDroppedBytes = int64_t{64} << 10;
// Handlers parse and answer; decoding is not done here.
constexpr size_t kThreadStack = size_t{1} << 20;

constexpr std::pair<const char*, const char*> kSecurityHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
     "blob: data:; media-src 'self' blob:; connect-src 'self'; frame-src "
     "'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors "
     "'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy",
     "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
};

// A request in the making, from its request line to the end of the answer.
struct Exchange {
  std::string target;
  bool has_begun = false;
  bool closes = false;  // a part of the body is not read
  std::unique_ptr<BodyReader> reader;
  std::optional<Response> response;

  // Who has the answer finds nothing left of a body that was refused.
  void Answer(Response answer) {
    response = std::move(answer);
    reader.reset();
  }
};

MHD_Result CollectField(void* header, MHD_ValueKind, const char* name,
                        size_t name_size, const char* value,
                        size_t value_size) {
  static_cast<RequestHeader*>(header)->Add(
      absl::string_view(name, name_size),
      absl::string_view(value ? value : "", value_size));
  return MHD_YES;
}

// The response to a header that is refused without a look at what it asks for;
// otherwise fills `request`.
std::optional<Response> ReadHeader(MHD_Connection* connection,
                                   const std::string& target,
                                   const char* method, Request* request) {
  const MHD_ConnectionInfo* size = MHD_get_connection_info(
      connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if ((size && size->header_size > kMaxHeaderBytes) ||
      MHD_get_connection_values(connection, MHD_HEADER_KIND, nullptr, nullptr) >
          kMaxHeaders) {
    return ErrorResponse(431, "invalid_argument",
                         "the request's header is too long");
  }
  RequestHeader header;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, CollectField,
                              &header);
  return header.Read(method, target, request);
}

class CollectingReader : public BodyReader {
 public:
  CollectingReader(Request request,
                   std::function<Response(const Request&)> handler)
      : request_(std::move(request)), handler_(std::move(handler)) {
    request_.body.reserve(
        static_cast<size_t>(std::max<int64_t>(0, request_.content_length)));
  }

  absl::Status Write(absl::string_view bytes) override {
    request_.body.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }

  Response Finish() override { return handler_(request_); }

 private:
  Request request_;
  std::function<Response(const Request&)> handler_;
};

struct StreamState {
  StreamBody next;
  std::string piece;
};

ssize_t ReadStream(void* data, uint64_t, char* buffer, size_t max) {
  auto* stream = static_cast<StreamState*>(data);
  if (stream->piece.empty()) stream->piece = stream->next();
  if (stream->piece.empty()) return MHD_CONTENT_READER_END_OF_STREAM;
  const size_t count = stream->piece.copy(buffer, max);
  stream->piece.erase(0, count);
  return static_cast<ssize_t>(count);
}

void FreeStream(void* data) { delete static_cast<StreamState*>(data); }

using SharedBytes = std::shared_ptr<const std::string>;

void FreeShared(void* data) { delete static_cast<SharedBytes*>(data); }

MHD_Response* ResponseOfBytes(SharedBytes bytes) {
  const size_t size = bytes->size();
  auto* const data = const_cast<char*>(bytes->data());
  return MHD_create_response_from_buffer_with_free_callback_cls(
      size, data, FreeShared, new SharedBytes(std::move(bytes)));
}

// Takes what `response` holds.
MHD_Response* MakeBody(Response* response) {
  if (auto* text = std::get_if<std::string>(&response->body)) {
    return ResponseOfBytes(
        std::make_shared<const std::string>(std::move(*text)));
  }
  if (auto* shared = std::get_if<SharedBytes>(&response->body)) {
    return ResponseOfBytes(std::move(*shared));
  }
  if (auto* file = std::get_if<FileBody>(&response->body)) {
    return MHD_create_response_from_fd_at_offset64(
        static_cast<uint64_t>(file->bytes()), file->Release(),
        static_cast<uint64_t>(file->offset()));
  }
  return MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, size_t{16} << 10, ReadStream,
      new StreamState{std::get<StreamBody>(std::move(response->body)), ""},
      FreeStream);
}

// -1 for a stream.
int64_t BodyBytes(const Response& response) {
  if (auto* text = std::get_if<std::string>(&response.body)) {
    return static_cast<int64_t>(text->size());
  }
  if (auto* shared = std::get_if<SharedBytes>(&response.body)) {
    return static_cast<int64_t>((*shared)->size());
  }
  if (auto* file = std::get_if<FileBody>(&response.body)) return file->bytes();
  return -1;
}

// At this number libmicrohttpd drops new connections. Those that the table has
// ended take a moment to leave, so that it is well above the table's number.
int MostConnections(const HttpOptions& options) {
  return 2 * options.max_connections + 64;
}

// A connection has a descriptor, and so has each file that is sent.
void RaiseDescriptorLimit(int max_connections) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = static_cast<rlim_t>(max_connections) * 2 + 256;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The target is decoded by ParseTarget alone.
size_t KeepEscapes(void*, MHD_Connection*, char* text) {
  return std::strlen(text);
}

}  // namespace

Reply ReadBody(Request request, int64_t max_bytes, bool needs_body,
               std::function<Response(const Request&)> handler) {
  if (request.content_length < 0 && needs_body) {
    return ErrorResponse(411, "invalid_argument",
                         "the request has to state its Content-Length");
  }
  if (request.content_length > max_bytes) {
    return ErrorResponse(
        413, "invalid_argument",
        absl::StrCat("the request's body has ", request.content_length,
                     " bytes; at most ", max_bytes, " are read"));
  }
  return std::make_unique<CollectingReader>(std::move(request),
                                            std::move(handler));
}

class HttpServer::Impl {
 public:
  Impl(const HttpOptions& options, Handler handler)
      : options_(options),
        handler_(std::move(handler)),
        connections_(options.header_time,
                     static_cast<size_t>(options.max_connections)) {}

  ~Impl() {
    connections_.EndAll();
    if (daemon_) MHD_stop_daemon(daemon_);
  }

  absl::Status Start();
  int port() const { return port_; }

 private:
  static void* BeginRequest(void* self, const char* target,
                            MHD_Connection* connection);
  static MHD_Result HandleCall(void* self, MHD_Connection* connection,
                               const char* url, const char* method,
                               const char* version, const char* data,
                               size_t* size, void** exchange);
  static void EndRequest(void* self, MHD_Connection* connection,
                         void** exchange, MHD_RequestTerminationCode);
  static void NotifyConnection(void* self, MHD_Connection* connection, void**,
                               MHD_ConnectionNotificationCode code);

  MHD_Result Handle(MHD_Connection* connection, const char* method,
                    const char* data, size_t* size, Exchange* exchange);
  MHD_Result Begin(MHD_Connection* connection, const char* method,
                   Exchange* exchange);
  MHD_Result Queue(MHD_Connection* connection, Exchange* exchange);
  absl::Duration TimeFor(int64_t bytes) const;

  const HttpOptions options_;
  const Handler handler_;
  ConnectionTable connections_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

absl::Status HttpServer::Impl::Start() {
  RaiseDescriptorLimit(MostConnections(options_));
  ASSIGN_OR_RETURN(const ListenSocket listening,
                   Listen(options_.listen, options_.port));
  port_ = listening.port;
  daemon_ = MHD_start_daemon(
      MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION |
          MHD_USE_ITC,
      /*port=*/0, nullptr, nullptr, &HandleCall, this,  //
      MHD_OPTION_LISTEN_SOCKET, listening.descriptor,   //
      MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned int>(MostConnections(options_)),   //
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,  //
      MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned int>(absl::ToInt64Seconds(options_.idle_time)),
      MHD_OPTION_THREAD_STACK_SIZE, kThreadStack,        //
      MHD_OPTION_STRICT_FOR_CLIENT, 1,                   //
      MHD_OPTION_URI_LOG_CALLBACK, &BeginRequest, this,  //
      MHD_OPTION_UNESCAPE_CALLBACK, &KeepEscapes, nullptr,
      MHD_OPTION_NOTIFY_COMPLETED, &EndRequest, this,  //
      MHD_OPTION_NOTIFY_CONNECTION, &NotifyConnection, this, MHD_OPTION_END);
  if (daemon_) return absl::OkStatus();
  close(listening.descriptor);
  return absl::InternalError("the HTTP server cannot be started");
}

void* HttpServer::Impl::BeginRequest(void*, const char* target,
                                     MHD_Connection*) {
  auto* exchange = new Exchange;
  exchange->target = target;
  return exchange;
}

void HttpServer::Impl::EndRequest(void* self, MHD_Connection* connection,
                                  void** exchange, MHD_RequestTerminationCode) {
  delete static_cast<Exchange*>(*exchange);
  *exchange = nullptr;
  static_cast<Impl*>(self)->connections_.WaitForHeader(connection);
}

void HttpServer::Impl::NotifyConnection(void* self, MHD_Connection* connection,
                                        void**,
                                        MHD_ConnectionNotificationCode code) {
  ConnectionTable& connections = static_cast<Impl*>(self)->connections_;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    connections.Remove(connection);
    return;
  }
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info) connections.Add(connection, info->connect_fd);
}

MHD_Result HttpServer::Impl::HandleCall(void* self, MHD_Connection* connection,
                                        const char*, const char* method,
                                        const char*, const char* data,
                                        size_t* size, void** exchange) {
  if (!*exchange) return MHD_NO;
  Impl* const server = static_cast<Impl*>(self);
  // While a handler works the connection is not idle. Setting the timeout
  // again also starts its time anew.
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
  const MHD_Result result = server->Handle(connection, method, data, size,
                                           static_cast<Exchange*>(*exchange));
  MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                            static_cast<unsigned int>(absl::ToInt64Seconds(
                                server->options_.idle_time)));
  return result;
}

MHD_Result HttpServer::Impl::Handle(MHD_Connection* connection,
                                    const char* method, const char* data,
                                    size_t* size, Exchange* exchange) {
  if (!exchange->has_begun) {
    exchange->has_begun = true;
    return Begin(connection, method, exchange);
  }
  if (*size > 0) {
    if (!exchange->response) {
      const absl::Status status =
          exchange->reader->Write(absl::string_view(data, *size));
      if (!status.ok()) exchange->Answer(ErrorResponse(status));
    }
    *size = 0;
    return MHD_YES;
  }
  if (!exchange->response) {
    connections_.GiveTime(connection, absl::InfiniteDuration());
    exchange->Answer(exchange->reader->Finish());
  }
  return Queue(connection, exchange);
}

MHD_Result HttpServer::Impl::Begin(MHD_Connection* connection,
                                   const char* method, Exchange* exchange) {
  Request request;
  exchange->response =
      ReadHeader(connection, exchange->target, method, &request);
  // Of a header that was refused nothing is known of the body.
  const bool is_refused = exchange->response.has_value();
  const int64_t length = request.content_length;
  if (!is_refused) {
    connections_.GiveTime(connection, absl::InfiniteDuration());
    Reply reply = handler_(std::move(request));
    connections_.GiveTime(connection, TimeFor(std::max<int64_t>(0, length)));
    if (auto* reader = std::get_if<std::unique_ptr<BodyReader>>(&reply)) {
      exchange->reader = std::move(*reader);
      return MHD_YES;
    }
    exchange->response = std::get<Response>(std::move(reply));
  }
  if (length <= kDroppedBytes && !is_refused) return MHD_YES;
  exchange->closes = true;
  return Queue(connection, exchange);
}

MHD_Result HttpServer::Impl::Queue(MHD_Connection* connection,
                                   Exchange* exchange) {
  Response& response = *exchange->response;
  const int64_t bytes = BodyBytes(response);
  connections_.GiveTime(connection,
                        bytes < 0 ? absl::InfiniteDuration() : TimeFor(bytes));
  MHD_Response* const body = MakeBody(&response);
  if (!body) return MHD_NO;
  for (const auto& [name, value] : kSecurityHeaders) {
    MHD_add_response_header(body, name, value);
  }
  bool has_cache_control = false;
  for (const auto& [name, value] : response.headers) {
    MHD_add_response_header(body, name.c_str(), value.c_str());
    has_cache_control |= name == "Cache-Control";
  }
  if (!has_cache_control) {
    MHD_add_response_header(body, "Cache-Control", "no-store");
  }
  if (!response.content_type.empty()) {
    MHD_add_response_header(body, "Content-Type",
                            response.content_type.c_str());
  }
  if (exchange->closes) MHD_add_response_header(body, "Connection", "close");
  const MHD_Result result = MHD_queue_response(
      connection, static_cast<unsigned int>(response.status), body);
  MHD_destroy_response(body);
  return result;
}

absl::Duration HttpServer::Impl::TimeFor(int64_t bytes) const {
  return options_.body_time + absl::Seconds(bytes / options_.min_rate);
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const HttpOptions& options, Handler handler) {
  auto impl = std::make_unique<Impl>(options, std::move(handler));
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port(); }

}  // namespace studio
