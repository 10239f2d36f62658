#include "pipelines/media/npy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "networks/files/read_file.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

constexpr absl::string_view kMagic("\x93NUMPY", 6);

// A larger array than memory holds is a damaged header.
constexpr int64_t kMaxElements = int64_t{1} << 31;
constexpr int64_t kMaxHeaderSize = 1 << 20;

template <typename T>
double Decode(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return static_cast<double>(value);
}

double DecodeHalf(const char* bytes) {
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  const int exponent = bits >> 10 & 31;
  const double fraction = bits & 1023;
  const double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

struct ElementType {
  int size;
  double (*decode)(const char*);
};

const std::map<std::string, ElementType>& ElementTypes() {
  static const auto* types = new std::map<std::string, ElementType>{
      {"<f2", {2, DecodeHalf}},      {"<f4", {4, Decode<float>}},
      {"<f8", {8, Decode<double>}},  {"|b1", {1, Decode<uint8_t>}},
      {"|i1", {1, Decode<int8_t>}},  {"|u1", {1, Decode<uint8_t>}},
      {"<i2", {2, Decode<int16_t>}}, {"<u2", {2, Decode<uint16_t>}},
      {"<i4", {4, Decode<int32_t>}}, {"<u4", {4, Decode<uint32_t>}},
      {"<i8", {8, Decode<int64_t>}}, {"<u8", {8, Decode<uint64_t>}},
  };
  return *types;
}

struct Header {
  ElementType type;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  size_t data_offset = 0;
};

// What follows 'key': in the header's Python dictionary, up to `end`.
absl::StatusOr<std::string> Entry(absl::string_view dictionary,
                                  absl::string_view key, char end) {
  const std::string name = absl::StrCat("'", key, "':");
  const size_t start = dictionary.find(name);
  if (start == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("has no '", key, "'"));
  }
  if (dictionary.rfind(name) != start) {
    return absl::InvalidArgumentError(
        absl::StrCat("has '", key, "' twice in its header"));
  }
  absl::string_view value = dictionary.substr(start + name.size());
  const size_t stop = value.find(end);
  if (stop == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("has no end of '", key, "'"));
  }
  return std::string(absl::StripAsciiWhitespace(value.substr(0, stop)));
}

absl::StatusOr<std::vector<int64_t>> ParseShape(absl::string_view text) {
  std::vector<int64_t> shape;
  int64_t elements = 1;
  absl::ConsumePrefix(&text, "(");
  for (absl::string_view word :
       absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    int64_t extent;
    if (!absl::SimpleAtoi(word, &extent) || extent < 0 ||
        (extent > 0 && elements > kMaxElements / extent)) {
      return absl::InvalidArgumentError(absl::StrCat("has shape (", text, ")"));
    }
    elements *= extent;
    shape.push_back(extent);
  }
  return shape;
}

absl::StatusOr<Header> ParseHeader(absl::string_view file) {
  if (!absl::StartsWith(file, kMagic) || file.size() < 12) {
    return absl::InvalidArgumentError("does not begin as a .npy file");
  }
  const auto byte = [&](int i) { return static_cast<uint8_t>(file[i]); };
  const bool version1 = byte(6) == 1;
  const size_t begin = version1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (!version1) length |= size_t{byte(10)} << 16 | size_t{byte(11)} << 24;
  if (file.size() - begin < length) {
    return absl::InvalidArgumentError("ends inside its header");
  }
  const absl::string_view dictionary =
      absl::StripAsciiWhitespace(file.substr(begin, length));
  if (dictionary.rfind('{') != 0 ||
      dictionary.find('}') != dictionary.size() - 1) {
    return absl::InvalidArgumentError(
        "has a header that is not one dictionary; save it anew by numpy.save");
  }
  Header header;
  header.data_offset = begin + length;
  ASSIGN_OR_RETURN(std::string descr, Entry(dictionary, "descr", ','));
  descr.erase(std::remove(descr.begin(), descr.end(), '\''), descr.end());
  const auto type = ElementTypes().find(descr);
  if (type == ElementTypes().end()) {
    std::string swapped = descr;
    if (absl::StartsWith(swapped, ">")) swapped[0] = '<';
    if (ElementTypes().count(swapped) > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("holds big-endian elements, of type ", descr,
                       "; save them as .astype('", swapped, "')"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("holds elements of type ", descr,
                     "; save them as float16, float32, float64 or integers"));
  }
  header.type = type->second;
  ASSIGN_OR_RETURN(std::string order, Entry(dictionary, "fortran_order", ','));
  if (order != "True" && order != "False") {
    return absl::InvalidArgumentError(absl::StrCat(
        "has the fortran_order '", order, "'; it must be True or False"));
  }
  header.fortran_order = order == "True";
  ASSIGN_OR_RETURN(std::string shape, Entry(dictionary, "shape", ')'));
  ASSIGN_OR_RETURN(header.shape, ParseShape(shape));
  return header;
}

int64_t NumElements(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  return elements;
}

// The place in a Fortran-ordered file of the element at row-major `index`.
int64_t FortranIndex(int64_t index, const std::vector<int64_t>& shape) {
  int64_t stride = NumElements(shape);
  int64_t place = 0;
  for (size_t axis = shape.size(); axis-- > 0;) {
    stride /= shape[axis];
    place += index % shape[axis] * stride;
    index /= shape[axis];
  }
  return place;
}

absl::StatusOr<NpyArray> Parse(absl::string_view file) {
  ASSIGN_OR_RETURN(const Header header, ParseHeader(file));
  const int64_t elements = NumElements(header.shape);
  const absl::string_view data = file.substr(header.data_offset);
  if (data.size() != static_cast<size_t>(elements * header.type.size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds ", data.size(), " bytes of data; its shape needs ",
                     elements * header.type.size));
  }
  NpyArray array{header.shape, std::vector<double>(elements)};
  for (int64_t i = 0; i < elements; ++i) {
    const int64_t place =
        header.fortran_order ? FortranIndex(i, header.shape) : i;
    array.values[i] =
        header.type.decode(data.data() + place * header.type.size);
  }
  return array;
}

}  // namespace

absl::StatusOr<NpyArray> ReadNpy(const std::string& path) {
  networks::files::ReadOptions options;
  options.max_bytes = kMaxElements * int64_t{sizeof(double)} + kMaxHeaderSize;
  ASSIGN_OR_RETURN(const std::string bytes,
                   networks::files::ReadNonEmptyFile(path, options));
  absl::StatusOr<NpyArray> array = Parse(bytes);
  if (!array.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", array.status().message()));
  }
  return array;
}

std::string NpyHeader(absl::string_view descr,
                      const std::vector<int64_t>& shape, size_t min_size) {
  std::string dictionary = absl::StrCat(
      "{'descr': '", descr, "', 'fortran_order': False, 'shape': (",
      absl::StrJoin(shape, ", "), shape.size() == 1 ? ",), }" : "), }");
  // The data begins at a multiple of 64 bytes, after a line end.
  const size_t unpadded = kMagic.size() + 4 + dictionary.size() + 1;
  const size_t needed = std::max(unpadded, min_size);
  dictionary.append((needed + 63) / 64 * 64 - unpadded, ' ');
  dictionary.push_back('\n');
  const auto length = static_cast<uint16_t>(dictionary.size());
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(length & 255),
             static_cast<char>(length >> 8)};
  return header + dictionary;
}

absl::StatusOr<NpyWriter> NpyWriter::Create(
    const std::string& path, const networks::files::OutputOptions& options) {
  ASSIGN_OR_RETURN(networks::files::AtomicFile file,
                   networks::files::AtomicFile::Create(path, options));
  return NpyWriter(std::move(file));
}

// With room for any number of rows: it is written again at the end.
std::string NpyWriter::Header() const {
  std::vector<int64_t> shape = {std::numeric_limits<int64_t>::max()};
  shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
  const size_t size = NpyHeader("<f4", shape).size();
  shape[0] = num_rows_;
  return NpyHeader("<f4", shape, size);
}

absl::Status NpyWriter::Write(const float* row,
                              const std::vector<int64_t>& shape) {
  if (num_rows_ == 0) {
    row_shape_ = shape;
    RETURN_IF_ERROR(file_.Append(Header()));
  }
  if (shape != row_shape_) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_.path(), ": row ", num_rows_,
                     " has another shape than the first"));
  }
  size_t size = 1;
  for (const int64_t extent : shape) size *= static_cast<size_t>(extent);
  ++num_rows_;
  return file_.Append(
      {reinterpret_cast<const char*>(row), size * sizeof(float)});
}

absl::Status NpyWriter::Finish() {
  if (num_rows_ == 0) {
    return absl::FailedPreconditionError(file_.path() + ": no row was written");
  }
  RETURN_IF_ERROR(file_.Overwrite(0, Header()));
  return file_.Commit();
}

}  // namespace pipelines::media
