// An exact fraction, for frame rates and time bases.
#ifndef PIPELINES_MEDIA_RATIONAL_H_
#define PIPELINES_MEDIA_RATIONAL_H_

#include <cstdint>

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

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_RATIONAL_H_
