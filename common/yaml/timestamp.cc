#include <optional>

#include "absl/strings/string_view.h"

#include "common/yaml/scalar.h"

namespace leidang::yaml {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads a text from its front. Each Take fails for good once one has failed.
class Reader {
 public:
  explicit Reader(absl::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  absl::string_view rest() const { return rest_; }

  void Take(char c) {
    if (!ok_ || rest_.empty() || rest_[0] != c) {
      ok_ = false;
      return;
    }
    rest_.remove_prefix(1);
  }

  // One digit, or two.
  int TakeNumber(int min, int max) {
    if (!ok_ || rest_.empty() || !IsDigit(rest_[0])) return Fail();
    int number = rest_[0] - '0';
    rest_.remove_prefix(1);
    if (!rest_.empty() && IsDigit(rest_[0])) {
      number = number * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return number < min || number > max ? Fail() : number;
  }

  int TakeTwoDigits(int max) {
    if (!ok_ || rest_.size() < 2 || !IsDigit(rest_[0]) || !IsDigit(rest_[1])) return Fail();
    return TakeNumber(0, max);
  }

  void TakeSpaces() {
    while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
  }

  void SkipFraction() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !IsDigit(rest_[1])) return;
    rest_.remove_prefix(1);
    while (!rest_.empty() && IsDigit(rest_[0])) rest_.remove_prefix(1);
  }

 private:
  int Fail() {
    ok_ = false;
    return 0;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

int DaysIn(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

void TakeTime(Reader& reader) {
  reader.TakeNumber(0, 23);
  reader.Take(':');
  reader.TakeNumber(0, 59);
  reader.Take(':');
  reader.TakeNumber(0, 59);
  reader.SkipFraction();
}

void TakeZone(Reader& reader) {
  const absl::string_view rest = reader.rest();
  if (!rest.empty() && rest[0] == 'Z') {
    reader.Take('Z');
    return;
  }
  reader.Take(!rest.empty() && rest[0] == '-' ? '-' : '+');
  reader.TakeTwoDigits(24);
  reader.Take(':');
  reader.TakeTwoDigits(60);
}

}  // namespace

bool IsTimestamp(absl::string_view text) {
  if (text.size() < 5 || text[4] != '-') return false;
  int year = 0;
  for (const char c : text.substr(0, 4)) {
    if (!IsDigit(c)) return false;
    year = year * 10 + (c - '0');
  }
  Reader reader(text.substr(5));
  const int month = reader.TakeNumber(1, 12);
  reader.Take('-');
  const int day = reader.TakeNumber(1, 31);
  if (!reader.ok() || day > DaysIn(year, month)) return false;
  if (reader.AtEnd()) return true;
  const char separator = reader.rest()[0];
  if (separator == ' ') {
    reader.TakeSpaces();
    TakeTime(reader);
  } else if (separator == 'T' || separator == 't') {
    reader.Take(separator);
    TakeTime(reader);
    TakeZone(reader);
  }
  return reader.AtEnd();
}

}  // namespace leidang::yaml
