#include "tools/studio/http/testing_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace studio {
namespace {

constexpr int kPatienceMilliseconds = 20000;

bool WaitFor(int socket, short events, int milliseconds) {
  pollfd poll_ = {socket, events, 0};
  return poll(&poll_, 1, milliseconds) > 0;
}

// Joins the chunks at the beginning of `bytes`; false while some are missing.
bool JoinChunks(const std::string& bytes, std::string* body) {
  body->clear();
  for (size_t at = 0;;) {
    const size_t end = bytes.find("\r\n", at);
    if (end == std::string::npos) return false;
    const size_t size = std::strtoul(bytes.c_str() + at, nullptr, 16);
    if (size == 0) return true;
    if (bytes.size() < end + 2 + size + 2) return false;
    body->append(bytes, end + 2, size);
    at = end + 2 + size + 2;
  }
}

}  // namespace

TestingClient::TestingClient(int port)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) != 0) {
    close(socket_);
    socket_ = -1;
  }
}

TestingClient::~TestingClient() {
  if (socket_ >= 0) close(socket_);
}

bool TestingClient::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count =
        send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool TestingClient::Fill() {
  if (!WaitFor(socket_, POLLIN, kPatienceMilliseconds)) return false;
  char buffer[16384];
  const ssize_t count = recv(socket_, buffer, sizeof(buffer), 0);
  if (count <= 0) return false;
  received_.append(buffer, static_cast<size_t>(count));
  return true;
}

Answer TestingClient::Receive(bool is_head) {
  Answer answer;
  size_t end;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return answer;
  }
  const std::string header = received_.substr(0, end);
  received_.erase(0, end + 4);
  for (const auto& line : absl::StrSplit(header, "\r\n")) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    answer.headers[absl::AsciiStrToLower(parts.first)] = parts.second;
  }
  if (header.size() > 12) answer.status = std::atoi(header.c_str() + 9);
  if (is_head || answer.status == 204 || answer.status == 304) return answer;
  if (answer.headers.count("transfer-encoding") > 0) {
    while (!JoinChunks(received_, &answer.body) && Fill()) {
    }
    return answer;
  }
  const size_t length =
      std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10);
  while (received_.size() < length && Fill()) {
  }
  answer.body = received_.substr(0, length);
  received_.erase(0, length);
  return answer;
}

bool TestingClient::IsEndedWithin(int milliseconds) {
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::milliseconds(milliseconds);
  char buffer[4096];
  do {
    if (!WaitFor(socket_, POLLIN, 50)) continue;
    if (recv(socket_, buffer, sizeof(buffer), 0) <= 0) return true;
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

Answer Ask(int port, const std::string& method, const std::string& target,
           const std::string& headers, const std::string& body) {
  TestingClient client(port);
  std::string request = absl::StrCat(method, " ", target, " HTTP/1.1\r\n",
                                     "Host: localhost:", port,
                                     "\r\nConnection: close\r\n", headers);
  if (!body.empty()) {
    absl::StrAppend(&request, "Content-Length: ", body.size(), "\r\n");
  }
  client.Send(absl::StrCat(request, "\r\n", body));
  return client.Receive(method == "HEAD");
}

}  // namespace studio
