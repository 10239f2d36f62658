// A number as text that reads back to the same value.
#ifndef PIPELINES_BASE_FORMAT_NUMBER_H_
#define PIPELINES_BASE_FORMAT_NUMBER_H_

#include <string>

namespace pipelines {

// "0.25", "1000001": nine digits where these are enough, else seventeen.
std::string FormatNumber(double x);

}  // namespace pipelines

#endif  // PIPELINES_BASE_FORMAT_NUMBER_H_
