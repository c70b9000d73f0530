#pragma once

// TempDir: a fresh folder for one test, removed with everything in it.

#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <stdlib.h>
#include <string>
#include <system_error>

#include "gtest/gtest.h"

namespace leidang::testing {

class TempDir {
 public:
  TempDir() : path_(std::filesystem::temp_directory_path().string() + "/leidang-test-XXXXXX") {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Creates the folders on the way.
inline void WriteFile(const std::string& path, const std::string& content) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  ASSERT_TRUE(file.flush().good()) << path;
}

// "" if it cannot be read.
inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace leidang::testing
