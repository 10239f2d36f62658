// What trials of //cpab found.
#ifndef TOOLS_RELIABILITY_CPAB_REPORT_H_
#define TOOLS_RELIABILITY_CPAB_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace reliability {

struct CpabReport {
  int64_t trials = 0;
  std::vector<std::string> failures;  // a sentence each
  std::string measured;               // the worst that was seen
};

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_CPAB_REPORT_H_
