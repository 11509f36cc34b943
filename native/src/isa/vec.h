// Vectors of floats in GCC's and clang's vector extensions, as wide as the instruction set that the file is compiled for allows.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "ggml.h"
#if defined(__AVX2__) || defined(__F16C__)
#  include <immintrin.h>
#elif defined(__aarch64__)
#  include <arm_neon.h>
#endif

// Floats in a vector.
#if defined(__AVX512F__)
#  define VL 16
#elif defined(__AVX2__)
#  define VL 8
#else
#  define VL 4
#endif

// vf: VL floats; vfu: the same, unaligned; vi, vu, vh: as many int32, uint32, uint16
typedef float vf __attribute__((vector_size(VL * 4)));
typedef float vfu __attribute__((vector_size(VL * 4), aligned(4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef uint16_t vh __attribute__((vector_size(VL * 2)));
typedef uint16_t vhu __attribute__((vector_size(VL * 2), aligned(2)));

#define INLINE static inline __attribute__((always_inline, unused))

// Makes the compiler keep v in a register, so that it does not load v again for each use.
#if defined(__x86_64__)
#  if defined(__AVX512F__)
#    define VKEEP(v) __asm__("" : "+v"(v))
#  else
#    define VKEEP(v) __asm__("" : "+x"(v))
#  endif
#elif defined(__aarch64__)
#  define VKEEP(v) __asm__("" : "+w"(v))
#else
#  define VKEEP(v) (void) (v)
#endif

INLINE vf vload(const float * p) { return *(const vfu *) p; }
INLINE void vstore(float * p, vf v) { *(vfu *) p = v; }
INLINE vf vset(float x) { return x - (vf) {0}; }
INLINE vf vselect(vi mask, vf yes, vf no) { return (vf) (((vi) yes & mask) | ((vi) no & ~mask)); }
// vmaxf and vminf return b if a or b is NaN. Pass constants as a and data as b, then NaNs in the data are kept.
INLINE vf vmaxf(vf a, vf b) { return vselect(a > b, a, b); }
INLINE vf vminf(vf a, vf b) { return vselect(a < b, a, b); }

INLINE float vsum(vf v) {
#if VL == 16
    return _mm512_reduce_add_ps((__m512) v);
#elif VL == 8
    __m128 h = _mm_add_ps(_mm256_castps256_ps128((__m256) v), _mm256_extractf128_ps((__m256) v, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
#else
    float s = 0;
    for (int i = 0; i < VL; i++) s += v[i];
    return s;
#endif
}

INLINE float vmaxall(vf v) {
#if VL == 16
    return _mm512_reduce_max_ps((__m512) v);
#else
    float m = v[0];
    for (int i = 1; i < VL; i++) m = v[i] > m ? v[i] : m;
    return m;
#endif
}

// Loads n <= VL floats; the other lanes are set to `fill`.
INLINE vf vload_part(const float * p, int64_t n, float fill) {
#if VL == 16
    return (vf) _mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16) ((1u << n) - 1), p);
#else
    vf v = vset(fill);
    for (int64_t i = 0; i < n; i++) v[i] = p[i];
    return v;
#endif
}

// Stores the first n <= VL floats.
INLINE void vstore_part(float * p, vf v, int64_t n) {
#if VL == 16
    _mm512_mask_storeu_ps(p, (__mmask16) ((1u << n) - 1), (__m512) v);
#else
    for (int64_t i = 0; i < n; i++) p[i] = v[i];
#endif
}

INLINE vf vload_bf16(const ggml_bf16_t * p) {
#if VL == 16
    return (vf) _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *) p)), 16);
#elif VL == 8
    return (vf) _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *) p)), 16);
#else
    vu wide = __builtin_convertvector((vh) *(const vhu *) p, vu);
    return (vf) (wide << 16);
#endif
}

INLINE vf vload_f16(const ggml_fp16_t * p) {
#if VL == 16
    return (vf) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p));
#elif VL == 8
    return (vf) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p));
#elif defined(__aarch64__)
    return (vf) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
    vf v = {0};
    for (int i = 0; i < VL; i++) v[i] = ggml_fp16_to_fp32(p[i]);
    return v;
#endif
}

INLINE void vstore_f16(ggml_fp16_t * p, vf v) {
#if VL == 16
    _mm256_storeu_si256((__m256i *) p, _mm512_cvtps_ph((__m512) v, _MM_FROUND_TO_NEAREST_INT));
#elif VL == 8
    _mm_storeu_si128((__m128i *) p, _mm256_cvtps_ph((__m256) v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t) v)));
#else
    for (int i = 0; i < VL; i++) p[i] = ggml_fp32_to_fp16(v[i]);
#endif
}

// exp(x), error about 1 ulp: 0 below -87.3, clamped to exp(88.72) above it, NaN for NaN.
// Cephes expf: x = n ln 2 + r, exp(x) = 2^n P(r).
INLINE vf vexp(vf x) {
    const vf lo = vset(-87.336544f), hi = vset(88.72283f);
    vi under = x < lo;
    x = vminf(hi, vmaxf(lo, x));
    const vf magic = vset(12582912.0f); // 1.5 * 2^23: adding it rounds to an integer
    vf shifted = x * 1.44269504f + magic;
    vf n = shifted - magic;
    vf r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vf p = vset(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    // 2^n as two factors: 2^128 is no float.
    vi ni = __builtin_convertvector(n, vi);
    vi half = ni >> 1;
    vf a = (vf) ((half + 127) << 23);
    vf b = (vf) ((ni - half + 127) << 23);
    vf y = p * a * b;
    return vselect(under, vset(0.0f), y);
}

INLINE vf vsigmoid(vf x) { return 1.0f / (1.0f + vexp(-x)); }

INLINE vf vtanh(vf x) {
    // |x| < 0.25: odd Taylor series, because 1 - 2 / (e^2x + 1) loses digits there.
    vf x2 = x * x;
    vf small = x * (1.0f + x2 * (-0.33333333f + x2 * (0.13333333f + x2 * (-0.053968254f + x2 * 0.021869488f))));
    vf e = vexp(vmaxf(vset(-40.0f), vminf(vset(40.0f), 2.0f * x)));
    vf large = 1.0f - 2.0f / (e + 1.0f);
    return vselect(x2 < 0.0625f, small, large);
}

// Random numbers of dropout, see ggml4j_uniform: the stream of (seed, site), then the number at an index.
INLINE uint64_t g4_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

INLINE uint64_t g4_stream(uint64_t seed, uint64_t site) { return g4_mix(seed + site * 0x9E3779B97F4A7C15ull); }

INLINE float g4_draw(uint64_t stream, uint64_t index) {
    return (float) (g4_mix(stream + index * 0xD1B54A32D192ED03ull) >> 40) * 0x1p-24f;
}

// Splits [0, n) among nth tasks in multiples of `unit`: task ith gets [from, to).
INLINE void g4_range(int64_t n, int64_t unit, int ith, int nth, int64_t * from, int64_t * to) {
    int64_t units = (n + unit - 1) / unit;
    int64_t a = units * ith / nth * unit, b = units * (ith + 1) / nth * unit;
    *from = a < n ? a : n;
    *to = b < n ? b : n;
}
