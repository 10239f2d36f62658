#include "pipelines/media/image_io.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_full_disk.h"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::ReadFile;
using ::networks::files::WriteAtomically;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string TempPath(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

// A picture whose every corner and channel differs.
cv::Mat Picture(int width, int height) {
  cv::Mat rgb(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      rgb.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uchar>(255 * x / width),
                    static_cast<uchar>(255 * y / height),
                    static_cast<uchar>(255 * x * y / (width * height)));
    }
  }
  return rgb;
}

std::string Encode(const std::string& ending, const cv::Mat& image) {
  std::vector<uchar> bytes;
  cv::imencode(ending, image, bytes);
  return std::string(bytes.begin(), bytes.end());
}

cv::Mat ToBgr(const cv::Mat& rgb) {
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  return bgr;
}

int MaxDifference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return 256;
  return static_cast<int>(cv::norm(a, b, cv::NORM_INF));
}

// `jpeg` with an EXIF segment that holds only an orientation (1 to 8).
std::string WithOrientation(const std::string& jpeg, char orientation) {
  std::string tiff("MM\0*\0\0\0\x08", 8);        // big-endian, directory at 8
  tiff += std::string("\0\x01", 2);              // one entry:
  tiff += std::string("\x01\x12\0\x03", 4);      // orientation, short,
  tiff += std::string("\0\0\0\x01\0", 5);        // one value,
  tiff += orientation + std::string("\0\0", 2);  // this one,
  tiff += std::string("\0\0\0\0", 4);            // and no further directory
  const std::string exif = std::string("Exif\0\0", 6) + tiff;
  const char length = static_cast<char>(exif.size() + 2);
  return jpeg.substr(0, 2) + "\xff\xe1" + '\0' + length + exif + jpeg.substr(2);
}

TEST(ReadImage, BringsTheLightOfRadianceToSrgb) {
  const auto read = DecodeImage(
      Encode(".hdr", cv::Mat(4, 16, CV_32FC3, cv::Scalar::all(0.5))), "a.hdr");
  ASSERT_THAT(read, IsOk());
  EXPECT_NEAR(read->at<cv::Vec3b>(0)[0], 188, 1);
}

TEST(ReadImage, ReturnsWhatWriteImageWroteLosslessly) {
  const cv::Mat rgb = Picture(31, 17);
  const std::string path = TempPath("ein Bild, grüß dich.png");
  ASSERT_THAT(WriteImage(path, rgb), IsOk());
  const auto read = ReadImage(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(MaxDifference(*read, rgb), 0);
}

TEST(EncodeImage, MakesWhatDecodeImageReads) {
  const cv::Mat picture = Picture(37, 21);
  for (const char* ending : {".png", ".bmp", ".tiff", ".ppm"}) {
    const auto bytes = EncodeImage(picture, ending, "answer");
    ASSERT_THAT(bytes, IsOk());
    const auto read = DecodeImage(*bytes, "answer");
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(MaxDifference(*read, picture), 0) << ending;
    // And what WriteImage writes.
    const std::string path = TempPath(std::string("encoded") + ending);
    ASSERT_THAT(WriteImage(path, picture), IsOk());
    EXPECT_THAT(ReadFile(path), IsOkAndHolds(*bytes));
  }
  EXPECT_THAT(EncodeImage(picture, ".xyz", "answer"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("answer"), HasSubstr("'.xyz'"))));
}

TEST(ReadImage, GoesByContentAndNotByName) {
  const std::string path = TempPath("a_png_named.jpg");
  ASSERT_THAT(WriteAtomically(path, Encode(".png", ToBgr(Picture(8, 8)))),
              IsOk());
  const auto read = ReadImage(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(MaxDifference(*read, Picture(8, 8)), 0);
}

TEST(ReadImage, ReadsASinglePixel) {
  const auto read = DecodeImage(Encode(".png", ToBgr(Picture(1, 1))), "pixel");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->size(), cv::Size(1, 1));
}

TEST(ReadImage, MakesGreyRgb) {
  cv::Mat grey(4, 5, CV_8UC1, cv::Scalar(77));
  const auto read = DecodeImage(Encode(".png", grey), "grey");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(MaxDifference(*read, cv::Mat(4, 5, CV_8UC3, {77, 77, 77})), 0);
}

// A disc that was cut out still has the picture's colours around it, which must
// not come back.
TEST(ReadImage, PutsWhatIsTransparentOnWhite) {
  cv::Mat bgra(1, 3, CV_8UC4);
  bgra.at<cv::Vec4b>(0) = cv::Vec4b(30, 20, 10, 0);
  bgra.at<cv::Vec4b>(1) = cv::Vec4b(30, 20, 10, 255);
  bgra.at<cv::Vec4b>(2) = cv::Vec4b(30, 20, 10, 51);  // a fifth
  cv::Mat deep;
  bgra.convertTo(deep, CV_16U, 257);
  std::vector<uchar> webp;
  cv::imencode(".webp", bgra, webp, {cv::IMWRITE_WEBP_QUALITY, 101});
  for (const std::string& bytes : {Encode(".png", bgra), Encode(".png", deep),
                                   std::string(webp.begin(), webp.end())}) {
    const auto read = DecodeImage(bytes, "cutout");
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->at<cv::Vec3b>(0), cv::Vec3b(255, 255, 255));
    EXPECT_EQ(read->at<cv::Vec3b>(1), cv::Vec3b(10, 20, 30));
    EXPECT_EQ(read->at<cv::Vec3b>(2), cv::Vec3b(206, 208, 210));
    EXPECT_THAT(ProbeImage(bytes, "cutout"), IsOkAndHolds(cv::Size(3, 1)));
  }
}

TEST(ReadImage, RoundsSixteenBitsToEight) {
  // 65535 / 255 = 257 per step: 257 * 100 + 128 is just below the middle
  // between 100 and 101, one more is just above it.
  cv::Mat grey(1, 3, CV_16UC1);
  grey.at<uint16_t>(0) = 257 * 100 + 128;
  grey.at<uint16_t>(1) = 257 * 100 + 129;
  grey.at<uint16_t>(2) = 65535;
  const auto read = DecodeImage(Encode(".png", grey), "deep");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->at<cv::Vec3b>(0)[0], 100);
  EXPECT_EQ(read->at<cv::Vec3b>(1)[0], 101);
  EXPECT_EQ(read->at<cv::Vec3b>(2)[0], 255);
}

TEST(ReadImage, AppliesEachExifOrientation) {
  // What a viewer must show for the orientations 1 to 8 (EXIF 2.3, 4.6.4).
  const cv::Mat stored = Picture(48, 32);
  const auto upright = [&](int orientation) {
    cv::Mat image = stored.clone();
    if (orientation >= 5) cv::transpose(image, image);
    if (orientation == 2 || orientation == 6) cv::flip(image, image, 1);
    if (orientation == 3 || orientation == 7) cv::flip(image, image, -1);
    if (orientation == 4 || orientation == 8) cv::flip(image, image, 0);
    return image;
  };
  const std::string jpeg = Encode(".jpg", ToBgr(stored));
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string bytes =
        WithOrientation(jpeg, static_cast<char>(orientation));
    const auto read = DecodeImage(bytes, "exif");
    ASSERT_THAT(read, IsOk());
    ASSERT_EQ(read->size(), upright(orientation).size());
    // JPEG changes colours; a wrong orientation changes them by 100 and more.
    EXPECT_LT(cv::norm(*read, upright(orientation), cv::NORM_L1) /
                  static_cast<double>(read->total() * 3),
              8)
        << "orientation " << orientation;
    const auto probed = ProbeImage(bytes, "exif");
    ASSERT_THAT(probed, IsOk());
    EXPECT_EQ(*probed, read->size());
  }
}

// A lossless WebP with a header that announces the EXIF data behind it.
std::string WebpWithOrientation(const cv::Mat& rgb, char orientation) {
  std::vector<uchar> simple;
  cv::imencode(".webp", ToBgr(rgb), simple, {cv::IMWRITE_WEBP_QUALITY, 101});
  const std::string image(simple.begin() + 12, simple.end());
  const auto width = static_cast<uint32_t>(rgb.cols - 1);
  const auto height = static_cast<uint32_t>(rgb.rows - 1);
  const std::string extended = std::string("\x08\0\0\0", 4) +
                               LittleEndianBytes(width).substr(0, 3) +
                               LittleEndianBytes(height).substr(0, 3);
  const std::string jpeg = WithOrientation("\xff\xd8", orientation);
  const std::string tiff = jpeg.substr(jpeg.find("Exif") + 6);
  return RiffChunk("RIFF", "WEBP" + RiffChunk("VP8X", extended) + image +
                               RiffChunk("EXIF", tiff));
}

TEST(ReadImage, TurnsAWebpAsAJpeg) {
  const cv::Mat picture = Picture(48, 32);
  for (char orientation = 1; orientation <= 8; ++orientation) {
    const std::string webp = WebpWithOrientation(picture, orientation);
    const auto read = DecodeImage(webp, "a.webp");
    ASSERT_THAT(read, IsOk());
    const auto jpeg = DecodeImage(
        WithOrientation(Encode(".jpg", ToBgr(picture)), orientation), "a.jpg");
    ASSERT_THAT(jpeg, IsOk());
    EXPECT_EQ(read->size(), jpeg->size()) << int{orientation};
    // JPEG changes colours; a wrong orientation changes them by 100 and more.
    EXPECT_LT(cv::norm(*read, *jpeg, cv::NORM_L1) /
                  static_cast<double>(read->total() * 3),
              8)
        << int{orientation};
    EXPECT_THAT(ProbeImage(webp, "a.webp"), IsOkAndHolds(read->size()));
  }
}

std::string ExifDirectory(char orientation) {
  const std::string jpeg = WithOrientation("\xff\xd8", orientation);
  return jpeg.substr(jpeg.find("Exif") + 6);
}

TEST(ReadImage, TurnsAPngAsAJpeg) {
  const cv::Mat picture = Picture(48, 32);
  const std::string plain = Encode(".png", ToBgr(picture));
  constexpr size_t kHeaderEnd = 33;
  for (char orientation = 1; orientation <= 8; ++orientation) {
    const std::string png = plain.substr(0, kHeaderEnd) +
                            PngChunk("eXIf", ExifDirectory(orientation)) +
                            plain.substr(kHeaderEnd);
    const auto read = DecodeImage(png, "a.png");
    ASSERT_THAT(read, IsOk());
    const auto jpeg = DecodeImage(
        WithOrientation(Encode(".jpg", ToBgr(picture)), orientation), "a.jpg");
    ASSERT_THAT(jpeg, IsOk());
    ASSERT_EQ(read->size(), jpeg->size()) << int{orientation};
    EXPECT_LT(cv::norm(*read, *jpeg, cv::NORM_L1) /
                  static_cast<double>(read->total() * 3),
              8)
        << int{orientation};
    EXPECT_THAT(ProbeImage(png, "a.png"), IsOkAndHolds(read->size()));
  }
}

// One strip of `samples`, of 8 or 16 bits, and a directory of tags, types,
// counts and values. `extra` says what a fourth channel is, 0 nothing.
std::string Tiff(const cv::Mat& samples, uint32_t orientation,
                 uint32_t extra = 0) {
  const auto width = static_cast<uint32_t>(samples.cols);
  const auto height = static_cast<uint32_t>(samples.rows);
  const auto channels = static_cast<uint32_t>(samples.channels());
  constexpr uint32_t kShort = 3, kLong = 4, kPixels = 8;
  const auto size = static_cast<uint32_t>(samples.total() * samples.elemSize());
  const uint32_t bits = kPixels + size;  // as many shorts as channels
  const uint32_t directory = bits + 2 * channels;
  const auto depth = static_cast<uint32_t>(8 * samples.elemSize1());
  const bool is_grey = channels == 1;
  std::vector<std::vector<uint32_t>> entries = {
      {256, kLong, 1, width},
      {257, kLong, 1, height},
      {258, kShort, channels, is_grey ? depth : bits},
      {259, kShort, 1, 1},
      {262, kShort, 1, is_grey ? 1u : 2u},
      {273, kLong, 1, kPixels},
      {274, kShort, 1, orientation},
      {277, kShort, 1, channels},
      {278, kLong, 1, height},
      {279, kLong, 1, size}};
  if (extra > 0) entries.push_back({338, kShort, 1, extra});
  std::string tiff =
      "II*" + std::string(1, '\0') + LittleEndianBytes(directory);
  tiff.append(reinterpret_cast<const char*>(samples.data), size);
  for (uint32_t c = 0; c < channels; ++c) {
    tiff += LittleEndianBytes(depth).substr(0, 2);
  }
  tiff += LittleEndianBytes(static_cast<uint32_t>(entries.size())).substr(0, 2);
  for (const std::vector<uint32_t>& entry : entries) {
    tiff += LittleEndianBytes(entry[0]).substr(0, 2);
    tiff += LittleEndianBytes(entry[1]).substr(0, 2);
    tiff += LittleEndianBytes(entry[2]) + LittleEndianBytes(entry[3]);
  }
  return tiff + LittleEndianBytes(0);
}

// 1: colours are multiplied by alpha; 2: they are not.
TEST(ReadImageWithAlpha, ReadsTheTransparencyOfATiff) {
  cv::Mat straight(1, 3, CV_8UC4), multiplied(1, 3, CV_8UC4);
  straight.at<cv::Vec4b>(0) = cv::Vec4b(10, 20, 30, 0);
  straight.at<cv::Vec4b>(1) = cv::Vec4b(10, 20, 30, 255);
  straight.at<cv::Vec4b>(2) = cv::Vec4b(10, 20, 30, 51);  // a fifth
  multiplied.at<cv::Vec4b>(0) = cv::Vec4b(0, 0, 0, 0);
  multiplied.at<cv::Vec4b>(1) = cv::Vec4b(10, 20, 30, 255);
  multiplied.at<cv::Vec4b>(2) = cv::Vec4b(2, 4, 6, 51);
  for (const bool is_deep : {false, true}) {
    for (const uint32_t extra : {1, 2}) {
      cv::Mat stored = extra == 1 ? multiplied : straight;
      if (is_deep) stored.convertTo(stored, CV_16U, 257);
      const auto image = DecodeImageWithAlpha(Tiff(stored, 1, extra), "cutout");
      ASSERT_THAT(image, IsOk()) << is_deep << extra;
      ASSERT_FALSE(image->alpha.empty()) << is_deep << extra;
      EXPECT_EQ(image->alpha.at<uint8_t>(0), 0);
      EXPECT_EQ(image->alpha.at<uint8_t>(1), 255);
      EXPECT_EQ(image->alpha.at<uint8_t>(2), 51);
      EXPECT_EQ(image->rgb.at<cv::Vec3b>(0), cv::Vec3b(255, 255, 255));
      EXPECT_EQ(image->rgb.at<cv::Vec3b>(1), cv::Vec3b(10, 20, 30));
      EXPECT_EQ(image->rgb.at<cv::Vec3b>(2), cv::Vec3b(206, 208, 210))
          << is_deep << extra;
    }
    // A fourth channel that is no alpha, as that of a saved selection.
    cv::Mat stored = straight;
    if (is_deep) stored.convertTo(stored, CV_16U, 257);
    const auto image = DecodeImageWithAlpha(Tiff(stored, 1), "selection");
    ASSERT_THAT(image, IsOk());
    EXPECT_TRUE(image->alpha.empty());
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0), cv::Vec3b(10, 20, 30));
  }
}

TEST(ReadImageWithAlpha, TurnsTheAlphaOfATiff) {
  cv::Mat stored(2, 3, CV_8UC4, cv::Scalar(0, 0, 0, 255));
  stored.at<cv::Vec4b>(0, 2) = cv::Vec4b(0, 0, 0, 0);
  const auto image = DecodeImageWithAlpha(Tiff(stored, 6, 2), "turned");
  ASSERT_THAT(image, IsOk());
  ASSERT_EQ(image->alpha.size(), cv::Size(2, 3));
  EXPECT_EQ(image->alpha.at<uint8_t>(2, 1), 0);
  EXPECT_EQ(cv::countNonZero(image->alpha), 5);
}

TEST(ReadImage, NamesATransparencyThatItDoesNotRead) {
  const cv::Mat stored(2, 3, CV_8UC2, cv::Scalar(9, 0));
  EXPECT_THAT(DecodeImage(Tiff(stored, 1, 2), "grey.tiff"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("grey.tiff is a TIFF with transparency"),
                             HasSubstr("save it as PNG"))));
}

// Pixels of 32 bits under a header of `header_bytes`, 40 or more, with masks of
// red, green, blue and alpha.
std::string BmpByMasks(uint32_t header_bytes,
                       const std::vector<uint32_t>& masks,
                       const std::vector<uint32_t>& pixels) {
  const auto number = [](size_t value) {
    return LittleEndianBytes(static_cast<uint32_t>(value));
  };
  std::string header = number(header_bytes) + number(pixels.size()) +
                       number(1) + std::string("\1\0\x20\0\3\0\0\0", 8) +
                       number(4 * pixels.size()) + std::string(16, '\0');
  for (const uint32_t mask : masks) header += number(mask);
  header.resize(std::max<size_t>(header.size(), header_bytes), '\0');
  const size_t begin = 14 + header.size();
  std::string bmp = "BM" + number(begin + 4 * pixels.size()) + number(0) +
                    number(begin) + header;
  for (const uint32_t pixel : pixels) bmp += number(pixel);
  return bmp;
}

const std::vector<uint32_t> kBgrMasks = {0xff0000, 0xff00, 0xff, 0xff000000};

TEST(ReadImageWithAlpha, ReadsTheTransparencyOfABmp) {
  const std::vector<uint32_t> pixels = {0x000a141e, 0xff0a141e, 0x330a141e};
  for (const uint32_t header_bytes : {56, 108, 124}) {
    const auto image =
        DecodeImageWithAlpha(BmpByMasks(header_bytes, kBgrMasks, pixels), "a");
    ASSERT_THAT(image, IsOk());
    ASSERT_FALSE(image->alpha.empty()) << header_bytes;
    EXPECT_EQ(image->alpha.at<uint8_t>(0), 0);
    EXPECT_EQ(image->alpha.at<uint8_t>(2), 51);
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0), cv::Vec3b(255, 255, 255));
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(1), cv::Vec3b(10, 20, 30));
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(2), cv::Vec3b(206, 208, 210));
  }
}

// The fourth number of a pixel is no alpha, or is not used.
TEST(ReadImageWithAlpha, TakesABmpWithoutAlphaForOpaque) {
  const std::vector<uint32_t> masks(kBgrMasks.begin(), kBgrMasks.begin() + 3);
  for (const std::string& bmp :
       {BmpByMasks(40, masks, {0x000a141e, 0xff0a141e}),
        BmpByMasks(108, masks, {0x000a141e, 0xff0a141e}),
        BmpByMasks(124, kBgrMasks, {0xff0a141e, 0xff0a141e}),
        BmpByMasks(124, kBgrMasks, {0x000a141e, 0x000a141e})}) {
    const auto image = DecodeImageWithAlpha(bmp, "a");
    ASSERT_THAT(image, IsOk());
    EXPECT_TRUE(image->alpha.empty());
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0), cv::Vec3b(10, 20, 30));
  }
}

TEST(ReadImageWithAlpha, ReadsTheTransparencyOfAJpeg2000) {
  const auto image = DecodeImageWithAlpha(
      Encode(".jp2", cv::Mat(64, 64, CV_8UC4, cv::Scalar(30, 20, 10, 51))),
      "a.jp2");
  ASSERT_THAT(image, IsOk());
  ASSERT_FALSE(image->alpha.empty());
  EXPECT_NEAR(image->alpha.at<uint8_t>(0), 51, 1);
  EXPECT_NEAR(image->rgb.at<cv::Vec3b>(0)[0], 206, 1);
}

// What OpenCV would return inverted, with its colours mixed, or too dark.
TEST(ReadImage, NamesWhatItWouldReadWrongly) {
  const auto changed = [](int type, const char* from, const char* to) {
    const auto entry = [](const char* tag_and_value) {
      return std::string(tag_and_value, 2) + std::string("\3\0\1\0\0\0", 6) +
             tag_and_value[2];
    };
    std::string bytes = Tiff(cv::Mat(2, 3, type, cv::Scalar(9)), 1);
    return bytes.replace(bytes.find(entry(from)), 9, entry(to));
  };
  // Without a compression, and with each colour apart.
  const auto apart = [&changed](int type) {
    return changed(type, "\x03\x01\x01", "\x1c\x01\x02");
  };
  const cv::Mat plain(64, 64, CV_8UC3, cv::Scalar::all(9));
  std::string sycc = Encode(".jp2", plain);
  sycc.replace(sycc.find("colr") + 10, 1, "\x12");
  std::string grey_alpha = Encode(".jp2", plain);
  grey_alpha.replace(grey_alpha.find("\xff\x4f\xff\x51") + 41, 1, "\2");
  const std::pair<const char*, std::string> cases[] = {
      {"another order of colours",
       BmpByMasks(108, {0xff, 0xff00, 0xff0000, 0xff000000}, {1})},
      {"another order of colours",
       BmpByMasks(40, {0x3ff00000, 0xffc00, 0x3ff}, {1})},
      {"colour space 18", sycc},
      {"grey with transparency", grey_alpha},
      // In place of the orientation.
      {"numbers with a sign",
       changed(CV_16UC1, "\x12\x01\x01", "\x53\x01\x02")},
      {"white is 0", changed(CV_16UC3, "\x06\x01\x02", "\x06\x01\0")},
      {"colours are apart", apart(CV_16UC3)},
      {"largest value is 1023", "P5 1 1 1023 ab"},
      {"largest value is 15", "P6 1 1 15 abc"},
      {"largest value is 1023", "P2 1 1 1023 7 "},
      {"is a PAM", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\na"}};
  for (const auto& [what, bytes] : cases) {
    EXPECT_THAT(DecodeImage(bytes, "a"),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(what), HasSubstr("save it as PNG"))));
  }
  EXPECT_THAT(DecodeImage(Tiff(cv::Mat(2, 3, CV_16UC3, cv::Scalar(9)), 1), "a"),
              IsOk());
  // One colour is apart from no other.
  EXPECT_THAT(DecodeImage(apart(CV_16UC1), "a"), IsOk());
  const auto scaled = DecodeImage("P2 1 1 15 15 ", "a");
  ASSERT_THAT(scaled, IsOk());
  EXPECT_EQ(scaled->at<cv::Vec3b>(0), cv::Vec3b(255, 255, 255));
}

TEST(ReadImage, TurnsATiffAsAPng) {
  const cv::Mat picture = Picture(48, 32);
  const std::string plain = Encode(".png", ToBgr(picture));
  for (char orientation = 1; orientation <= 8; ++orientation) {
    const std::string tiff = Tiff(picture, static_cast<uint32_t>(orientation));
    const auto read = DecodeImage(tiff, "a.tiff");
    ASSERT_THAT(read, IsOk());
    const auto png = DecodeImage(
        plain.substr(0, 33) + PngChunk("eXIf", ExifDirectory(orientation)) +
            plain.substr(33),
        "a.png");
    ASSERT_THAT(png, IsOk());
    EXPECT_EQ(MaxDifference(*read, *png), 0) << int{orientation};
    EXPECT_THAT(ProbeImage(tiff, "a.tiff"), IsOkAndHolds(read->size()));
  }
}

TEST(ReadImage, ReadsAPalette) {
  // Two colours, of which the second is transparent.
  const std::string header =
      BigEndianBytes(2) + BigEndianBytes(1) + std::string("\x08\x03\0\0\0", 5);
  const std::string row("\0\0\1", 3);
  std::string packed(64, '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(row.data()), row.size()),
            Z_OK);
  packed.resize(size);
  const std::string begin = "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", header) +
                            PngChunk("PLTE", "\x10\x20\x30\x70\x60\x50");
  const std::string end = PngChunk("IDAT", packed) + PngChunk("IEND", "");
  const auto opaque = DecodeImage(begin + end, "palette");
  ASSERT_THAT(opaque, IsOk());
  EXPECT_EQ(opaque->at<cv::Vec3b>(0), cv::Vec3b(0x10, 0x20, 0x30));
  EXPECT_EQ(opaque->at<cv::Vec3b>(1), cv::Vec3b(0x70, 0x60, 0x50));
  const auto cut = DecodeImage(
      begin + PngChunk("tRNS", std::string("\xff\0", 2)) + end, "palette");
  ASSERT_THAT(cut, IsOk());
  EXPECT_EQ(cut->at<cv::Vec3b>(0), cv::Vec3b(0x10, 0x20, 0x30));
  EXPECT_EQ(cut->at<cv::Vec3b>(1), cv::Vec3b(255, 255, 255));
}

// One of the greys is transparent; of 1, 8 and 16 bits.
TEST(ReadImage, ReadsAGreyThatIsTransparent) {
  const struct {
    char bits;
    std::string row;  // the filter, then two greys, the first the darker
    std::string transparent;  // as it stands in the file
    int darker;               // as it is read
  } cases[] = {
      {1, std::string("\0\x40", 2), std::string("\0\1", 2), 0},
      {8, std::string("\0\x10\x20", 3), std::string("\0\x20", 2), 0x10},
      {16, std::string("\0\x10\x10\x10\x11", 5), "\x10\x11", 0x10}};
  for (const auto& c : cases) {
    std::string packed(64, '\0');
    uLongf size = packed.size();
    ASSERT_EQ(
        compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                 reinterpret_cast<const Bytef*>(c.row.data()), c.row.size()),
        Z_OK);
    packed.resize(size);
    const std::string header =
        BigEndianBytes(2) + BigEndianBytes(1) + c.bits + std::string(4, '\0');
    const auto image = DecodeImageWithAlpha(
        "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", header) +
            PngChunk("tRNS", c.transparent) + PngChunk("IDAT", packed) +
            PngChunk("IEND", ""),
        "grey");
    ASSERT_THAT(image, IsOk()) << int{c.bits};
    ASSERT_FALSE(image->alpha.empty()) << int{c.bits};
    EXPECT_EQ(image->alpha.at<uint8_t>(0), 255) << int{c.bits};
    EXPECT_EQ(image->alpha.at<uint8_t>(1), 0) << int{c.bits};
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0),
              cv::Vec3b::all(static_cast<uint8_t>(c.darker)));
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(1), cv::Vec3b(255, 255, 255));
  }
}

// As Adobe's programs write it, with inks inverted.
TEST(ReadImage, ReadsCmyk) {
  const auto read = ReadImage("pipelines/media/testdata/image/cmyk.jpg");
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), cv::Size(16, 16));
  const cv::Mat cyan(16, 16, CV_8UC3, cv::Scalar(0, 255, 255));
  EXPECT_LE(MaxDifference(*read, cyan), 2);
}

TEST(EncodeImage, RefusesASideThatIsTooLongForTheFormat) {
  const cv::Mat wide(1, 65501, CV_8UC3, cv::Scalar::all(9));
  const struct {
    const char* ending;
    int max_side;
  } limits[] = {
      {".webp", 16383}, {".WEBP", 16383}, {".jpg", 65500}, {".JPEG", 65500}};
  for (const auto& limit : limits) {
    const int longer = limit.max_side + 1;
    EXPECT_THAT(
        EncodeImage(wide.colRange(0, longer), limit.ending, "wide"),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr(absl::StrCat("wide: frame size ", longer)),
                       HasSubstr(absl::StrCat("1 to ", limit.max_side)))));
    EXPECT_THAT(
        EncodeImage(wide.colRange(0, limit.max_side), limit.ending, "wide"),
        IsOk())
        << limit.ending;
  }
  EXPECT_THAT(EncodeImage(wide, ".png", "wide"), IsOk());
}

TEST(EncodeImage, SaysThatAPngIsSrgb) {
  const auto png = EncodeImage(Picture(3, 2), ".png", "a.png", "a comment");
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(png->substr(33),
            PngChunk("sRGB", std::string(1, '\0')) + png->substr(33 + 13));
  EXPECT_THAT(*png, HasSubstr("a comment"));
}

// 8 and 16 bits; what is hidden stays hidden.
TEST(ReadImageWithAlpha, KeepsWhatAnImageCanBeSeenThroughBy) {
  cv::Mat shown(20, 30, CV_8UC4, cv::Scalar(10, 20, 200, 255));  // B, G, R, A
  shown({0, 0, 15, 20}) = cv::Scalar(255, 0, 0, 0);
  shown({5, 5, 4, 4}) = cv::Scalar(10, 20, 200, 100);
  cv::Mat alpha, deep;
  cv::extractChannel(shown, alpha, 3);
  shown.convertTo(deep, CV_16U, 257);
  const struct {
    const char* ending;
    cv::Mat stored;
    std::vector<int> parameters;
  } cases[] = {{".png", shown, {}},
               {".png", deep, {}},
               {".webp", shown, {cv::IMWRITE_WEBP_QUALITY, 101}}};
  for (const auto& c : cases) {
    std::vector<uchar> bytes;
    cv::imencode(c.ending, c.stored, bytes, c.parameters);
    const auto image =
        DecodeImageWithAlpha(std::string(bytes.begin(), bytes.end()), c.ending);
    ASSERT_THAT(image, IsOk());
    EXPECT_EQ(cv::norm(image->alpha, alpha, cv::NORM_INF), 0) << c.ending;
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 255, 255));
    EXPECT_EQ(image->rgb.at<cv::Vec3b>(0, 20), cv::Vec3b(200, 20, 10));
  }
}

TEST(ReadImageWithAlpha, HasNoneWhereAllIsOpaque) {
  const std::string path = TempPath("opaque.png");
  cv::imwrite(path, cv::Mat(4, 6, CV_8UC4, cv::Scalar(1, 2, 3, 255)));
  const auto image = ReadImageWithAlpha(path);
  ASSERT_THAT(image, IsOk());
  EXPECT_TRUE(image->alpha.empty());
}

TEST(EncodeImage, KeepsAlphaWhereTheFormatHoldsIt) {
  cv::Mat picture(12, 9, CV_8UC4, cv::Scalar(200, 20, 10, 255));  // R, G, B, A
  picture({3, 3, 4, 4}) = cv::Scalar(200, 20, 10, 100);
  cv::Mat alpha;
  cv::extractChannel(picture, alpha, 3);
  for (const char* ending : {".png", ".webp"}) {
    EXPECT_TRUE(HoldsAlpha(ending));
    const auto bytes = EncodeImage(picture, ending, "a", "a comment");
    ASSERT_THAT(bytes, IsOk());
    const auto image = DecodeImageWithAlpha(*bytes, ending);
    ASSERT_THAT(image, IsOk());
    EXPECT_EQ(cv::norm(image->alpha, alpha, cv::NORM_INF), 0) << ending;
  }
  EXPECT_FALSE(HoldsAlpha(".jpg"));
  EXPECT_THAT(EncodeImage(picture, ".jpg", "a.jpg"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.jpg"), HasSubstr("transparency"))));
}

TEST(EncodeImage, PutsTheCommentIntoAJpeg) {
  const auto jpeg = EncodeImage(Picture(9, 7), ".jpg", "a.jpg", "a comment");
  ASSERT_THAT(jpeg, IsOk());
  EXPECT_THAT(*jpeg, HasSubstr(std::string("\xff\xfe\0\x0b"
                                           "a comment",
                                           13)));
  const auto plain = EncodeImage(Picture(9, 7), ".jpg", "a.jpg");
  EXPECT_EQ(cv::norm(*DecodeImage(*jpeg, "a.jpg"), *DecodeImage(*plain, "b"),
                     cv::NORM_INF),
            0);
}

TEST(ReadImage, ReadsProgressiveJpeg) {
  std::vector<uchar> bytes;
  cv::imencode(".jpg", ToBgr(Picture(40, 30)), bytes,
               {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  const auto read =
      DecodeImage(std::string(bytes.begin(), bytes.end()), "progressive");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->size(), cv::Size(40, 30));
}

TEST(ProbeImage, TellsTheSizeThatIsRead) {
  for (const char* ending :
       {".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm"}) {
    EXPECT_THAT(ProbeImage(Encode(ending, ToBgr(Picture(37, 21))), ending),
                IsOkAndHolds(cv::Size(37, 21)))
        << ending;
  }
}

// Every format, cut at many places: an error that names the file, or (where
// only trailing bytes without meaning are gone) the whole picture. Never a
// picture with a part of it missing.
TEST(ReadImage, RefusesTruncatedFiles) {
  for (const char* ending : {".png", ".jpg", ".bmp", ".webp", ".tiff"}) {
    const std::string whole = Encode(ending, ToBgr(Picture(64, 48)));
    const auto original = DecodeImage(whole, ending);
    ASSERT_THAT(original, IsOk());
    int num_refused = 0;
    for (int part = 0; part < 40; ++part) {
      const std::string cut = whole.substr(0, whole.size() * part / 40);
      const auto read = DecodeImage(cut, "cut file");
      if (read.ok()) {
        EXPECT_EQ(MaxDifference(*read, *original), 0) << ending << " " << part;
      } else {
        ++num_refused;
        EXPECT_THAT(read, StatusIs(StatusCode::kInvalidArgument,
                                   HasSubstr("cut file")));
      }
    }
    EXPECT_GE(num_refused, 39) << ending;
  }
}

TEST(ReadImage, RefusesAFlippedBitInAPng) {
  std::string bytes = Encode(".png", ToBgr(Picture(64, 48)));
  bytes[bytes.size() / 2] ^= 0x10;
  EXPECT_THAT(DecodeImage(bytes, "bent.png"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("bent.png"), HasSubstr("checksum"))));
}

TEST(ReadImage, RefusesAbsurdSizesBeforeTakingMemory) {
  // A BMP of 54 bytes that claims 100000 x 100000 pixels (30 GB).
  std::string bytes = Encode(".bmp", ToBgr(Picture(1, 1)));
  for (size_t at : {18, 22}) bytes.replace(at, 4, "\xa0\x86\x01\x00", 4);
  EXPECT_THAT(
      DecodeImage(bytes, "huge.bmp"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("huge.bmp"), HasSubstr("100000x100000"))));
}

// A PNG of sound chunks that claims to be an RGB image of this size, and is
// long enough for it.
std::string PngOfSize(uint32_t side, char bits, const std::string& more = "",
                      size_t data = kMaxImageBytes / kMaxUnpacking) {
  return "\x89PNG\r\n\x1a\n" +
         PngChunk("IHDR", BigEndianBytes(side) + BigEndianBytes(side) + bits +
                              std::string("\2\0\0\0", 4)) +
         more + PngChunk("IDAT", std::string(data, '\0')) +
         PngChunk("IEND", "");
}

// Up to kMaxUnpackedBytes a file may be as small as it likes.
TEST(ReadImage, RefusesASmallFileOfAHugePicture) {
  EXPECT_THAT(ProbeImage(PngOfSize(8192, 8, "", 0), "a.png"), IsOk());
  EXPECT_THAT(ProbeImage(PngOfSize(8193, 8, "", 0), "a.png"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.png: "), HasSubstr("8193x8193"),
                             HasSubstr("at most 1000 times the file"))));
  EXPECT_THAT(ProbeImage(PngOfSize(16000, 8, "", 31000), "a.png"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("16000x16000")));
  EXPECT_THAT(ProbeImage(PngOfSize(16000, 8, "", 800000), "a.png"), IsOk());
}

// A tile is as large as it says, whatever the picture's size is.
TEST(ReadImage, LimitsTheTilesOfATiff) {
  std::string tiff = Tiff(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(1)), 1);
  // In place of the strip and its rows.
  const auto retag = [&tiff](uint32_t from, uint32_t to, uint32_t value) {
    const std::string tag = LittleEndianBytes(from).substr(0, 2);
    const size_t at = tiff.find(tag + LittleEndianBytes(4).substr(0, 2));
    ASSERT_NE(at, std::string::npos);
    tiff.replace(at, 2, LittleEndianBytes(to).substr(0, 2));
    tiff.replace(at + 8, 4, LittleEndianBytes(value));
  };
  retag(278, 322, 16384);
  retag(279, 323, 16384);
  EXPECT_THAT(ProbeImage(tiff, "a.tiff"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.tiff"), HasSubstr("1024 MiB"))));
}

// One strip of all rows, beside the pixels.
TEST(ReadImage, SaysWhatMemoryATiffWouldTake) {
  std::string tiff = Tiff(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(1)), 1);
  for (const char tag : {'\0', '\1', '\x16'}) {  // width, height, rows
    const size_t at = tiff.find(std::string{tag, '\1', '\4', '\0'});
    ASSERT_NE(at, std::string::npos);
    tiff.replace(at + 8, 4, LittleEndianBytes(65535));
  }
  EXPECT_THAT(ProbeImage(tiff, "a.tiff"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("65535x65535"), HasSubstr("28672 MiB"),
                             HasSubstr("at most 1280 MiB"))));
}

// What a decoder takes counts, and not what a file says later.
TEST(ReadImage, LimitsTheMemoryWhateverIsRepeated) {
  const std::string frame("\xff\xc0\0\x11\x08", 5);
  const std::string components("\x03\x01\x11\0\x02\x11\1\x03\x11\1", 10);
  const std::string size_segment("\xff\x4f\xff\x51\0\x2f\0\0", 8);
  const auto stream = [&](uint32_t side) {
    return size_segment + BigEndianBytes(side) + BigEndianBytes(side) +
           std::string(40, '\0');
  };
  std::string long_tiff = Tiff(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(1)), 1);
  // Eight bytes at a place, of which the first four look like a number.
  long_tiff.replace(long_tiff.find(std::string("\0\1\4\0", 4)) + 2, 1, "\x10");
  const std::pair<const char*, std::string> kCases[] = {
      {"twice.jpg", "\xff\xd8" + frame + "\xff\xf0\xff\xf0" + components +
                        frame + std::string("\0\1\0\1", 4) + components +
                        "\xff\xd9"},
      {"twice.jp2",
       std::string("\0\0\0\x0cjP  \r\n\x87\n", 12) + stream(1) + stream(60000)},
      {"long.tiff", long_tiff}};
  for (const auto& [name, bytes] : kCases) {
    EXPECT_THAT(ProbeImage(bytes, name),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(name), HasSubstr("claims"))));
  }
}

// The header of OS/2 has shorter fields.
TEST(ReadImage, ReadsABmpOfOs2) {
  const std::string bmp = "BM" + LittleEndianBytes(26 + 8) +
                          LittleEndianBytes(0) + LittleEndianBytes(26) +
                          LittleEndianBytes(12) +
                          std::string("\2\0\1\0\1\0\x18\0", 8) +
                          std::string("\x0a\x14\x1e\x28\x32\x3c\0\0", 8);
  const auto read = DecodeImage(bmp, "os2.bmp");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->size(), cv::Size(2, 1));
  EXPECT_EQ(read->at<cv::Vec3b>(0), cv::Vec3b(30, 20, 10));
  EXPECT_EQ(read->at<cv::Vec3b>(1), cv::Vec3b(60, 50, 40));
}

// kMaxImageBytes is for all copies: three bytes a pixel, with 16 bits six and
// three for the result, and twice as many where the image may be turned.
TEST(ReadImage, LimitsTheMemoryByTheKindOfImage) {
  const auto side = [](int64_t bytes_per_pixel) {
    return static_cast<uint32_t>(
        std::sqrt(static_cast<double>(kMaxImageBytes / bytes_per_pixel)));
  };
  const auto claims = [](uint32_t side) {
    return StatusIs(StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("a.png: the header claims"),
                          HasSubstr(absl::StrCat(side, "x", side))));
  };
  for (const auto& [bits, bytes] :
       {std::pair<char, int>{8, 3}, std::pair<char, int>{16, 9}}) {
    const uint32_t most = side(bytes);
    EXPECT_THAT(ProbeImage(PngOfSize(most, bits), "a.png"), IsOk());
    EXPECT_THAT(ProbeImage(PngOfSize(most + 1, bits), "a.png"),
                claims(most + 1));
    EXPECT_THAT(DecodeImage(PngOfSize(most + 1, bits), "a.png"),
                claims(most + 1));
  }
  const uint32_t most_turned = side(6);
  EXPECT_THAT(ProbeImage(PngOfSize(most_turned + 1, 8), "a.png"), IsOk());
  const std::string exif = PngChunk("eXIf", ExifDirectory(6));
  EXPECT_THAT(ProbeImage(PngOfSize(most_turned, 8, exif), "a.png"), IsOk());
  EXPECT_THAT(ProbeImage(PngOfSize(most_turned + 1, 8, exif), "a.png"),
              claims(most_turned + 1));
}

// Formats without an end mark state their size in ways of their own.
TEST(ReadImage, LimitsTheMemoryInEveryFormat) {
  const std::pair<const char*, std::string> kHuge[] = {
      {"ppm", "P6\n# a comment\n100000 100000\n255\n"},
      {"pgm", "P5 100000 100000 65535 "},
      {"pbm", "P4\n100000 100000\n"},
      {"hdr", "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n"},
      {"ras",
       std::string("\x59\xa6\x6a\x95\0\1\x86\xa0\0\1\x86\xa0\0\0\0\x18", 16)},
      {"j2k",
       std::string("\xff\x4f\xff\x51\0\x2f\0\0\0\1\x86\xa0\0\1\x86\xa0", 16) +
           std::string(40, '\0')}};
  for (const auto& [name, bytes] : kHuge) {
    EXPECT_THAT(DecodeImage(bytes, name),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(name), HasSubstr("100000x100000"))));
  }
  for (const char* ending : {".ppm", ".pgm", ".pbm", ".ras", ".hdr"}) {
    cv::Mat image = ToBgr(Picture(37, 21));
    if (ending == std::string(".pgm") || ending == std::string(".pbm")) {
      cv::extractChannel(image, image, 0);
    }
    if (ending == std::string(".hdr")) image.convertTo(image, CV_32F, 1 / 255.);
    const std::string bytes = Encode(ending, image);
    EXPECT_THAT(ProbeImage(bytes, ending), IsOkAndHolds(cv::Size(37, 21)))
        << ending;
    EXPECT_THAT(DecodeImage(bytes, ending), IsOk()) << ending;
  }
}

TEST(ReadImage, NamesFilesThatAreNoImages) {
  EXPECT_THAT(ReadImage(TempPath("absent.png")),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent.png")));

  const std::string empty = TempPath("empty.png");
  ASSERT_THAT(WriteAtomically(empty, ""), IsOk());
  EXPECT_THAT(ReadImage(empty),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("empty.png"), HasSubstr("is empty"))));

  const std::string text = TempPath("text.png");
  ASSERT_THAT(WriteAtomically(text, "Not a picture.\n"), IsOk());
  EXPECT_THAT(ReadImage(text), StatusIs(StatusCode::kInvalidArgument,
                                        AllOf(HasSubstr("text.png"),
                                              HasSubstr("not an image"))));
  // Not that it has no end.
  EXPECT_THAT(
      ReadImage("/dev/zero"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("/dev/zero"), HasSubstr("not an image"))));

  EXPECT_THAT(ReadImage(testing::TempDir()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("folder")));
}

// What phones and drawing programs write.
TEST(ReadImage, SaysWhatHelpsWithAFormatThatIsNotRead) {
  EXPECT_THAT(ReadImage("pipelines/media/testdata/video/photo.heic"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("photo.heic is a HEIC or AVIF photo"),
                             HasSubstr("convert it to JPEG or PNG"))));
  EXPECT_THAT(ProbeImage("<?xml version='1.0'?><svg width='1'>", "a.svg"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a.svg is an SVG drawing")));
  EXPECT_THAT(DecodeImageWithAlpha("GIF89a", "a.gif"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.gif is a GIF"),
                             HasSubstr("save it as PNG"))));
}

TEST(WriteImage, LeavesNothingBehindWhenItFails) {
  EXPECT_THAT(WriteImage(TempPath("no/such/folder/a.png"), Picture(2, 2)),
              StatusIs(StatusCode::kNotFound, HasSubstr("no/such/folder")));
  EXPECT_THAT(WriteImage(TempPath("picture.xyz"), Picture(2, 2)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(".xyz")));
  EXPECT_FALSE(std::filesystem::exists(TempPath("picture.xyz")));
}

TEST(WriteImage, ReportsAFullDiskAndKeepsWhatWasThere) {
  const std::string path = TempPath("kept.png");
  ASSERT_THAT(WriteImage(path, Picture(4, 4)), IsOk());
  absl::Status status;
  {
    const networks::files::FullDisk disk(100);
    status = WriteImage(path, Picture(80, 80));
  }
  EXPECT_THAT(status,
              StatusIs(StatusCode::kResourceExhausted, HasSubstr(path)));
  const auto read = ReadImage(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->size(), cv::Size(4, 4));
}

TEST(CropAndResize, KeepsTheCentreAndTheAspect) {
  // A red square in the middle of a blue landscape stays square.
  cv::Mat rgb(40, 100, CV_8UC3, cv::Scalar(0, 0, 255));
  rgb(cv::Rect(40, 10, 20, 20)).setTo(cv::Scalar(255, 0, 0));
  const cv::Mat small = CropAndResize(rgb, cv::Size(20, 20));
  cv::Mat expected(20, 20, CV_8UC3, cv::Scalar(0, 0, 255));
  expected(cv::Rect(5, 5, 10, 10)).setTo(cv::Scalar(255, 0, 0));
  EXPECT_EQ(MaxDifference(small, expected), 0);
}

TEST(CropAndResize, TakesAnyShapeToAnyShape) {
  for (cv::Size from : {cv::Size(1, 1), cv::Size(1, 999), cv::Size(999, 1)}) {
    for (cv::Size to : {cv::Size(1, 1), cv::Size(64, 48), cv::Size(3, 500)}) {
      EXPECT_EQ(CropAndResize(cv::Mat(from, CV_8UC3), to).size(), to);
    }
  }
}

// As Nikon's NEF and DNG begin.
TEST(ReadImage, TakesNoSmallCopyForTheRawPhotoBehindIt) {
  std::string tiff = Tiff(Picture(16, 12), 1);
  // The orientation, 1, becomes the kind of the picture: a small copy.
  const size_t at = tiff.rfind(std::string("\x12\1\3\0\1\0\0\0", 8));
  ASSERT_NE(at, std::string::npos);
  tiff.replace(at, 2, std::string("\xfe\0", 2));
  EXPECT_THAT(DecodeImage(tiff, "a.nef"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.nef"), HasSubstr("raw photo"))));
}

}  // namespace
}  // namespace pipelines::media
