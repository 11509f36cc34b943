#!/bin/sh
# Tests and measures what can compute here, with the Java runtime that lies beside this; ./run --help says how.
#
# Environment:
#   PYTHON              a Python with PyTorch and transformers to measure beside; python3 without it
#   GGML4J_CUDA_DIR     a folder with CUDA's libraries, where they are not found
set -u
case $0 in
  */*) root=$(CDPATH='' cd "${0%/*}" && pwd) || exit 1 ;;
  *) root=$PWD ;;
esac

# The CUDA libraries of the Python that is measured beside are as good as those of an active environment
if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] && command -v "${PYTHON:-python3}" >/dev/null; then
  VIRTUAL_ENV=$("${PYTHON:-python3}" -c 'import sys; print(sys.prefix)') && export VIRTUAL_ENV
fi

exec "$root/runtime/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m \
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 "-Dggml4j.pack=$root" \
  -cp "$root/app/*" io.github.ggml4j.benchmarks.Main "$@"
