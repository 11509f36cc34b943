// Used when weights are loaded, outside of graphs: transposing matrices, finding NaN and infinity.
#include <string.h>
#include "ggml4j.h"

#if !defined(_WIN32)
#  include <pthread.h>
#endif

// --- threads

enum { MAX_THREADS = 64 };

// Runs fn on each of n jobs of `size` bytes in parallel, the last one on the calling thread; one after the other on Windows.
static void run_jobs(void * (*fn)(void *), void * jobs, size_t size, int n) {
#if defined(_WIN32)
    for (int i = 0; i < n; i++) fn((char *) jobs + i * size);
#else
    pthread_t threads[MAX_THREADS];
    int started[MAX_THREADS];
    for (int i = 0; i < n - 1; i++) {
        started[i] = pthread_create(&threads[i], NULL, fn, (char *) jobs + (size_t) i * size) == 0;
        if (!started[i]) fn((char *) jobs + (size_t) i * size);
    }
    fn((char *) jobs + (size_t) (n - 1) * size);
    for (int i = 0; i < n - 1; i++) {
        if (started[i]) pthread_join(threads[i], NULL);
    }
#endif
}

// The number of threads for n elements.
static int thread_count(int n_threads, int64_t n) {
    int t = n_threads < 1 ? 1 : n_threads > MAX_THREADS ? MAX_THREADS : n_threads;
    return n < 65536 ? 1 : t;
}

// --- transpose

struct transpose_job {
    char * dst;
    const char * src;
    int64_t rows, cols, from, to;
    int size;
};

// dst (cols, rows) = src (rows, cols)^T for the rows [from, to), in tiles that fit into the first-level cache
static void * transpose_rows(void * job) {
    const struct transpose_job * j = job;
    enum { TILE = 32 };
    for (int64_t r0 = j->from; r0 < j->to; r0 += TILE) {
        int64_t r1 = r0 + TILE < j->to ? r0 + TILE : j->to;
        for (int64_t c0 = 0; c0 < j->cols; c0 += TILE) {
            int64_t c1 = c0 + TILE < j->cols ? c0 + TILE : j->cols;
            for (int64_t c = c0; c < c1; c++) {
                for (int64_t r = r0; r < r1; r++) {
                    if (j->size == 4) {
                        memcpy(j->dst + 4 * (c * j->rows + r), j->src + 4 * (r * j->cols + c), 4);
                    } else {
                        memcpy(j->dst + 2 * (c * j->rows + r), j->src + 2 * (r * j->cols + c), 2);
                    }
                }
            }
        }
    }
    return NULL;
}

void ggml4j_transpose(void * dst, const void * src, int64_t rows, int64_t cols, int element_size, int n_threads) {
    struct transpose_job jobs[MAX_THREADS];
    int n = thread_count(n_threads, rows * cols);
    for (int i = 0; i < n; i++) {
        jobs[i] = (struct transpose_job) {dst, src, rows, cols, rows * i / n, rows * (i + 1) / n, element_size};
    }
    run_jobs(transpose_rows, jobs, sizeof(jobs[0]), n);
}

// --- NaN and infinity: all bits of the exponent are set

#define F32_EXPONENT 0x7F800000u
#define F16_EXPONENT 0x7C00u
#define BF16_EXPONENT 0x7F80u

// The byte offsets of the F16 scales in a block; everything else in these blocks is an integer. If there is one scale,
// `other` is the same offset.
static const struct {
    enum ggml_type type;
    int scale, other;
} scales[] = {
    {GGML_TYPE_Q4_0, 0, 0},   {GGML_TYPE_Q4_1, 0, 2},     {GGML_TYPE_Q5_0, 0, 0},   {GGML_TYPE_Q5_1, 0, 2}, {GGML_TYPE_Q8_0, 0, 0},
    {GGML_TYPE_Q2_K, 80, 82}, {GGML_TYPE_Q3_K, 108, 108}, {GGML_TYPE_Q4_K, 0, 2},   {GGML_TYPE_Q5_K, 0, 2}, {GGML_TYPE_Q6_K, 208, 208},
    {GGML_TYPE_IQ4_NL, 0, 0}, {GGML_TYPE_IQ4_XS, 0, 0},
};

struct finite_job {
    const char * data;
    enum ggml_type type;
    int64_t from, to; // blocks to search; a number of a plain type is a block
    int64_t first;    // result: index of the first block with NaN or infinity, or -1
};

static uint32_t word(const char * p) {
    uint32_t bits;
    memcpy(&bits, p, 4);
    return bits;
}

static uint16_t half(const char * p) {
    uint16_t bits;
    memcpy(&bits, p, 2);
    return bits;
}

// The index of the first F32 number in [from, to) that is NaN or infinite, or -1.
static int64_t first_word(const char * data, int64_t from, int64_t to) {
    enum { CHUNK = 4096 };
    for (int64_t at = from; at < to; at += CHUNK) {
        int64_t end = at + CHUNK < to ? at + CHUNK : to;
        uint32_t any = 0;
        for (int64_t i = at; i < end; i++) any |= (word(data + 4 * i) & F32_EXPONENT) == F32_EXPONENT;
        for (int64_t i = at; any && i < end; i++) {
            if ((word(data + 4 * i) & F32_EXPONENT) == F32_EXPONENT) return i;
        }
    }
    return -1;
}

// The same for F16 or BF16.
static int64_t first_half(const char * data, uint16_t exponent, int64_t from, int64_t to) {
    enum { CHUNK = 4096 };
    for (int64_t at = from; at < to; at += CHUNK) {
        int64_t end = at + CHUNK < to ? at + CHUNK : to;
        uint16_t any = 0;
        for (int64_t i = at; i < end; i++) any |= (half(data + 2 * i) & exponent) == exponent;
        for (int64_t i = at; any && i < end; i++) {
            if ((half(data + 2 * i) & exponent) == exponent) return i;
        }
    }
    return -1;
}

// The index of the first block with such a scale, or -1.
static int64_t first_scale(const char * data, int64_t size, int scale, int other, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
        const char * block = data + i * size;
        if ((half(block + scale) & F16_EXPONENT) == F16_EXPONENT || (half(block + other) & F16_EXPONENT) == F16_EXPONENT) return i;
    }
    return -1;
}

// For types with other scales: converts each block to F32.
static int64_t first_converted(const char * data, enum ggml_type type, int64_t from, int64_t to) {
    float block[256];
    int64_t n = ggml_blck_size(type);
    ggml_to_float_t to_float = ggml_get_type_traits(type)->to_float;
    if (to_float == NULL || n > 256) return -1; // no type of weights
    for (int64_t i = from; i < to; i++) {
        to_float(data + i * (int64_t) ggml_type_size(type), block, n);
        if (first_word((const char *) block, 0, n) >= 0) return i;
    }
    return -1;
}

static void * find_nonfinite(void * job) {
    struct finite_job * j = job;
    switch (j->type) {
        case GGML_TYPE_F32: j->first = first_word(j->data, j->from, j->to); return NULL;
        case GGML_TYPE_F16: j->first = first_half(j->data, F16_EXPONENT, j->from, j->to); return NULL;
        case GGML_TYPE_BF16: j->first = first_half(j->data, BF16_EXPONENT, j->from, j->to); return NULL;
        default: break;
    }
    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        if (scales[i].type == j->type) {
            j->first = first_scale(j->data, (int64_t) ggml_type_size(j->type), scales[i].scale, scales[i].other, j->from, j->to);
            return NULL;
        }
    }
    j->first = first_converted(j->data, j->type, j->from, j->to);
    return NULL;
}

int64_t ggml4j_first_nonfinite(const void * data, enum ggml_type type, int64_t n, int n_threads) {
    struct finite_job jobs[MAX_THREADS];
    int count = thread_count(n_threads, n);
    int64_t blocks = n / ggml_blck_size(type);
    for (int i = 0; i < count; i++) {
        jobs[i] = (struct finite_job) {data, type, blocks * i / count, blocks * (i + 1) / count, -1};
    }
    run_jobs(find_nonfinite, jobs, sizeof(jobs[0]), count);
    for (int i = 0; i < count; i++) {
        if (jobs[i].first >= 0) return jobs[i].first * ggml_blck_size(type);
    }
    return -1;
}
