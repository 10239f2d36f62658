#include "pipelines/media/input_bytes.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

// More than FFmpeg's buffer, so that seeking leaves it.
std::string SomeBytes() {
  std::mt19937 random(1);
  std::string bytes(300001, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

MediaInput InMemory(const std::string& bytes) {
  MediaInput input;
  input.name = "in memory";
  input.bytes = std::make_shared<const std::string>(bytes);
  return input;
}

MediaInput InAFile(const std::string& bytes) {
  MediaInput input;
  input.name = TempPath("bytes");
  std::ofstream(input.name, std::ios::binary) << bytes;
  return input;
}

// The next `size` bytes, or those up to the end.
std::string Read(AVIOContext* io, int size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  const int count =
      avio_read(io, reinterpret_cast<unsigned char*>(bytes.data()), size);
  bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return bytes;
}

// Where the bytes are makes no difference.
class EveryPlace : public testing::TestWithParam<bool> {
 protected:
  const std::string bytes_ = SomeBytes();
  const MediaInput input_ = GetParam() ? InMemory(bytes_) : InAFile(bytes_);
};

INSTANTIATE_TEST_SUITE_P(Bytes, EveryPlace, testing::Bool(),
                         [](const auto& where) {
                           return where.param ? "InMemory" : "InAFile";
                         });

TEST_P(EveryPlace, GivesFfmpegItsBytesInOrder) {
  const auto io = OpenBytes(input_);
  ASSERT_THAT(io, IsOk());
  EXPECT_EQ(avio_size(io->get()), static_cast<int64_t>(bytes_.size()));
  EXPECT_TRUE(Read(io->get(), 1 << 20) == bytes_);
  EXPECT_EQ(Read(io->get(), 1), "");
  EXPECT_TRUE(avio_feof(io->get()));
}

TEST_P(EveryPlace, GivesFfmpegTheBytesFromAnyPlace) {
  const auto io = OpenBytes(input_);
  ASSERT_THAT(io, IsOk());
  std::mt19937 random(2);
  for (int i = 0; i < 100; ++i) {
    const size_t begin = random() % bytes_.size();
    const int size = static_cast<int>(random() % 40000);
    ASSERT_EQ(avio_seek(io->get(), static_cast<int64_t>(begin), SEEK_SET),
              static_cast<int64_t>(begin));
    ASSERT_TRUE(Read(io->get(), size) ==
                bytes_.substr(begin, static_cast<size_t>(size)))
        << begin << " " << size;
  }
}

TEST_P(EveryPlace, GivesTheSameBytesOnASecondLook) {
  for (int look = 0; look < 2; ++look) {
    const std::unique_ptr<std::istream> stream = OpenStream(input_);
    ASSERT_NE(stream, nullptr);
    const std::string read{std::istreambuf_iterator<char>(*stream),
                           std::istreambuf_iterator<char>()};
    EXPECT_TRUE(read == bytes_) << look;
  }
}

// The standard library's stream over the same bytes is the slow twin.
TEST_P(EveryPlace, SeeksAsAnyStreamDoes) {
  const std::unique_ptr<std::istream> stream = OpenStream(input_);
  ASSERT_NE(stream, nullptr);
  std::istringstream twin(bytes_);
  std::mt19937 random(3);
  const std::ios_base::seekdir kFrom[] = {std::ios::beg, std::ios::cur,
                                          std::ios::end};
  const auto size = static_cast<int64_t>(bytes_.size());
  for (int i = 0; i < 200; ++i) {
    const std::ios_base::seekdir from = kFrom[i % 3];
    const int64_t start = from == std::ios::beg   ? 0
                          : from == std::ios::cur ? int64_t{twin.tellg()}
                                                  : size;
    const int64_t to = static_cast<int64_t>(random() % 300001);
    stream->seekg(to - start, from);
    twin.seekg(to - start, from);
    ASSERT_EQ(stream->tellg(), twin.tellg()) << i;
    std::string read(100, '\0'), expected(100, '\0');
    stream->read(read.data(), 100);
    twin.read(expected.data(), 100);
    ASSERT_EQ(stream->gcount(), twin.gcount()) << i;
    ASSERT_TRUE(read == expected) << i;
    stream->clear();
    twin.clear();
  }
}

TEST(InputBytes, InMemoryLeadNowhereOutsideThem) {
  const MediaInput input = InMemory("0123456789");
  const auto io = OpenBytes(input);
  ASSERT_THAT(io, IsOk());
  EXPECT_LT(avio_seek(io->get(), -1, SEEK_SET), 0);
  EXPECT_LT(avio_seek(io->get(), INT64_MAX, SEEK_SET), 0);
  EXPECT_LT(avio_seek(io->get(), INT64_MIN, SEEK_CUR), 0);
  EXPECT_EQ(avio_seek(io->get(), 7, SEEK_SET), 7);
  EXPECT_EQ(Read(io->get(), 10), "789");
  for (const int64_t place : {int64_t{-1}, int64_t{11}, INT64_MAX}) {
    const std::unique_ptr<std::istream> stream = OpenStream(input);
    stream->seekg(place);
    EXPECT_TRUE(stream->fail()) << place;
  }
}

TEST(InputBytes, InMemoryLiveAsLongAsTheyAreRead) {
  MediaInput input = InMemory("0123456789");
  const auto io = OpenBytes(input);
  ASSERT_THAT(io, IsOk());
  const std::unique_ptr<std::istream> stream = OpenStream(input);
  input.bytes.reset();
  EXPECT_EQ(Read(io->get(), 10), "0123456789");
  std::string word;
  *stream >> word;
  EXPECT_EQ(word, "0123456789");
}

TEST(InputBytes, OfAPipeCannotBeReadTwice) {
  MediaInput input;
  input.name = TempPath("pipe of bytes");
  ASSERT_EQ(mkfifo(input.name.c_str(), 0600), 0);
  EXPECT_EQ(OpenStream(input), nullptr);
  const auto io = OpenBytes(input);
  ASSERT_THAT(io, IsOk());
  EXPECT_EQ((*io)->seekable, 0);
}

TEST(InputBytes, SayWhyThereAreNone) {
  MediaInput input;
  input.name = TempPath("absent bytes");
  EXPECT_THAT(OpenBytes(input),
              StatusIs(StatusCode::kNotFound, HasSubstr(input.name)));
  EXPECT_EQ(OpenStream(input), nullptr);
  input.name = TempFolder("folder of bytes");
  EXPECT_THAT(OpenBytes(input),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(input.name), HasSubstr("is a folder"))));
  EXPECT_EQ(OpenStream(input), nullptr);
  for (const MediaInput& empty : {InMemory(""), InAFile("")}) {
    EXPECT_THAT(OpenBytes(empty),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(empty.name), HasSubstr("is empty"))));
  }
}

}  // namespace
}  // namespace pipelines::media
