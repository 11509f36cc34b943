// Shared by the two libraries of the test double; see README.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Returns whether all of these bytes are in one allocated block of device memory.
bool ggml4j_double_holds(const void *start, size_t bytes);

// Prints to stderr what is wrong with a call. The caller returns CUDA's error code.
__attribute__((format(printf, 1, 2))) void ggml4j_double_complain(const char *format, ...);

// Counts a cuBLAS product.
void ggml4j_double_product(void);
