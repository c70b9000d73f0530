#pragma once

#include <cmath>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/object/value.h"
#include "common/random/random.h"

namespace leidang::testing {

// Trees for property tests: all kinds, numbers of any size, keys and texts that printers trip over.
class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : random_(seed) {}

  object::Value Next(int depth = 4) {
    switch (random_.Below(depth > 0 ? 10 : 7)) {
      case 0:
        return nullptr;
      case 1:
        return random_.Chance(1, 2);
      case 2:
        return static_cast<int64_t>(random_.Next() >> random_.Below(64)) *
               (random_.Chance(1, 2) ? -1 : 1);
      case 3:
        return random_.Next();
      case 4:
        return Number();
      case 5:
      case 6:
        return object::Value(Text());
      case 7: {
        object::Array array;
        for (uint64_t n = random_.Below(5); n > 0; --n) array.push_back(Next(depth - 1));
        return array;
      }
      default: {
        object::Object object;
        for (uint64_t n = random_.Below(5); n > 0; --n) object[Text()] = Next(depth - 1);
        return object;
      }
    }
  }

  double Number() {
    while (true) {
      const uint64_t bits = random_.Next();
      double d = 0;
      std::memcpy(&d, &bits, sizeof(d));
      if (random_.Chance(1, 2)) d = static_cast<double>(static_cast<int64_t>(bits) >> 40) / 100;
      if (std::isfinite(d)) return d;
    }
  }

  std::string Text() {
    static constexpr const char* kPieces[] = {"a",          "b",      "1",
                                              "0",          "e",      ".",
                                              "-",          "_",      " ",
                                              "  ",         "\n",     "\n\n",
                                              "\t",         "\r",     "\"",
                                              "'",          "\\",     ":",
                                              ": ",         "#",      " #",
                                              "- ",         "? ",     "*",
                                              "&",          "!",      "|",
                                              ">",          "%",      "@",
                                              "`",          "{",      "}",
                                              "[",          "]",      ",",
                                              "y",          "no",     "true",
                                              "null",       "~",      "<<",
                                              "=",          "0x1f",   "0o17",
                                              "0755",       "::",     "12:30",
                                              "2024-01-01", "---",    "...",
                                              "{{",         "}}",     "\x01",
                                              "\x7f",       "\u0085", "\u00e9",
                                              "\u2028",     "\ufeff", "\U0001F600",
                                              "1e3",        "1_000",  ".inf",
                                              ".5",         "+1",     "on",
                                              "off",        "word",   "longer words here"};
    std::string text;
    for (uint64_t n = random_.Below(6); n > 0; --n) {
      text += kPieces[random_.Below(std::size(kPieces))];
    }
    return text;
  }

  Random& random() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace leidang::testing
