// A test double of cuBLAS: checks the arguments of products and whether their matrices are in device memory; computes nothing.
// See README.md.

#include <cublas_v2.h>

#include <stdlib.h>

#include "double.h"

#define VISIBLE __attribute__((visibility("default")))

VISIBLE cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
  *handle = calloc(1, 1);
  return *handle ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

VISIBLE cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  free(handle);
  return CUBLAS_STATUS_SUCCESS;
}

VISIBLE cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  (void)handle, (void)stream;
  return CUBLAS_STATUS_SUCCESS;
}

VISIBLE cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  (void)handle, (void)mode;
  return CUBLAS_STATUS_SUCCESS;
}

VISIBLE cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes) {
  (void)handle;
  return bytes == 0 || ggml4j_double_holds(workspace, bytes) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

VISIBLE const char *cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_ALLOC_FAILED: return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    default: return "another status";
  }
}

static size_t bytes_of(cudaDataType type) {
  switch (type) {
    case CUDA_R_32F: return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF: return 2;
    case CUDA_R_8I: return 1;
    case CUDA_R_64F: return 8;
    default: return 4;
  }
}

// A column-major matrix, or several of them, stride elements apart.
typedef struct {
  const char *name;
  const void *data;
  int rows, columns, leading;
  cudaDataType type;
  long long stride;
} matrix;

static cublasStatus_t check(matrix m, int count) {
  if (m.rows < 0 || m.columns < 0 || m.leading < (m.rows > 1 ? m.rows : 1)) {
    ggml4j_double_complain("product: %s has %d rows, %d columns, leading dimension %d", m.name, m.rows, m.columns,
                           m.leading);
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (m.rows == 0 || m.columns == 0 || count == 0) {
    return CUBLAS_STATUS_SUCCESS;
  }
  size_t elements = (size_t)m.leading * (size_t)(m.columns - 1) + (size_t)m.rows;
  size_t bytes = ((size_t)m.stride * (size_t)(count - 1) + elements) * bytes_of(m.type);
  if (!ggml4j_double_holds(m.data, bytes)) {
    ggml4j_double_complain("product: %s (%d x %d, leading dimension %d, %d of them) is not in the device's memory",
                           m.name, m.rows, m.columns, m.leading, count);
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t product(cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, matrix a, matrix b,
                              matrix c, int count) {
  a.name = "A";
  a.rows = ta == CUBLAS_OP_N ? m : k;
  a.columns = ta == CUBLAS_OP_N ? k : m;
  b.name = "B";
  b.rows = tb == CUBLAS_OP_N ? k : n;
  b.columns = tb == CUBLAS_OP_N ? n : k;
  c.name = "C";
  c.rows = m;
  c.columns = n;
  ggml4j_double_product();
  cublasStatus_t status = check(a, count);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = check(b, count);
  }
  return status == CUBLAS_STATUS_SUCCESS ? check(c, count) : status;
}

#define MATRIX(pointer, ld, element, distance) ((matrix){.data = pointer, .leading = ld, .type = element, .stride = distance})

VISIBLE cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                                      int k, const float *alpha, const float *A, int lda, const float *B, int ldb,
                                      const float *beta, float *C, int ldc) {
  (void)handle, (void)alpha, (void)beta;
  return product(ta, tb, m, n, k, MATRIX(A, lda, CUDA_R_32F, 0), MATRIX(B, ldb, CUDA_R_32F, 0),
                 MATRIX(C, ldc, CUDA_R_32F, 0), 1);
}

VISIBLE cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                                 int m, int n, int k, const float *alpha, const float *A, int lda,
                                                 long long strideA, const float *B, int ldb, long long strideB,
                                                 const float *beta, float *C, int ldc, long long strideC, int count) {
  (void)handle, (void)alpha, (void)beta;
  return product(ta, tb, m, n, k, MATRIX(A, lda, CUDA_R_32F, strideA), MATRIX(B, ldb, CUDA_R_32F, strideB),
                 MATRIX(C, ldc, CUDA_R_32F, strideC), count);
}

VISIBLE cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                                    int k, const void *alpha, const void *A, cudaDataType Atype, int lda,
                                    const void *B, cudaDataType Btype, int ldb, const void *beta, void *C,
                                    cudaDataType Ctype, int ldc, cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  (void)handle, (void)alpha, (void)beta, (void)compute, (void)algo;
  return product(ta, tb, m, n, k, MATRIX(A, lda, Atype, 0), MATRIX(B, ldb, Btype, 0), MATRIX(C, ldc, Ctype, 0), 1);
}

VISIBLE cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                                  int m, int n, int k, const void *alpha, const void *A,
                                                  cudaDataType Atype, int lda, long long strideA, const void *B,
                                                  cudaDataType Btype, int ldb, long long strideB, const void *beta,
                                                  void *C, cudaDataType Ctype, int ldc, long long strideC, int count,
                                                  cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  (void)handle, (void)alpha, (void)beta, (void)compute, (void)algo;
  return product(ta, tb, m, n, k, MATRIX(A, lda, Atype, strideA), MATRIX(B, ldb, Btype, strideB),
                 MATRIX(C, ldc, Ctype, strideC), count);
}

// The arrays of pointers would be filled by a kernel, so only the arrays themselves are checked.
static cublasStatus_t pointers(const void *A, const void *B, const void *C, int count) {
  size_t bytes = (size_t)count * sizeof(void *);
  ggml4j_double_product();
  if (ggml4j_double_holds(A, bytes) && ggml4j_double_holds(B, bytes) && ggml4j_double_holds(C, bytes)) {
    return CUBLAS_STATUS_SUCCESS;
  }
  ggml4j_double_complain("product: arrays of %d pointers are not in the device's memory", count);
  return CUBLAS_STATUS_INVALID_VALUE;
}

VISIBLE cublasStatus_t cublasSgemmBatched(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                          int n, int k, const float *alpha, const float *const A[], int lda,
                                          const float *const B[], int ldb, const float *beta, float *const C[],
                                          int ldc, int count) {
  (void)handle, (void)ta, (void)tb, (void)m, (void)n, (void)k;
  (void)alpha, (void)lda, (void)ldb, (void)beta, (void)ldc;
  return pointers(A, B, C, count);
}

VISIBLE cublasStatus_t cublasGemmBatchedEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                                           int n, int k, const void *alpha, const void *const A[], cudaDataType Atype,
                                           int lda, const void *const B[], cudaDataType Btype, int ldb,
                                           const void *beta, void *const C[], cudaDataType Ctype, int ldc, int count,
                                           cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  (void)handle, (void)ta, (void)tb, (void)m, (void)n, (void)k, (void)alpha, (void)Atype, (void)lda;
  (void)Btype, (void)ldb, (void)beta, (void)Ctype, (void)ldc, (void)compute, (void)algo;
  return pointers(A, B, C, count);
}

VISIBLE cublasStatus_t cublasStrsmBatched(cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t fill,
                                          cublasOperation_t t, cublasDiagType_t diagonal, int m, int n,
                                          const float *alpha, const float *const A[], int lda, float *const B[],
                                          int ldb, int count) {
  (void)handle, (void)side, (void)fill, (void)t, (void)diagonal, (void)m, (void)n, (void)alpha, (void)lda, (void)ldb;
  return pointers(A, B, B, count);
}
