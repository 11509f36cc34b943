// Shared by the tests and the benchmark of the kernels: tensors without a context, threads as in ggml, and ggml4j_init with the
// libraries of a folder.
#pragma once
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ggml-cpu.h"
#include "ggml4j.h"

#define UNUSED_OK static inline __attribute__((unused))

typedef void (*op_fn)(struct ggml_tensor *, int, int, void *);
typedef struct ggml_tensor tensor;

UNUSED_OK void * must(void * p, const char * what) {
    if (p == NULL) {
        fprintf(stderr, "%s: %s\n", what, dlerror());
        exit(2);
    }
    return p;
}

static const struct ggml_type_traits_cpu * (*cpu_traits)(enum ggml_type);
static void * blas_library;

// Loads libggml-cpu and OpenBLAS from the folder and calls ggml4j_init.
UNUSED_OK void harness_init(const char * folder) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/libopenblas.so.0", folder);
    blas_library = must(dlopen(path, RTLD_NOW), path);
    snprintf(path, sizeof(path), "%s/libggml-cpu.so", folder);
    void * cpu = must(dlopen(path, RTLD_NOW), path);
    void (*cpu_init)(void);
    *(void **) &cpu_init = must(dlsym(cpu, "ggml_cpu_init"), "ggml_cpu_init");
    cpu_init();
    void * traits = must(dlsym(cpu, "ggml_get_type_traits_cpu"), "ggml_get_type_traits_cpu");
    *(void **) &cpu_traits = traits;
    if (ggml4j_init(traits, dlsym(blas_library, "cblas_sgemm"), dlsym(blas_library, "openblas_set_num_threads")) != 0) {
        fprintf(stderr, "ggml4j_init failed\n");
        exit(2);
    }
}

UNUSED_OK double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

// Uniform numbers in [-1, 1), the same on every run.
static uint64_t random_index;
UNUSED_OK float next_random(void) { return 2.0f * ggml4j_uniform(42, 7, random_index++) - 1.0f; }
UNUSED_OK float next_normal(void) {
    float s = 0;
    for (int i = 0; i < 6; i++) s += next_random();
    return s * 0.7071f;
}

// A contiguous tensor (n1, n0) over existing memory.
UNUSED_OK tensor over(enum ggml_type type, int64_t n0, int64_t n1, void * data) {
    tensor t;
    memset(&t, 0, sizeof(t));
    t.type = type;
    t.ne[0] = n0;
    t.ne[1] = n1;
    t.ne[2] = t.ne[3] = 1;
    t.nb[0] = ggml_type_size(type);
    t.nb[1] = ggml_row_size(type, n0);
    t.nb[2] = t.nb[3] = t.nb[1] * (size_t) n1;
    t.data = data;
    return t;
}

UNUSED_OK void * aligned(size_t bytes) {
    void * p = NULL;
    if (posix_memalign(&p, 64, (bytes + 64) & ~(size_t) 63) != 0) exit(2);
    memset(p, 0, bytes);
    return p;
}

UNUSED_OK float * zeros(int64_t n) { return aligned((size_t) n * sizeof(float)); }
UNUSED_OK float * normals(int64_t n, float scale) {
    float * x = zeros(n);
    for (int64_t i = 0; i < n; i++) x[i] = scale * next_normal();
    return x;
}
UNUSED_OK float * copy_of(const float * x, int64_t n) {
    float * y = zeros(n);
    memcpy(y, x, (size_t) n * sizeof(float));
    return y;
}

// --- tasks: runs an op on nth threads, as ggml does

struct task {
    op_fn op;
    tensor * dst;
    void * params;
    int ith, nth;
};

UNUSED_OK void * task_main(void * p) {
    struct task * t = p;
    t->op(t->dst, t->ith, t->nth, t->params);
    return NULL;
}

UNUSED_OK void run_op(op_fn op, tensor * dst, int nth, void * params) {
    pthread_t threads[64];
    struct task tasks[64];
    for (int i = 0; i < nth; i++) tasks[i] = (struct task) {op, dst, params, i, nth};
    for (int i = 1; i < nth; i++) pthread_create(&threads[i], NULL, task_main, &tasks[i]);
    task_main(&tasks[0]);
    for (int i = 1; i < nth; i++) pthread_join(threads[i], NULL);
}
