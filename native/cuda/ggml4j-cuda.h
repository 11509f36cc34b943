// The interface between ggml's patched CUDA backend and our CUDA kernels.
#pragma once
#include "ggml.h"
#include "ggml-impl.h"

#include <cstring>
#include <cuda_runtime.h>

// The function and userdata that were passed to ggml_custom_4d.
static inline ggml_custom_op_params ggml4j_custom(const ggml_tensor * node) {
    ggml_custom_op_params params;
    std::memcpy(&params, node->op_params, sizeof(params));
    return params;
}

// Returns whether a GGML_OP_CUSTOM node is one of our kernels and has inputs of the expected types and shapes.
bool ggml4j_cuda_supports(const ggml_tensor * node);

// Launches the kernel on the stream. Returns false if ggml4j_cuda_supports is false for the node.
bool ggml4j_cuda_launch(ggml_tensor * node, cudaStream_t stream);
