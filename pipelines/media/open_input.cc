#include "pipelines/media/open_input.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pipelines/media/colour_tags.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/formats/motion_jpeg.h"
#include "pipelines/media/formats/refused_formats.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/input_bytes.h"
#include "pipelines/media/input_policy.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

absl::Status NotReadable(int error, const std::string& name) {
  return FfmpegStatus(error, name + " is not a video that FFmpeg can read",
                      absl::StatusCode::kInvalidArgument);
}

// For all files: some demuxers look at a name, and take '%' or '*' in it, or
// the ending of a picture, for a pattern of many files.
constexpr char kNameForProbing[] = "input";

// The first bytes. InvalidArgument for what is known by them not to be read.
absl::StatusOr<std::string> ReadHead(AVIOContext* io, const std::string& path) {
  std::string head(1024, '\0');
  const int read =
      avio_read_partial(io, reinterpret_cast<unsigned char*>(head.data()),
                        static_cast<int>(head.size()));
  if (read < 0 && read != AVERROR_EOF) return NotReadable(read, path);
  head.resize(static_cast<size_t>(std::max(0, read)));
  const std::string why = WhyNotRead(head);
  if (!why.empty()) return absl::InvalidArgumentError(path + " " + why);
  // Within the buffer, so that a pipe can go back, too.
  avio_seek(io, 0, SEEK_SET);
  return head;
}

// Of the demuxers that are allowed, those of streams without times take this
// option.
void SetRateOfNone(AVDictionary** options) {
  const std::string rate = absl::StrCat(kRateOfNone.num, "/", kRateOfNone.den);
  av_dict_set(options, "framerate", rate.c_str(), 0);
}

// The demuxer of animated PNGs takes these options: frames without a time, or
// of a hundredth of a second or less, last a tenth, as those of a GIF or WebP.
// Others leave them alone.
void SetShortestFrame(AVDictionary** options) {
  av_dict_set_int(options, "max_fps", 99, 0);
  av_dict_set_int(options, "default_fps", 10, 0);
}

// FFmpeg looks for the chunk that says so in the first 2 kB only.
bool IsMovingPicture(const MediaInput& file) {
  if (file.bytes != nullptr) return LooksLikeMovingImage(*file.bytes);
  const absl::StatusOr<std::string> head = ReadImageHead(file.name);
  return head.ok() && LooksLikeMovingImage(*head);
}

absl::StatusOr<InputPtr> OpenFile(const MediaInput& file) {
  const std::string& path = file.name;
  ASSIGN_OR_RETURN(IoPtr io, OpenBytes(file));
  ASSIGN_OR_RETURN(const std::string head, ReadHead(io.get(), path));
  const AVInputFormat* format = nullptr;
  // FFmpeg takes it for the picture that it begins with.
  if (IsRawMotionJpeg(file, head)) format = av_find_input_format("mjpeg");
  int error = 0;
  if (format == nullptr) {
    error = av_probe_input_buffer2(io.get(), &format, kNameForProbing, nullptr,
                                   0, 0);
  }
  if (error < 0) return NotReadable(error, path);
  if (format->name == absl::string_view("png_pipe") && io->seekable != 0 &&
      IsMovingPicture(file)) {
    const AVInputFormat* const moving = av_find_input_format("apng");
    if (moving != nullptr) format = moving;
  }
  if (!IsAllowedInFile(*format)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " ", WhyNotAllowed(*format, io->seekable == 0)));
  }
  AVFormatContext* input = avformat_alloc_context();
  input->pb = io.get();
  input->flags |= AVFMT_FLAG_CUSTOM_IO;
  input->io_open = RefuseNestedOpen;
  AVDictionary* options = nullptr;
  SetRateOfNone(&options);
  SetShortestFrame(&options);
  error = avformat_open_input(&input, kNameForProbing, format, &options);
  av_dict_free(&options);
  if (error < 0) return NotReadable(error, path);
  io.release();  // the input's own now, see InputDeleter
  return InputPtr(input);
}

// Whether the server answered with a status that is no success.
bool IsRefusal(int error) {
  switch (error) {
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_UNAUTHORIZED:
    case AVERROR_HTTP_FORBIDDEN:
    case AVERROR_HTTP_NOT_FOUND:
#ifdef AVERROR_HTTP_TOO_MANY_REQUESTS
    case AVERROR_HTTP_TOO_MANY_REQUESTS:
#endif
    case AVERROR_HTTP_OTHER_4XX:
    case AVERROR_HTTP_SERVER_ERROR:
      return true;
    default:
      return false;
  }
}

// Whether it is the network or what the server gave. A page is often named for
// the video that it shows.
absl::Status UrlNotReadable(int error, const std::string& url) {
  constexpr char kAdvice[] = "the video itself, not a page that shows it";
  const absl::Status status = NotReadable(error, url);
  if (absl::IsCancelled(status) || error == AVERROR_PROTOCOL_NOT_FOUND) {
    return status;
  }
  if (IsRefusal(error)) {
    return absl::Status(status.code(),
                        absl::StrCat(url, ": ", FfmpegMessage(error)));
  }
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    return absl::UnavailableError(
        absl::StrCat("cannot reach ", url, " (", FfmpegMessage(error),
                     "): is there a network? Name ", kAdvice));
  }
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; name ", kAdvice));
}

int AskStop(void* stop) {
  return (*static_cast<const StopPredicate*>(stop))() ? 1 : 0;
}

// In small letters, as FFmpeg knows them.
std::string ProtocolOf(const std::string& url) {
  return absl::AsciiStrToLower(url.substr(0, url.find(':')));
}

std::string WithSmallProtocol(const std::string& url) {
  return ProtocolOf(url) + url.substr(url.find(':'));
}

// To be freed by the caller.
AVDictionary* NetworkOptions() {
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", UrlProtocols(), 0);
  // A server that says nothing for so long is gone.
  constexpr int64_t kTimeout = 30'000'000;  // microseconds
  av_dict_set_int(&options, "rw_timeout", kTimeout, 0);
  return options;
}

bool IsHttp(const std::string& url) {
  const std::string protocol = ProtocolOf(url);
  return protocol == "http" || protocol == "https";
}

// By what it holds where `format` is null.
absl::StatusOr<InputPtr> OpenUrlAs(const MediaInput& address,
                                   const AVInputFormat* format) {
  const std::string& url = address.name;
  AVDictionary* options = NetworkOptions();
  SetRateOfNone(&options);
  av_dict_set(&options, "format_whitelist", UrlDemuxers(), 0);
  AVFormatContext* input = avformat_alloc_context();
  auto stop = std::make_unique<StopPredicate>(address.stop);
  if (*stop) input->interrupt_callback = {AskStop, stop.get()};
  const int error = avformat_open_input(&input, WithSmallProtocol(url).c_str(),
                                        format, &options);
  av_dict_free(&options);
  if (error < 0) return UrlNotReadable(error, url);
  input->opaque = stop.release();  // the input's own now, see InputDeleter
  return InputPtr(input);
}

absl::StatusOr<InputPtr> OpenUrl(const MediaInput& address) {
  const std::string& url = address.name;
  if (!IsAllowedProtocol(ProtocolOf(url))) {
    return absl::InvalidArgumentError(absl::StrCat(
        url, ": this protocol is not read; one of these is: ", UrlProtocols()));
  }
  ASSIGN_OR_RETURN(InputPtr input, OpenUrlAs(address, nullptr));
  // One picture is read by ReadUrlPicture. Several behind one another are raw
  // Motion JPEG, to which this demuxer gives a rate of its own.
  if (!IsHttp(url) || input->iformat->name != absl::string_view("jpeg_pipe")) {
    return input;
  }
  input.reset();  // a camera may serve one at a time
  return OpenUrlAs(address, av_find_input_format("mjpeg"));
}

absl::StatusOr<InputPtr> OpenDevice(const std::string& name) {
  const Device device = DeviceOf(name);
  avdevice_register_all();
  const AVInputFormat* format = av_find_input_format(device.format.c_str());
  if (format == nullptr) {
    return absl::UnimplementedError(absl::StrCat(
        name, ": this FFmpeg has no input device ", device.format));
  }
  AVFormatContext* input = nullptr;
  const int error =
      avformat_open_input(&input, device.address.c_str(), format, nullptr);
  if (error < 0) {
    return FfmpegStatus(
        error,
        absl::StrCat(name, ": cannot open the device '", device.address, "'"),
        absl::StatusCode::kInvalidArgument);
  }
  return InputPtr(input);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const std::string>> ReadUrlPicture(
    const MediaInput& address) {
  SilenceFfmpeg();
  if (!IsHttp(address.name)) return nullptr;
  AVDictionary* options = NetworkOptions();
  StopPredicate stop = address.stop;
  const AVIOInterruptCB interrupt = {stop ? AskStop : nullptr, &stop};
  AVIOContext* opened = nullptr;
  const int error = avio_open2(&opened, WithSmallProtocol(address.name).c_str(),
                               AVIO_FLAG_READ, &interrupt, &options);
  av_dict_free(&options);
  if (error < 0) return UrlNotReadable(error, address.name);
  const auto close = [](AVIOContext* io) { avio_closep(&io); };
  const std::unique_ptr<AVIOContext, decltype(close)> io(opened, close);
  // A stream may be slow: no more is waited for than tells a picture.
  constexpr int kHead = 16, kBlock = 1 << 16;
  size_t next_look = kBlock;
  constexpr size_t kMost = std::numeric_limits<int>::max();  // as OpenCV takes
  std::string bytes, block(kBlock, '\0');
  while (bytes.size() < kMost) {
    const int read =
        avio_read(io.get(), reinterpret_cast<unsigned char*>(block.data()),
                  bytes.empty() ? kHead : kBlock);
    if (read == 0 || read == AVERROR_EOF) break;
    if (read < 0) return UrlNotReadable(read, address.name);
    bytes.append(block, 0, static_cast<size_t>(read));
    if (DetectImageFormat(bytes) == ImageFormat::kNone) return nullptr;
    if (bytes.size() < next_look) continue;
    // Pictures behind one another, as a camera sends them, may have no end.
    std::istringstream so_far(bytes);
    if (IsMotionJpeg(so_far)) return nullptr;
    next_look *= 2;
  }
  if (bytes.empty()) return nullptr;
  return std::make_shared<const std::string>(std::move(bytes));
}

bool IsRawMotionJpeg(const MediaInput& input, std::string_view head) {
  if (!LooksLikeImage(head)) return false;
  const std::unique_ptr<std::istream> file = OpenStream(input);
  return file != nullptr && IsMotionJpeg(*file);
}

absl::StatusOr<InputPtr> OpenInput(const MediaInput& input) {
  SilenceFfmpeg();
  if (input.bytes != nullptr || !input.allow_addresses) return OpenFile(input);
  switch (ClassifyAddress(input.name)) {
    case AddressKind::kFile:
      return OpenFile(input);
    case AddressKind::kDevice:
      return OpenDevice(input.name);
    case AddressKind::kUrl:
      break;
  }
  return OpenUrl(input);
}

absl::Status FindStreams(AVFormatContext* input, const std::string& name) {
  // FFmpeg overwrites the container's with those of the stream, also where this
  // states none.
  std::vector<ParametersPtr> of_container;
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    of_container.emplace_back(avcodec_parameters_alloc());
    avcodec_parameters_copy(of_container[i].get(), input->streams[i]->codecpar);
    MakeColoursSane(of_container[i].get());
  }
  // FFmpeg may decode frames here, with decoders of its own.
  std::vector<AVDictionary*> options(input->nb_streams, nullptr);
  for (AVDictionary*& option : options) {
    av_dict_set_int(&option, "max_pixels", kMaxVideoPixels, 0);
  }
  const int error = avformat_find_stream_info(input, options.data());
  for (AVDictionary*& option : options) av_dict_free(&option);
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    MakeColoursSane(input->streams[i]->codecpar);
    if (i >= of_container.size()) continue;  // met only now
    FillColours(*of_container[i], input->streams[i]->codecpar);
  }
  return error < 0 ? NotReadable(error, name) : absl::OkStatus();
}

}  // namespace pipelines::media
