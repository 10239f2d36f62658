// Random numbers that are the same on every machine and for every number of
// threads. (The standard library fixes its engines but leaves its distributions
// and shuffles to each implementation.)
#ifndef PIPELINES_BASE_RANDOM_H_
#define PIPELINES_BASE_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace pipelines {

// A bijection of 64-bit numbers whose every output bit depends on every input
// bit: the output function of SplitMix64.
uint64_t Mix(uint64_t x);

// The step of SplitMix64: 2^64 divided by the golden ratio. Mix(x + kGamma) is
// its output at state x, also for x = 0, which Mix leaves where it is.
inline constexpr uint64_t kGamma = 0x9e3779b97f4a7c15;

// A stream of random numbers that is a pure function of its key: SplitMix64.
// Source: [SplitMix].
class Random {
 public:
  // Streams of different keys, say {seed, epoch, index}, are independent.
  Random(std::initializer_list<uint64_t> key);

  uint64_t Bits();

  // Uniform in [0, n); n > 0.
  int64_t Below(int64_t n);

  // Uniform in [low, high).
  double Uniform(double low = 0, double high = 1);

 private:
  uint64_t state_;
};

// A random order of 0 .. n-1 that is a pure function of its key and needs no
// memory: a four-round Feistel network on the next power of four, walked until
// it lands below n.
// Source: [Feistel].
class RandomOrder {
 public:
  RandomOrder(int64_t n, std::initializer_list<uint64_t> key);

  // The element at `position`, 0 <= position < n; distinct for distinct ones.
  int64_t operator[](int64_t position) const;

 private:
  uint64_t Encrypt(uint64_t value) const;

  uint64_t n_;
  int half_bits_;
  uint64_t round_keys_[4];
};

}  // namespace pipelines

#endif  // PIPELINES_BASE_RANDOM_H_
