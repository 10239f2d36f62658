#include "networks/published/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace networks::published {

namespace {

HttpRequest Parse(const std::string& head) {
  HttpRequest request;
  std::istringstream lines(head);
  std::string method, line;
  lines >> method >> request.target;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::pair<std::string, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    request.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  return request;
}

std::string ReadHead(int connection) {
  std::string head;
  char byte;
  while (head.find("\r\n\r\n") == std::string::npos &&
         recv(connection, &byte, 1, 0) == 1) {
    head.push_back(byte);
  }
  return head;
}

bool Send(int connection, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

void SendBody(int connection, const HttpResponse& response) {
  absl::string_view body = response.body;
  if (response.cut_after >= 0) body = body.substr(0, response.cut_after);
  const size_t piece = response.pause_milliseconds > 0
                           ? std::max<size_t>(1, body.size() / 10)
                           : std::max<size_t>(1, body.size());
  for (size_t i = 0; i < body.size(); i += piece) {
    if (!Send(connection, body.substr(i, piece))) return;
    std::this_thread::sleep_for(
        std::chrono::milliseconds(response.pause_milliseconds));
  }
}

}  // namespace

int64_t HttpRequest::range_first() const {
  const auto range = headers.find("range");
  if (range == headers.end()) return 0;
  absl::string_view value = range->second;
  int64_t first = 0;
  EXPECT_TRUE(absl::ConsumePrefix(&value, "bytes="));
  EXPECT_TRUE(absl::SimpleAtoi(value.substr(0, value.find('-')), &first));
  return first;
}

LoopbackServer::LoopbackServer(Handler handler)
    : handler_(std::move(handler)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener_, generic, size), 0);
  EXPECT_EQ(listen(listener_, 8), 0);
  EXPECT_EQ(getsockname(listener_, generic, &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

LoopbackServer::~LoopbackServer() {
  shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  close(listener_);
}

std::string LoopbackServer::Url(const std::string& target) const {
  return absl::StrCat("http://127.0.0.1:", port_, target);
}

std::vector<HttpRequest> LoopbackServer::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

void LoopbackServer::Serve() {
  for (;;) {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    Answer(connection);
    close(connection);
  }
}

void LoopbackServer::Answer(int connection) {
  const HttpRequest request = Parse(ReadHead(connection));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(request);
  }
  const HttpResponse response = handler_(request);
  const int64_t length = response.declared_length >= 0
                             ? response.declared_length
                             : static_cast<int64_t>(response.body.size());
  std::string head = absl::StrCat("HTTP/1.1 ", response.status,
                                  " Answer\r\nConnection: close\r\n");
  if (response.declares_length) {
    absl::StrAppend(&head, "Content-Length: ", length, "\r\n");
  }
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  if (!Send(connection, head + "\r\n")) return;
  SendBody(connection, response);
  char byte;
  if (response.stall) recv(connection, &byte, 1, 0);
}

LoopbackServer::Handler ServeFile(const std::string& body,
                                  const std::string& entity_tag) {
  return [body, entity_tag](const HttpRequest& request) {
    HttpResponse response;
    response.headers["ETag"] = entity_tag;
    const int64_t first = request.range_first();
    const auto condition = request.headers.find("if-range");
    const bool same =
        condition == request.headers.end() || condition->second == entity_tag;
    const int64_t size = static_cast<int64_t>(body.size());
    if (first == 0 || !same) {
      response.body = body;
    } else if (first >= size) {
      response.status = 416;
      response.headers["Content-Range"] = absl::StrCat("bytes */", size);
    } else {
      response.status = 206;
      response.headers["Content-Range"] =
          absl::StrCat("bytes ", first, "-", size - 1, "/", size);
      response.body = body.substr(first);
    }
    return response;
  };
}

}  // namespace networks::published
