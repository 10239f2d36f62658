// A client for tests that sends any bytes, also those that no honest client
// sends.
#ifndef TOOLS_STUDIO_HTTP_TESTING_CLIENT_H_
#define TOOLS_STUDIO_HTTP_TESTING_CLIENT_H_

#include <map>
#include <string>

namespace studio {

struct Answer {
  int status = 0;  // 0: the connection ended without an answer
  std::map<std::string, std::string> headers;  // by lower-case name
  std::string body;                            // chunks joined
};

// One connection to a port of 127.0.0.1.
class TestingClient {
 public:
  explicit TestingClient(int port);
  ~TestingClient();
  TestingClient(const TestingClient&) = delete;
  TestingClient& operator=(const TestingClient&) = delete;

  // Sends as much as the server takes; false if the connection has ended.
  bool Send(const std::string& bytes);

  // Waits for an answer, for its header and the body that it states. Nothing of
  // a HEAD's body is waited for.
  Answer Receive(bool is_head = false);

  // Waits up to `milliseconds` for the server to end the connection.
  bool IsEndedWithin(int milliseconds);

 private:
  bool Fill();  // reads more; false at the end

  int socket_;
  std::string received_;
};

// Sends one request with Host and Connection: close, and waits for the answer.
// headers: lines that end with "\r\n".
Answer Ask(int port, const std::string& method, const std::string& target,
           const std::string& headers = "", const std::string& body = "");

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_TESTING_CLIENT_H_
