#!/bin/sh
# Builds the test double of CUDA's libraries: build.sh FOLDER TOOLKIT
# TOOLKIT is a CUDA toolkit (its include folder is needed), such as native/cuda/toolkit.sh makes.
set -eu

if [ $# -ne 2 ] || [ ! -r "$2/include/cuda_runtime_api.h" ]; then
  echo "usage: build.sh FOLDER TOOLKIT, the latter a CUDA toolkit with include/cuda_runtime_api.h" >&2
  exit 2
fi
mkdir -p "$1"
out=$(CDPATH='' cd "$1" && pwd)
include=$(CDPATH='' cd "$2" && pwd)/include
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
major=$(sed -n 's/^#define CUDART_VERSION *\([0-9]*\)[0-9]\{3\}$/\1/p' "$include/cuda_runtime_api.h")
versions=$(mktemp)
trap 'rm -f "$versions"' EXIT

# library NAME ARGUMENT... : lib$NAME.so.$major, its symbols with the version that NVIDIA's have
library() {
  name=lib$1.so.$major
  shift
  printf '%s { global: *; };\n' "$name" >"$versions"
  "${CC:-cc}" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -isystem "$include" \
    -Wl,-soname,"$name" -Wl,--version-script,"$versions" -Wl,-z,defs -Wl,-rpath,'$ORIGIN' -o "$out/$name" "$@"
}

library cudart "$here/cudart.c" -lpthread
library cublas "$here/cublas.c" "$out/libcudart.so.$major"
echo 'const int ggml4j_double_nothing __attribute__((visibility("default"))) = 0;' |
  library cublasLt -x c -
echo "$out: test double of CUDA $major"
