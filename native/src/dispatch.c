// The entry points of ggml4j.h. Each op calls its build for the newest instruction set that this CPU has.
#include <stdlib.h>
#include <string.h>
#include "kernels.h"

#if defined(_WIN32)
#  define THREAD_LOCAL __declspec(thread)
#else
#  include <pthread.h>
#  define THREAD_LOCAL __thread
#endif

g4_sgemm g4_cblas_sgemm;
g4_cpu_traits g4_traits;

// The ops of one instruction set.
struct g4_table {
    const char * isa;
#define MEMBER(name) g4_op name;
    G4_OPS(MEMBER)
};

#if defined(__x86_64__) || defined(_M_X64)
#  define DECLARE_ALL(name) G4_PROTOTYPE(name, baseline) G4_PROTOTYPE(name, avx2) G4_PROTOTYPE(name, avx512)
G4_OPS(DECLARE_ALL)
#  define BASELINE(name) g4_##name##_baseline,
#  define AVX2(name) g4_##name##_avx2,
#  define AVX512(name) g4_##name##_avx512,
static const struct g4_table tables[] = {{"avx512", G4_OPS(AVX512)}, {"avx2", G4_OPS(AVX2)}, {"baseline", G4_OPS(BASELINE)}};

static const struct g4_table * choose(void) {
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
               __builtin_cpu_supports("bmi2");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
    const char * forced = getenv("GGML4J_KERNEL_ISA"); // for tests: use an older set
    if (forced != NULL) {
        if (strcmp(forced, "baseline") == 0) return &tables[2];
        if (strcmp(forced, "avx2") == 0 && avx2) return &tables[1];
    }
    return avx512 ? &tables[0] : avx2 ? &tables[1] : &tables[2];
}
#else
#  define DECLARE_ALL(name) G4_PROTOTYPE(name, neon)
G4_OPS(DECLARE_ALL)
#  define NEON(name) g4_##name##_neon,
static const struct g4_table tables[] = {{"neon", G4_OPS(NEON)}};
static const struct g4_table * choose(void) { return &tables[0]; }
#endif

static const struct g4_table * table(void) {
    static const struct g4_table * chosen; // threads may race here: all choose the same
    const struct g4_table * t = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);
    if (t == NULL) {
        t = choose();
        __atomic_store_n(&chosen, t, __ATOMIC_RELEASE);
    }
    return t;
}

#define ENTRY(name) \
    void ggml4j_op_##name(struct ggml_tensor * dst, int ith, int nth, void * userdata) { table()->name(dst, ith, nth, userdata); }
G4_OPS(ENTRY)

int ggml4j_init(void * get_type_traits_cpu, void * cblas_sgemm, void * openblas_set_num_threads) {
    if (get_type_traits_cpu == NULL || cblas_sgemm == NULL) return -1;
    memcpy(&g4_traits, &get_type_traits_cpu, sizeof(g4_traits)); // from object to function pointer without a warning
    memcpy(&g4_cblas_sgemm, &cblas_sgemm, sizeof(g4_cblas_sgemm));
    if (openblas_set_num_threads != NULL) {
        void (*set)(int);
        memcpy(&set, &openblas_set_num_threads, sizeof(set));
        set(1);
    }
    return 0;
}

int ggml4j_computes(enum ggml_type type) {
    if (type < 0 || type >= GGML_TYPE_COUNT) return 0;
    if (type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16) return 1;
    if (!ggml_is_quantized(type)) return 0;
    const struct ggml_type_traits_cpu * traits = g4_traits(type);
    return traits->vec_dot != NULL && ggml_get_type_traits(type)->to_float != NULL &&
           g4_traits(traits->vec_dot_type)->from_float != NULL;
}

const char * ggml4j_kernel_isa(void) { return table()->isa; }

size_t ggml4j_sizeof_params(void) { return sizeof(struct ggml4j_params); }

// --- scratch memory, freed when its thread ends (not on Windows)

struct g4_scratch_memory {
    void * memory[G4_SLOTS];
    size_t size[G4_SLOTS];
};

static THREAD_LOCAL struct g4_scratch_memory * scratch;

#if !defined(_WIN32)
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void * p) {
    struct g4_scratch_memory * s = p;
    for (int i = 0; i < G4_SLOTS; i++) free(s->memory[i]);
    free(s);
}

static void scratch_make_key(void) { pthread_key_create(&scratch_key, scratch_free); }
#endif

void * g4_scratch(int slot, size_t bytes) {
    if (scratch == NULL) {
        scratch = calloc(1, sizeof(*scratch));
        if (scratch == NULL) abort();
#if !defined(_WIN32)
        pthread_once(&scratch_once, scratch_make_key);
        pthread_setspecific(scratch_key, scratch);
#endif
    }
    if (scratch->size[slot] < bytes) {
        free(scratch->memory[slot]);
        size_t size = (bytes + (bytes >> 2) + 4095) & ~(size_t) 4095;
#if defined(_WIN32)
        scratch->memory[slot] = _aligned_malloc(size, 64);
#else
        if (posix_memalign(&scratch->memory[slot], 64, size) != 0) scratch->memory[slot] = NULL;
#endif
        if (scratch->memory[slot] == NULL) abort(); // an op cannot report an error; ggml aborts too when it is out of memory
        scratch->size[slot] = size;
    }
    return scratch->memory[slot];
}

// --- helpers outside of graphs

float ggml4j_uniform(uint64_t seed, uint64_t site, uint64_t index) {
    uint64_t z = seed + site * 0x9E3779B97F4A7C15ull;
    for (int round = 0; round < 2; round++) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        z = z ^ (z >> 31);
        if (round == 0) z += index * 0xD1B54A32D192ED03ull;
    }
    return (float) (z >> 40) * 0x1p-24f;
}
