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
# Its -pthread defines _REENTRANT, and then no precompiled header fits.
set_target_properties(PkgConfig::re2 PROPERTIES INTERFACE_COMPILE_OPTIONS "")
find_package(gRPC CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)

function(leidang_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(dep::${name} ALIAS PkgConfig::${name})
endfunction()

leidang_pkg(libyaml yaml-0.1)
leidang_pkg(libgit2 libgit2)
leidang_pkg(sqlite sqlite3)
leidang_pkg(zstd libzstd)
leidang_pkg(pcre2 libpcre2-8)
leidang_pkg(curl libcurl)
leidang_pkg(lua luajit)

find_library(JQ_LIBRARY jq REQUIRED)
add_library(dep::jq INTERFACE IMPORTED)
target_link_libraries(dep::jq INTERFACE "${JQ_LIBRARY}")

find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)
add_library(dep::rocksdb INTERFACE IMPORTED)
target_link_libraries(dep::rocksdb INTERFACE "${ROCKSDB_LIBRARY}")

find_package(prometheus-cpp CONFIG REQUIRED)
add_library(dep::prometheus ALIAS prometheus-cpp::core)

add_library(dep::absl INTERFACE IMPORTED)
target_link_libraries(dep::absl INTERFACE absl::status absl::statusor absl::synchronization absl::strings absl::str_format absl::time
                      absl::flat_hash_map absl::flat_hash_set absl::btree absl::span absl::cord)
add_library(dep::json ALIAS Boost::json)
add_library(dep::beast ALIAS Boost::headers)
add_library(dep::protobuf ALIAS protobuf::libprotobuf)
add_library(dep::grpc ALIAS gRPC::grpc++)
find_library(CRYPT_LIBRARY crypt REQUIRED)
add_library(dep::crypt INTERFACE IMPORTED)
target_link_libraries(dep::crypt INTERFACE "${CRYPT_LIBRARY}")
add_library(dep::openssl ALIAS OpenSSL::Crypto)
add_library(dep::openssl_ssl ALIAS OpenSSL::SSL)
add_library(dep::spdlog ALIAS spdlog::spdlog)
add_library(dep::cli11 ALIAS CLI11::CLI11)

if(LEIDANG_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  add_library(dep::gtest ALIAS GTest::gmock)
  add_library(dep::benchmark ALIAS benchmark::benchmark)
  find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
  add_library(dep::rapidcheck INTERFACE IMPORTED)
  target_link_libraries(dep::rapidcheck INTERFACE "${RAPIDCHECK_LIBRARY}")

  # The tests render with the kustomize that install-deps built; the programs take --kustomize,
  # LEIDANG_KUSTOMIZE or the one on the PATH.
  set(LEIDANG_KUSTOMIZE "" CACHE FILEPATH "kustomize for the tests; empty: the one that install-deps built")
  set(leidang_kustomize "${LEIDANG_KUSTOMIZE}")
  if(NOT leidang_kustomize)
    execute_process(COMMAND "${CMAKE_SOURCE_DIR}/install-deps" --print-kustomize
                    OUTPUT_VARIABLE leidang_kustomize OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing)
    if(missing)
      message(FATAL_ERROR "The tests need kustomize: run ./install-deps --for test, or pass -DLEIDANG_KUSTOMIZE=PATH")
    endif()
  endif()
endif()
