#include "pipelines/media/formats/motion_jpeg.h"

#include <cstddef>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

using namespace std::string_literals;

std::string Segment(char marker, const std::string& content) {
  const size_t length = content.size() + 2;
  return "\xff"s + marker + static_cast<char>(length >> 8) +
         static_cast<char>(length) + content;
}

// Without what a decoder needs; with stuffed bytes and a restart mark.
std::string Jpeg(char height, char width, const std::string& segments = "") {
  return "\xff\xd8"s + Segment('\xe0', "JFIF\0"s) + segments +
         Segment('\xc0', "\x08\0"s + height + "\0"s + width + "\1\1\x11\0"s) +
         Segment('\xda', "\1\1\0\0\x3f\0"s) + "data\xff\0\xff\xd0more"s +
         "\xff\xd9"s;
}

bool IsMotion(const std::string& bytes) {
  std::istringstream file(bytes);
  return IsMotionJpeg(file);
}

TEST(IsMotionJpeg, TellsAStreamFromAPicture) {
  const std::string frame = Jpeg(4, 6);
  EXPECT_FALSE(IsMotion(frame));
  EXPECT_TRUE(IsMotion(frame + frame));
  EXPECT_TRUE(IsMotion(frame + frame + frame));
  // The second is cut off.
  EXPECT_TRUE(IsMotion(frame + frame.substr(0, frame.size() - 4)));
}

// Longer than what is read at once, at each place of its end in that.
TEST(IsMotionJpeg, FindsTheEndOfALongPicture) {
  for (size_t size = 65400; size < 65600; ++size) {
    const std::string frame =
        Jpeg(4, 6,
             Segment('\xfe', std::string(65000, '\xd9')) +
                 Segment('\xfe', std::string(size - 65000, 'x')));
    EXPECT_FALSE(IsMotion(frame)) << size;
    EXPECT_TRUE(IsMotion(frame + frame)) << size;
  }
}

// Phones put previews, maps of depth or of brightness behind a photograph.
TEST(IsMotionJpeg, TakesNoPhotographWithOthersForAStream) {
  const std::string photo = Jpeg(4, 6);
  EXPECT_FALSE(IsMotion(photo + Jpeg(2, 3)));
  EXPECT_FALSE(IsMotion(photo + "trailer"s + photo));
  const std::string stereo = Jpeg(4, 6, Segment('\xe2', "MPF\0II*\0"s));
  EXPECT_FALSE(IsMotion(stereo + photo));
  // A colour profile has the same marker.
  const std::string frame = Jpeg(4, 6, Segment('\xe2', "ICC_PROFILE\0"s));
  EXPECT_TRUE(IsMotion(frame + frame));
}

// As cameras write it.
TEST(IsMotionJpeg, PassesOverAThumbnail) {
  const std::string frame =
      Jpeg(4, 6, Segment('\xe1', "Exif\0\0"s + Jpeg(4, 6) + Jpeg(4, 6)));
  EXPECT_FALSE(IsMotion(frame));
  EXPECT_TRUE(IsMotion(frame + frame));
}

TEST(IsMotionJpeg, TakesNothingElseForAStream) {
  const std::string frame = Jpeg(4, 6);
  for (const std::string& bytes :
       {""s, "\xff"s, "\xff\xd8\xff"s, "GIF89a"s, "x"s + frame + frame,
        frame.substr(0, 20) + frame, frame + frame.substr(0, 2)}) {
    EXPECT_FALSE(IsMotion(bytes)) << bytes.size();
  }
}

}  // namespace
}  // namespace pipelines::media
