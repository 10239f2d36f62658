#include "pipelines/media/rational.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace pipelines::media {

std::optional<Rational> ParseRational(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  Rational value;
  if (parts.size() > 2 || !absl::SimpleAtoi(parts[0], &value.num)) {
    return std::nullopt;
  }
  if (parts.size() == 2 && !absl::SimpleAtoi(parts[1], &value.den)) {
    return std::nullopt;
  }
  if (value.num < 1 || value.den < 1) return std::nullopt;
  return value;
}

std::optional<Rational> ParseFrameRate(const std::string& text) {
  std::optional<Rational> rate = ParseRational(text);
  double value = 0;
  if (!rate && absl::SimpleAtod(text, &value) && value > 0 &&
      value <= kMaxFrameRate) {
    constexpr int kDigits = 1000;
    const int thousandths = static_cast<int>(std::lround(value * kDigits));
    const int divisor = std::gcd(thousandths, kDigits);
    rate = {thousandths / divisor, kDigits / divisor};
  }
  if (!rate || rate->num < 1 || rate->value() > kMaxFrameRate) {
    return std::nullopt;
  }
  return rate;
}

}  // namespace pipelines::media
