// What every test without LibTorch would otherwise parse again: two thirds of
// the time that the compiler takes for a small one.
#ifndef THIRD_PARTY_GOOGLETEST_TEST_PCH_H_
#define THIRD_PARTY_GOOGLETEST_TEST_PCH_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#endif  // THIRD_PARTY_GOOGLETEST_TEST_PCH_H_
