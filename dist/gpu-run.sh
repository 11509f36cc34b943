#!/bin/sh
# Tests and measures the devices of this machine with the Java runtime in the same folder; see ./run --help.
#
# Environment:
#   PYTHON              a Python with PyTorch and transformers for comparison, python3 by default
#   GGML4J_CUDA_DIR     a folder with CUDA's libraries, if they are not found
set -u
case $0 in
  */*) root=$(CDPATH='' cd "${0%/*}" && pwd) || exit 1 ;;
  *) root=$PWD ;;
esac

# CUDA libraries in the packages of that Python are found as those of an active environment
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && command -v "${PYTHON:-python3}" >/dev/null; then
  VIRTUAL_ENV=$("${PYTHON:-python3}" -c 'import sys; print(sys.prefix)') && export VIRTUAL_ENV
fi

exec "$root/runtime/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m \
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 "-Dggml4j.pack=$root" \
  -cp "$root/app/*" io.github.ggml4j.benchmarks.Main "$@"
