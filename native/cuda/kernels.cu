// ggml4j's kernels for NVIDIA GPUs, part of ggml's CUDA backend. A GGML_OP_CUSTOM node whose function is one of those below is
// launched on the backend's stream. Inputs and parameters are those of the kernel of the same name in ggml4j.h.
#include "ggml4j-cuda.h"
#include "ggml4j.h"

#include <cstdint>

namespace {

// As in ggml4j_uniform: the same bits on every device.
__device__ __forceinline__ uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// y (n) = [residual (n) +] x (n) * keep or 0; seed (2)
__global__ void dropout(const float * x, const uint32_t * seed, const float * residual, float * y,
                        int64_t n, uint64_t site, float rate, float keep) {
    const uint64_t stream = mix((seed[0] | (uint64_t) seed[1] << 32) + site * 0x9E3779B97F4A7C15ull);
    const int64_t step = (int64_t) gridDim.x * blockDim.x;
    for (int64_t i = (int64_t) blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
        const uint64_t z = mix(stream + (uint64_t) i * 0xD1B54A32D192ED03ull);
        const float v = (z >> 40) * 0x1p-24f >= rate ? x[i] * keep : 0.0f;
        y[i] = residual != nullptr ? residual[i] + v : v;
    }
}

// Whether t is a contiguous tensor of this type.
bool plain(const ggml_tensor * t, ggml_type type) {
    return t != nullptr && t->type == type && ggml_is_contiguous(t);
}

} // namespace

extern "C" GGML4J_API void ggml4j_cuda_dropout(ggml_tensor * dst, int, int, void *) {
    (void) dst; // never called: its address identifies the kernel
}

bool ggml4j_cuda_supports(const ggml_tensor * node) {
    const auto * p = (const ggml4j_params *) ggml4j_custom(node).userdata;
    return ggml4j_custom(node).fun == ggml4j_cuda_dropout && p != nullptr && plain(node, GGML_TYPE_F32) &&
        plain(node->src[0], GGML_TYPE_F32) && plain(node->src[1], GGML_TYPE_I32) &&
        ggml_nelements(node->src[0]) == ggml_nelements(node) && ggml_nelements(node->src[1]) == 2 &&
        (!p->has_residual || (plain(node->src[2], GGML_TYPE_F32) && ggml_nelements(node->src[2]) == ggml_nelements(node)));
}

bool ggml4j_cuda_launch(ggml_tensor * node, cudaStream_t stream) {
    if (!ggml4j_cuda_supports(node)) {
        return false;
    }
    const auto * p = (const ggml4j_params *) ggml4j_custom(node).userdata;
    const int64_t n = ggml_nelements(node);
    const int threads = 256;
    const int64_t blocks = (n + threads - 1) / threads;
    dropout<<<(unsigned) (blocks < (1 << 20) ? blocks : 1 << 20), threads, 0, stream>>>(
        (const float *) node->src[0]->data, (const uint32_t *) node->src[1]->data,
        p->has_residual ? (const float *) node->src[2]->data : nullptr, (float *) node->data,
        n, (uint64_t) p->site, p->dropout, 1.0f / (1.0f - p->dropout));
    return true;
}
