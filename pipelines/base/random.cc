#include "pipelines/base/random.h"

namespace pipelines {

// The output function of [SplitMix].
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

Random::Random(std::initializer_list<uint64_t> key) : state_(key.size()) {
  for (uint64_t part : key) state_ = Mix(state_ ^ Mix(part + kGamma));
}

uint64_t Random::Bits() { return Mix(state_ += kGamma); }

int64_t Random::Below(int64_t n) {
  // The high word of bits * n: biased by less than n / 2^64.
  return static_cast<int64_t>(
      (static_cast<unsigned __int128>(Bits()) * static_cast<uint64_t>(n)) >>
      64);
}

double Random::Uniform(double low, double high) {
  const double unit = static_cast<double>(Bits() >> 11) * 0x1p-53;
  return low + (high - low) * unit;
}

RandomOrder::RandomOrder(int64_t n, std::initializer_list<uint64_t> key)
    : n_(static_cast<uint64_t>(n)), half_bits_(1) {
  while (2 * half_bits_ < 64 && (uint64_t{1} << (2 * half_bits_)) < n_) {
    ++half_bits_;
  }
  Random random(key);
  for (uint64_t& round_key : round_keys_) round_key = random.Bits();
}

// Cycle walking, [Feistel].
int64_t RandomOrder::operator[](int64_t position) const {
  // Following the cycle from a value below n ends below n at the latest at the
  // start, and visits fewer than 4 values on average.
  uint64_t value = static_cast<uint64_t>(position);
  do {
    value = Encrypt(value);
  } while (value >= n_);
  return static_cast<int64_t>(value);
}

uint64_t RandomOrder::Encrypt(uint64_t value) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t left = value >> half_bits_;
  uint64_t right = value & mask;
  for (uint64_t round_key : round_keys_) {
    const uint64_t next = left ^ (Mix(right + round_key) & mask);
    left = right;
    right = next;
  }
  return (left << half_bits_) | right;
}

}  // namespace pipelines
