# Third-party libraries, all from Debian 12. Each has one fence (docs/ARCHITECTURE.md): a room links
# `dep::<name>` only if it is that fence.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(Protobuf REQUIRED)
# Debian's gRPC names re2::re2, but Debian's RE2 ships no CMake package.
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET GLOBAL re2)
add_library(re2::re2 ALIAS PkgConfig::re2)
add_library(dep::re2 ALIAS PkgConfig::re2)
find_package(gRPC CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)

function(leidang_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(dep::${name} ALIAS PkgConfig::${name})
endfunction()

leidang_pkg(libyaml yaml-0.1)
leidang_pkg(yaml_cpp yaml-cpp)
leidang_pkg(libgit2 libgit2)
leidang_pkg(sqlite sqlite3)
leidang_pkg(zstd libzstd)
leidang_pkg(pcre2 libpcre2-8)
leidang_pkg(curl libcurl)

find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)
add_library(dep::rocksdb INTERFACE IMPORTED)
target_link_libraries(dep::rocksdb INTERFACE "${ROCKSDB_LIBRARY}")

find_package(prometheus-cpp CONFIG REQUIRED)
add_library(dep::prometheus ALIAS prometheus-cpp::core)

add_library(dep::absl INTERFACE IMPORTED)
target_link_libraries(dep::absl INTERFACE absl::status absl::statusor absl::strings absl::str_format absl::time
                      absl::flat_hash_map absl::flat_hash_set absl::btree absl::span absl::cord)
add_library(dep::json ALIAS Boost::json)
add_library(dep::protobuf ALIAS protobuf::libprotobuf)
add_library(dep::grpc ALIAS gRPC::grpc++)
add_library(dep::openssl ALIAS OpenSSL::Crypto)
add_library(dep::openssl_ssl ALIAS OpenSSL::SSL)
add_library(dep::spdlog ALIAS spdlog::spdlog)
add_library(dep::gtest ALIAS GTest::gmock)
