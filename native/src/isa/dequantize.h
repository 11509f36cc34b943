// Converts rows of weights to F32: the common types with vector code, all others with ggml's to_float.
// Layouts: ggml-common.h in ggml (block_q8_0, block_q4_0, block_q4_K, block_q5_K, block_q6_K).
#pragma once
#include "vec.h"

// The F16 number at p.
INLINE float half_at(const uint8_t * p) {
    ggml_fp16_t h;
    memcpy(&h, p, 2);
#if defined(__F16C__)
    return _cvtsh_ss(h);
#else
    return ggml_fp16_to_fp32(h);
#endif
}

// VL bytes, each widened to 32 bits.
INLINE vi vload_u8(const uint8_t * p) {
#if VL == 16
    return (vi) _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *) p));
#elif VL == 8
    return (vi) _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) p));
#else
    return (vi) {p[0], p[1], p[2], p[3]};
#endif
}

INLINE vi vload_s8(const int8_t * p) {
#if VL == 16
    return (vi) _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) p));
#elif VL == 8
    return (vi) _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) p));
#else
    return (vi) {p[0], p[1], p[2], p[3]};
#endif
}

INLINE vf vfloat(vi x) { return __builtin_convertvector(x, vf); }

// scale * (x & 15) + shift
INLINE vf vnibble(vi x, float scale, float shift) {
#if VL == 16 // a lookup in a table of all 16 results; the instruction ignores the higher bits of an index
    const vf all = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (vf) _mm512_permutexvar_ps((__m512i) x, (__m512) (all * scale + shift));
#else
    return vfloat(x & 15) * scale + shift;
#endif
}

#if VL >= 8
typedef float v8u __attribute__((vector_size(32), aligned(4)));
INLINE v8u v8floats(const uint8_t * p) {
    return (v8u) _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) p)));
}
#endif

// A group is a part of a block: all 32 weights of Q8_0 and Q4_0, 64 of the 256 weights of a K type. A dequantize_group function
// returns one group as vectors w; the micro-kernels use them in registers, dequantize_row() stores them.

INLINE void dequantize_group_q8_0(const uint8_t * p, vf * w) {
    float d = half_at(p);
    for (int j = 0; j < 32 / VL; j++) w[j] = vfloat(vload_s8((const int8_t *) p + 2 + j * VL)) * d;
}

INLINE void dequantize_group_q4_0(const uint8_t * p, vf * w) {
    float d = half_at(p), shift = -8.0f * d;
    for (int j = 0; j < 16 / VL; j++) {
        vi q = vload_u8(p + 2 + j * VL);
        w[j] = vnibble(q, d, shift);
        w[16 / VL + j] = vnibble(q >> 4, d, shift);
    }
}

// The scales of a block: 8 scales and 8 minimums (6 bits each in the file) of Q4_K and Q5_K, 16 scales of Q6_K.
struct scales {
    float scale[16];
    float minimum[8];
};

INLINE void load_scales_q45_k(const uint8_t * p, struct scales * s) {
    float d = half_at(p), dmin = half_at(p + 2);
    uint64_t low, mins, scales;
    uint32_t high;
    memcpy(&low, p + 4, 8);
    memcpy(&high, p + 12, 4);
    // Eight values at once. The first four are the low 6 bits of a byte; the others have 4 bits in `high` and 2 in the top bits
    // of the first four.
    scales = (low & 0x3F3F3F3Fu) | (uint64_t) ((high & 0x0F0F0F0Fu) | ((uint32_t) low >> 2 & 0x30303030u)) << 32;
    mins = (low >> 32 & 0x3F3F3F3Fu) | (uint64_t) ((high >> 4 & 0x0F0F0F0Fu) | ((uint32_t) (low >> 32) >> 2 & 0x30303030u)) << 32;
    uint8_t b[16];
    memcpy(b, &scales, 8);
    memcpy(b + 8, &mins, 8);
#if VL >= 8
    *(v8u *) s->scale = v8floats(b) * d;
    *(v8u *) s->minimum = v8floats(b + 8) * dmin;
#else
    for (int j = 0; j < 8; j++) {
        s->scale[j] = d * (float) b[j];
        s->minimum[j] = dmin * (float) b[8 + j];
    }
#endif
}

INLINE void dequantize_group_q4_k(const uint8_t * p, int g, const struct scales * s, vf * w) {
    const uint8_t * q = p + 16 + 32 * g;
    for (int j = 0; j < 32 / VL; j++) {
        vi v = vload_u8(q + j * VL);
        w[j] = vnibble(v, s->scale[2 * g], -s->minimum[2 * g]);
        w[32 / VL + j] = vnibble(v >> 4, s->scale[2 * g + 1], -s->minimum[2 * g + 1]);
    }
}

INLINE void dequantize_group_q5_k(const uint8_t * p, int g, const struct scales * s, vf * w) {
    const uint8_t * high = p + 16;
    const uint8_t * q = p + 48 + 32 * g;
    for (int j = 0; j < 32 / VL; j++) {
        vi v = vload_u8(q + j * VL), h = vload_u8(high + j * VL) >> (2 * g);
        w[j] = vfloat((v & 15) | (h & 1) << 4) * s->scale[2 * g] - s->minimum[2 * g];
        w[32 / VL + j] = vfloat(v >> 4 | (h & 2) << 3) * s->scale[2 * g + 1] - s->minimum[2 * g + 1];
    }
}

INLINE void load_scales_q6_k(const uint8_t * p, struct scales * s) {
    float d = half_at(p + 208);
    for (int j = 0; j < 16; j += VL) vstore(s->scale + j, vfloat(vload_s8((const int8_t *) p + 192 + j)) * d);
}

// Group g is one half (g % 2) of the 128 weights in half g / 2 of the block.
INLINE void dequantize_group_q6_k(const uint8_t * p, int g, const struct scales * s, vf * w) {
    const uint8_t * low = p + 64 * (g / 2);
    const uint8_t * high = p + 128 + 32 * (g / 2);
    const float * scale = s->scale + 4 * g;
    const int shift = g % 2 * 4;
    for (int j = 0; j < 32 / VL; j++) {
        vi a = vload_u8(low + j * VL) >> shift & 15, c = vload_u8(low + 32 + j * VL) >> shift & 15;
        vi h = vload_u8(high + j * VL) >> shift;
        w[j] = vfloat((a | (h & 3) << 4) - 32) * scale[j * VL / 16];
        w[32 / VL + j] = vfloat((c | (h & 12) << 2) - 32) * scale[2 + j * VL / 16];
    }
}

INLINE void load_scales(enum ggml_type type, const uint8_t * p, struct scales * s) {
    if (type == GGML_TYPE_Q6_K) load_scales_q6_k(p, s);
    else if (type != GGML_TYPE_Q8_0 && type != GGML_TYPE_Q4_0) load_scales_q45_k(p, s);
}

INLINE void dequantize_group(enum ggml_type type, const uint8_t * p, int g, const struct scales * s, vf * w) {
    switch (type) {
        case GGML_TYPE_Q8_0: dequantize_group_q8_0(p, w); break;
        case GGML_TYPE_Q4_0: dequantize_group_q4_0(p, w); break;
        case GGML_TYPE_Q4_K: dequantize_group_q4_k(p, g, s, w); break;
        case GGML_TYPE_Q5_K: dequantize_group_q5_k(p, g, s, w); break;
        default: dequantize_group_q6_k(p, g, s, w); break;
    }
}

// Bytes in a block, weights in a group, groups in a block.
INLINE int block_bytes(enum ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q8_0: return 34;
        case GGML_TYPE_Q4_0: return 18;
        case GGML_TYPE_Q4_K: return 144;
        case GGML_TYPE_Q5_K: return 176;
        default: return 210;
    }
}
INLINE int group_size(enum ggml_type type) { return type == GGML_TYPE_Q8_0 || type == GGML_TYPE_Q4_0 ? 32 : 64; }
INLINE int groups(enum ggml_type type) { return type == GGML_TYPE_Q8_0 || type == GGML_TYPE_Q4_0 ? 1 : 4; }

// y (n) = the weights of the blocks from p on.
INLINE void dequantize_blocks(enum ggml_type type, const uint8_t * p, float * y, int64_t n) {
    for (int64_t i = 0; i < n; p += block_bytes(type)) {
        struct scales s;
        load_scales(type, p, &s);
        for (int g = 0; g < groups(type); g++, i += group_size(type)) {
            vf w[64 / VL];
            dequantize_group(type, p, g, &s, w);
            for (int j = 0; j < group_size(type) / VL; j++) vstore(y + i + j * VL, w[j]);
        }
    }
}

// Whether dequantize_group knows the type.
static inline __attribute__((unused)) int can_dequantize(enum ggml_type type) {
    return type == GGML_TYPE_Q8_0 || type == GGML_TYPE_Q4_0 || type == GGML_TYPE_Q4_K || type == GGML_TYPE_Q5_K ||
           type == GGML_TYPE_Q6_K;
}

// y (n) = n weights of any type; p is the start of a block.
static inline __attribute__((unused)) void dequantize_row(enum ggml_type type, const void * p, float * y, int64_t n) {
    int64_t i = 0;
    switch (type) {
        case GGML_TYPE_F16:
            for (; i + VL <= n; i += VL) vstore(y + i, vload_f16((const ggml_fp16_t *) p + i));
            for (; i < n; i++) y[i] = half_at((const uint8_t *) p + 2 * i);
            break;
        case GGML_TYPE_BF16:
            for (; i + VL <= n; i += VL) vstore(y + i, vload_bf16((const ggml_bf16_t *) p + i));
            for (; i < n; i++) y[i] = ggml_bf16_to_fp32(((const ggml_bf16_t *) p)[i]);
            break;
        case GGML_TYPE_Q8_0: dequantize_blocks(GGML_TYPE_Q8_0, p, y, n); break;
        case GGML_TYPE_Q4_0: dequantize_blocks(GGML_TYPE_Q4_0, p, y, n); break;
        case GGML_TYPE_Q4_K: dequantize_blocks(GGML_TYPE_Q4_K, p, y, n); break;
        case GGML_TYPE_Q5_K: dequantize_blocks(GGML_TYPE_Q5_K, p, y, n); break;
        case GGML_TYPE_Q6_K: dequantize_blocks(GGML_TYPE_Q6_K, p, y, n); break;
        case GGML_TYPE_F32: memcpy(y, p, (size_t) n * sizeof(float)); break;
        default: ggml_get_type_traits(type)->to_float(p, y, n); break;
    }
}
