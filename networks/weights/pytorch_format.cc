#include "networks/weights/pytorch_format.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "networks/weights/unpickle.h"
#include "networks/weights/zip_index.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

// 0x1950a86a20f9469cfc6c, the first thing in a legacy file.
constexpr absl::string_view kLegacyMagic = "119547037146038801333356";
constexpr int64_t kLegacyVersion = 1001;

using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using TensorPtr = std::shared_ptr<const TensorView>;

template <typename... T>
absl::Status Error(const T&... reason) {
  return absl::InvalidArgumentError(absl::StrCat(reason...));
}

std::string Quoted(absl::string_view name) {
  return absl::StrCat("\"", absl::CHexEscape(name.substr(0, 200)), "\"");
}

// Lists tensors and scalars by path.
class Flattener {
 public:
  explicit Flattener(PytorchContents* contents) : contents_(contents) {}

  absl::Status Flatten(const Value& value, const std::string& path) {
    RETURN_IF_ERROR(Count(kWorkOfAValue + path.size()));
    if (const auto* sequence = std::get_if<SequencePtr>(&value.data)) {
      return FlattenSequence(**sequence, path);
    }
    if (const auto* dict = std::get_if<DictPtr>(&value.data)) {
      return FlattenDict(**dict, path);
    }
    if (const auto* tensor = std::get_if<TensorPtr>(&value.data)) {
      return Taken(path, contents_->tensors.emplace(path, *tensor).second);
    }
    std::string text = ScalarText(value);
    RETURN_IF_ERROR(Count(text.size()));
    return Taken(path,
                 contents_->scalars.emplace(path, std::move(text)).second);
  }

 private:
  static constexpr size_t kWorkOfAValue = 64;

  // Shared containers are visited once for each path to them, of which a
  // hostile file can have more than there are atoms; every path and every
  // scalar's text at it is held.
  absl::Status Count(size_t work) {
    constexpr size_t kMaxWork = size_t{1} << 26;
    work_ += work;
    if (work_ <= kMaxWork) return absl::OkStatus();
    return Error("holds too many values, or too long names or texts");
  }

  static absl::Status Taken(const std::string& path, bool is_new) {
    if (is_new) return absl::OkStatus();
    return Error("two values have the path ", Quoted(path));
  }

  static std::string Join(const std::string& path, absl::string_view name) {
    return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
  }

  absl::Status FlattenSequence(const Sequence& sequence,
                               const std::string& path) {
    for (size_t i = 0; i < sequence.items.size(); ++i) {
      RETURN_IF_ERROR(Flatten(sequence.items[i], Join(path, absl::StrCat(i))));
    }
    return absl::OkStatus();
  }

  absl::Status FlattenDict(const Dict& dict, const std::string& path) {
    for (const auto& [key, value] : dict.items) {
      if (!IsScalar(key)) return Error("a dict has a tuple as its key");
      RETURN_IF_ERROR(Flatten(value, Join(path, ScalarText(key))));
    }
    return absl::OkStatus();
  }

  PytorchContents* contents_;
  size_t work_ = 0;
};

// Products and sums that know their limits: false if the result would not be
// an int64_t. Operands are not negative.
bool Multiply(int64_t a, int64_t b, int64_t* result) {
  return !__builtin_mul_overflow(a, b, result);
}
bool Add(int64_t a, int64_t b, int64_t* result) {
  return !__builtin_add_overflow(a, b, result);
}

// Elements of the storage up to the last one that the view touches, and
// elements of the view; false on overflow.
bool Extent(const TensorView& view, int64_t* reach, int64_t* count) {
  *reach = view.offset;
  *count = 1;
  for (const int64_t size : view.shape) {
    if (!Multiply(*count, size, count)) return false;
  }
  if (*count == 0) return true;
  for (size_t d = 0; d < view.shape.size(); ++d) {
    int64_t step;
    if (!Multiply(view.shape[d] - 1, view.strides[d], &step) ||
        !Add(*reach, step, reach)) {
      return false;
    }
  }
  return Add(*reach, 1, reach);
}

bool HasNegative(const std::vector<int64_t>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](int64_t value) { return value < 0; });
}

// An expanded tensor repeats its elements. Tensors that would together take far
// more memory than their storages when copied are no weights.
constexpr int64_t kMaxExpansion = int64_t{64} << 20;

// Adds to `expansion` the bytes that the tensor has more than its storage.
absl::Status CheckView(const TensorView& view, int64_t* expansion) {
  if (view.offset < 0 || HasNegative(view.shape) || HasNegative(view.strides)) {
    return Error("its offset, shape or strides are negative");
  }
  if (view.shape.size() != view.strides.size()) {
    return Error("has ", view.shape.size(), " sizes and ", view.strides.size(),
                 " strides");
  }
  int64_t reach, count, bytes, storage_bytes;
  const int64_t element = ElementSize(view.type);
  if (!Extent(view, &reach, &count) || !Multiply(count, element, &bytes) ||
      !Multiply(view.storage_size, element, &storage_bytes)) {
    return Error("its shape overflows 63 bits");
  }
  if (reach > view.storage_size) {
    return Error("reaches to element ", reach, " of a storage of ",
                 view.storage_size);
  }
  if (bytes - storage_bytes > kMaxExpansion) {
    return Error("expands ", storage_bytes, " bytes to ", bytes);
  }
  // No overflow: both are at most kMaxExpansion.
  *expansion += std::max<int64_t>(0, bytes - storage_bytes);
  if (*expansion > kMaxExpansion) {
    return Error("expands ", storage_bytes, " bytes to ", bytes,
                 "; with the tensors before it that is more than ",
                 kMaxExpansion, " bytes beyond what the file holds");
  }
  return absl::OkStatus();
}

absl::Status CheckStorage(const TensorView& view,
                          const std::map<std::string, StorageRange>& storages) {
  const auto found = storages.find(view.storage);
  if (found == storages.end()) {
    return Error("its storage ", Quoted(view.storage), " is not in the file");
  }
  const uint64_t bytes = found->second.end - found->second.begin;
  // No overflow: CheckView multiplied the same numbers.
  const int64_t needed = view.storage_size * ElementSize(view.type);
  if (static_cast<uint64_t>(needed) != bytes) {
    return Error("its storage ", Quoted(view.storage), " has ", bytes,
                 " bytes instead of ", needed);
  }
  return absl::OkStatus();
}

// Calls check(view) for every tensor; puts the tensor's name into its error.
template <typename Check>
absl::Status ForEachTensor(const PytorchContents& contents, Check check) {
  for (const auto& [name, view] : contents.tensors) {
    const absl::Status status = check(*view);
    if (!status.ok()) {
      return Error("tensor ", Quoted(name), ": ", status.message());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PytorchContents> Describe(Value root) {
  PytorchContents contents;
  contents.root = std::move(root);
  RETURN_IF_ERROR(Flattener(&contents).Flatten(contents.root, ""));
  int64_t expansion = 0;
  std::map<std::string, ElementType> types;  // by storage
  RETURN_IF_ERROR(ForEachTensor(contents, [&](const TensorView& view) {
    // Each type may cost a copy of the storage, and torch.save writes one.
    if (types.emplace(view.storage, view.type).first->second != view.type) {
      return Error("its storage ", Quoted(view.storage),
                   " has elements of another type in another tensor");
    }
    return CheckView(view, &expansion);
  }));
  return contents;
}

// --- Zip ---

using ZipEntries = std::map<std::string, ZipEntry>;

absl::string_view BytesOf(absl::string_view file, const ZipEntry& entry) {
  return file.substr(entry.begin, entry.end - entry.begin);
}

// The folder of the archive that holds data.pkl, with its slash.
absl::StatusOr<std::string> FindFolder(const ZipEntries& entries) {
  for (const auto& [name, entry] : entries) {
    absl::string_view folder = name;
    if (!absl::ConsumeSuffix(&folder, "data.pkl")) continue;
    if (folder.empty() || folder.find('/') == folder.size() - 1) {
      return std::string(folder);
    }
  }
  return Error("is a zip archive, but not PyTorch's: it holds no data.pkl");
}

absl::Status CheckKind(absl::string_view file, const ZipEntries& entries,
                       const std::string& folder) {
  if (entries.count(folder + "constants.pkl") > 0) {
    return Error(
        "is a TorchScript program, which can run code; save the model's "
        "state_dict() instead");
  }
  const auto byte_order = entries.find(folder + "byteorder");
  if (byte_order != entries.end() &&
      BytesOf(file, byte_order->second) != "little") {
    return Error("was written on a big-endian machine");
  }
  return absl::OkStatus();
}

absl::StatusOr<PytorchContents> ParseZip(absl::string_view file,
                                         const ZipEntries& entries) {
  ASSIGN_OR_RETURN(const std::string folder, FindFolder(entries));
  RETURN_IF_ERROR(CheckKind(file, entries, folder));
  const ZipEntry& pickle = entries.at(folder + "data.pkl");
  const absl::Status intact = CheckZipEntry(file, pickle);
  if (!intact.ok()) return Error(folder, "data.pkl: ", intact.message());
  size_t position = 0;
  ASSIGN_OR_RETURN(Value root, Unpickle(BytesOf(file, pickle), &position));
  ASSIGN_OR_RETURN(PytorchContents contents, Describe(std::move(root)));
  for (const auto& [name, view] : contents.tensors) {
    const auto entry =
        entries.find(absl::StrCat(folder, "data/", view->storage));
    if (entry == entries.end()) continue;  // CheckStorage reports it.
    contents.storages[view->storage] = {entry->second.begin, entry->second.end,
                                        entry->second.crc32};
  }
  RETURN_IF_ERROR(ForEachTensor(contents, [&contents](const TensorView& view) {
    return CheckStorage(view, contents.storages);
  }));
  return contents;
}

// --- Legacy ---

template <typename T>
const T* As(const Value& value) {
  return std::get_if<T>(&value.data);
}

absl::Status CheckLegacyHead(const Value& magic, const Value& version,
                             const Value& machine) {
  const BigInteger* number = As<BigInteger>(magic);
  if (number == nullptr || number->decimal != kLegacyMagic) {
    return Error("is a pickle, but not one of torch.save");
  }
  const int64_t* number_of_version = As<int64_t>(version);
  if (number_of_version == nullptr || *number_of_version != kLegacyVersion) {
    return Error("has version ", Quoted(ScalarText(version)),
                 " of PyTorch's legacy format; only ", kLegacyVersion,
                 " is known");
  }
  const Value* little_endian = Find(machine, "little_endian");
  if (little_endian == nullptr || ScalarText(*little_endian) != "True") {
    return Error("was written on a big-endian machine");
  }
  return absl::OkStatus();
}

// The storages that tensors refer to, by key.
std::map<std::string, const TensorView*> ReferredStorages(
    const PytorchContents& contents) {
  std::map<std::string, const TensorView*> storages;
  for (const auto& [name, view] : contents.tensors) {
    storages.emplace(view->storage, view.get());
  }
  return storages;
}

uint64_t LittleEndian64(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// Finds the storages behind the last pickle, in the order of `keys`.
absl::Status LocateStorages(absl::string_view file, size_t position,
                            const Sequence& keys, PytorchContents* contents) {
  const auto referred = ReferredStorages(*contents);
  for (const Value& item : keys.items) {
    const std::string key = ScalarText(item);
    const auto found = referred.find(key);
    if (found == referred.end()) {
      return Error("storage ", Quoted(key), ": no tensor says what it holds");
    }
    if (file.size() - position < sizeof(uint64_t)) {
      return Error("storage ", Quoted(key),
                   ": the file ends before it; it is damaged or incomplete");
    }
    const uint64_t count = LittleEndian64(file.substr(position));
    position += sizeof(uint64_t);
    const uint64_t element = ElementSize(found->second->type);
    if (count > (file.size() - position) / element) {
      return Error("storage ", Quoted(key), ": claims ", count, " elements of ",
                   element, " bytes, ", file.size() - position,
                   " bytes are left; the file is damaged or incomplete");
    }
    const StorageRange range = {position, position + count * element, {}};
    if (!contents->storages.emplace(key, range).second) {
      return Error("storage ", Quoted(key), ": is there twice");
    }
    position = range.end;
  }
  return absl::OkStatus();
}

absl::StatusOr<PytorchContents> ParseLegacy(absl::string_view file) {
  size_t position = 0;
  ASSIGN_OR_RETURN(const Value magic, Unpickle(file, &position));
  ASSIGN_OR_RETURN(const Value version, Unpickle(file, &position));
  ASSIGN_OR_RETURN(const Value machine, Unpickle(file, &position));
  RETURN_IF_ERROR(CheckLegacyHead(magic, version, machine));
  ASSIGN_OR_RETURN(Value root, Unpickle(file, &position));
  ASSIGN_OR_RETURN(PytorchContents contents, Describe(std::move(root)));
  ASSIGN_OR_RETURN(const Value keys, Unpickle(file, &position));
  const SequencePtr* key_list = As<SequencePtr>(keys);
  if (key_list == nullptr) return Error("its list of storages is no list");
  RETURN_IF_ERROR(LocateStorages(file, position, **key_list, &contents));
  RETURN_IF_ERROR(ForEachTensor(contents, [&contents](const TensorView& view) {
    return CheckStorage(view, contents.storages);
  }));
  return contents;
}

}  // namespace

bool IsZipArchive(absl::string_view file) {
  return absl::StartsWith(file, "PK\x03\x04") ||
         absl::StartsWith(file, "PK\x05\x06");
}

bool IsLegacyPytorch(absl::string_view file) {
  return absl::StartsWith(file, "\x80");
}

absl::StatusOr<PytorchContents> ParsePytorch(absl::string_view file,
                                             absl::string_view path) {
  absl::StatusOr<PytorchContents> contents;
  if (IsZipArchive(file)) {
    ASSIGN_OR_RETURN(const ZipEntries entries, IndexZip(file, path));
    contents = ParseZip(file, entries);
  } else if (IsLegacyPytorch(file)) {
    contents = ParseLegacy(file);
  } else {
    contents = Error("is not a file of torch.save");
  }
  if (contents.ok()) return contents;
  return Error(path, ": ", contents.status().message());
}

}  // namespace networks::weights
