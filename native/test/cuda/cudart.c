// A test double of CUDA's runtime: libcudart without a GPU. See README.md.
//
// Device memory is host memory with a limit. Copies and fills work. Kernels do nothing, but their launches are checked as a GPU
// would check them. Everything runs synchronously, so streams and events have no effect.

#include <cuda_runtime_api.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "double.h"

#define VISIBLE __attribute__((visibility("default")))

enum {
  MIB = 1 << 20,
  MAX_DEVICES = 16,
  MULTIPROCESSORS = 132,
  SHARED_PER_BLOCK = 48 << 10,
  SHARED_PER_BLOCK_OPT_IN = 227 << 10,
  MAX_THREADS = 1024,
  MAX_GRID_YZ = 65535,
  GRANULARITY = 512, // of memory, bytes
};

typedef struct {
  char *start;
  size_t bytes;
  int device;
} block;

typedef struct {
  const void *function;
  int shared;
} allowance;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *blocks;
static size_t blocks_used, blocks_room;
static size_t used[MAX_DEVICES], peak[MAX_DEVICES];
static size_t largest; // single allocation
static allowance *allowances; // kernels with a raised limit of shared memory
static size_t allowances_used;
static unsigned long launches, copies, products, streams, events, complaints;

static _Thread_local int current;
static _Thread_local cudaError_t last_error;
static _Thread_local struct {
  dim3 grid, block;
  size_t shared;
  void *stream;
} pushed;

// ---- settings ----

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static size_t memory_limit(void) {
  return strtoull(setting("GGML4J_FAKE_CUDA_MEMORY", "1024"), NULL, 10) * MIB;
}

// "13.0" is 13000 + 0; "none" is 0
static int version_setting(const char *name, int otherwise) {
  const char *value = setting(name, NULL);
  int major = 0, minor = 0;
  if (!value) {
    return otherwise;
  }
  return sscanf(value, "%d.%d", &major, &minor) >= 1 ? 1000 * major + 10 * minor : 0;
}

static int capability(void) {
  int major = 9, minor = 0;
  sscanf(setting("GGML4J_FAKE_CUDA_CAPABILITY", "9.0"), "%d.%d", &major, &minor);
  return 10 * major + minor;
}

static int driver_version(void) {
  return version_setting("GGML4J_FAKE_CUDA_DRIVER", CUDART_VERSION);
}

static int device_count(void) {
  int count = atoi(setting("GGML4J_FAKE_CUDA_DEVICES", "1"));
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  if (visible) { // as CUDA: the list ends at the first number of no device
    int seen = 0;
    char *end;
    for (const char *at = visible; *at; at = *end ? end + 1 : end) {
      long device = strtol(at, &end, 10);
      if (end == at || device < 0 || device >= count) {
        break;
      }
      seen++;
    }
    count = seen;
  }
  return count < MAX_DEVICES ? count : MAX_DEVICES;
}

// GGML4J_FAKE_CUDA_FAIL: "cudaSetDevice=2" makes that function return 2; several with commas
static cudaError_t wished_failure(const char *function) {
  const char *wishes = setting("GGML4J_FAKE_CUDA_FAIL", "");
  size_t length = strlen(function);
  for (const char *at = wishes; (at = strstr(at, function)); at += length) {
    if ((at == wishes || at[-1] == ',') && at[length] == '=') {
      return (cudaError_t)atoi(at + length + 1);
    }
  }
  return cudaSuccess;
}

// ---- errors ----

static cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) {
    last_error = error;
  }
  return error;
}

// Called first in every function that may fail on a GPU.
#define BEGIN()                                          \
  do {                                                   \
    cudaError_t wished = wished_failure(__func__);       \
    if (wished != cudaSuccess) {                         \
      return result(wished);                             \
    }                                                    \
  } while (0)

VISIBLE void ggml4j_double_complain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("test double of CUDA: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  __atomic_add_fetch(&complaints, 1, __ATOMIC_RELAXED);
}

VISIBLE void ggml4j_double_product(void) {
  __atomic_add_fetch(&products, 1, __ATOMIC_RELAXED);
}

static const struct {
  cudaError_t code;
  const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorDevicesUnavailable, "cudaErrorDevicesUnavailable", "CUDA-capable device(s) is/are busy or unavailable"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorSystemDriverMismatch, "cudaErrorSystemDriverMismatch",
     "system has unsupported display driver / cuda driver combination"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

VISIBLE const char *cudaGetErrorName(cudaError_t error) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == error) {
      return errors[i].name;
    }
  }
  return "unrecognized error code";
}

VISIBLE const char *cudaGetErrorString(cudaError_t error) {
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == error) {
      return errors[i].text;
    }
  }
  return "unrecognized error code";
}

VISIBLE cudaError_t cudaGetLastError(void) {
  cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

VISIBLE cudaError_t cudaPeekAtLastError(void) {
  return last_error;
}

// ---- devices ----

VISIBLE cudaError_t cudaDriverGetVersion(int *version) {
  *version = driver_version();
  return cudaSuccess;
}

VISIBLE cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaGetDeviceCount(int *count) {
  *count = 0;
  BEGIN();
  if (driver_version() / 1000 < CUDART_VERSION / 1000) {
    return result(cudaErrorInsufficientDriver);
  }
  *count = device_count();
  return result(*count ? cudaSuccess : cudaErrorNoDevice);
}

VISIBLE cudaError_t cudaGetDevice(int *device) {
  *device = current;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaSetDevice(int device) {
  BEGIN();
  if (device < 0 || device >= device_count()) {
    return result(cudaErrorInvalidDevice);
  }
  current = device;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaSetDeviceFlags(unsigned int flags) {
  (void)flags;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
  BEGIN();
  if (device < 0 || device >= device_count()) {
    return result(cudaErrorInvalidDevice);
  }
  memset(properties, 0, sizeof *properties);
  snprintf(properties->name, sizeof properties->name, "%s",
           setting("GGML4J_FAKE_CUDA_NAME", "Test double of CUDA, no GPU"));
  properties->totalGlobalMem = memory_limit();
  properties->sharedMemPerBlock = SHARED_PER_BLOCK;
  properties->sharedMemPerBlockOptin = SHARED_PER_BLOCK_OPT_IN;
  properties->sharedMemPerMultiprocessor = SHARED_PER_BLOCK_OPT_IN + 1024;
  properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = MAX_THREADS;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->multiProcessorCount = MULTIPROCESSORS;
  properties->major = capability() / 10;
  properties->minor = capability() % 10;
  properties->cooperativeLaunch = 1;
  properties->unifiedAddressing = 1;
  properties->pciBusID = 1 + device;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
  BEGIN();
  if (device < 0 || device >= device_count()) {
    return result(cudaErrorInvalidDevice);
  }
  switch ((int)attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = capability() / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = capability() % 10; break;
    case cudaDevAttrMultiProcessorCount: *value = MULTIPROCESSORS; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = SHARED_PER_BLOCK; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = SHARED_PER_BLOCK_OPT_IN; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = MAX_THREADS; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrCooperativeLaunch: *value = 1; break;
    default: *value = 0; break;
  }
  return cudaSuccess;
}

VISIBLE cudaError_t cudaDeviceGetPCIBusId(char *id, int length, int device) {
  snprintf(id, (size_t)length, "0000:%02X:00.0", 1 + device);
  return cudaSuccess;
}

VISIBLE cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer) {
  (void)device, (void)peer;
  *can = 0;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned int flags) {
  (void)peer, (void)flags;
  return result(cudaErrorInvalidDevice);
}

VISIBLE cudaError_t cudaDeviceSynchronize(void) {
  return cudaSuccess;
}

// ---- memory ----

// Returns the block that contains an address, or null. The caller holds the lock.
static block *find(const void *address) {
  for (size_t i = 0; i < blocks_used; i++) {
    const char *start = blocks[i].start;
    if ((const char *)address >= start && (const char *)address < start + blocks[i].bytes) {
      return &blocks[i];
    }
  }
  return NULL;
}

VISIBLE bool ggml4j_double_holds(const void *start, size_t bytes) {
  pthread_mutex_lock(&lock);
  block *holder = find(start);
  bool holds = holder && bytes <= (size_t)(holder->start + holder->bytes - (const char *)start);
  pthread_mutex_unlock(&lock);
  return holds;
}

VISIBLE cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
  BEGIN();
  pthread_mutex_lock(&lock);
  *total = memory_limit();
  *free_bytes = *total > used[current] ? *total - used[current] : 0;
  pthread_mutex_unlock(&lock);
  return cudaSuccess;
}

VISIBLE cudaError_t cudaMalloc(void **pointer, size_t bytes) {
  *pointer = NULL;
  BEGIN();
  if (bytes == 0) {
    return cudaSuccess;
  }
  size_t whole = (bytes + GRANULARITY - 1) / GRANULARITY * GRANULARITY;
  cudaError_t error = cudaSuccess;
  pthread_mutex_lock(&lock);
  if (whole < bytes || used[current] + whole > memory_limit()) {
    error = cudaErrorMemoryAllocation;
  } else {
    if (blocks_used == blocks_room) {
      blocks_room = 2 * blocks_room + 64;
      blocks = realloc(blocks, blocks_room * sizeof *blocks);
    }
    // Zeros, so that unwritten results are defined; pages are allocated when they are touched
    void *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks && start != MAP_FAILED) {
      *pointer = start;
      blocks[blocks_used++] = (block){start, whole, current};
      used[current] += whole;
      peak[current] = used[current] > peak[current] ? used[current] : peak[current];
      largest = bytes > largest ? bytes : largest;
    } else {
      error = cudaErrorMemoryAllocation;
    }
  }
  pthread_mutex_unlock(&lock);
  return result(error);
}

VISIBLE cudaError_t cudaMallocManaged(void **pointer, size_t bytes, unsigned int flags) {
  (void)flags;
  return cudaMalloc(pointer, bytes);
}

VISIBLE cudaError_t cudaFree(void *pointer) {
  BEGIN();
  if (!pointer) {
    return cudaSuccess;
  }
  pthread_mutex_lock(&lock);
  block *found = find(pointer);
  bool whole = found && found->start == pointer;
  if (whole) {
    munmap(pointer, found->bytes);
    used[found->device] -= found->bytes;
    *found = blocks[--blocks_used];
  }
  pthread_mutex_unlock(&lock);
  if (!whole) {
    ggml4j_double_complain("cudaFree of %p, which is not allocated", pointer);
    return result(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

VISIBLE cudaError_t cudaMallocHost(void **pointer, size_t bytes) {
  BEGIN();
  *pointer = NULL;
  return result(posix_memalign(pointer, 4096, bytes ? bytes : 1) ? cudaErrorMemoryAllocation : cudaSuccess);
}

VISIBLE cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned int flags) {
  (void)flags;
  return cudaMallocHost(pointer, bytes);
}

VISIBLE cudaError_t cudaFreeHost(void *pointer) {
  free(pointer);
  return cudaSuccess;
}

VISIBLE cudaError_t cudaHostRegister(void *pointer, size_t bytes, unsigned int flags) {
  (void)pointer, (void)bytes, (void)flags;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaHostUnregister(void *pointer) {
  (void)pointer;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned int flags) {
  (void)flags;
  *device = host;
  return cudaSuccess;
}

static cudaError_t check_range(const char *what, const void *start, size_t bytes) {
  if (bytes == 0 || ggml4j_double_holds(start, bytes)) {
    return cudaSuccess;
  }
  ggml4j_double_complain("%s: %zu bytes at %p are not in the device's memory", what, bytes, start);
  return cudaErrorInvalidValue;
}

static cudaError_t check_copy(const void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  __atomic_add_fetch(&copies, 1, __ATOMIC_RELAXED);
  cudaError_t error = cudaSuccess;
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) {
    error = check_range("target of a copy", to, bytes);
  }
  if (error == cudaSuccess && (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)) {
    error = check_range("source of a copy", from, bytes);
  }
  return error;
}

VISIBLE cudaError_t cudaMemcpyAsync(
    void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
  (void)stream;
  BEGIN();
  cudaError_t error = check_copy(to, from, bytes, kind);
  if (error == cudaSuccess) {
    memmove(to, from, bytes);
  }
  return result(error);
}

VISIBLE cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, NULL);
}

VISIBLE cudaError_t cudaMemcpyPeerAsync(
    void *to, int to_device, const void *from, int from_device, size_t bytes, cudaStream_t stream) {
  (void)to_device, (void)from_device;
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

VISIBLE cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                      size_t height, enum cudaMemcpyKind kind, cudaStream_t stream) {
  (void)stream;
  BEGIN();
  if (width > to_pitch || width > from_pitch) {
    return result(cudaErrorInvalidValue);
  }
  for (size_t row = 0; row < height; row++) {
    char *target = (char *)to + row * to_pitch;
    const char *source = (const char *)from + row * from_pitch;
    cudaError_t error = check_copy(target, source, width, kind);
    if (error != cudaSuccess) {
      return result(error);
    }
    memmove(target, source, width);
  }
  return cudaSuccess;
}

VISIBLE cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  (void)stream;
  BEGIN();
  cudaError_t error = check_range("target of a fill", to, bytes);
  if (error == cudaSuccess) {
    memset(to, value, bytes);
  }
  return result(error);
}

VISIBLE cudaError_t cudaMemset(void *to, int value, size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, NULL);
}

// ---- streams and events ----

static cudaError_t name_of(void **handle, unsigned long *count) {
  *handle = malloc(1);
  __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
  return result(*handle ? cudaSuccess : cudaErrorMemoryAllocation);
}

static cudaError_t forget(void *handle, unsigned long *count) {
  free(handle);
  __atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
  return cudaSuccess;
}

VISIBLE cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags) {
  (void)flags;
  BEGIN();
  return name_of((void **)stream, &streams);
}

VISIBLE cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return forget(stream, &streams);
}

VISIBLE cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  (void)stream;
  BEGIN();
  return cudaSuccess;
}

VISIBLE cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags) {
  (void)stream, (void)event, (void)flags;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags) {
  (void)flags;
  BEGIN();
  return name_of((void **)event, &events);
}

VISIBLE cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return forget(event, &events);
}

VISIBLE cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  (void)event, (void)stream;
  return cudaSuccess;
}

VISIBLE cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  (void)event;
  return cudaSuccess;
}

// ---- kernels ----

static int allowed_shared(const void *function) {
  int shared = SHARED_PER_BLOCK;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < allowances_used; i++) {
    if (allowances[i].function == function) {
      shared = allowances[i].shared;
    }
  }
  pthread_mutex_unlock(&lock);
  return shared;
}

static cudaError_t launch(const void *function, dim3 grid, dim3 threads, size_t shared) {
  __atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED);
  const char *problem = NULL;
  if (!grid.x || !grid.y || !grid.z || !threads.x || !threads.y || !threads.z) {
    problem = "an empty grid or block";
  } else if (grid.x > 0x7fffffffu || grid.y > MAX_GRID_YZ || grid.z > MAX_GRID_YZ) {
    problem = "too large a grid";
  } else if (threads.x > 1024 || threads.y > 1024 || threads.z > 64
             || (size_t)threads.x * threads.y * threads.z > MAX_THREADS) {
    problem = "too large a block";
  } else if (shared > (size_t)allowed_shared(function)) {
    problem = "more shared memory than the kernel may use";
  }
  if (problem) {
    ggml4j_double_complain("launch with %s: grid %u %u %u, block %u %u %u, %zu bytes shared", problem, grid.x, grid.y,
                           grid.z, threads.x, threads.y, threads.z, shared);
    return result(cudaErrorInvalidConfiguration);
  }
  return cudaSuccess;
}

VISIBLE unsigned __cudaPushCallConfiguration(dim3 grid, dim3 threads, size_t shared, void *stream) {
  pushed.grid = grid;
  pushed.block = threads;
  pushed.shared = shared;
  pushed.stream = stream;
  return 0;
}

VISIBLE cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *threads, size_t *shared, void *stream) {
  *grid = pushed.grid;
  *threads = pushed.block;
  *shared = pushed.shared;
  *(void **)stream = pushed.stream;
  return cudaSuccess;
}

VISIBLE cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) {
  *kernel = (cudaKernel_t)function;
  return cudaSuccess;
}

VISIBLE cudaError_t __cudaLaunchKernel(
    cudaKernel_t kernel, dim3 grid, dim3 threads, void **arguments, size_t shared, cudaStream_t stream) {
  (void)arguments, (void)stream;
  return launch(kernel, grid, threads, shared);
}

VISIBLE cudaError_t cudaLaunchKernel(
    const void *function, dim3 grid, dim3 threads, void **arguments, size_t shared, cudaStream_t stream) {
  (void)arguments, (void)stream;
  return launch(function, grid, threads, shared);
}

VISIBLE cudaError_t cudaLaunchCooperativeKernel(
    const void *function, dim3 grid, dim3 threads, void **arguments, size_t shared, cudaStream_t stream) {
  (void)arguments, (void)stream;
  return launch(function, grid, threads, shared);
}

VISIBLE cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *function, void **arguments) {
  (void)arguments;
  return launch(function, config->gridDim, config->blockDim, config->dynamicSmemBytes);
}

VISIBLE cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *function) {
  BEGIN();
  memset(attributes, 0, sizeof *attributes);
  attributes->maxThreadsPerBlock = MAX_THREADS;
  attributes->numRegs = 32;
  attributes->ptxVersion = capability();
  attributes->binaryVersion = capability();
  attributes->maxDynamicSharedSizeBytes = allowed_shared(function);
  return cudaSuccess;
}

VISIBLE cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value) {
  BEGIN();
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) {
    return cudaSuccess;
  }
  if (value < 0 || value > SHARED_PER_BLOCK_OPT_IN) {
    ggml4j_double_complain("cudaFuncSetAttribute: %d bytes of shared memory, at most %d", value,
                           SHARED_PER_BLOCK_OPT_IN);
    return result(cudaErrorInvalidValue);
  }
  pthread_mutex_lock(&lock);
  allowance *wider = realloc(allowances, (allowances_used + 1) * sizeof *allowances);
  if (wider) {
    allowances = wider;
    allowances[allowances_used++] = (allowance){function, value}; // later values take precedence
  }
  pthread_mutex_unlock(&lock);
  return result(wider ? cudaSuccess : cudaErrorMemoryAllocation);
}

VISIBLE cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *count, const void *function, int threads, size_t shared, unsigned int flags) {
  (void)function, (void)flags;
  int by_threads = threads > 0 ? 2048 / threads : 1;
  int by_shared = shared ? (int)(SHARED_PER_BLOCK_OPT_IN / shared) : by_threads;
  *count = by_threads < by_shared ? by_threads : by_shared;
  return cudaSuccess;
}

// ---- called by code of nvcc when a library is loaded ----

VISIBLE void **__cudaRegisterFatBinary(void *binary) {
  (void)binary;
  return calloc(1, sizeof(void *));
}

VISIBLE void __cudaRegisterFatBinaryEnd(void **handle) {
  (void)handle;
}

VISIBLE void __cudaUnregisterFatBinary(void **handle) {
  free(handle);
}

VISIBLE void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads,
                                    void *thread, void *block_id, void *block_size, void *grid, int *warp) {
  (void)handle, (void)host, (void)device, (void)name, (void)threads;
  (void)thread, (void)block_id, (void)block_size, (void)grid, (void)warp;
}

VISIBLE void __cudaRegisterVar(
    void **handle, char *host, char *device, const char *name, int external, size_t bytes, int constant, int global) {
  (void)handle, (void)host, (void)device, (void)name, (void)external, (void)bytes, (void)constant, (void)global;
}

// ---- report ----

__attribute__((destructor)) static void report(void) {
  const char *file = setting("GGML4J_FAKE_CUDA_REPORT", NULL);
  FILE *out = file ? fopen(file, "a") : NULL;
  if (out) {
    size_t left = 0, most = 0;
    for (int i = 0; i < MAX_DEVICES; i++) {
      left += used[i];
      most += peak[i];
    }
    fprintf(out,
            "peak=%zu left=%zu blocks=%zu largest=%zu launches=%lu products=%lu copies=%lu streams=%lu events=%lu "
            "complaints=%lu\n",
            most, left, blocks_used, largest, launches, products, copies, streams, events, complaints);
    fclose(out);
  }
}
