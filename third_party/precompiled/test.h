// What every test includes.
#ifndef THIRD_PARTY_PRECOMPILED_TEST_H_
#define THIRD_PARTY_PRECOMPILED_TEST_H_

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#endif  // THIRD_PARTY_PRECOMPILED_TEST_H_
