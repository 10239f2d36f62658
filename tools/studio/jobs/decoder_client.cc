#include "tools/studio/jobs/decoder_client.h"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "pipelines/base/deadline.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/jail.h"

namespace studio {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxFacts = size_t{1} << 18;  // bytes
constexpr int kMinSide = 16;
constexpr int kMaxSide = 4096;
constexpr size_t kMaxMessage = 2000;
constexpr int64_t kDescriptors = 64;  // libraries are opened one by one
constexpr uint32_t kBytesOfPixel = 4;

absl::Status CheckSide(int side) {
  if (side >= kMinSide && side <= kMaxSide) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "side is ", side, "; use ", kMinSide, " to ", kMaxSide, " pixels"));
}

absl::StatusOr<int64_t> SizeOf(int descriptor) {
  struct stat info = {};
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::InternalError("the decoder needs a file that is open");
  }
  return info.st_size;
}

// The PNG header states the size that was asked for at most.
bool IsPngWithin(absl::string_view png, int side) {
  constexpr absl::string_view kHead("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  constexpr size_t kHeadBytes = 24;
  if (png.size() < kHeadBytes || !absl::StartsWith(png, kHead)) return false;
  const auto number = [&](size_t begin) {
    uint32_t value = 0;
    for (size_t i = begin; i < begin + 4; ++i) {
      value = (value << 8) | static_cast<unsigned char>(png[i]);
    }
    return value;
  };
  const auto limit = static_cast<uint32_t>(side);
  return number(16) >= 1 && number(16) <= limit && number(20) >= 1 &&
         number(20) <= limit;
}

// The error that a decoder that ended with 1 has written. All that it can say
// is about the file.
absl::Status ErrorOf(const std::string& output, MediaKind kind) {
  const Json json = Json::parse(output, nullptr, /*allow_exceptions=*/false);
  const auto text = [&json](const char* field) -> std::string {
    const auto error = json.is_object() ? json.find("error") : json.end();
    if (error == json.end() || !error->is_object()) return "";
    const auto value = error->find(field);
    if (value == error->end() || !value->is_string()) return "";
    return value->get<std::string>().substr(0, kMaxMessage);
  };
  const std::string message = text("message");
  const std::string code = text("code");
  if (message.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        MediaNoun(kind), " cannot be decoded: the decoder gave no answer"));
  }
  if (code == "out_of_range") return absl::OutOfRangeError(message);
  if (code == "internal" || code == "not_found" ||
      code == "failed_precondition") {
    return absl::InternalError(message);
  }
  return absl::InvalidArgumentError(message);
}

absl::Status IsStopping() {
  return absl::UnavailableError(
      "the file was not decoded: Studio is about to end");
}

// Why there is no answer that can be used.
std::string WhyEnded(const ConfinedAnswer& answer,
                     const DecoderOptions& options) {
  if (answer.was_too_long)
    return "the decoder wrote more than it was asked for";
  const std::string advice = "; use a smaller or shorter one";
  if (answer.was_too_late) {
    return absl::StrCat("it took more than ",
                        absl::FormatDuration(options.timeout), advice);
  }
  switch (answer.exit_code) {
    case 128 + SIGXCPU:
      return absl::StrCat("it took more than ",
                          absl::FormatDuration(options.processor_time),
                          " of processor time", advice);
    case 128 + SIGSYS:
      return "the decoder tried what no decoder has to do, and was ended";
    case 128 + SIGKILL:
      return absl::StrCat(
          "the system ended the decoder, as it does where "
          "memory is short",
          advice);
    default:
      return absl::StrCat("the decoder broke (exit code ", answer.exit_code,
                          "); convert it to PNG or MP4 by another program");
  }
}

}  // namespace

class DecoderClient::Impl {
 public:
  explicit Impl(DecoderOptions options) : options_(std::move(options)) {
    if (options_.program.empty()) {
      options_.program = JobProgram("studio_decoder");
    }
  }

  // The answer of a decoder that ended well.
  absl::StatusOr<std::string> Run(int descriptor, MediaKind kind,
                                  const std::vector<std::string>& words,
                                  size_t max_output) {
    RETURN_IF_ERROR(TakePlace());
    absl::StatusOr<std::string> answer =
        RunOne(descriptor, kind, words, max_output);
    GivePlace();
    return answer;
  }

 private:
  absl::Status TakePlace() {
    const pipelines::Deadline end(options_.timeout);
    const auto is_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return running_ < options_.max_children;
    };
    const absl::MutexLock lock(&mutex_);
    while (!mutex_.AwaitWithTimeout(absl::Condition(&is_free),
                                    std::min(absl::Seconds(1), end.Left()))) {
      if (options_.is_stopping && options_.is_stopping()) return IsStopping();
      if (end.HasPassed()) {
        return absl::UnavailableError(
            "other files are being decoded; try again in a minute");
      }
    }
    ++running_;
    return absl::OkStatus();
  }

  void GivePlace() {
    const absl::MutexLock lock(&mutex_);
    --running_;
  }

  absl::StatusOr<std::string> RunOne(int descriptor, MediaKind kind,
                                     const std::vector<std::string>& words,
                                     size_t max_output) const {
    ASSIGN_OR_RETURN(const int64_t size, SizeOf(descriptor));
    ConfinedRun run;
    run.command = {options_.program};
    run.command.insert(run.command.end(), words.begin(), words.end());
    run.input = descriptor;
    run.limits.address_space = options_.memory + size;
    run.limits.processor_seconds = absl::ToInt64Seconds(
        absl::Ceil(options_.processor_time, absl::Seconds(1)));
    run.limits.file_size = 0;
    run.limits.descriptors = kDescriptors;
    run.max_output = max_output;
    run.timeout = options_.timeout;
    run.kill = options_.is_stopping;
    absl::StatusOr<ConfinedAnswer> answer = RunConfined(run);
    if (!answer.ok()) {
      return absl::InternalError(std::string(answer.status().message()));
    }
    if (answer->was_killed) return IsStopping();
    if (answer->exit_code == 0) return std::move(answer->output);
    if (answer->exit_code == 1) return ErrorOf(answer->output, kind);
    return absl::InvalidArgumentError(absl::StrCat(
        MediaNoun(kind), " cannot be decoded: ", WhyEnded(*answer, options_)));
  }

  DecoderOptions options_;
  absl::Mutex mutex_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

DecoderClient::DecoderClient(DecoderOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
DecoderClient::~DecoderClient() = default;

absl::StatusOr<MediaFacts> DecoderClient::Probe(int descriptor,
                                                MediaKind kind) const {
  ASSIGN_OR_RETURN(
      const std::string answer,
      impl_->Run(descriptor, kind, {"probe", std::string(MediaKindName(kind))},
                 kMaxFacts));
  const Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  absl::StatusOr<MediaFacts> facts = FactsFromJson(json);
  if (facts.ok() && facts->kind == kind) return facts;
  return absl::InvalidArgumentError(
      absl::StrCat(MediaNoun(kind), " cannot be decoded: ",
                   facts.ok() ? "the decoder's answer is about something else"
                              : std::string(facts.status().message())));
}

absl::StatusOr<std::string> DecoderClient::Preview(int descriptor,
                                                   MediaKind kind,
                                                   int64_t frame,
                                                   int side) const {
  RETURN_IF_ERROR(CheckSide(side));
  if (frame < 0) {
    return absl::OutOfRangeError(
        absl::StrCat("frame is ", frame, "; use a number from 0"));
  }
  // Of noise, a PNG is a little larger than its pixels.
  const size_t max_output =
      static_cast<size_t>(side) * static_cast<size_t>(side) * kBytesOfPixel +
      (size_t{1} << 16);
  ASSIGN_OR_RETURN(std::string png,
                   impl_->Run(descriptor, kind,
                              {"preview", std::string(MediaKindName(kind)),
                               absl::StrCat(frame), absl::StrCat(side)},
                              max_output));
  if (IsPngWithin(png, side)) return png;
  return absl::InvalidArgumentError(absl::StrCat(
      MediaNoun(kind), " cannot be decoded: the decoder gave no picture"));
}

absl::StatusOr<RgbaImage> DecoderClient::Pixels(int descriptor,
                                                int side) const {
  RETURN_IF_ERROR(CheckSide(side));
  uint32_t size[2] = {};
  const size_t max_output = sizeof(size) + static_cast<size_t>(side) *
                                               static_cast<size_t>(side) *
                                               kBytesOfPixel;
  ASSIGN_OR_RETURN(const std::string answer,
                   impl_->Run(descriptor, MediaKind::kImage,
                              {"pixels", absl::StrCat(side)}, max_output));
  RgbaImage image;
  if (answer.size() >= sizeof(size)) {
    std::memcpy(size, answer.data(), sizeof(size));
  }
  const auto limit = static_cast<uint32_t>(side);
  if (size[0] < 1 || size[0] > limit || size[1] < 1 || size[1] > limit ||
      answer.size() !=
          sizeof(size) + size_t{size[0]} * size[1] * kBytesOfPixel) {
    return absl::InvalidArgumentError(
        "the picture cannot be decoded: the decoder gave no pixels");
  }
  image.width = static_cast<int>(size[0]);
  image.height = static_cast<int>(size[1]);
  image.pixels.assign(answer.begin() + sizeof(size), answer.end());
  return image;
}

absl::StatusOr<CropBoxProposal> DecoderClient::ProposeCrop(int descriptor,
                                                           bool by_face) const {
  ASSIGN_OR_RETURN(
      const std::string answer,
      impl_->Run(descriptor, MediaKind::kImage,
                 {"crop", by_face ? "face" : "centre"}, kMaxFacts));
  const Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  CropBoxProposal box;
  bool good = json.is_object();
  for (const auto& [field, value] : {std::pair<const char*, int*>{"x", &box.x},
                                     {"y", &box.y},
                                     {"side", &box.side}}) {
    good = good && json.contains(field) && json[field].is_number_unsigned() &&
           json[field].get<uint64_t>() <= (uint64_t{1} << 30);
    if (good) *value = json[field].get<int>();
  }
  good = good && json.contains("by") && json["by"].is_string() && box.side > 0;
  if (!good) {
    return absl::InvalidArgumentError(
        "the picture cannot be decoded: the decoder gave no box");
  }
  box.is_face = json["by"].get<std::string>() == "face";
  return box;
}

}  // namespace studio
