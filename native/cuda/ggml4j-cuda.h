// Between ggml's CUDA backend, as patched, and our kernels for it.
#pragma once
#include "ggml.h"
#include "ggml-impl.h"

#include <cstring>
#include <cuda_runtime.h>

// What ggml_custom_4d was given.
static inline ggml_custom_op_params ggml4j_custom(const ggml_tensor * node) {
    ggml_custom_op_params params;
    std::memcpy(&params, node->op_params, sizeof(params));
    return params;
}

// Whether a node GGML_OP_CUSTOM is one of our kernels, with inputs that fit.
bool ggml4j_cuda_supports(const ggml_tensor * node);

// Launches it; false when it is none of ours.
bool ggml4j_cuda_launch(ggml_tensor * node, cudaStream_t stream);
