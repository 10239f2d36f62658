// An exact fraction, for frame rates and time bases.
#ifndef PIPELINES_MEDIA_RATIONAL_H_
#define PIPELINES_MEDIA_RATIONAL_H_

#include <cstdint>
#include <optional>
#include <string>

namespace pipelines::media {

// num / den. Broadcast rates such as 30000/1001 have no exact decimal, and a
// rounded one drifts by a frame in less than a minute.
struct Rational {
  int num = 0;
  int den = 1;

  double value() const { return static_cast<double>(num) / den; }
};

inline bool operator==(const Rational& a, const Rational& b) {
  return int64_t{a.num} * b.den == int64_t{b.num} * a.den;
}
inline bool operator!=(const Rational& a, const Rational& b) {
  return !(a == b);
}

// "30000/1001", or "30": whole numbers above 0. None where it is neither.
std::optional<Rational> ParseRational(const std::string& text);

// Frames a second: what ParseRational takes, or a decimal number, which is
// rounded to thousandths, as "29.97". Above 0 and at most kMaxFrameRate, or
// none.
constexpr int kMaxFrameRate = 1000;
std::optional<Rational> ParseFrameRate(const std::string& text);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_RATIONAL_H_
