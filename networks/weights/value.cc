// Tested by unpickle_test.cc.
#include "networks/weights/value.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace networks::weights {
namespace {

struct ScalarFormatter {
  std::string operator()(None) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(int64_t value) const { return absl::StrCat(value); }
  std::string operator()(const BigInteger& value) const {
    return value.decimal;
  }
  // 17 digits say every double exactly; most need fewer.
  std::string operator()(double value) const {
    std::string text = absl::StrFormat("%.15g", value);
    double read = 0;
    return absl::SimpleAtod(text, &read) && read == value
               ? text
               : absl::StrFormat("%.17g", value);
  }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const Bytes& value) const {
    return absl::StrCat("b'", absl::CHexEscape(value.bytes), "'");
  }
  std::string operator()(const Symbol& value) const { return value.name; }
  template <typename T>
  std::string operator()(const std::shared_ptr<T>&) const {
    return "";
  }
};

}  // namespace

int64_t ElementSize(ElementType type) {
  switch (type) {
    case ElementType::kBool:
    case ElementType::kUint8:
    case ElementType::kInt8:
      return 1;
    case ElementType::kInt16:
    case ElementType::kHalf:
    case ElementType::kBfloat16:
      return 2;
    case ElementType::kInt32:
    case ElementType::kFloat:
      return 4;
    case ElementType::kInt64:
    case ElementType::kDouble:
    case ElementType::kComplexFloat:
      return 8;
    case ElementType::kComplexDouble:
      return 16;
  }
  return 0;
}

const Value* Find(const Value& value, absl::string_view key) {
  const auto* dict = std::get_if<std::shared_ptr<const Dict>>(&value.data);
  if (dict == nullptr) return nullptr;
  for (const auto& [item_key, item] : (*dict)->items) {
    const std::string* name = std::get_if<std::string>(&item_key.data);
    if (name != nullptr && *name == key) return &item;
  }
  return nullptr;
}

std::string ScalarText(const Value& value) {
  return std::visit(ScalarFormatter(), value.data);
}

bool IsScalar(const Value& value) {
  using Tensor = std::shared_ptr<const TensorView>;
  return !std::holds_alternative<Tensor>(value.data) &&
         !std::holds_alternative<std::shared_ptr<const Sequence>>(value.data) &&
         !std::holds_alternative<std::shared_ptr<const Dict>>(value.data);
}

}  // namespace networks::weights
