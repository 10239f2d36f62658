#include "tools/reliability/bombs.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/read_file.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/pytorch_format.h"
#include "networks/weights/safetensors_header.h"
#include "pipelines/config/config.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/npy.h"

namespace reliability {
namespace {

namespace media = pipelines::media;

// --- Bytes ---

std::string BigEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    text += static_cast<char>(value >> (8 * i) & 255);
  }
  return text;
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string text = BigEndian(value, bytes);
  std::reverse(text.begin(), text.end());
  return text;
}

std::string Zeros(size_t count) { return std::string(count, '\0'); }

std::function<void(const std::string&)> File(const std::string& bytes) {
  return [bytes](const std::string& path) {
    std::ofstream(path, std::ios::binary) << bytes;
  };
}

// `bytes` and then a hole up to `size`.
std::function<void(const std::string&)> SparseFile(const std::string& bytes,
                                                   uint64_t size) {
  return [bytes, size](const std::string& path) {
    std::ofstream(path, std::ios::binary) << bytes;
    std::filesystem::resize_file(path, size);
  };
}

// --- Readers ---

absl::Status ReadPicture(const std::string& path) {
  return media::ReadImage(path).status();
}

// As animate reads a driving video.
absl::Status ReadFrames(const std::string& path) {
  auto source = media::OpenFrameSource(path);
  if (!source.ok()) return source.status();
  while (true) {
    const auto frame = (*source)->Next();
    if (!frame.ok()) return frame.status();
    if (!*frame) return absl::OkStatus();
  }
}

absl::Status ReadHeader(const std::string& path) {
  const auto file = networks::weights::MappedFile::Open(path);
  if (!file.ok()) return file.status();
  return networks::weights::ParseSafetensorsHeader((*file)->contents(), path)
      .status();
}

absl::Status ReadPickle(const std::string& path) {
  const auto bytes = networks::files::ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  return networks::weights::ParsePytorch(*bytes, path).status();
}

absl::Status ReadConfig(const std::string& path) {
  return pipelines::LoadConfig(path, {}).status();
}

absl::Status ReadText(const std::string& path) {
  return networks::files::ReadFile(path).status();
}

absl::Status ReadArray(const std::string& path) {
  return media::ReadNpy(path).status();
}

// --- Pictures ---

std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                          static_cast<uInt>(body.size()));
  return BigEndian(data.size(), 4) + body + BigEndian(crc, 4);
}

std::string Png(uint32_t width, uint32_t height, const std::string& extra) {
  const std::string size = BigEndian(width, 4) + BigEndian(height, 4);
  // Eight bits, RGB; the data say nothing.
  return "\x89PNG\r\n\x1a\n" +
         PngChunk("IHDR", size + std::string("\x08\x02\0\0\0", 5)) + extra +
         PngChunk("IDAT", std::string("\x78\x9c\x03\0\0\0\0\x01", 8)) +
         PngChunk("IEND", "");
}

// Black, one bit a pixel: each byte of the file is 25,000 of the picture.
std::string PlainPng(uint32_t side) {
  const std::string rows = Zeros((1 + (size_t{side} + 7) / 8) * side);
  std::string packed(compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(rows.data()), rows.size());
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" +
         PngChunk("IHDR", BigEndian(side, 4) + BigEndian(side, 4) +
                              std::string("\x01\0\0\0\0", 5)) +
         PngChunk("IDAT", packed) + PngChunk("IEND", "");
}

std::string Gif(uint32_t width, uint32_t height) {
  return "GIF89a" + LittleEndian(width, 2) + LittleEndian(height, 2) +
         std::string("\x80\0\0\0\0\0\xff\xff\xff", 9) + "," + Zeros(4) +
         LittleEndian(width, 2) + LittleEndian(height, 2) +
         std::string("\0\x02\x02\x44\x01\0;", 7);
}

std::string Bmp(uint32_t width, uint32_t height) {
  return "BM" + LittleEndian(58, 4) + Zeros(4) + LittleEndian(54, 4) +
         LittleEndian(40, 4) + LittleEndian(width, 4) +
         LittleEndian(height, 4) + LittleEndian(1, 2) + LittleEndian(24, 2) +
         Zeros(24) + Zeros(4);
}

std::string JpegFrame(uint32_t width, uint32_t height) {
  return std::string("\xff\xc0\0\x11\x08", 5) + BigEndian(height, 2) +
         BigEndian(width, 2) +
         std::string("\x03\x01\x11\0\x02\x11\x01\x03\x11\x01", 10);
}

// `more` stands behind the data.
std::string Jpeg(uint32_t width, uint32_t height,
                 const std::string& more = "") {
  return "\xff\xd8" + JpegFrame(width, height) +
         std::string("\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0", 14) +
         "data" + more + "\xff\xd9";
}

// --- Videos ---

std::string Atom(const std::string& type, const std::string& data) {
  return BigEndian(data.size() + 8, 4) + type + data;
}

std::string FileType() {
  return Atom("ftyp", "isom" + BigEndian(512, 4) + "isomiso2avc1mp41");
}

// A track whose table of sizes claims `samples` frames.
std::string Mp4WithSamples(uint32_t samples) {
  const std::string stsz =
      Atom("stsz", Zeros(4) + BigEndian(0, 4) + BigEndian(samples, 4));
  const std::string stts =
      Atom("stts", Zeros(4) + BigEndian(1, 4) + BigEndian(samples, 4) +
                       BigEndian(1, 4));
  const std::string stsc = Atom("stsc", Zeros(4) + BigEndian(samples, 4));
  const std::string stco = Atom("stco", Zeros(4) + BigEndian(samples, 4));
  const std::string entry =
      Atom("avc1", Zeros(6) + BigEndian(1, 2) + Zeros(16) + BigEndian(64, 2) +
                       BigEndian(64, 2) + Zeros(50));
  const std::string stsd = Atom("stsd", Zeros(4) + BigEndian(1, 4) + entry);
  const std::string stbl = Atom("stbl", stsd + stts + stsc + stsz + stco);
  const std::string hdlr =
      Atom("hdlr", Zeros(8) + "vide" + Zeros(12) + Zeros(1));
  const std::string mdhd = Atom(
      "mdhd", Zeros(12) + BigEndian(25, 4) + BigEndian(samples, 4) + Zeros(4));
  const std::string mdia = Atom("mdia", mdhd + hdlr + Atom("minf", stbl));
  const std::string tkhd = Atom("tkhd", BigEndian(3, 4) + Zeros(80));
  const std::string mvhd = Atom(
      "mvhd", Zeros(12) + BigEndian(25, 4) + BigEndian(samples, 4) + Zeros(80));
  return FileType() + Atom("moov", mvhd + Atom("trak", tkhd + mdia));
}

std::string Chunk(const std::string& type, const std::string& data) {
  return type + LittleEndian(data.size(), 4) + data;
}

// One pixel, and a header that claims so many frames.
std::string Avi(uint32_t frames) {
  const std::string main_header =
      Chunk("avih", LittleEndian(40000, 4) + Zeros(8) + LittleEndian(16, 4) +
                        LittleEndian(frames, 4) + Zeros(4) +
                        LittleEndian(1, 4) + Zeros(4) + LittleEndian(1, 4) +
                        LittleEndian(1, 4) + Zeros(16));
  const std::string stream_header =
      Chunk("strh", "vidsDIB " + Zeros(12) + LittleEndian(1, 4) +
                        LittleEndian(25, 4) + Zeros(4) +
                        LittleEndian(frames, 4) + Zeros(20));
  const std::string format = Chunk(
      "strf", LittleEndian(40, 4) + LittleEndian(1, 4) + LittleEndian(1, 4) +
                  LittleEndian(1, 2) + LittleEndian(24, 2) + Zeros(24));
  const std::string streams = Chunk("LIST", "strl" + stream_header + format);
  const std::string movie = Chunk("LIST", "movi");
  const std::string body =
      "AVI " + Chunk("LIST", "hdrl" + main_header + streams) + movie;
  return Chunk("RIFF", body);
}

// --- Weights ---

std::string Safetensors(const std::string& json, size_t data_bytes) {
  return LittleEndian(json.size(), 8) + json + Zeros(data_bytes);
}

std::string TensorsOverOneRange(int count) {
  std::string json = "{";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(
        &json, i == 0 ? "" : ",", "\"t", i,
        R"(":{"dtype":"F32","shape":[256],"data_offsets":[0,1024]})");
  }
  return Safetensors(json + "}", 1024);
}

std::string LongHeader(size_t bytes, const std::string& one) {
  std::string json = "{\"__metadata__\":{";
  json.reserve(bytes + 100);
  for (int64_t i = 0; json.size() < bytes; ++i) {
    absl::StrAppend(&json, i == 0 ? "" : ",", "\"k", i, "\":\"", one, "\"");
  }
  return Safetensors(json + "}}", 0);
}

// Held by the file alone, as the process that reads it is a copy of this one.
std::function<void(const std::string&)> BlankHeader(size_t bytes) {
  return [bytes](const std::string& path) {
    std::ofstream(path, std::ios::binary)
        << Safetensors(std::string(bytes, ' '), 0);
  };
}

// torch.save's legacy format: a list that is built by itself, doubled each
// time.
std::string PickleOfDoubledLists(int depth) {
  std::string pickle = "\x80\x02]q";
  pickle += std::string("\0", 1);
  for (int i = 0; i < depth; ++i) {
    absl::StrAppend(&pickle, "]q", std::string(1, static_cast<char>(i + 1)),
                    "(h", std::string(1, static_cast<char>(i)), "h",
                    std::string(1, static_cast<char>(i)), "e");
  }
  return pickle + ".";
}

std::string Npy(const std::string& shape) {
  std::string head = absl::StrCat(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (", shape, "), }");
  head.resize(118, ' ');
  head.back() = '\n';
  return std::string("\x93NUMPY\x01\0", 8) + LittleEndian(head.size(), 2) +
         head + Zeros(16);
}

// --- Texts ---

std::string Repeated(absl::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) absl::StrAppend(&result, text);
  return result;
}

void AddPictures(std::vector<Bomb>* bombs) {
  constexpr uint32_t kSide = 65535;
  const std::string claim =
      PngChunk("acTL", BigEndian(0x7fffffff, 4) + BigEndian(0, 4));
  for (const auto& [name, bytes] :
       {std::pair<std::string, std::string>("png", Png(kSide, kSide, "")),
        {"gif", Gif(kSide, kSide)},
        {"bmp", Bmp(kSide, kSide)},
        {"jpg", Jpeg(kSide, kSide)},
        {"twice.jpg", Jpeg(kSide, kSide, JpegFrame(1, 1))},
        {"ppm", "P6 65535 65535 255\ndata"},
        {"png-of-2-to-31", Png(0x7fffffff, 0x7fffffff, "")}}) {
    bombs->push_back({"picture-65535." + name, File(bytes), ReadPicture});
    bombs->push_back({"frames-65535." + name, File(bytes), ReadFrames});
  }
  const std::string plain = PlainPng(16000);
  bombs->push_back({"picture-16000.png", File(plain), ReadPicture});
  bombs->push_back({"frames-16000.png", File(plain), ReadFrames});
  bombs->push_back({"frames-2-to-31.apng", File(Png(1, 1, claim)), ReadFrames});
  bombs->push_back({"picture-of-a-gigabyte.png",
                    SparseFile("", uint64_t{1} << 30), ReadPicture});
}

void AddVideos(std::vector<Bomb>* bombs) {
  bombs->push_back({"frames-2-to-31.avi", File(Avi(0x7fffffff)), ReadFrames});
  bombs->push_back(
      {"frames-2-to-32.mp4", File(Mp4WithSamples(0xffffffff)), ReadFrames});
  bombs->push_back({"atom-of-4-gigabytes.mp4",
                    File(FileType() + BigEndian(0xfffffff0, 4) + "moov"),
                    ReadFrames});
  bombs->push_back({"atom-of-2-to-63.mp4",
                    File(FileType() + BigEndian(1, 4) + "moov" +
                         BigEndian(uint64_t{1} << 63, 8)),
                    ReadFrames});
  bombs->push_back(
      {"tags-of-4-gigabytes.mp4",
       File(FileType() +
            Atom("moov", Atom("udta", BigEndian(0xfffffff0, 4) + "meta"))),
       ReadFrames});
}

void AddWeights(std::vector<Bomb>* bombs) {
  constexpr size_t kHeader = 100 * 1000 * 1000;
  bombs->push_back({"header-of-100-megabytes-claimed.safetensors",
                    File(LittleEndian(kHeader, 8) + "{\"a\":"), ReadHeader});
  bombs->push_back({"header-of-2-to-63.safetensors",
                    File(LittleEndian(uint64_t{1} << 63, 8) + "{}"),
                    ReadHeader});
  bombs->push_back({"tensors-over-one-range.safetensors",
                    File(TensorsOverOneRange(10000)), ReadHeader});
  bombs->push_back({"metadata-by-the-million.safetensors",
                    File(LongHeader(kHeader / 7, "")), ReadHeader});
  bombs->push_back({"header-of-100-megabytes-of-blanks.safetensors",
                    BlankHeader(kHeader), ReadHeader});
  bombs->push_back({"header-of-14-megabytes-of-blanks.safetensors",
                    BlankHeader(kHeader / 7), ReadHeader});
  bombs->push_back({"deep.safetensors",
                    File(Safetensors(Repeated("{\"a\":", 100000), 0)),
                    ReadHeader});
  bombs->push_back(
      {"doubled-lists.pth", File(PickleOfDoubledLists(60)), ReadPickle});
  bombs->push_back(
      {"array-of-2-to-40.npy", File(Npy("1048576, 1048576")), ReadArray});
}

void AddTexts(std::vector<Bomb>* bombs) {
  constexpr int kDepth = 100000;
  bombs->push_back(
      {"deep.textproto", File(Repeated("model {", kDepth)), ReadConfig});
  bombs->push_back(
      {"deep-unknown.textproto", File(Repeated("x {", kDepth)), ReadConfig});
  bombs->push_back({"deep-list.textproto",
                    File("training { frozen: " + Repeated("[", kDepth)),
                    ReadConfig});
  bombs->push_back({"channels-2-to-40.textproto",
                    File("model { inpainting { block_expansion: "
                         "1099511627776 } }"),
                    ReadConfig});
  bombs->push_back({"channels-2-to-30.textproto",
                    File("model { inpainting { block_expansion: "
                         "1073741824 } }"),
                    ReadConfig});
  bombs->push_back({"text-of-a-terabyte.csv",
                    SparseFile("file,start,end\n", uint64_t{1} << 40),
                    ReadText});
}

// --- A process for each ---

void Silence() {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(null, STDERR_FILENO);
  dup2(null, STDOUT_FILENO);
}

struct Child {
  int status = 0;
  int64_t peak_bytes = 0;
  double seconds = 0;
  std::string said;
};

// `body` says something in a process of its own, which it ends.
Child RunChild(const std::function<std::string()>& body) {
  constexpr int kGiveUpSeconds = 30;
  Child child;
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return child;
  const auto start = std::chrono::steady_clock::now();
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(kGiveUpSeconds);
    Silence();
    const std::string said = body();
    if (write(pipe_ends[1], said.data(), said.size()) < 0) _exit(1);
    _exit(0);
  }
  close(pipe_ends[1]);
  char buffer[4096];
  ssize_t size;
  while ((size = read(pipe_ends[0], buffer, sizeof(buffer))) != 0) {
    if (size > 0) child.said.append(buffer, static_cast<size_t>(size));
    if (size < 0 && errno != EINTR) break;
  }
  close(pipe_ends[0]);
  rusage usage = {};
  wait4(pid, &child.status, 0, &usage);
  child.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  child.peak_bytes = int64_t{usage.ru_maxrss} * 1024;
  return child;
}

std::string WhatIsWrong(const Child& child, const std::string& path,
                        int64_t bytes) {
  if (WIFSIGNALED(child.status)) {
    return absl::StrCat("ended by signal ", WTERMSIG(child.status));
  }
  if (child.said.empty()) return "was not refused";
  if (!absl::StrContains(child.said, path)) return "the message names no file";
  // Before the time, of which a busy machine takes more.
  if (bytes >= kBombBytes) return "took too much memory";
  if (child.seconds >= kBombSeconds) return "took too long";
  return "";
}

}  // namespace

std::vector<Bomb> Bombs() {
  std::vector<Bomb> bombs;
  AddPictures(&bombs);
  AddVideos(&bombs);
  AddWeights(&bombs);
  AddTexts(&bombs);
  return bombs;
}

BombResult TryBomb(const Bomb& bomb, const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", bomb.name);
  bomb.make(path);
  const Child idle = RunChild([] { return std::string("idle"); });
  const Child child =
      RunChild([&] { return std::string(bomb.read(path).message()); });
  std::filesystem::remove(path);
  BombResult result;
  result.name = bomb.name;
  result.seconds = child.seconds;
  result.bytes = std::max<int64_t>(0, child.peak_bytes - idle.peak_bytes);
  result.message = child.said;
  result.wrong = WhatIsWrong(child, path, result.bytes);
  return result;
}

}  // namespace reliability
