#include "cpab/testing/golden_file.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"

namespace cpab::test_util {
namespace {

using google::protobuf::Value;

// Empty if there is no such file.
std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <typename Stored>
std::vector<double> Widen(const std::string& bytes) {
  std::vector<Stored> stored(bytes.size() / sizeof(Stored));
  std::memcpy(stored.data(), bytes.data(), stored.size() * sizeof(Stored));
  return std::vector<double>(stored.begin(), stored.end());
}

absl::StatusOr<GoldenTensor> ParseTensor(const Value& entry,
                                         const std::string& data) {
  const auto& fields = entry.struct_value().fields();
  GoldenTensor tensor;
  for (const Value& size : fields.at("shape").list_value().values()) {
    tensor.shape.push_back(static_cast<int64_t>(size.number_value()));
  }
  const auto& offsets = fields.at("data_offsets").list_value();
  const auto begin = static_cast<size_t>(offsets.values(0).number_value());
  const auto end = static_cast<size_t>(offsets.values(1).number_value());
  if (begin > end || end > data.size()) {
    return absl::DataLossError("the data end too early");
  }
  const std::string bytes = data.substr(begin, end - begin);
  const std::string& dtype = fields.at("dtype").string_value();
  if (dtype == "F64") {
    tensor.values = Widen<double>(bytes);
  } else if (dtype == "F32") {
    tensor.values = Widen<float>(bytes);
  } else if (dtype == "I64") {
    tensor.values = Widen<int64_t>(bytes);
  } else if (dtype == "I32") {
    tensor.values = Widen<int32_t>(bytes);
  } else {
    return absl::UnimplementedError(absl::StrCat("dtype ", dtype));
  }
  return tensor;
}

}  // namespace

absl::StatusOr<GoldenFile> ReadGolden(const std::string& path) {
  const std::string file = ReadFile(path);
  uint64_t header_size = 0;
  if (file.size() < sizeof(header_size)) {
    return absl::DataLossError(absl::StrCat(path, ": absent or cut short"));
  }
  std::memcpy(&header_size, file.data(), sizeof(header_size));
  if (header_size > file.size() - sizeof(header_size)) {
    return absl::DataLossError(absl::StrCat(path, ": the header is cut short"));
  }
  google::protobuf::Struct header;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      file.substr(sizeof(header_size), header_size), &header);
  if (!parsed.ok()) {
    return absl::DataLossError(absl::StrCat(path, ": ", parsed.ToString()));
  }
  const std::string data = file.substr(sizeof(header_size) + header_size);
  GoldenFile golden;
  for (const auto& [name, entry] : header.fields()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.struct_value().fields()) {
        golden.metadata[key] = value.string_value();
      }
    } else {
      ASSIGN_OR_RETURN(golden.tensors[name], ParseTensor(entry, data));
    }
  }
  return golden;
}

std::vector<GoldenDimension> ReadGoldenDimensions(size_t num_axes) {
  google::protobuf::Struct table;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      ReadFile("cpab/testdata/cpab_dims.json"), &table);
  if (!parsed.ok()) return {};
  std::vector<GoldenDimension> rows;
  for (const auto& [name, row] : table.fields()) {
    std::vector<int> cells;
    for (const absl::string_view count : absl::StrSplit(name, 'x')) {
      if (!absl::SimpleAtoi(count, &cells.emplace_back())) return {};
    }
    if (cells.size() != num_axes) continue;
    for (const auto& [key, size] : row.struct_value().fields()) {
      if (key == "D" || size.has_null_value()) continue;
      rows.push_back({cells, absl::StrContains(key, "zb1"),
                      absl::StrContains(key, "vp1"), size.number_value()});
    }
  }
  return rows;
}

Eigen::Matrix2Xd GoldenPoints(const GoldenTensor& tensor, int64_t field) {
  const int64_t count = tensor.shape.back();
  return Eigen::Map<
      const Eigen::Matrix<double, 2, Eigen::Dynamic, Eigen::RowMajor>>(
      tensor.values.data() + field * 2 * count, 2, count);
}

}  // namespace cpab::test_util
