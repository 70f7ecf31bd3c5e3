# The project's few CMake functions. Everything a folder needs is one call of:
#   plimsoll_library(NAME x SRCS a.cc [DEPS y] [LINK third-party])
#   plimsoll_test(NAME x_test SRCS x_test.cc [DEPS x] [LABELS root])
#   plimsoll_proto(NAME x_proto PROTOS a.proto [GRPC] [DEPS other_proto])
#   plimsoll_executable(NAME x SRCS main.cc [DEPS y] [STATIC])

include_guard(GLOBAL)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# Protobuf in module mode first, then gRPC: Debian 12's gRPC config expects the target to exist.
set(Protobuf_USE_STATIC_LIBS ON)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(GTest REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

# Flags of ours, kept off generated code and third-party headers.
add_library(plimsoll_flags INTERFACE)
target_compile_options(plimsoll_flags INTERFACE
  -Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wshadow -Wno-missing-field-initializers
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  # GCC 12 sees overlaps in std::string where none are once it optimises for speed (its bug 105651).
  $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>)
target_include_directories(plimsoll_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(plimsoll_flags INTERFACE tl::expected Threads::Threads)
target_compile_definitions(plimsoll_flags INTERFACE PLIMSOLL_VERSION="${PROJECT_VERSION}")

add_compile_options(-ffunction-sections -fdata-sections -fstack-protector-strong)
add_link_options(-Wl,--gc-sections -Wl,-z,relro,-z,now)
# What makes a mistake with memory harder to use: bounds that the compiler and the C++ library can check, a stack that
# cannot be jumped over, indirect calls that land where calls may land.
if(PLIMSOLL_HARDEN AND NOT PLIMSOLL_SANITIZE AND NOT PLIMSOLL_TSAN AND NOT PLIMSOLL_FUZZ)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    add_compile_options(-mbranch-protection=standard)
  endif()
endif()
if(PLIMSOLL_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(PLIMSOLL_TSAN)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
if(PLIMSOLL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

# Third-party archives: what the agent ships is linked statically, so that it runs on any node and in an
# image from scratch.
add_library(plimsoll_yaml INTERFACE)
target_link_libraries(plimsoll_yaml INTERFACE ${CMAKE_FIND_ROOT_PATH}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libyaml-cpp.a)
target_compile_definitions(plimsoll_yaml INTERFACE YAML_CPP_STATIC_DEFINE)
add_library(plimsoll_libcgroup INTERFACE)
target_link_libraries(plimsoll_libcgroup INTERFACE ${CMAKE_FIND_ROOT_PATH}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libcgroup.a)

# gRPC without TLS (we speak over unix sockets only) and its closure as archives. Debian's CMake files name the shared
# libraries, and its grpc++_unsecure.pc forgets five of the libraries and has the wrong folder.
execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} --static --libs-only-l grpc++_unsecure
  OUTPUT_VARIABLE grpc_flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "-l[^ ]+" grpc_flags 
  "-lgrpc++_reflection ${grpc_flags} -laddress_sorting -lre2 -lupb -lcares -lz")
list(REMOVE_DUPLICATES grpc_flags)
set(grpc_archives "")
foreach(flag ${grpc_flags})
  string(SUBSTRING ${flag} 2 -1 name)
  set(archive ${CMAKE_FIND_ROOT_PATH}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/lib${name}.a)
  if(EXISTS ${archive} AND NOT name MATCHES "^(dl|rt|pthread|m)$")
    list(APPEND grpc_archives ${archive})
  endif()
endforeach()
add_library(plimsoll_grpc INTERFACE)
target_link_libraries(plimsoll_grpc INTERFACE "$<LINK_GROUP:RESCAN,${grpc_archives}>"
  protobuf::libprotobuf atomic Threads::Threads)

function(plimsoll_library)
  cmake_parse_arguments(A "" "NAME" "SRCS;DEPS;LINK" ${ARGN})
  if(A_SRCS)
    add_library(${A_NAME} STATIC ${A_SRCS})
    target_link_libraries(${A_NAME} PUBLIC plimsoll_flags ${A_DEPS} ${A_LINK})
  else()
    add_library(${A_NAME} INTERFACE)
    target_link_libraries(${A_NAME} INTERFACE plimsoll_flags ${A_DEPS} ${A_LINK})
  endif()
endfunction()

function(plimsoll_executable)
  cmake_parse_arguments(A "STATIC" "NAME" "SRCS;DEPS;LINK" ${ARGN})
  add_executable(${A_NAME} ${A_SRCS})
  target_link_libraries(${A_NAME} PRIVATE plimsoll_flags ${A_DEPS} ${A_LINK})
  if(A_STATIC AND NOT PLIMSOLL_SANITIZE AND NOT PLIMSOLL_TSAN AND NOT PLIMSOLL_FUZZ)
    # A program that runs from an image of nothing, at an address that nobody knows.
    target_link_options(${A_NAME} PRIVATE $<IF:$<BOOL:${PLIMSOLL_HARDEN}>,-static-pie,-static>)
  endif()
endfunction()

# A test binary is one ctest entry; one whose tests were all skipped (GTEST_SKIP names the reason) counts as skipped.
function(plimsoll_test)
  cmake_parse_arguments(A "" "NAME;TIMEOUT" "SRCS;DEPS;LINK;LABELS;ARGS" ${ARGN})
  add_executable(${A_NAME} ${A_SRCS})
  target_link_libraries(${A_NAME} PRIVATE plimsoll_flags ${A_DEPS} ${A_LINK} GTest::gmock GTest::gtest_main)
  add_test(NAME ${A_NAME} COMMAND ${A_NAME} ${A_ARGS})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  set_tests_properties(${A_NAME} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS "${A_LABELS}" SKIP_REGULAR_EXPRESSION "\\[  PASSED  \\] 0 tests")
endfunction()

# libFuzzer target: SRCS hold LLVMFuzzerTestOneInput. Without PLIMSOLL_FUZZ the same source replays its corpus as a test.
function(plimsoll_fuzz)
  cmake_parse_arguments(A "" "NAME;CORPUS" "SRCS;DEPS;LINK" ${ARGN})
  if(PLIMSOLL_FUZZ)
    add_executable(${A_NAME} ${A_SRCS})
    target_link_libraries(${A_NAME} PRIVATE plimsoll_flags ${A_DEPS} ${A_LINK})
    target_link_options(${A_NAME} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${A_NAME} ${A_SRCS} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    target_link_libraries(${A_NAME} PRIVATE plimsoll_flags ${A_DEPS} ${A_LINK})
    add_test(NAME ${A_NAME}_corpus COMMAND ${A_NAME} ${A_CORPUS})
  endif()
endfunction()

# Generates C++ (and with GRPC the service stubs) from protos named relative to the repository root.
function(plimsoll_proto)
  cmake_parse_arguments(A "GRPC" "NAME" "PROTOS;DEPS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/gen)
  file(MAKE_DIRECTORY ${out})
  set(srcs "")
  foreach(p ${A_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" base ${p})
    set(files ${out}/${base}.pb.cc ${out}/${base}.pb.h)
    set(args --cpp_out=${out})
    if(A_GRPC)
      list(APPEND files ${out}/${base}.grpc.pb.cc ${out}/${base}.grpc.pb.h)
      list(APPEND args --grpc_out=${out} --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(OUTPUT ${files}
      COMMAND protobuf::protoc ${args} -I${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${p}
      DEPENDS ${CMAKE_SOURCE_DIR}/${p} VERBATIM)
    list(APPEND srcs ${files})
  endforeach()
  add_library(${A_NAME} STATIC ${srcs})
  target_include_directories(${A_NAME} SYSTEM PUBLIC ${out})
  target_link_libraries(${A_NAME} PUBLIC protobuf::libprotobuf Threads::Threads ${A_DEPS})
  if(A_GRPC)
    target_link_libraries(${A_NAME} PUBLIC plimsoll_grpc)
  endif()
endfunction()
