// What a media file may make FFmpeg open: nothing but itself.
#include "pipelines/media/open_input.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "networks/published/loopback_server.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::BaseName;
using ::networks::files::ReadFile;
using ::networks::files::WriteAtomically;
using ::networks::published::HttpRequest;
using ::networks::published::HttpResponse;
using ::networks::published::LoopbackServer;
using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A text that makes one of FFmpeg's demuxers open the file `victim`.
struct Playlist {
  const char* name;
  std::string (*text)(const std::string& victim);
};

const Playlist kPlaylists[] = {
    {"FfconcatBeside",
     [](const std::string& victim) {
       return absl::StrCat("ffconcat version 1.0\nfile ", BaseName(victim),
                           "\n");
     }},
    {"HlsAbsolute",
     [](const std::string& victim) {
       return absl::StrCat("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n",
                           victim, "\n#EXT-X-ENDLIST\n");
     }},
    {"HlsUrl",
     [](const std::string& victim) {
       return absl::StrCat(
           "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://", victim,
           "\n#EXT-X-ENDLIST\n");
     }},
    {"HlsBeside",
     [](const std::string& victim) {
       return absl::StrCat(
           "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n../x/../",
           BaseName(victim), "\n#EXT-X-ENDLIST\n");
     }},
    {"Dash",
     [](const std::string& victim) {
       return absl::StrCat(
           "<?xml version=\"1.0\"?>\n<MPD "
           "xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
           "mediaPresentationDuration=\"PT1S\" "
           "profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\">\n"
           "<Period><AdaptationSet contentType=\"video\" "
           "mimeType=\"video/mp4\"><Representation id=\"1\" "
           "bandwidth=\"1000\"><BaseURL>",
           victim,
           "</BaseURL></Representation></AdaptationSet></Period></MPD>\n");
     }},
    {"Sdp",
     [](const std::string&) {
       return std::string(
           "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\n"
           "t=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n");
     }},
};

class PlaylistTest : public testing::TestWithParam<Playlist> {};

INSTANTIATE_TEST_SUITE_P(Kinds, PlaylistTest, testing::ValuesIn(kPlaylists),
                         [](const auto& info) { return info.param.name; });

TEST_P(PlaylistTest, IsNoVideoWhateverItIsCalled) {
  const std::string victim = TempPath("victim.mp4");
  WriteNumberedVideo(victim, cv::Size(32, 32), 3);
  for (const char* name :
       {"playlist.mp4", "playlist.m3u8", "playlist.mpd", "playlist.png"}) {
    const std::string path = TempPath(name);
    ASSERT_THAT(WriteAtomically(path, GetParam().text(victim)), IsOk());
    const auto is_refused =
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr(path), HasSubstr("names other files")));
    // Not even as a file that the user named.
    FrameSourceOptions options;
    options.allow_addresses = true;
    EXPECT_THAT(OpenFrameSource(path, options), is_refused);
    EXPECT_THAT(OpenFrameSource(path), is_refused);
  }
}

TEST(OpenInput, TakesNoNameForAPatternOfImages) {
  WriteNumberedFolder(TempPath("images"), cv::Size(32, 32), 3);
  for (const char* name : {"images/%d.png", "images/?.png"}) {
    EXPECT_THAT(OpenInput({TempPath(name)}),
                StatusIs(StatusCode::kNotFound, _));
  }
  // A file that has such a name is read for what it is.
  const std::string path = TempPath("images/%d.jpg");
  WriteNumberedVideo(TempPath("plain.mp4"), cv::Size(32, 32), 3);
  ASSERT_THAT(WriteAtomically(path, *ReadFile(TempPath("plain.mp4"))), IsOk());
  EXPECT_THAT(OpenInput({path}), IsOk());
}

TEST(OpenInput, ReadsNoDrawings) {
  // Blurs inside one another take minutes, a large plain one gigabytes.
  const std::string path = TempPath("drawing.png");
  ASSERT_THAT(WriteAtomically(
                  path,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"16000\" "
                  "height=\"16000\"><rect width=\"9\" height=\"9\"/></svg>"),
              IsOk());
  EXPECT_THAT(OpenFrameSource(path),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("SVG"))));
}

TEST(OpenInput, SaysThatAPhotoOfAPhoneIsNotRead) {
  const std::string path = "pipelines/media/testdata/video/photo.heic";
  EXPECT_THAT(OpenFrameSource(path),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("HEIC"))));
}

TEST(OpenInput, RefusesFilesOfAFewBytes) {
  const std::string path = TempPath("short.mp4");
  for (const std::string& bytes :
       {std::string("a"), std::string("abc"), std::string("abcd"),
        std::string("\0\0\0\x14"
                    "ftyp",
                    8),
        std::string("<")}) {
    ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
    EXPECT_THAT(OpenFrameSource(path),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(path)));
  }
}

TEST(OpenInput, ReadsAPipeToItsEnd) {
  const std::string video = TempPath("piped.mkv"), pipe = TempPath("pipe");
  WriteNumberedVideo(video, cv::Size(32, 32), 3);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] {
    const std::string bytes = *ReadFile(video);
    const int descriptor = open(pipe.c_str(), O_WRONLY);
    ASSERT_EQ(write(descriptor, bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    close(descriptor);
  });
  const auto source = OpenFrameSource(pipe);
  ASSERT_THAT(source, IsOk());
  int count = 0;
  while (true) {
    const auto frame = (*source)->Next();
    ASSERT_THAT(frame, IsOk());
    if (!*frame) break;
    EXPECT_EQ(FrameIndex((*frame)->rgb), count++);
  }
  EXPECT_EQ(count, 3);
  writer.join();
}

TEST(OpenInput, SaysThatAPictureIsNotReadFromAPipe) {
  WriteNumberedFolder(TempPath("still"), cv::Size(32, 32), 1);
  const std::string picture = TempPath("still/0.png");
  const std::string pipe = TempPath("picture pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << *ReadFile(picture); });
  EXPECT_THAT(
      OpenFrameSource(pipe),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr(pipe + " is a picture in a pipe; save it as a file")));
  writer.join();
  EXPECT_THAT(OpenInput({picture}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("0.png is a picture and no video")));
}

// True from the second call on: waiting has begun by then.
std::function<bool()> SoonTrue() {
  return [calls = std::make_shared<int>(0)] { return ++*calls > 1; };
}

TEST(OpenInput, StopsWaitingForAPipeThatNobodyWrites) {
  const std::string pipe = TempPath("silent");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  FrameSourceOptions options;
  options.stop = SoonTrue();
  EXPECT_THAT(OpenFrameSource(pipe, options),
              StatusIs(StatusCode::kCancelled, HasSubstr(pipe)));
  // Nor does a writer that falls silent keep it.
  const int writer = open(pipe.c_str(), O_RDWR);
  ASSERT_EQ(write(writer, "begun", 5), 5);
  options.stop = SoonTrue();
  EXPECT_THAT(OpenFrameSource(pipe, options),
              StatusIs(StatusCode::kCancelled, HasSubstr(pipe)));
  close(writer);
}

TEST(OpenInput, StopsWaitingForTheRestOfAVideo) {
  const std::string video = TempPath("half.mkv"), pipe = TempPath("half");
  WriteNumberedVideo(video, cv::Size(32, 32), 40);
  const std::string bytes = *ReadFile(video);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int writer = open(pipe.c_str(), O_RDWR);
  for (const bool allow_damaged : {false, true}) {
    const auto half = static_cast<ssize_t>(bytes.size() / 2);
    ASSERT_EQ(write(writer, bytes.data(), static_cast<size_t>(half)), half);
    FrameSourceOptions options;
    options.stop = SoonTrue();
    options.allow_damaged = allow_damaged;
    const auto source = OpenFrameSource(pipe, options);
    absl::Status status = source.status();
    for (int i = 0; i < 40 && status.ok(); ++i) {
      status = (*source)->Next().status();
    }
    EXPECT_THAT(status, StatusIs(StatusCode::kCancelled, HasSubstr(pipe)));
  }
  close(writer);
}

TEST(OpenInput, StopsWaitingForAServerThatSaysNothing) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, generic, size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  FrameSourceOptions options;
  options.allow_addresses = true;
  options.stop = SoonTrue();
  const std::string url =
      absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/a.mp4");
  EXPECT_THAT(OpenFrameSource(url, options),
              StatusIs(StatusCode::kCancelled, HasSubstr(url)));
  close(listener);
}

// A handler that answers every request with the same bytes.
LoopbackServer::Handler Always(const std::string& body) {
  return [body](const HttpRequest&) {
    HttpResponse response;
    response.body = body;
    return response;
  };
}

TEST(OpenInput, ReadsAUrlOnlyWhereTheUserNamedIt) {
  const std::string path = TempPath("served.mkv");
  WriteNumberedVideo(path, cv::Size(32, 32), 3);
  const LoopbackServer server(Always(*ReadFile(path)));
  EXPECT_THAT(
      OpenInput({server.Url("/a.mkv"), /*allow_addresses=*/true, nullptr}),
      IsOk());
  const std::string shouted = "HTTP" + server.Url("/a.mkv").substr(4);
  EXPECT_THAT(OpenInput({shouted, /*allow_addresses=*/true, nullptr}), IsOk());
  EXPECT_THAT(OpenInput({server.Url("/a.mkv")}),
              StatusIs(StatusCode::kNotFound, _));
}

TEST(OpenInput, TellsANetworkThatFailsFromAPageThatIsNoVideo) {
  const std::string url = "http://127.0.0.1:1/a.mp4";  // nobody serves there
  EXPECT_THAT(OpenInput({url, /*allow_addresses=*/true, nullptr}),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("cannot reach " + url),
                             HasSubstr("is there a network?"))));
  const LoopbackServer server(Always("<html><body>A video</body></html>"));
  EXPECT_THAT(
      OpenInput({server.Url("/watch"), /*allow_addresses=*/true, nullptr}),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a page")));
}

TEST(OpenInput, SaysWhatAServerAnswered) {
  const LoopbackServer server([](const HttpRequest&) {
    HttpResponse response;
    response.status = 404;
    return response;
  });
  const std::string url = server.Url("/gone.mp4");
  EXPECT_THAT(OpenInput({url, /*allow_addresses=*/true, nullptr}),
              StatusIs(StatusCode::kInvalidArgument,
                       url + ": Server returned 404 Not Found"));
}

TEST(OpenInput, LetsNoPlaylistOfAServerReadLocalFiles) {
  const std::string victim = TempPath("local.mp4");
  WriteNumberedVideo(victim, cv::Size(32, 32), 3);
  const LoopbackServer server(Always(
      absl::StrCat("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://",
                   victim, "\n#EXT-X-ENDLIST\n")));
  FrameSourceOptions options;
  options.allow_addresses = true;
  EXPECT_THAT(OpenFrameSource(server.Url("/a.m3u8"), options),
              StatusIs(StatusCode::kInvalidArgument, _));
}

TEST(OpenInput, KnowsNoOtherProtocols) {
  const std::string victim = TempPath("secret.mp4");
  WriteNumberedVideo(victim, cv::Size(32, 32), 3);
  for (const char* scheme :
       {"file://", "concatf://", "subfile://", "cache://", "data://"}) {
    EXPECT_THAT(OpenInput({scheme + victim, /*allow_addresses=*/true, nullptr}),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(scheme), HasSubstr("protocol"))));
  }
}

// Noise, so that its end lies behind where FFmpeg looks; turned by a quarter.
TEST(OpenInput, ReadsAPhotoOfAServerAsThatOfAFile) {
  cv::Mat noise(48, 64, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  std::string jpeg = *EncodeImage(noise, ".jpg", "a.jpg");
  jpeg.insert(2, std::string("\xff\xe1\0\x22"
                             "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0"
                             "\6\0\0\0\0\0\0",
                             36));
  ASSERT_GT(jpeg.size(), 4096u);
  const LoopbackServer server(Always(jpeg));
  FrameSourceOptions options;
  options.allow_addresses = true;
  const auto source = OpenFrameSource(server.Url("/photo.jpg"), options);
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().width, 48);
  EXPECT_EQ((*source)->info().height, 64);
  EXPECT_TRUE((*source)->info().is_still);
}

// FFmpeg has no animated WebP, and looks at the beginning of a PNG alone.
TEST(OpenInput, ReadsAMovingPictureOfAServerAsThatOfAFile) {
  for (const char* name : {"animated.webp", "animated.png"}) {
    const LoopbackServer server(Always(
        *ReadFile(absl::StrCat("pipelines/media/testdata/video/", name))));
    FrameSourceOptions options;
    options.allow_addresses = true;
    const auto source = OpenFrameSource(server.Url("/moving"), options);
    ASSERT_THAT(source, IsOk()) << name;
    EXPECT_THAT((*source)->Count(), IsOkAndHolds(5)) << name;
  }
}

// Larger than what is fetched to tell it from one picture, and each picture
// than what FFmpeg looks at first.
TEST(OpenInput, ReadsRawMotionJpegOfAServerAtTheRateOfTheUser) {
  const std::string path = TempPath("served.mjpeg");
  WriteNumberedMotionJpeg(path, cv::Size(640, 480), 4);
  std::string bytes = *ReadFile(path);
  int frames = 4;
  for (; bytes.size() < (1 << 17); frames *= 2) bytes += bytes;
  const LoopbackServer server(Always(bytes));
  FrameSourceOptions options;
  options.allow_addresses = true;
  options.image_rate = {10, 1};
  const auto source = OpenFrameSource(server.Url("/live"), options);
  ASSERT_THAT(source, IsOk());
  EXPECT_TRUE((*source)->info().has_assumed_rate);
  EXPECT_EQ((*source)->info().frame_rate.value(), 10);
  EXPECT_THAT((*source)->Count(), IsOkAndHolds(frames));
}

// A camera's pictures behind one another are a video, and may have no end.
TEST(OpenInput, TakesNoEndlessStreamForAPicture) {
  cv::Mat noise(48, 64, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::string jpeg = *EncodeImage(noise, ".jpg", "a.jpg");
  std::string body;
  while (body.size() < (1 << 17)) body += jpeg;
  const LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.body = body;
    response.declares_length = false;
    response.stall = true;
    return response;
  });
  const auto picture =
      ReadUrlPicture({server.Url("/live"), /*allow_addresses=*/true, nullptr});
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(*picture, nullptr);
}

}  // namespace
}  // namespace pipelines::media
