#pragma once

// The tables behind unicode.h. Generated data; nothing else includes this.

#include <cstddef>
#include <cstdint>

namespace leidang::generators::go::tables {

struct CaseRun {
  uint32_t first;
  uint32_t last;
  uint32_t stride;
  int32_t distance;
};

extern const uint32_t kNumberRanges[], kPrintRanges[], kPunctRanges[];
extern const size_t kNumberRangesSize, kPrintRangesSize, kPunctRangesSize;
extern const uint32_t kUpperCaseRanges[], kLowerCaseRanges[];
extern const size_t kUpperCaseRangesSize, kLowerCaseRangesSize;
extern const CaseRun kToUpper[], kToLower[], kToTitle[];
extern const size_t kToUpperSize, kToLowerSize, kToTitleSize;

}  // namespace leidang::generators::go::tables
