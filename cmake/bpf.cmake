# BPF programs: compiled by clang for the bpf target, embedded as skeletons.
#   plimsoll_bpf(NAME traffic_skeletons SRCS traffic.bpf.c)   makes "bpf/skel/traffic.skel.h" for whoever links it

include_guard(GLOBAL)

find_program(PLIMSOLL_BPF_CLANG NAMES clang-14 clang REQUIRED)
find_program(PLIMSOLL_BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

set(bpf_root ${CMAKE_FIND_ROOT_PATH}/usr)
add_library(plimsoll_libbpf INTERFACE)
target_link_libraries(plimsoll_libbpf INTERFACE
  ${bpf_root}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libbpf.a
  ${bpf_root}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libelf.a
  ${bpf_root}/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libz.a)

# v3 (Linux 5.12 for its atomics): compare-and-exchange. The program is linked by bpftool, which drops what only a debugger
# would want and keeps BTF.
function(plimsoll_bpf)
  cmake_parse_arguments(A "" "NAME" "SRCS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/gen/bpf/skel)
  file(MAKE_DIRECTORY ${out})
  set(skeletons "")
  foreach(src ${A_SRCS})
    string(REGEX REPLACE "\\.bpf\\.c$" "" base ${src})
    add_custom_command(OUTPUT ${out}/${base}.skel.h
      COMMAND ${PLIMSOLL_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror
        -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -I${CMAKE_SOURCE_DIR}
        -idirafter ${bpf_root}/include/${CMAKE_LIBRARY_ARCHITECTURE} -idirafter ${bpf_root}/include
        -MD -MF ${out}/${base}.d -MT ${out}/${base}.skel.h
        -c ${CMAKE_CURRENT_SOURCE_DIR}/${src} -o ${out}/${base}.raw.o
      COMMAND ${PLIMSOLL_BPFTOOL} gen object ${out}/${base}.bpf.o ${out}/${base}.raw.o
      COMMAND ${PLIMSOLL_BPFTOOL} gen skeleton ${out}/${base}.bpf.o name ${base}_bpf > ${out}/${base}.skel.h.tmp
      COMMAND ${CMAKE_COMMAND} -E rename ${out}/${base}.skel.h.tmp ${out}/${base}.skel.h
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${src} DEPFILE ${out}/${base}.d VERBATIM)
    list(APPEND skeletons ${out}/${base}.skel.h)
  endforeach()
  add_custom_target(${A_NAME}_files DEPENDS ${skeletons})
  add_library(${A_NAME} INTERFACE)
  add_dependencies(${A_NAME} ${A_NAME}_files)
  target_include_directories(${A_NAME} SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/gen)
endfunction()
