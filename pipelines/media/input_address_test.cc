#include "pipelines/media/input_address.h"

#include "gtest/gtest.h"

namespace pipelines::media {
namespace {

TEST(InputAddress, TellsDevices) {
  for (const char* name : {"camera:0", "/dev/video0", "lavfi:testsrc"}) {
    EXPECT_EQ(ClassifyAddress(name), AddressKind::kDevice) << name;
    EXPECT_TRUE(IsDevice(name)) << name;
  }
  EXPECT_EQ(DeviceOf("camera:3").format, "video4linux2");
  EXPECT_EQ(DeviceOf("camera:3").address, "/dev/video3");
  EXPECT_EQ(DeviceOf("lavfi:testsrc=size=8x8").address, "testsrc=size=8x8");
}

TEST(InputAddress, TellsUrls) {
  for (const char* name :
       {"http://a/b.mp4", "https://a", "rtsp://a:1/b", "file:///a/b"}) {
    EXPECT_EQ(ClassifyAddress(name), AddressKind::kUrl) << name;
  }
}

TEST(InputAddress, TakesEverythingElseForAFile) {
  for (const char* name :
       {"a.mp4", "a:b.mp4", "concat:a.mp4|b.mp4", "camera.mp4", "-", "",
        "/a/lavfi:testsrc", "./camera:0", "/x/http://a/b", "1a://b", "://b"}) {
    EXPECT_EQ(ClassifyAddress(name), AddressKind::kFile) << name;
  }
}

}  // namespace
}  // namespace pipelines::media
