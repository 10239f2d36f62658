#include "networks/weights/safetensors_header.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

constexpr absl::string_view kMetadata = "__metadata__";
constexpr uint64_t kLengthBytes = 8;
// The reference implementation reads 100 MB, for which the JSON parser takes
// 334 MB even where all are blanks. 100,000 tensors take ten.
constexpr uint64_t kMaxHeaderBytes = 16'000'000;
// LibTorch's limit; also keeps a hostile shape from taking memory.
constexpr size_t kMaxDimensions = 64;
// Writers put in some dozens. A key and value of few bytes take a hundred in
// memory, so that millions of them are out of proportion.
constexpr size_t kMaxMetadata = size_t{1} << 16;

// Names of a file may hold anything; messages stay one readable line.
std::string Quoted(absl::string_view name) {
  return absl::StrCat("\"", absl::CHexEscape(name.substr(0, 200)), "\"");
}

uint64_t LoadLittleEndian64(const char* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// Receives the JSON piece by piece, so that no tree of it is built, and no
// value can be of a kind that does not belong where it stands. Stops at the
// first error and keeps its message.
class HeaderBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderBuilder(SafetensorsHeader* header) : header_(header) {}

  const std::string& error() const { return error_; }

  bool null() override { return Fail("null has no place here"); }
  bool boolean(bool) override { return Fail("a boolean has no place here"); }
  bool binary(binary_t&) override { return Fail("binary has no place here"); }
  bool number_integer(int64_t value) override {
    return Fail(absl::StrCat("is negative: ", value));
  }
  bool number_float(double, const std::string& text) override {
    return Fail(
        absl::StrCat("is not an integer below 2^63: ", text.substr(0, 40)));
  }
  bool number_unsigned(uint64_t value) override {
    if (value > INT64_MAX) {
      return Fail(absl::StrCat("is not an integer below 2^63: ", value));
    }
    if (place_ != kList) return Fail("a number has no place here");
    if (list().size() >= kMaxDimensions) {
      return Fail(absl::StrCat("has more than ", kMaxDimensions, " elements"));
    }
    list().push_back(static_cast<int64_t>(value));
    return true;
  }
  bool string(std::string& value) override {
    if (place_ == kMetadataValue) {
      metadata_value_->second = std::move(value);
      place_ = kMetadataFields;
      return true;
    }
    if (place_ != kFieldValue || key_ != "dtype") {
      return Fail("a string has no place here");
    }
    entry_.dtype = std::move(value);
    place_ = kFields;
    return true;
  }

  bool start_object(size_t) override {
    if (place_ == kStart) {
      place_ = kTensors;
    } else if (place_ == kTensor) {
      place_ = tensor_ == kMetadata ? kMetadataFields : kFields;
      seen_.clear();
    } else {
      return Fail("an object has no place here");
    }
    return true;
  }
  bool key(std::string& key) override {
    if (place_ == kTensors) return StartTensor(key);
    key_ = std::move(key);
    if (place_ == kMetadataFields) return StartMetadata();
    if (!seen_.insert(key_).second) return Fail("is given twice");
    if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      return Fail("is not a field of a tensor");
    }
    place_ = kFieldValue;
    return true;
  }
  bool end_object() override {
    if (place_ == kFields) {
      if (!EndTensor()) return false;
      place_ = kTensors;
    } else if (place_ == kMetadataFields) {
      place_ = kTensors;
    }
    key_.clear();
    return true;
  }
  bool start_array(size_t) override {
    if (place_ != kFieldValue || key_ == "dtype") {
      return Fail("an array has no place here");
    }
    place_ = kList;
    return true;
  }
  bool end_array() override {
    place_ = kFields;
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_ =
        absl::StrCat("the header is not valid JSON at its byte ", position);
    return false;
  }

 private:
  // What the next piece belongs to.
  enum Place {
    kStart,
    kTensors,
    kTensor,
    kFields,
    kFieldValue,
    kList,
    kMetadataFields,
    kMetadataValue,
  };

  std::vector<int64_t>& list() {
    return key_ == "shape" ? entry_.shape : offsets_;
  }

  bool Fail(absl::string_view reason) {
    if (tensor_.empty() && place_ <= kTensors) {
      error_ = absl::StrCat("the header is not an object of tensors: ", reason);
      return false;
    }
    error_ = absl::StrCat("tensor ", Quoted(tensor_), ": ");
    if (!key_.empty()) absl::StrAppend(&error_, Quoted(key_), " ");
    absl::StrAppend(&error_, reason);
    return false;
  }

  bool StartTensor(std::string& name) {
    tensor_ = std::move(name);
    place_ = kTensor;
    entry_ = SafetensorsEntry();
    offsets_.clear();
    const bool is_new = tensor_ == kMetadata
                            ? !std::exchange(has_metadata_, true)
                            : header_->tensors.count(tensor_) == 0;
    return is_new || Fail("is given twice");
  }

  // The map itself tells whether a key is new: a second set of millions of them
  // would double the memory.
  bool StartMetadata() {
    if (header_->metadata.size() >= kMaxMetadata) {
      return Fail(absl::StrCat("is one of more than ", kMaxMetadata, " keys"));
    }
    bool is_new;
    std::tie(metadata_value_, is_new) = header_->metadata.emplace(key_, "");
    place_ = kMetadataValue;
    return is_new || Fail("is given twice");
  }

  bool EndTensor() {
    key_.clear();
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (seen_.count(field) == 0) {
        return Fail(absl::StrCat("has no \"", field, "\""));
      }
    }
    if (offsets_.size() != 2) {
      return Fail(absl::StrCat("\"data_offsets\" has ", offsets_.size(),
                               " elements, not 2"));
    }
    entry_.begin = static_cast<uint64_t>(offsets_[0]);
    entry_.end = static_cast<uint64_t>(offsets_[1]);
    header_->tensors.emplace(tensor_, std::move(entry_));
    return true;
  }

  SafetensorsHeader* header_;
  Place place_ = kStart;
  std::string tensor_;
  std::string key_;
  std::set<std::string> seen_;  // Keys of the present tensor.
  bool has_metadata_ = false;
  std::map<std::string, std::string>::iterator metadata_value_;
  SafetensorsEntry entry_;
  std::vector<int64_t> offsets_;
  std::string error_;
};

// The bytes that dtype and shape ask for, or an error. Never overflows: the
// size stops growing before it can. Nor do the strides of a tensor without
// elements, which LibTorch computes as if each 0 in its shape were a 1.
absl::StatusOr<uint64_t> ByteSize(const SafetensorsEntry& entry) {
  const uint64_t element = SafetensorsElementSize(entry.dtype);
  if (element == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown dtype ", Quoted(entry.dtype)));
  }
  uint64_t bytes = element;
  bool is_empty = false;
  for (const int64_t given : entry.shape) {
    is_empty |= given == 0;
    const int64_t size = std::max<int64_t>(given, 1);
    if (bytes > static_cast<uint64_t>(INT64_MAX) / size) {
      return absl::InvalidArgumentError("its shape overflows 63 bits");
    }
    bytes *= size;
  }
  return is_empty ? 0 : bytes;
}

absl::Status CheckEntry(const SafetensorsEntry& entry, uint64_t data_size) {
  if (entry.begin > entry.end || entry.end > data_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("its bytes ", entry.begin, " to ", entry.end,
                     " are not a part of the file's ", data_size,
                     " bytes of data; the file is damaged or incomplete"));
  }
  ASSIGN_OR_RETURN(const uint64_t bytes, ByteSize(entry));
  if (bytes != entry.end - entry.begin) {
    return absl::InvalidArgumentError(
        absl::StrCat("its shape and dtype need ", bytes,
                     " bytes, it has bytes ", entry.begin, " to ", entry.end));
  }
  return absl::OkStatus();
}

absl::Status NamedError(absl::string_view path, absl::string_view tensor,
                        absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": tensor ", Quoted(tensor), ": ", reason));
}

// The ranges, in order, must tile the data: the format allows neither tensors
// that share bytes nor bytes that belong to none.
absl::Status CheckTiling(const SafetensorsHeader& header, uint64_t data_size,
                         absl::string_view path) {
  using Item = std::map<std::string, SafetensorsEntry>::value_type;
  std::vector<const Item*> items;
  for (const Item& item : header.tensors) items.push_back(&item);
  std::sort(items.begin(), items.end(), [](const Item* a, const Item* b) {
    return std::make_pair(a->second.begin, a->second.end) <
           std::make_pair(b->second.begin, b->second.end);
  });
  uint64_t position = 0;
  for (const Item* item : items) {
    const uint64_t begin = item->second.begin;
    if (begin != position) {
      return NamedError(
          path, item->first,
          absl::StrCat(begin < position ? "overlaps the tensor before it"
                                        : "leaves a gap before it",
                       ": begins at ", begin, " instead of ", position));
    }
    position = item->second.end;
  }
  if (position != data_size) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", data_size - position,
                     " bytes after the last tensor belong to none"));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t SafetensorsElementSize(absl::string_view dtype) {
  static const auto* const sizes = new std::map<absl::string_view, int64_t>{
      {"BOOL", 1},    {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1},
      {"F8_E4M3", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
      {"BF16", 2},    {"I32", 4}, {"U32", 4}, {"F32", 4},
      {"I64", 8},     {"U64", 8}, {"F64", 8}, {"C64", 8},
  };
  const auto found = sizes->find(dtype);
  return found == sizes->end() ? 0 : found->second;
}

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    absl::string_view file, absl::string_view path) {
  const auto error = [path](auto... reason) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", reason...));
  };
  if (file.size() < kLengthBytes) {
    return error("has ", file.size(), " bytes, too few for a safetensors file");
  }
  const uint64_t length = LoadLittleEndian64(file.data());
  if (length > file.size() - kLengthBytes) {
    return error("claims a header of ", length, " bytes in a file of ",
                 file.size(), "; it is damaged, or not a safetensors file");
  }
  if (length > kMaxHeaderBytes) {
    return error(
        "has a header of ", length, " bytes, of which at most ",
        kMaxHeaderBytes,
        " can be read; write it with less metadata, or as a .pth file");
  }
  const absl::string_view json = file.substr(kLengthBytes, length);
  // The JSON parser takes a NUL for the end and would skip what follows.
  const size_t nul = json.find('\0');
  if (nul != absl::string_view::npos) {
    return error("the header is not valid JSON at its byte ", nul + 1);
  }
  SafetensorsHeader header;
  HeaderBuilder builder(&header);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) {
    return error(builder.error());
  }
  const uint64_t data_begin = kLengthBytes + length;
  const uint64_t data_size = file.size() - data_begin;
  for (const auto& [name, entry] : header.tensors) {
    const absl::Status status = CheckEntry(entry, data_size);
    if (!status.ok()) return NamedError(path, name, status.message());
  }
  RETURN_IF_ERROR(CheckTiling(header, data_size, path));
  for (auto& [name, entry] : header.tensors) {
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  return header;
}

absl::StatusOr<std::string> FormatSafetensorsHeader(
    const std::vector<SafetensorsField>& fields,
    const std::map<std::string, std::string>& metadata) {
  if (metadata.size() > kMaxMetadata) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", metadata.size(), " metadata, of which at most ", kMaxMetadata,
        " can be read back; write a .pth file, which has the tensors alone"));
  }
  nlohmann::json json = nlohmann::json::object();
  if (!metadata.empty()) json[std::string(kMetadata)] = metadata;
  std::set<std::string> names = {std::string(kMetadata)};
  uint64_t begin = 0;
  for (const SafetensorsField& field : fields) {
    if (!names.insert(field.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor ", Quoted(field.name), ": the name is taken already"));
    }
    json[field.name] = {{"dtype", field.dtype},
                        {"shape", field.shape},
                        {"data_offsets", {begin, begin + field.byte_size}}};
    begin += field.byte_size;
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::type_error&) {
    return absl::InvalidArgumentError(
        "a tensor's name, or a key or value of the metadata, is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has names and metadata of ", text.size(), " bytes, of which at most ",
        kMaxHeaderBytes, " can be read back; write a .pth file"));
  }
  std::string head;
  for (int i = 0; i < 8; ++i) {
    head.push_back(static_cast<char>(text.size() >> 8 * i & 0xff));
  }
  return head + text;
}

}  // namespace networks::weights
