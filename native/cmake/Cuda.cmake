# NVIDIA GPUs: finds the toolkit, sets the architectures, patches ggml's sources.

set(GGML4J_CUDA_ARCHITECTURES "" CACHE STRING
  "GPUs to build for, as in CMAKE_CUDA_ARCHITECTURES; native: those of this machine; empty: GGML4J_CUDA_DEFAULT_ARCHITECTURES")
# Machine code for GPUs in use; PTX of the last one, which drivers translate for later GPUs.
set(GGML4J_CUDA_DEFAULT_ARCHITECTURES "75-real;80-real;86-real;89-real;90" CACHE STRING "Set by presets")
set(GGML4J_CUDA_PATCH ${CMAKE_CURRENT_LIST_DIR}/../patches/ggml-cuda.patch)

# Finds the toolkit and enables the language CUDA; sets CMAKE_CUDA_ARCHITECTURES and GGML4J_CUDA_VERSION.
macro(ggml4j_use_cuda)
  set(ggml4j_cuda_hint "${CUDAToolkit_ROOT}")
  if(ggml4j_cuda_hint STREQUAL "")
    set(ggml4j_cuda_hint "$ENV{CUDAToolkit_ROOT}")
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND "$ENV{CUDACXX}" STREQUAL "" AND EXISTS ${ggml4j_cuda_hint}/bin/nvcc)
    set(CMAKE_CUDA_COMPILER ${ggml4j_cuda_hint}/bin/nvcc CACHE FILEPATH "nvcc")
  endif()
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND OR NOT TARGET CUDA::cudart OR NOT TARGET CUDA::cublas)
    message(FATAL_ERROR "GGML4J_CUDA needs NVIDIA's CUDA toolkit (nvcc, cudart, cuBLAS), which was not found.\n"
      "  CUDAToolkit_ROOT: '${ggml4j_cuda_hint}'\n  PATH, /usr/local/cuda: no nvcc with both libraries\n"
      "Install it, for example from Python packages with native/cuda/toolkit.sh FOLDER, and pass its folder as -DCUDAToolkit_ROOT=FOLDER.")
  endif()
  if(CUDAToolkit_VERSION VERSION_LESS 12)
    message(FATAL_ERROR "CUDA ${CUDAToolkit_VERSION} (${CUDAToolkit_BIN_DIR}) is too old, expected 12.0 or newer")
  endif()
  set(GGML4J_CUDA_VERSION ${CUDAToolkit_VERSION_MAJOR}.${CUDAToolkit_VERSION_MINOR})

  set(ggml4j_cuda_wanted "${GGML4J_CUDA_ARCHITECTURES}")
  if(ggml4j_cuda_wanted STREQUAL "")
    set(ggml4j_cuda_wanted "${GGML4J_CUDA_DEFAULT_ARCHITECTURES}")
  endif()
  set(CMAKE_CUDA_ARCHITECTURES "${ggml4j_cuda_wanted}") # "native" is replaced by CMake if there is no GPU
  enable_language(CUDA)
  if(ggml4j_cuda_wanted STREQUAL "native")
    if(NOT CMAKE_CUDA_ARCHITECTURES_NATIVE MATCHES "^[0-9]+[af]?(-real)?(;[0-9]+[af]?(-real)?)*$")
      message(FATAL_ERROR "nvcc finds no working GPU in this machine, but the build is for the GPU of this machine (native). "
        "Name the architectures, such as -DGGML4J_CUDA_ARCHITECTURES=90-real, or use the preset linux-x86_64-cuda.")
    endif()
    set(CMAKE_CUDA_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES_NATIVE})
  endif()
  # As ggml does: 12.x has all instructions that ggml uses only in architecture-specific code (12xa).
  list(TRANSFORM CMAKE_CUDA_ARCHITECTURES REPLACE "^(12[0-9])(-real|-virtual)?$" "\\1a\\2")
  message(STATUS "CUDA ${GGML4J_CUDA_VERSION}: ${CUDAToolkit_BIN_DIR}, for ${CMAKE_CUDA_ARCHITECTURES}")

  set(GGML_CUDA_NO_VMM ON CACHE BOOL "" FORCE) # VMM would need the driver's library at link time
  set(GGML_CUDA_FA OFF CACHE BOOL "" FORCE)    # attention is composed of matrix products and softmax, like its backward pass
  # A captured CUDA graph would keep the TF32 setting of the time of its capture.
  set(GGML_CUDA_GRAPHS OFF CACHE BOOL "" FORCE)
  set(GGML_CUDA_NCCL OFF CACHE BOOL "" FORCE)  # one GPU
endmacro()

# Sets `result` to a patched copy of ggml in the build folder. Copies again if the release or the patch has changed.
function(ggml4j_patched_ggml source result)
  set(copy ${CMAKE_BINARY_DIR}/patched)
  file(SHA256 ${GGML4J_CUDA_PATCH} hash)
  set(stamp "${GGML4J_LLAMA_CPP_TREE} ${hash}")
  set(done "")
  if(EXISTS ${copy}/stamp)
    file(READ ${copy}/stamp done)
  endif()
  if(NOT done STREQUAL stamp)
    file(REMOVE_RECURSE ${copy})
    file(COPY ${source}/ggml DESTINATION ${copy})
    # Without a ceiling, git would resolve the paths of the patch in the repository that contains the build folder.
    execute_process(
      COMMAND ${CMAKE_COMMAND} -E env GIT_CEILING_DIRECTORIES=${CMAKE_BINARY_DIR}
              ${GIT_EXECUTABLE} apply --whitespace=nowarn ${GGML4J_CUDA_PATCH}
      WORKING_DIRECTORY ${copy} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE failed)
    file(STRINGS ${copy}/ggml/src/ggml-cuda/ggml-cuda.cu marks REGEX ggml4j_cuda_allow_tf32)
    if(failed OR NOT marks)
      message(FATAL_ERROR "${GGML4J_CUDA_PATCH} does not apply to ggml of llama.cpp ${GGML4J_LLAMA_CPP_TAG}, "
        "the release that is pinned:\n${output}")
    endif()
    file(WRITE ${copy}/stamp "${stamp}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${GGML4J_CUDA_PATCH})
  set(${result} ${copy}/ggml PARENT_SCOPE)
endfunction()
