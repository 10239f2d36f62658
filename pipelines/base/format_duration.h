// A time span as a person reads it.
#ifndef PIPELINES_BASE_FORMAT_DURATION_H_
#define PIPELINES_BASE_FORMAT_DURATION_H_

#include <string>

namespace pipelines {

// "0:09", "1:02:33", "3d 04:05"; "?" where it is not finite.
std::string FormatDuration(double seconds);

// For a sentence, in one unit: "9.4 seconds", "50 minutes", "2.5 hours",
// "3.0 days"; "?" where it is not finite.
std::string DurationInWords(double seconds);

}  // namespace pipelines

#endif  // PIPELINES_BASE_FORMAT_DURATION_H_
