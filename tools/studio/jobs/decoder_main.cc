// studio_decoder: reads one file that a stranger sent. decoder_client.h starts
// it; nobody else needs it.
//
//   studio_decoder probe KIND         facts, as FactsToJson writes them
//   studio_decoder preview KIND N S   frame N as PNG of at most S pixels
//   studio_decoder pixels S           width, height (uint32 LE), RGBA
//   studio_decoder crop face|centre   {"x","y","side","by"}
//
// Reads standard input by pread, writes the answer to standard output and ends
// with 0; or writes {"error":{"code","message"}} and ends with 1. Before the
// first byte is read it gives up everything but these two descriptors.
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "opencv2/core/utility.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/jobs/decode.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

absl::Status BadUsage() {
  return absl::InternalError("studio_decoder: bad arguments");
}

absl::StatusOr<Bytes> ReadInput() {
  const off_t size = lseek(STDIN_FILENO, 0, SEEK_END);
  if (size < 0) return absl::ErrnoToStatus(errno, "cannot read the file");
  auto bytes = std::make_shared<std::string>();
  bytes->resize(static_cast<size_t>(size));
  size_t done = 0;
  while (done < bytes->size()) {
    const ssize_t count = pread(STDIN_FILENO, &(*bytes)[done],
                                bytes->size() - done, static_cast<off_t>(done));
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot read the file");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes->resize(done);
  return Bytes(std::move(bytes));
}

void WriteAnswer(const std::string& answer) {
  size_t done = 0;
  while (done < answer.size()) {
    const ssize_t count =
        write(STDOUT_FILENO, &answer[done], answer.size() - done);
    if (count <= 0) return;
    done += static_cast<size_t>(count);
  }
}

std::string PixelsAnswer(const RgbaImage& image) {
  const uint32_t size[2] = {static_cast<uint32_t>(image.width),
                            static_cast<uint32_t>(image.height)};
  std::string answer(sizeof(size), '\0');
  std::memcpy(&answer[0], size, sizeof(size));
  answer.append(image.pixels.begin(), image.pixels.end());
  return answer;
}

absl::StatusOr<std::string> Answer(const Words& words, const Bytes& bytes,
                                   pipelines::FaceFinder* faces) {
  int64_t frame = 0;
  int side = 0;
  if (words.size() == 2 && words[0] == "probe") {
    ASSIGN_OR_RETURN(const MediaKind kind, ParseMediaKind(words[1]));
    ASSIGN_OR_RETURN(const MediaFacts facts, ProbeMedia(bytes, kind));
    return FactsToJson(facts).dump(-1, ' ', false,
                                   Json::error_handler_t::replace);
  }
  if (words.size() == 4 && words[0] == "preview" &&
      absl::SimpleAtoi(words[2], &frame) && absl::SimpleAtoi(words[3], &side)) {
    ASSIGN_OR_RETURN(const MediaKind kind, ParseMediaKind(words[1]));
    return MakePreview(bytes, kind, frame, side);
  }
  if (words.size() == 2 && words[0] == "pixels" &&
      absl::SimpleAtoi(words[1], &side)) {
    ASSIGN_OR_RETURN(const RgbaImage image, DecodePixels(bytes, side));
    return PixelsAnswer(image);
  }
  if (words.size() == 2 && words[0] == "crop") {
    ASSIGN_OR_RETURN(const CropSquare square, ProposeSquare(bytes, faces));
    return Json({{"x", square.x},
                 {"y", square.y},
                 {"side", square.side},
                 {"by", square.is_face ? "face" : "centre"}})
        .dump();
  }
  return BadUsage();
}

absl::StatusOr<std::string> Run(const Words& words) {
  std::unique_ptr<pipelines::FaceFinder> faces;
  if (words == Words{"crop", "face"}) {
    ASSIGN_OR_RETURN(faces, pipelines::FaceFinder::Load());
  }
  cv::setNumThreads(0);  // threads may not be started
  RETURN_IF_ERROR(ConfineToDescriptors());
  ASSIGN_OR_RETURN(const Bytes bytes, ReadInput());
  return Answer(words, bytes, faces.get());
}

absl::StatusOr<std::string> RunSafely(const Words& words) {
  try {
    return Run(words);
  } catch (const std::bad_alloc&) {
    return absl::InvalidArgumentError(
        "the file needs more memory to decode than a decoder may take; use a "
        "smaller one");
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the file cannot be decoded: ", error.what()));
  }
}

int Main(const Words& words) {
  const absl::StatusOr<std::string> answer = RunSafely(words);
  if (answer.ok()) {
    WriteAnswer(*answer);
    return 0;
  }
  const Json error = {{"code", CodeName(answer.status().code())},
                      {"message", std::string(answer.status().message())}};
  WriteAnswer(Json({{"error", error}})
                  .dump(-1, ' ', false, Json::error_handler_t::replace));
  return 1;
}

}  // namespace
}  // namespace studio

int main(int argc, char** argv) {
  const int code =
      studio::Main(std::vector<std::string>(argv + 1, argv + argc));
  // What libraries do at the end of a process may need what is forbidden.
  _exit(code);
}
