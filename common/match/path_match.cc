#include "common/match/path_match.h"

#include "absl/status/status.h"

#include "common/match/runes.h"

namespace leidang::match {

namespace {

enum class Result { kNo, kYes, kBad };

// A run of the pattern without a star outside brackets, and whether stars stood before it.
struct Chunk {
  bool star = false;
  absl::string_view text;
};

Chunk TakeChunk(absl::string_view* pattern) {
  Chunk chunk;
  while (!pattern->empty() && pattern->front() == '*') {
    pattern->remove_prefix(1);
    chunk.star = true;
  }
  bool in_range = false;
  size_t i = 0;
  for (; i < pattern->size(); ++i) {
    const char c = (*pattern)[i];
    if (c == '\\') {
      if (i + 1 < pattern->size()) ++i;
    } else if (c == '[') {
      in_range = true;
    } else if (c == ']') {
      in_range = false;
    } else if (c == '*' && !in_range) {
      break;
    }
  }
  chunk.text = pattern->substr(0, i);
  pattern->remove_prefix(i);
  return chunk;
}

// One character of a class. False for a malformed one, and for one that ends the pattern.
bool TakeClassRune(absl::string_view* chunk, char32_t* rune) {
  if (chunk->empty() || chunk->front() == '-' || chunk->front() == ']') return false;
  if (chunk->front() == '\\') {
    chunk->remove_prefix(1);
    if (chunk->empty()) return false;
  }
  const Rune r = DecodeRune(*chunk);
  *rune = r.value;
  chunk->remove_prefix(r.width);
  return !(r.value == kRuneError && r.width == 1) && !chunk->empty();
}

Result MatchClass(absl::string_view* chunk, char32_t rune) {
  bool negated = false;
  if (!chunk->empty() && chunk->front() == '^') {
    negated = true;
    chunk->remove_prefix(1);
  }
  bool taken = false;
  for (int ranges = 0;; ++ranges) {
    if (!chunk->empty() && chunk->front() == ']' && ranges > 0) {
      chunk->remove_prefix(1);
      return taken != negated ? Result::kYes : Result::kNo;
    }
    char32_t lo = 0;
    if (!TakeClassRune(chunk, &lo)) return Result::kBad;
    char32_t hi = lo;
    if (chunk->front() == '-') {
      chunk->remove_prefix(1);
      if (!TakeClassRune(chunk, &hi)) return Result::kBad;
    }
    taken = taken || (lo <= rune && rune <= hi);
  }
}

// Whether `chunk` takes the beginning of `*name`, which it then removes. Goes on to the end of the
// chunk after a difference, to find a malformed rest.
Result MatchChunk(absl::string_view chunk, absl::string_view* name) {
  absl::string_view s = *name;
  bool failed = false;
  while (!chunk.empty()) {
    failed = failed || s.empty();
    switch (chunk.front()) {
      case '[': {
        char32_t rune = 0;
        if (!failed) {
          const Rune r = DecodeRune(s);
          rune = r.value;
          s.remove_prefix(r.width);
        }
        chunk.remove_prefix(1);
        const Result result = MatchClass(&chunk, rune);
        if (result == Result::kBad) return result;
        failed = failed || result == Result::kNo;
        break;
      }
      case '?':
        if (!failed) {
          failed = s.front() == '/';
          s.remove_prefix(DecodeRune(s).width);
        }
        chunk.remove_prefix(1);
        break;
      case '\\':
        chunk.remove_prefix(1);
        if (chunk.empty()) return Result::kBad;
        [[fallthrough]];
      default:
        if (!failed) {
          failed = chunk.front() != s.front();
          s.remove_prefix(1);
        }
        chunk.remove_prefix(1);
    }
  }
  if (failed) return Result::kNo;
  *name = s;
  return Result::kYes;
}

// Whether a chunk after a star takes the text after some bytes of `*name`, up to the next `/`.
Result MatchAfterStar(absl::string_view chunk, absl::string_view* name, bool last) {
  for (size_t i = 0; i < name->size() && (*name)[i] != '/'; ++i) {
    absl::string_view rest = name->substr(i + 1);
    const Result result = MatchChunk(chunk, &rest);
    if (result == Result::kBad) return result;
    if (result == Result::kNo || (last && !rest.empty())) continue;
    *name = rest;
    return Result::kYes;
  }
  return Result::kNo;
}

Result Match(absl::string_view pattern, absl::string_view name) {
  while (!pattern.empty()) {
    const Chunk chunk = TakeChunk(&pattern);
    if (chunk.star && chunk.text.empty()) {
      return name.find('/') == absl::string_view::npos ? Result::kYes : Result::kNo;
    }
    absl::string_view rest = name;
    Result result = MatchChunk(chunk.text, &rest);
    if (result == Result::kYes && (rest.empty() || !pattern.empty())) {
      name = rest;
      continue;
    }
    if (result == Result::kBad) return result;
    if (chunk.star) {
      result = MatchAfterStar(chunk.text, &name, pattern.empty());
      if (result == Result::kBad) return result;
      if (result == Result::kYes) continue;
    }
    while (!pattern.empty()) {
      absl::string_view nothing;
      if (MatchChunk(TakeChunk(&pattern).text, &nothing) == Result::kBad) return Result::kBad;
    }
    return Result::kNo;
  }
  return name.empty() ? Result::kYes : Result::kNo;
}

}  // namespace

absl::StatusOr<bool> PathMatch(absl::string_view pattern, absl::string_view name) {
  const Result result = Match(pattern, name);
  if (result == Result::kBad) return absl::InvalidArgumentError("syntax error in pattern");
  return result == Result::kYes;
}

}  // namespace leidang::match
