#!/bin/sh
# Installs a CUDA toolkit from Python packages into a folder, on a machine without CUDA: toolkit.sh FOLDER [VERSION]
# Contains what the preset linux-x86_64-cuda needs: compiler, headers, libraries to link with. Needs neither GPU nor driver.
set -eu

if [ $# -lt 1 ]; then
  echo "usage: toolkit.sh FOLDER [VERSION of CUDA, 13.0 by default]" >&2
  exit 2
fi
version=${2:-13.0}
major=${version%%.*}
mkdir -p "$1"
folder=$(CDPATH='' cd "$1" && pwd)

python=
for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
  if command -v "$name" >/dev/null && "$name" -c 'import ensurepip, venv' 2>/dev/null; then
    python=$name
    break
  fi
done
if [ -z "$python" ]; then
  echo "toolkit.sh: Python 3 with venv is needed, for example: apt-get install python3-venv" >&2
  exit 1
fi

[ -x "$folder/bin/pip" ] || "$python" -m venv "$folder"
# All packages in one minor version: nvcc refuses the headers of another
"$folder/bin/pip" install --quiet --disable-pip-version-check "cuda-toolkit[nvcc,cudart,cublas,cccl]==$version.*"

set -- "$folder"/lib/python3*/site-packages/nvidia/cu"$major"
root=$1
if [ ! -x "$root/bin/nvcc" ]; then
  echo "toolkit.sh: the packages of CUDA $version contain no nvcc ($root/bin/nvcc); choose version 13.0 or newer" >&2
  exit 1
fi
# The packages lack the file names that linkers search for
for name in cudart cublas cublasLt; do
  ln -sf "lib$name.so.$major" "$root/lib/lib$name.so"
done
ln -sfn lib "$root/lib64"

"$root/bin/nvcc" --version | grep release >&2
echo "CUDAToolkit_ROOT=$root"
echo "For CMake: -DCUDAToolkit_ROOT=$root, for Maven: export CUDAToolkit_ROOT=$root" >&2
