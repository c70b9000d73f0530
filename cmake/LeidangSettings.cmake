# Compiler, linker and output settings that hold for every target.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Everywhere, as some libraries ask for it: a precompiled header fits only sources that have it, too.
add_compile_options(-pthread)
add_link_options(-pthread)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(LEIDANG_TESTS "Tests, benchmarks and fuzzers; without them GoogleTest and its like are not needed" ON)
# Saves about 2 s of 5 for a test and 0.7 s of 2.4 for a source. Not in `dev`, where a missing include must show
# and clones share their objects through ccache.
option(LEIDANG_PCH "Precompile the headers that most sources include" OFF)
option(LEIDANG_FUZZ "Build fuzzers with libFuzzer instead of corpus replay" OFF)
option(LEIDANG_ANALYZE "Compile commands for .ci/analyze; nothing but generated sources is built" OFF)
set(LEIDANG_SANITIZER "" CACHE STRING "Value of -fsanitize=, empty for none")

find_program(CCACHE ccache)
if(CCACHE AND NOT LEIDANG_ANALYZE)  # Tools that read the compile commands expect a compiler first.
  # Paths relative to the source tree, so that clones and worktrees share what they compile.
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_ctime,include_file_mtime "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(leidang_flags INTERFACE)
target_include_directories(leidang_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(leidang_flags INTERFACE -Wall -Wextra -Werror -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports std::string's own code when it optimises (GCC bugs 105329, 105651); sanitizers find real ones.
  target_compile_options(leidang_flags INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
                         -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(leidang_flags INTERFACE -Wthread-safety -Wno-unknown-warning-option)
  # libstdc++ 12's own std::stable_sort is reported to its user.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>)
  # Else ccache sees another precompiled header in each build.
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # No path of the building machine ends up in a shipped program.
  add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(LEIDANG_SANITIZER)
  add_compile_options("-fsanitize=${LEIDANG_SANITIZER}" -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options("-fsanitize=${LEIDANG_SANITIZER}")
endif()
if(LEIDANG_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
